"""The demo's course: start, connect, publish, watch, compare, and either end or leave it running."""

import secrets
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import simplejson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bridge.webhooks import PATH as WEBHOOK_PATH
from deploy.local import commands
from deploy.local.demo import examples, other_hand
from deploy.local.demo.books import compare, show
from deploy.local.demo.crm import GB, US, Event, Published, clock_now
from deploy.local.demo.invoicing import trade_and_bill
from deploy.local.demo.other_hand import Listener, OtherHand
from deploy.local.demo.publish import count_on, publish
from deploy.local.errors import LocalStackError
from deploy.local.ports import free_ports
from deploy.local.product import (
    Process,
    QuickBooks,
    command,
    connect,
    new_environment,
    start_bridge,
    start_emulator,
)
from deploy.local.records import ENVIRONMENT_FILE, record_environment, record_process, update_stack
from deploy.local.stack import LocalStack, Source, start_stack
from deploy.local.topics import create_topics
from schemas.topics import DEAD_LETTERS, TOPICS

T = TypeVar("T")

_SEED = 20261124
_CONTACTS = 30
_SALES = 90
_INVOICES = 20
_GIVEN_BACK = 4
_SETTLED = frozenset({"done", "skipped", "attention"})
_PATIENCE_SECONDS = 180
_SHOWN = 5


