"""The other way: what people do in QuickBooks, as it arrives on Kafka, with the seconds it took."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from rich.console import Console
from rich.table import Table

from deploy.local.demo.publish import count_on
from deploy.local.errors import LocalStackError
from deploy.local.product import QuickBooks
from schemas.codec import Codec
from schemas.events.quickbooks import CustomerChange

TENANT = "loc_toronto"
#: What is in this company's books before it is connected.
CUSTOMERS, INVOICES, PAID = 40, 60, 30
CUSTOMER_TOPIC, PAID_TOPIC, IMPORTED_TOPIC = "qb.customer.changed", "qb.invoice.paid", "qb.invoice.imported"

_NO_TAX = "Exempt"
_PATIENCE_SECONDS = 120.0
_ANSWER_SECONDS = 10


def fill(quickbooks: QuickBooks, realm_id: str) -> None:
    """Put customers, and invoices of which half are paid, into the books of a company."""
    customers = [
        {"DisplayName": f"Client {n:02}", "PrimaryEmailAddr": {"Address": f"client{n:02}@example.com"}}
        for n in range(CUSTOMERS)
    ]
    invoices = [
        _invoice({"name": f"Client {n % CUSTOMERS:02}"}, f"{100 + n}.00", {"name": _NO_TAX}, f"H-{n:03}")
        for n in range(INVOICES)
    ]
    payments = [
        _payment({"name": f"Client {n % CUSTOMERS:02}"}, f"{100 + n}.00", {"DocNumber": f"H-{n:03}"})
        for n in range(PAID)
    ]
    quickbooks.control(
        f"/companies/{realm_id}/seed",
        {"Customer": customers, "Invoice": invoices, "Payment": payments},
    )


@dataclass(slots=True, kw_only=True)
class Listener:
    """Hears what arrives on some topics from now on."""

    bootstrap_servers: str
    topics: Sequence[str]
    prefix: str
    codec: Codec = field(default_factory=Codec)
    heard: list[tuple[str, Any]] = field(default_factory=list)
    _consumer: Consumer = field(init=False)

    def __post_init__(self) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": self.bootstrap_servers, "group.id": "demo-listener", "fetch.wait.max.ms": 20}
        )
        self._consumer.assign([TopicPartition(name, p, self._end(name, p)) for name, p in self._partitions()])

    def close(self) -> None:
        self._consumer.close()

    def seconds_until(self, topic: str, wanted: Callable[[Any], bool], *, since: float) -> float:
        """Return how long after `since` (monotonic) the wanted event arrived. Raises LocalStackError."""
        while time.monotonic() - since < _PATIENCE_SECONDS:
            message = self._consumer.poll(0.5)
            if message is None or message.error():
                continue
            name = str(message.topic()).removeprefix(self.prefix)
            event = self.codec.decode(name, message.value() or b"")
            self.heard.append((name, event))
            if name == topic and wanted(event):
                return time.monotonic() - since
        raise LocalStackError(f"What was done in QuickBooks did not arrive on {topic} in {_PATIENCE_SECONDS:.0f} s.")

    def _partitions(self) -> list[tuple[str, int]]:
        names = [self.prefix + topic for topic in self.topics]
        found = {name: self._consumer.list_topics(name, timeout=_ANSWER_SECONDS).topics[name] for name in names}
        return [(name, partition) for name, topic in found.items() for partition in topic.partitions]

    def _end(self, name: str, partition: int) -> int:
        return int(self._consumer.get_watermark_offsets(TopicPartition(name, partition), _ANSWER_SECONDS)[1])


@dataclass(slots=True, kw_only=True)
class OtherHand:
    """A person at QuickBooks' own screens, and a CRM that listens."""

    quickbooks: QuickBooks
    realm_id: str
    listener: Listener
    rows: list[tuple[str, str, float]] = field(default_factory=list)

    def work(self) -> None:
        """Do what people do, and note when each of it was on Kafka."""
        nora = self._customer("Nora Quist", "a customer is entered", CustomerChange.CREATED)
        self._edit(nora["Id"], {"Mobile": {"FreeFormNumber": "416 555 0100"}}, "her phone number changes")
        codes = self.quickbooks.objects(self.realm_id, "TaxCode")
        no_tax = next({"value": str(code["Id"])} for code in codes if code["Name"] == _NO_TAX)
        invoice = self._enter("Invoice", _invoice({"value": nora["Id"]}, "480.00", no_tax))
        self._pays(invoice, "she is billed 480.00 CAD, and pays")
        double = self._customer("Nora Quist (double)", "she is entered a second time", CustomerChange.CREATED)
        self._merge(nora["Id"], double["Id"])

    def _customer(self, name: str, what: str, change: CustomerChange) -> dict[str, Any]:
        began = time.monotonic()
        customer = self._enter("Customer", {"DisplayName": name, "PrimaryEmailAddr": {"Address": "nora@example.com"}})
        self._note(what, CUSTOMER_TOPIC, lambda e: _is(e, customer["Id"], change), began)
        return customer

    def _edit(self, customer_id: str, fields: Mapping[str, Any], what: str) -> None:
        began = time.monotonic()
        self._person("edit", {"entity": "Customer", "Id": customer_id, "set": fields})
        self._note(what, CUSTOMER_TOPIC, lambda e: _is(e, customer_id, CustomerChange.UPDATED), began)

    def _pays(self, invoice: Mapping[str, Any], what: str) -> None:
        began = time.monotonic()
        applied = {"TxnId": invoice["Id"]}
        self._enter("Payment", _payment(invoice["CustomerRef"], str(invoice["TotalAmt"]), applied))
        self._note(what, PAID_TOPIC, lambda e: e.invoice.invoice_id == invoice["Id"], began)

    def _merge(self, keep: str, lose: str) -> None:
        began = time.monotonic()
        self._person("merge", {"keep": keep, "lose": lose})
        self._note("the two are merged", CUSTOMER_TOPIC, lambda e: _is(e, lose, CustomerChange.MERGED), began)

    def _note(self, what: str, topic: str, wanted: Callable[[Any], bool], began: float) -> None:
        self.rows.append((what, topic, self.listener.seconds_until(topic, wanted, since=began)))

    def _enter(self, entity: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self._person("enter", {"entity": entity, "object": fields})[entity])

    def _person(self, action: str, what: Mapping[str, Any]) -> Any:
        return self.quickbooks.control(f"/companies/{self.realm_id}/person/{action}", what)


