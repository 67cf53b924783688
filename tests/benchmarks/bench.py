"""What every benchmark shares: a product on the stack, many companies, and how a figure is judged."""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from bridge.store.connections import ConnectionStore, Tokens
from bridge.store.database import open_pool
from deploy.local.product import Process, QuickBooks, command, new_environment, start_bridge, start_emulator
from deploy.local.stack import LocalStack
from deploy.local.topics import create_topics
from schemas.codec import Codec
from schemas.topics import DEAD_LETTERS, TOPICS

POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    name: str
    shown: str
    goal: str
    reached: bool


@dataclass(slots=True, kw_only=True)
class Bench:
    stack: LocalStack
    folder: Path

    @contextmanager
    def product(self, *, companies: int, latency: float) -> Iterator["Product"]:
        """Have an emulator with so many US companies, all connected, and a migrated database; nothing else runs."""
        quickbooks = start_emulator(self.folder, arguments=["--company", "us", "--latency", str(latency)])
        prefix = f"b{uuid.uuid4().hex[:8]}."
        environment = new_environment(
            database_url=self.stack.create_database(f"bench_{uuid.uuid4().hex[:8]}"),
            bootstrap_servers=self.stack.bootstrap_servers,
            quickbooks=quickbooks,
        ) | {"QBO_BRIDGE_TOPIC_PREFIX": prefix, "QBO_BRIDGE_CONSUMER_GROUP": f"{prefix}group"}
        create_topics(self.stack.bootstrap_servers, {prefix + t: 6 for t in (*TOPICS, DEAD_LETTERS)})
        command(environment, "migrate")
        made = quickbooks.control("/companies", {"country": "us", "count": companies})["companies"]
        tenants = {f"loc_{n}": str(company["realm_id"]) for n, company in enumerate(made)}
        product = Product(
            environment=environment, quickbooks=quickbooks, prefix=prefix, tenants=tenants, folder=self.folder
        )
        asyncio.run(product.connect({str(c["realm_id"]): c for c in made}))
        product.execute("UPDATE lane SET due_at = now()")
        try:
            yield product
        finally:
            for process in product.processes:
                process.stop()
            quickbooks.process.stop()


@dataclass(slots=True, kw_only=True)
class Product:
    environment: dict[str, str]
    quickbooks: QuickBooks
    prefix: str
    #: Tenant id -> realm id.
    tenants: dict[str, str]
    folder: Path
    processes: list[Process] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.processes = []

    def start(self, *roles: str) -> tuple[Process, str]:
        process, address = start_bridge(self.environment, folder=self.folder, roles=roles)
        self.processes.append(process)
        return process, address

    async def connect(self, grants: Mapping[str, Mapping[str, Any]]) -> None:
        now = datetime.now(UTC)
        async with open_pool(self.environment["DATABASE_URL"], size=3) as pool:
            store = ConnectionStore(pool, Codec(), [self.environment["QBO_BRIDGE_TOKEN_KEYS"]])
            for tenant_id, realm_id in self.tenants.items():
                tokens = Tokens(
                    access_token=grants[realm_id]["access_token"],
                    access_expires_at=now + timedelta(hours=1),
                    refresh_token=grants[realm_id]["refresh_token"],
                    refresh_expires_at=now + timedelta(days=100),
                )
                await store.connect(
                    tenant_id=tenant_id, realm_id=realm_id, tokens=tokens, import_invoices=False, review_requests=False
                )

    def one(self, query: str) -> Any:
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True, row_factory=dict_row) as connection:
            row = connection.execute(query.encode()).fetchone()
        return next(iter(row.values())) if row else None

    def execute(self, query: str) -> None:
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(query.encode())

    def until(self, condition: Callable[[], bool], patience_seconds: float = 300) -> float:
        """Wait for the condition and return the monotonic moment it held."""
        deadline = time.monotonic() + patience_seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("the benchmark did not come to its end; see the logs beside it")
            time.sleep(POLL_SECONDS)
        return time.monotonic()


def resident_megabytes(pid: int) -> float:
    """Return the highest resident memory a process has had so far."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    line = next(one for one in status.splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