@dataclass(slots=True, kw_only=True)
class Demo:
    console: Console
    folder: Path
    keep: bool
    environment: dict[str, str] = field(default_factory=dict)
    prefix: str = ""

    def run(self) -> bool:
        """Run the whole course; returns whether the books equal what was published."""
        commands.down(self.folder)
        # Every demo begins with empty books: what an earlier one left on Kafka would be read again.
        for data in ("kafka", "postgres"):
            shutil.rmtree(self.folder / data, ignore_errors=True)
        logs = self.folder / "logs"
        with ExitStack() as undo:
            stack = self._step("Kafka and PostgreSQL", lambda: start_stack(self.folder, keep=self.keep))
            undo.callback(stack.stop)
            quickbooks = self._step(
                "QuickBooks emulator (a stand-in: no real company is touched)",
                lambda: start_emulator(logs, arguments=["--company", "us", "--company", "gb", "--company", "ca"]),
            )
            undo.callback(quickbooks.process.stop)
            self._prepare(stack, quickbooks)
            bridge, address = self._step("bridge", lambda: start_bridge(self.environment, folder=logs))
            undo.callback(bridge.stop)
            self._have_webhooks_pushed(quickbooks)
            realms = self._connect(quickbooks, logs)
            equal = self._trade(stack, quickbooks, realms)
            self._go_the_other_way(stack, quickbooks, realms[other_hand.TENANT])
            self._say_where(stack, quickbooks, address)
            if self.keep:
                self._record(stack, quickbooks, bridge, address, realms)
                self._say_how()
                undo.pop_all()
        return equal

    def _prepare(self, stack: LocalStack, quickbooks: QuickBooks) -> None:
        database_url = stack.create_database(f"demo_{int(time.time())}")
        if stack.parts["kafka"].source is Source.GIVEN:
            self.prefix = f"demo-{int(time.time())}."
            self.console.print(f"[dim]on the Kafka that was given, topics begin with {self.prefix}[/]")
        topics = {**dict.fromkeys(TOPICS, 6), DEAD_LETTERS: 1}
        create_topics(stack.bootstrap_servers, {self.prefix + name: count for name, count in topics.items()})
        self.environment = new_environment(
            database_url=database_url, bootstrap_servers=stack.bootstrap_servers, quickbooks=quickbooks
        )
        self.environment["QBO_BRIDGE_CONSUMER_GROUP"] = f"demo-{int(time.time())}"
        self.environment["QBO_BRIDGE_TOPIC_PREFIX"] = self.prefix
        self.environment["QBO_BRIDGE_WEBHOOK_VERIFIER_TOKEN"] = secrets.token_urlsafe(24)
        self.environment["QBO_BRIDGE_WEBHOOK_PORT"] = str(free_ports(1)[0])
        command(self.environment, "migrate")

    def _have_webhooks_pushed(self, quickbooks: QuickBooks) -> None:
        url = f"http://127.0.0.1:{self.environment['QBO_BRIDGE_WEBHOOK_PORT']}{WEBHOOK_PATH}"
        verifier = self.environment["QBO_BRIDGE_WEBHOOK_VERIFIER_TOKEN"]
        quickbooks.control("/webhooks", {"url": url, "verifier": verifier})

    def _connect(self, quickbooks: QuickBooks, logs: Path) -> dict[str, str]:
        tenants = (US.tenant_id, GB.tenant_id, other_hand.TENANT)
        realms = {
            tenant_id: str(company["realm_id"])
            for tenant_id, company in zip(tenants, quickbooks.companies, strict=True)
        }
        other_hand.fill(quickbooks, realms[other_hand.TENANT])
        toggles = ("--import-invoices", "--review-requests")
        for tenant_id, realm_id in realms.items():
            said = connect(self.environment, tenant_id, realm_id, folder=logs, options=toggles)
            facts = [line for line in said.splitlines() if line.startswith("  - ")]
            self.console.print(f"[green]✓[/] {tenant_id} connected to company {realm_id} through Intuit's consent page")
            self.console.print("\n".join(facts), style="dim")
        return realms

    def _trade(self, stack: LocalStack, quickbooks: QuickBooks, realms: dict[str, str]) -> bool:
        now = clock_now()
        traded = [
            trade_and_bill(
                shop, contacts=_CONTACTS, sales=_SALES, invoices=_INVOICES, given_back=_GIVEN_BACK, seed=_SEED, now=now
            )
            for shop in (US, GB)
        ]
        first = [event for published in traded for event in published.events]
        later = [event for published in traded for event in published.later]
        self._publish("what the CRM did", stack, first, unreadable=1)
        self._watch(len(first))
        self._publish("what came of it: invoices edited, paid and voided, money given back", stack, later)
        self._watch(len(first) + len(later))
        told = self._told(stack, sum(published.records for published in traded))
        self.console.print(f"[green]✓[/] {told} standings of CRM records came back on Kafka (qb.sync.status)")
        equal = show(
            [one for published in traded for one in compare(published, quickbooks, realms[published.shop.tenant_id])],
            self.console,
        )
        as_expected = self._show_states(traded)
        return as_expected and equal

    def _go_the_other_way(self, stack: LocalStack, quickbooks: QuickBooks, realm_id: str) -> None:
        """Show what was in the books, what people change in them, and what the teams on either side make of it."""
        console, servers = self.console, stack.bootstrap_servers
        other_hand.came_over(servers, self.prefix, console)
        listener = Listener(
            bootstrap_servers=servers, topics=[other_hand.CUSTOMER_TOPIC, other_hand.PAID_TOPIC], prefix=self.prefix
        )
        with closing(listener):
            hand = OtherHand(quickbooks=quickbooks, realm_id=realm_id, listener=listener)
            hand.work()
        other_hand.show(hand.rows, console)
        payment = examples.publish_payment(servers, self.prefix, other_hand.TENANT)
        self._watch_one(other_hand.TENANT, payment)
        console.print("[green]✓[/] docs/examples/publish_payment.py published a payment, and it is in the books")
        asked = examples.review_requests(servers, self.prefix, self.folder)
        console.print(f"[green]✓[/] docs/examples/review_service.py would send {len(asked)} review requests, such as")
        console.print("\n".join(f"  {line}" for line in asked[-_SHOWN:]), style="dim")

    def _watch_one(self, tenant_id: str, record_id: str) -> None:
        """Wait until the tenant's only payment is booked. Raises LocalStackError."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            rows = simplejson.loads(command(self.environment, "status", "--tenant", tenant_id, "--json"))
            if any(row["state"] == "done" and row["topic"] == "payment.completed" for row in rows):
                return
            time.sleep(0.3)
        raise LocalStackError(f"Record {record_id} of {tenant_id} was not booked in {_PATIENCE_SECONDS} s.")

    def _publish(self, what: str, stack: LocalStack, events: Sequence[Event], *, unreadable: int = 0) -> None:
        servers, prefix = stack.bootstrap_servers, self.prefix
        count = publish(servers, events, seed=_SEED, topic_prefix=prefix, unreadable=unreadable)
        bad = f", {count.unreadable} unreadable" if count.unreadable else ""
        self.console.print(
            f"[green]✓[/] {what}: {count.records} records published, {count.repeated} of {count.distinct} events "
            f"twice{bad}"
        )

    def _watch(self, events: int) -> None:
        """Show how many events are decided until all are, or nothing moved for long."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        deadline = time.monotonic() + _PATIENCE_SECONDS
        with Progress(*columns, console=self.console) as progress:
            task = progress.add_task("events decided", total=events)
            while (settled := self._settled()) < events:
                progress.update(task, completed=settled)
                if time.monotonic() > deadline:
                    raise LocalStackError(
                        f"Only {settled} of {events} events were decided in {_PATIENCE_SECONDS} s. "
                        f"{self.folder / 'logs' / 'bridge.log'} says why."
                    )
                time.sleep(0.5)
            progress.update(task, completed=settled)

    def _told(self, stack: LocalStack, records: int) -> int:
        """Wait until the standing of every CRM record is on Kafka, and count what is there."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        topic = f"{self.prefix}qb.sync.status"
        while (told := count_on(stack.bootstrap_servers, topic)) < records:
            if time.monotonic() > deadline:
                raise LocalStackError(f"Only {told} of {records} standings came back in {_PATIENCE_SECONDS} s.")
            time.sleep(0.2)
        return told

    def _states(self) -> list[dict[str, Any]]:
        return list(simplejson.loads(command(self.environment, "status", "--json")))

    def _settled(self) -> int:
        return sum(row["records"] for row in self._states() if row["state"] in _SETTLED)

    def _show_states(self, traded: Sequence[Published]) -> bool:
        """Print where the records stand; return whether what was to be refused or skipped was, and no more."""
        self.console.print("\n[bold]Where the records stand[/]")
        self._show("status")
        self.console.print("\n[bold]What needs a person[/]")
        self._show("attention")
        counts: dict[str, int] = {
            state: sum(r["records"] for r in self._states() if r["state"] == state) for state in _SETTLED
        }
        refused, skipped = sum(p.refused for p in traded), sum(p.skipped for p in traded)
        return counts["attention"] == refused and counts["skipped"] == skipped

    def _show(self, *arguments: str) -> None:
        """Print what the command prints, as wide as the console is."""
        wide = {**self.environment, "COLUMNS": str(self.console.width)}
        self.console.print(command(wide, *arguments), end="")

    def _say_where(self, stack: LocalStack, quickbooks: QuickBooks, address: str) -> None:
        logs = self.folder / "logs"
        if not self.keep:
            self.console.print(
                f"\nAll of it ends now; make demo KEEP=1 leaves it running. The logs stay in {logs}", soft_wrap=True
            )
            return
        self.console.print("\n[bold]Addresses[/] (make demo-stop ends it)")
        for name, where in {
            "metrics": f"{address}/metrics",
            "health": f"{address}/readyz",
            "books in a browser": f"{quickbooks.base_url}/",
            "Kafka": stack.bootstrap_servers,
            "logs": str(logs),
        }.items():
            self.console.print(f"  {name:<20}{where}", soft_wrap=True)

    def _record(
        self, stack: LocalStack, quickbooks: QuickBooks, bridge: Process, address: str, realms: dict[str, str]
    ) -> None:
        """Write `stack.json`, so that other programs can join in.

        They call QuickBooks as an application of their own: what they may call in a second is no part of the bridge's.
        """
        others = {"client_id": "other-programs", "client_secret": secrets.token_urlsafe(24)}
        announced = {**quickbooks.announced, **others, "companies": []}
        for tenant_id, realm_id in realms.items():
            granted = quickbooks.control(f"/companies/{realm_id}/grants", others)
            announced["companies"].append({**granted, "tenant_id": tenant_id})
        commands.record(self.folder, stack)
        update_stack(
            self.folder,
            {
                "kafka": {"bootstrap_servers": stack.bootstrap_servers},
                "database_url": self.environment["DATABASE_URL"],
                "quickbooks": announced,
                "bridge": {
                    "metrics_url": f"{address}/metrics",
                    "health_url": f"{address}/readyz",
                    "console_url": None,
                },
            },
        )
        record_environment(self.folder, self.environment)
        record_process(self.folder, "emulator", quickbooks.process.pid)
        record_process(self.folder, "bridge", bridge.pid)

    def _say_how(self) -> None:
        self.console.print(
            f"\n[bold]Commands[/] (the settings of this bridge are in {ENVIRONMENT_FILE})\n"
            f"  source {self.folder / ENVIRONMENT_FILE}\n"
            f"  {Path(sys.executable).with_name('qbo-bridge')} attention",
            soft_wrap=True,
        )

    def _step(self, what: str, start: Callable[[], T]) -> T:
        began = time.monotonic()
        with self.console.status(f"starting {what} ..."):
            started = start()
        self.console.print(f"[green]✓[/] {what} [dim]{time.monotonic() - began:.1f} s[/]")
        return started