def came_over(bootstrap_servers: str, prefix: str, console: Console) -> None:
    """Wait until everything that was in the books before is on Kafka. Raises LocalStackError."""
    began = time.monotonic()
    for topic, count, what in ((CUSTOMER_TOPIC, CUSTOMERS, "customers"), (IMPORTED_TOPIC, INVOICES, "invoices")):
        while (there := count_on(bootstrap_servers, prefix + topic)) < count:
            if time.monotonic() - began > _PATIENCE_SECONDS:
                raise LocalStackError(f"Only {there} of {count} old {what} came over.")
            time.sleep(0.2)
    console.print(
        f"[green]✓[/] what {TENANT} had in its books came over: {CUSTOMERS} customers ({CUSTOMER_TOPIC}), "
        f"{INVOICES} invoices ({IMPORTED_TOPIC})"
    )


def show(rows: Sequence[tuple[str, str, float]], console: Console) -> None:
    table = Table(title="What people did in QuickBooks", title_justify="left", title_style="bold")
    table.add_column("by another hand")
    table.add_column("on Kafka as")
    table.add_column("after, s", justify="right")
    for what, topic, seconds in rows:
        table.add_row(what, topic, f"{seconds:.2f}")
    console.print(table)


def _is(event: Any, customer_id: str, change: CustomerChange) -> bool:
    return bool(event.customer.customer_id == customer_id and event.change is change)


def _invoice(
    customer: Mapping[str, str], amount: str, tax_code: Mapping[str, str], number: str | None = None
) -> dict[str, Any]:
    line = {"DetailType": "SalesItemLineDetail", "Amount": amount, "Description": "work done",
            "SalesItemLineDetail": {"TaxCodeRef": tax_code}}  # fmt: skip
    body = {"CustomerRef": customer, "TxnDate": "2026-10-05", "Line": [line]}
    return body | ({"DocNumber": number} if number else {})


def _payment(customer: Mapping[str, str], amount: str, invoice: Mapping[str, str]) -> dict[str, Any]:
    linked = {"TxnType": "Invoice", **invoice}
    return {"CustomerRef": customer, "TotalAmt": amount, "Line": [{"Amount": amount, "LinkedTxn": [linked]}]}
