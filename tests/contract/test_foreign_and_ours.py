"""python-quickbooks and our own client see the same world."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import aiohttp
import pytest
from quickbooks import QuickBooks
from quickbooks.batch import batch_create
from quickbooks.cdc import change_data_capture
from quickbooks.exceptions import ObjectNotFoundException, QuickbooksException
from quickbooks.objects.customer import Customer
from quickbooks.objects.invoice import Invoice
from quickbooks.objects.salesreceipt import SalesReceipt

from qbo_client.budget import Budget, Limits
from qbo_client.client import QBOClient
from qbo_client.clock import SystemClock
from qbo_client.errors import DuplicateName, ReferenceInvalid, StaleObject
from qbo_client.query import where
from qbo_client.writes import Write
from tests.contract.foreign import Emulator, new_customer, new_invoice, new_payment, new_receipt
from tests.unit.qbo_client.emulated import Token

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Our client at the company of theirs, with the very token that theirs refreshed."""

    base_url: str
    realm_id: str
    token: str

    def does(self, work: Callable[[QBOClient], Awaitable[T]]) -> T:
        return asyncio.run(self._does(work))

    async def _does(self, work: Callable[[QBOClient], Awaitable[T]]) -> T:
        clock = SystemClock()
        async with aiohttp.ClientSession() as http:
            client = QBOClient(
                http=http,
                base_url=self.base_url,
                realm_id=self.realm_id,
                tokens=Token(token=self.token),
                budget=Budget(Limits(), clock),
                clock=clock,
            )
            return await work(client)

    def write(self, write: Write) -> Any:
        return self.does(lambda client: client.send(write)).entity

    def read(self, entity: str, identifier: str) -> Any:
        return self.does(lambda client: client.read(entity, identifier)).entity


@pytest.fixture
def ours(emulator: Emulator, us: QuickBooks) -> Ours:
    return Ours(base_url=emulator.base_url, realm_id=us.company_id, token=us.auth_client.access_token)


def test_customer_made_by_ours_is_changed_by_theirs_and_stale_for_ours(us: QuickBooks, ours: Ours) -> None:
    made = ours.write(Write.create("Customer", {"DisplayName": "Amy's", "Notes": "kept"}, request_id="o-1"))
    theirs = Customer.get(made["Id"], qb=us)
    assert (theirs.DisplayName, theirs.Notes, theirs.SyncToken) == ("Amy's", "kept", "0")
    theirs.Notes = "called"
    theirs.save(qb=us)
    update = {"Id": made["Id"], "SyncToken": made["SyncToken"], "Notes": "mine"}
    with pytest.raises(StaleObject):
        ours.write(Write.sparse_update("Customer", update, request_id="o-2"))
    assert ours.read("Customer", made["Id"])["Notes"] == "called"


def test_name_made_by_theirs_is_taken_for_ours_and_the_other_way_round(us: QuickBooks, ours: Ours) -> None:
    new_customer("Amy").save(qb=us)
    with pytest.raises(DuplicateName):
        ours.write(Write.create("Customer", {"DisplayName": "amy"}, request_id="o-1"))
    ours.write(Write.create("Customer", {"DisplayName": "Bob"}, request_id="o-2"))
    with pytest.raises(QuickbooksException) as refused:
        new_customer("BOB").save(qb=us)
    assert refused.value.error_code == 6240


def test_invoice_of_theirs_is_paid_by_ours(us: QuickBooks, ours: Ours) -> None:
    customer = new_customer("Amy").save(qb=us)
    invoice = new_invoice(us, customer, 100).save(qb=us)
    line = {"Amount": Decimal("60.00"), "LinkedTxn": [{"TxnId": invoice.Id, "TxnType": "Invoice"}]}
    body = {"CustomerRef": {"value": customer.Id}, "TotalAmt": Decimal("60.00"), "Line": [line]}
    paid = ours.write(Write.create("Payment", body, request_id="o-1"))
    assert Invoice.get(invoice.Id, qb=us).Balance == 40.0
    ours.write(Write.void("Payment", paid["Id"], paid["SyncToken"], request_id="o-2"))
    assert Invoice.get(invoice.Id, qb=us).Balance == 100.0
    assert Customer.get(customer.Id, qb=us).Balance == 100.0


def test_payment_of_theirs_closes_an_invoice_of_ours(us: QuickBooks, ours: Ours) -> None:
    customer = new_customer("Amy").save(qb=us)
    line = {"Amount": Decimal("19.99"), "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {}}
    body = {"CustomerRef": {"value": customer.Id}, "Line": [line]}
    made = ours.write(Write.create("Invoice", body, request_id="o-1"))
    us.use_decimal = True
    theirs = Invoice.get(made["Id"], qb=us)
    assert theirs.TotalAmt == made["TotalAmt"] == Decimal("19.99")
    new_payment(customer, theirs.TotalAmt, theirs).save(qb=us)
    assert ours.read("Invoice", made["Id"])["Balance"] == 0


def test_request_id_used_by_theirs_answers_ours_alike(us: QuickBooks, ours: Ours) -> None:
    theirs = new_customer("Amy").save(qb=us, request_id="shared")
    again = ours.write(Write.create("Customer", {"DisplayName": "Amy"}, request_id="shared"))
    assert again["Id"] == theirs.Id
    assert Customer.count(qb=us) == 1


def test_what_theirs_voids_and_deletes_ours_sees(us: QuickBooks, ours: Ours) -> None:
    voided, gone = (new_receipt(us).save(qb=us) for _ in range(2))
    voided.void(qb=us)
    gone.delete(qb=us)
    assert ours.read("SalesReceipt", voided.Id)["PrivateNote"] == "Voided"
    with pytest.raises(ReferenceInvalid):
        ours.read("SalesReceipt", gone.Id)
    since = datetime.now(UTC) - timedelta(minutes=1)
    told = ours.does(lambda client: client.changes(["SalesReceipt"], since))
    theirs = change_data_capture([SalesReceipt], since.isoformat(timespec="seconds"), qb=us)
    both = [*told.live["SalesReceipt"], *told.deleted["SalesReceipt"]]
    assert [row["Id"] for row in both] == [one.Id for one in theirs.SalesReceipt] == [voided.Id, gone.Id]


def test_what_ours_deletes_theirs_no_longer_finds(us: QuickBooks, ours: Ours) -> None:
    made = new_receipt(us).save(qb=us)
    ours.write(Write.delete("SalesReceipt", made.Id, made.SyncToken, request_id="o-1"))
    with pytest.raises(ObjectNotFoundException):
        SalesReceipt.get(made.Id, qb=us)


def test_batch_of_theirs_is_counted_and_found_by_ours(us: QuickBooks, ours: Ours) -> None:
    names = ["O'Hara", "Böll & Söhne", 'say "so"']
    batch_create([new_customer(name) for name in names], qb=us)
    found = ours.does(lambda client: client.query_all("Customer", where("DisplayName", "IN", names)))
    assert [row["DisplayName"] for row in found] == names
    assert ours.does(lambda client: client.count("Customer")) == 3
