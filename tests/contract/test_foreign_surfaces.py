"""Batch, change data capture, PDF, send and OpenID, as clients written by others against Intuit ask for them."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import simplejson
from intuitlib.client import AuthClient
from intuitlib.enums import Scopes
from intuitlib.utils import validate_id_token
from quickbooks import QuickBooks
from quickbooks.batch import batch_create, batch_delete, batch_update
from quickbooks.cdc import change_data_capture
from quickbooks.exceptions import QuickbooksException
from quickbooks.objects.base import EmailAddress
from quickbooks.objects.customer import Customer
from quickbooks.objects.detailline import SalesItemLine, SalesItemLineDetail
from quickbooks.objects.invoice import Invoice
from quickbooks.objects.item import Item
from quickbooks.objects.payment import Payment, PaymentLine
from quickbooks.objects.salesreceipt import SalesReceipt

from tests.unit.emulator.consent_page import click

CALLBACK = "http://localhost:8000/callback"


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "qbo_client.emulator", "--company", "us", "--json", "--no-throttling"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield simplejson.loads(process.stdout.readline())["quickbooks"]
        finally:
            process.terminate()


@pytest.fixture
def auth(told: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[AuthClient]:
    # oauthlib refuses http even on the loopback unless told.
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with AuthClient(told["client_id"], told["client_secret"], CALLBACK, told["discovery_url"]) as auth:
        yield auth


@pytest.fixture
def us(told: dict[str, Any], auth: AuthClient) -> Iterator[QuickBooks]:
    company = told["companies"][0]
    client = QuickBooks(
        auth_client=auth, refresh_token=company["refresh_token"], company_id=company["realm_id"], minorversion=75
    )
    client.api_url_v3 = f"{told['base_url']}/v3"
    yield client
    client.session.close()


def customers(*names: str) -> list[Customer]:
    made = []
    for name in names:
        customer = Customer()
        customer.DisplayName = name
        made.append(customer)
    return made


def document(kind: type[Invoice] | type[SalesReceipt], client: QuickBooks, amount: int) -> Any:
    (item,) = Item.filter(Name="Services", qb=client)
    line = SalesItemLine()
    line.Amount = amount
    line.SalesItemLineDetail = SalesItemLineDetail()
    line.SalesItemLineDetail.ItemRef = item.to_ref()
    line.SalesItemLineDetail.Qty, line.SalesItemLineDetail.UnitPrice = 1, amount
    one = kind()
    one.Line = [line]
    return one


def test_python_quickbooks_creates_updates_and_deletes_in_batches(us: QuickBooks) -> None:
    made = batch_create(customers("Batch 1", "Batch 2", "Batch 1"), qb=us)
    assert [one.DisplayName for one in made.successes] == ["Batch 1", "Batch 2"]
    (fault,) = made.faults
    assert (fault.Error[0].code, fault.original_object.DisplayName) == ("6240", "Batch 1")
    for one in made.successes:
        one.Notes = "changed"
    assert [one.SyncToken for one in batch_update(made.successes, qb=us).successes] == ["1", "1"]
    receipts = batch_create([document(SalesReceipt, us, 10) for _ in range(31)], qb=us).successes
    assert len(receipts) == 31
    assert batch_delete(receipts, qb=us).faults == []
    assert SalesReceipt.count(f"Id = '{receipts[0].Id}'", qb=us) == 0


def test_python_quickbooks_reads_what_changed(us: QuickBooks) -> None:
    (customer,) = batch_create(customers("Changed"), qb=us).successes
    receipt = document(SalesReceipt, us, 10).save(qb=us)
    receipt.delete(qb=us)
    changed = change_data_capture([Customer, SalesReceipt, Invoice], "2020-01-01T00:00:00Z", qb=us)
    assert customer.Id in [one.Id for one in changed.Customer]
    assert receipt.Id in [one.Id for one in changed.SalesReceipt if one.status == "Deleted"]
    with pytest.raises(QuickbooksException):
        us.change_data_capture("TaxCode", "2020-01-01")


def test_python_quickbooks_invoices_sends_prints_and_is_paid(us: QuickBooks) -> None:
    (customer,) = batch_create(customers("Invoiced"), qb=us).successes
    invoice = document(Invoice, us, 120)
    invoice.CustomerRef = customer.to_ref()
    invoice.BillEmail = EmailAddress()
    invoice.BillEmail.Address = "amy@example.com"
    made = invoice.save(qb=us)
    assert made.send(qb=us)["Invoice"]["EmailStatus"] == "EmailSent"
    assert made.send(qb=us, send_to="bob+1@example.com")["Invoice"]["BillEmail"]["Address"] == "bob+1@example.com"
    assert made.download_pdf(qb=us).startswith(b"%PDF")
    payment = Payment()
    payment.CustomerRef, payment.TotalAmt = customer.to_ref(), 120
    line = PaymentLine()
    line.Amount = 120
    line.LinkedTxn = [made.to_linked_txn()]
    payment.Line = [line]
    paid = payment.save(qb=us)
    assert Invoice.get(made.Id, qb=us).Balance == 0
    paid.void(qb=us)
    assert Invoice.get(made.Id, qb=us).Balance == 120


def test_intuit_oauth_validates_the_id_token_and_reads_who_consented(told: dict[str, Any], auth: AuthClient) -> None:
    page = auth.get_authorization_url([Scopes.ACCOUNTING, Scopes.OPENID, Scopes.EMAIL])
    realm_id = told["companies"][0]["realm_id"]
    answered = click(page, realm_id=realm_id, button="connect")
    auth.get_bearer_token(answered["code"], realm_id=realm_id)
    assert validate_id_token(auth.id_token, auth.client_id, auth.issuer_uri, auth.jwks_uri) is True
    assert auth.get_user_info().json()["email"] == "emulator@example.com"
