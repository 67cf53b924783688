from datetime import UTC, datetime

from qbo_client.clock import SystemClock


async def test_system_clock_is_aware_and_goes_on() -> None:
    clock = SystemClock()
    before, started = datetime.now(UTC), clock.monotonic()
    await clock.sleep(0)
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.monotonic() >= started
