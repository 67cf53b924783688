"""The stop for the bad day, as every send sees it: asked of the database once a second, not once a request."""

import structlog

from bridge.store.database import Away, Pool, session
from consumers.ports import WritesStopped
from qbo_client.clock import Clock

_LOOK_EVERY_SECONDS = 1.0


log = structlog.get_logger(__name__)


class WriteSwitch:
    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._reason: str | None = None

    def check(self) -> None:
        """Raise WritesStopped if an operator stopped all writes."""
        if self._reason is not None:
            raise WritesStopped(self._reason)

    async def run(self) -> None:
        """Keep up with the database until cancelled. While it is away nothing can be committed either."""
        while True:
            try:
                await self.look()
            except Away as error:
                log.warning("write_switch_as_last_known", stopped=self._reason, error=str(error))
            await self._clock.sleep(_LOOK_EVERY_SECONDS)

    async def look(self) -> None:
        """Ask the database once; before anything is sent, or a process that starts during a stop would send."""
        self._reason = await self._ask()

    async def _ask(self) -> str | None:
        async with session(self._pool) as connection:
            row = await (await connection.execute("SELECT reason FROM stop_writes")).fetchone()
        return str(row["reason"]) if row else None
