"""`python -m tests.benchmarks.emulator_rate`: how many simple requests a second the emulator answers on one core.

The emulator runs in a process of its own on a core of its own. Wall-clock figures depend on what else the machine
does and on this client; what a request costs the emulator in processor time does not, so both are told.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import simplejson

from tests.benchmarks.bench import Bench, Figure

GOAL = 1_500
IN_FLIGHT = 16
Ask = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    name: str
    requests: int
    seconds: float
    processor_seconds: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    @property
    def per_processor_second(self) -> float:
        return self.requests / self.processor_seconds

    def __str__(self) -> str:
        return (
            f"{self.name:<16} {self.requests:>6} requests  {self.per_second:>7,.0f} a second"
            f"  {self.per_processor_second:>7,.0f} a second of its core"
        )


class Company:
    """One company of the emulator, as its benchmarks ask it."""

    def __init__(self, session: aiohttp.ClientSession, told: dict[str, Any]) -> None:
        company = told["companies"][0]
        self._session = session
        self._url = f"{told['base_url']}/v3/company/{company['realm_id']}"
        self._headers = {"Authorization": f"Bearer {company['access_token']}", "Accept": "application/json"}

    async def create(self, number: int) -> None:
        body = simplejson.dumps({"DisplayName": f"Customer {number}", "GivenName": "Amy", "FamilyName": "Bird"})
        await self._ask("POST", f"/customer?requestid=b-{number}", data=body)

    async def read(self, number: int) -> None:
        await self._ask("GET", f"/customer/{1 + number % 100}")

    async def query(self, number: int) -> None:
        name = f"Customer%20{number % 100}"
        await self._ask("GET", f"/query?query=select%20*%20from%20Customer%20where%20DisplayName%20=%20'{name}'")

    async def sell(self, number: int) -> None:
        line = {
            "Amount": 12.5,
            "DetailType": "SalesItemLineDetail",
            "SalesItemLineDetail": {"Qty": 1, "UnitPrice": 12.5},
        }
        body = simplejson.dumps({"CustomerRef": {"value": str(1 + number % 100)}, "Line": [line]})
        await self._ask("POST", f"/salesreceipt?requestid=s-{number}", data=body)

    async def _ask(self, method: str, path: str, **options: Any) -> None:
        async with self._session.request(method, self._url + path, headers=self._headers, **options) as answer:
            await answer.read()
            answer.raise_for_status()


@contextmanager
def emulator(core: int, *arguments: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Its process id, and what it announced."""
    command = [sys.executable, "-m", "qbo_client.emulator", "--json", "--no-throttling", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        os.sched_setaffinity(process.pid, {core})
        assert process.stdout is not None
        try:
            yield process.pid, simplejson.loads(process.stdout.readline())["quickbooks"]
        finally:
            process.terminate()


async def measured(name: str, ask: Ask, requests: int, pid: int) -> Rate:
    numbers = iter(range(requests))

    async def work() -> None:
        for number in numbers:
            await ask(number)

    used, started = processor_seconds(pid), time.perf_counter()
    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    elapsed = time.perf_counter() - started
    return Rate(name=name, requests=requests, seconds=elapsed, processor_seconds=processor_seconds(pid) - used)


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def rates(pid: int, told: dict[str, Any], requests: int) -> list[Rate]:
    async with aiohttp.ClientSession() as session:
        company = Company(session, told)
        asked = {"create customer": company.create, "read by id": company.read, "query by name": company.query}
        asked["sales receipt"] = company.sell
        return [await measured(name, ask, requests, pid) for name, ask in asked.items()]


def run(_bench: Bench) -> list[Figure]:
    return [
        Figure(
            name=f"emulator, {rate.name}, a second of one core",
            shown=f"{rate.per_processor_second:,.0f}",
            goal=f"at least {GOAL:,}",
            reached=rate.per_processor_second >= GOAL,
        )
        for rate in found(requests=4_000)
    ]


def found(*, requests: int, arguments: Sequence[str] = ()) -> list[Rate]:
    """Measure with the emulator on the first core and its client on the others."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, set(cores[1:] or cores))
    try:
        with emulator(cores[0], *arguments) as (pid, told):
            return asyncio.run(rates(pid, told, requests))
    finally:
        os.sched_setaffinity(0, set(cores))


def main() -> int:
    parser = argparse.ArgumentParser(prog="emulator_rate", description=__doc__)
    parser.add_argument("--requests", type=int, default=4_000, help="of each kind")
    parser.add_argument("--state", help="keep the state in this file, to see what that costs")
    options = parser.parse_args()
    arguments = ["--state", options.state] if options.state else []
    for rate in found(requests=options.requests, arguments=arguments):
        sys.stdout.write(f"{rate}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
