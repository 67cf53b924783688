"""Clients written by others against Intuit drive the emulator; only the addresses in them are changed."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import requests
import simplejson
from intuitlib.client import AuthClient
from intuitlib.enums import Scopes
from intuitlib.exceptions import AuthClientError
from quickbooks import QuickBooks
from quickbooks.exceptions import (
    AuthorizationException,
    ObjectNotFoundException,
    QuickbooksException,
    SevereException,
    UnsupportedException,
    ValidationException,
)
from quickbooks.objects.account import Account
from quickbooks.objects.base import Address, EmailAddress, PhoneNumber
from quickbooks.objects.company_info import CompanyInfo
from quickbooks.objects.customer import Customer
from quickbooks.objects.detailline import SalesItemLine, SalesItemLineDetail
from quickbooks.objects.item import Item
from quickbooks.objects.paymentmethod import PaymentMethod
from quickbooks.objects.preferences import Preferences
from quickbooks.objects.salesreceipt import SalesReceipt
from quickbooks.objects.taxcode import TaxCode
from quickbooks.objects.vendor import Vendor

from tests.unit.emulator.consent_page import click

CALLBACK = "http://localhost:8000/callback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulator:
    base_url: str
    discovery_url: str
    client_id: str
    client_secret: str
    companies: dict[str, str]  # country -> realm

    def control(self, path: str, body: dict[str, Any]) -> None:
        requests.post(f"{self.base_url}/emulator/{path}", json=body, timeout=10).raise_for_status()


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    command = [sys.executable, "-m", "qbo_client.emulator", "--company", "us", "--company", "gb"]
    with subprocess.Popen([*command, "--json", "--no-throttling"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = simplejson.loads(process.stdout.readline())["quickbooks"]
        yield Emulator(
            base_url=told["base_url"],
            discovery_url=told["discovery_url"],
            client_id=told["client_id"],
            client_secret=told["client_secret"],
            companies={one["country"]: one["realm_id"] for one in told["companies"]},
        )
        process.terminate()


@pytest.fixture(autouse=True)
def plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    # oauthlib refuses http even on the loopback unless told.
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture
def auth(emulator: Emulator) -> Iterator[AuthClient]:
    # intuit-oauth takes a discovery address in place of the environment's name.
    with AuthClient(emulator.client_id, emulator.client_secret, CALLBACK, emulator.discovery_url) as auth:
        yield auth


def consent(auth: AuthClient, realm_id: str, button: str) -> dict[str, str]:
    return click(auth.get_authorization_url([Scopes.ACCOUNTING]), realm_id=realm_id, button=button)


def connect(emulator: Emulator, auth: AuthClient, country: str) -> QuickBooks:
    realm_id = emulator.companies[country]
    answered = consent(auth, realm_id, "connect")
    assert answered["state"] == auth.state_token
    auth.get_bearer_token(answered["code"], realm_id=answered["realmId"])
    client = QuickBooks(
        auth_client=auth,
        refresh_token=auth.refresh_token,
        company_id=answered["realmId"],
        minorversion=75,
    )
    client.api_url_v3 = f"{emulator.base_url}/v3"
    return client


@pytest.fixture
def us(emulator: Emulator, auth: AuthClient) -> Iterator[QuickBooks]:
    client = connect(emulator, auth, "US")
    yield client
    client.session.close()


@pytest.fixture
def gb(emulator: Emulator, auth: AuthClient) -> Iterator[QuickBooks]:
    client = connect(emulator, auth, "GB")
    yield client
    client.session.close()


def new_customer(name: str) -> Customer:
    customer = Customer()
    customer.DisplayName = name
    customer.GivenName = "Amy"
    customer.BillAddr = Address()
    customer.BillAddr.Line1 = "1 High Street"
    customer.PrimaryPhone = PhoneNumber()
    customer.PrimaryPhone.FreeFormNumber = "555-0100"
    customer.PrimaryEmailAddr = EmailAddress()
    customer.PrimaryEmailAddr.Address = "amy@example.com"
    return customer


def new_line(amount: int, item: Item, tax_code: TaxCode | None = None) -> SalesItemLine:
    line = SalesItemLine()
    line.Amount = amount
    line.Description = "lesson"
    line.SalesItemLineDetail = SalesItemLineDetail()
    line.SalesItemLineDetail.ItemRef = item.to_ref()
    line.SalesItemLineDetail.Qty = 1
    line.SalesItemLineDetail.UnitPrice = amount
    if tax_code is not None:
        line.SalesItemLineDetail.TaxCodeRef = tax_code.to_ref()
    return line


def services(client: QuickBooks) -> Item:
    (item,) = Item.filter(Name="Services", qb=client)
    return item


def new_receipt(client: QuickBooks, *lines: SalesItemLine) -> SalesReceipt:
    receipt = SalesReceipt()
    receipt.Line = list(lines) or [new_line(120, services(client))]
    return receipt


def test_intuit_oauth_refreshes_and_revokes(us: QuickBooks) -> None:
    auth = us.auth_client
    first = auth.access_token
    auth.refresh()
    assert auth.access_token != first
    assert auth.x_refresh_token_expires_in > 0
    assert auth.revoke() is True
    with pytest.raises(AuthClientError) as refused:
        auth.refresh()
    assert refused.value.status_code == 400
    assert "invalid_grant" in str(refused.value.content)


def test_intuit_oauth_is_told_of_a_refusal(emulator: Emulator, auth: AuthClient) -> None:
    answered = consent(auth, emulator.companies["US"], "cancel")
    assert answered == {"error": "access_denied", "state": auth.state_token}


def test_python_quickbooks_creates_reads_and_updates_a_customer(us: QuickBooks) -> None:
    made = new_customer("Amy's Bird Sanctuary").save(qb=us)
    read = Customer.get(made.Id, qb=us)
    assert (read.DisplayName, read.BillAddr.Line1, read.SyncToken) == (
        "Amy's Bird Sanctuary",
        "1 High Street",
        "0",
    )
    read.Notes = "regular"
    updated = read.save(qb=us)
    assert (updated.Notes, updated.SyncToken) == ("regular", "1")
    (found,) = Customer.filter(DisplayName="Amy's Bird Sanctuary", qb=us)
    assert found.Id == made.Id
    read.Active = False
    read.SyncToken = updated.SyncToken
    assert read.save(qb=us).Active is False
    assert Customer.filter(DisplayName="Amy's Bird Sanctuary", qb=us) == []


def test_python_quickbooks_queries_pages_chooses_and_counts(us: QuickBooks) -> None:
    made = [new_customer(f"Page {number}").save(qb=us) for number in range(3)]
    chosen = Customer.choose([one.Id for one in made], qb=us)
    assert {one.DisplayName for one in chosen} == {"Page 0", "Page 1", "Page 2"}
    where = "DisplayName LIKE 'Page %'"
    assert Customer.count(where, qb=us) == 3
    second = Customer.where(where, order_by="DisplayName DESC", start_position=2, max_results=1, qb=us)
    assert [one.DisplayName for one in second] == ["Page 1"]


def test_python_quickbooks_creates_and_updates_an_item(us: QuickBooks) -> None:
    (account,) = Account.filter(Name="Services", qb=us)
    item = Item()
    item.Name, item.Type, item.UnitPrice = "Piano lesson", "Service", 40
    item.IncomeAccountRef = account.to_ref()
    made = item.save(qb=us)
    made.Description = "An hour"
    assert made.save(qb=us).Description == "An hour"
    assert "Piano lesson" in [one.Name for one in Item.all(qb=us)]


def test_python_quickbooks_books_updates_voids_and_deletes_a_sales_receipt(us: QuickBooks) -> None:
    customer = new_customer("Receipt Customer").save(qb=us)
    receipt = new_receipt(us)
    receipt.CustomerRef = customer.to_ref()
    made = receipt.save(qb=us)
    assert (made.TotalAmt, made.Balance, made.CustomerRef.name) == (120.0, 0, "Receipt Customer")
    made.Line.append(new_line(30, services(us)))
    updated = made.save(qb=us)
    assert (updated.TotalAmt, len(updated.Line)) == (150.0, 3)
    updated.void(qb=us)
    voided = SalesReceipt.get(made.Id, qb=us)
    assert (voided.TotalAmt, voided.PrivateNote) == (0, "Voided")
    voided.delete(qb=us)
    with pytest.raises(ObjectNotFoundException):
        SalesReceipt.get(made.Id, qb=us)


def test_python_quickbooks_gb_receipt_carries_the_tax_computed(gb: QuickBooks) -> None:
    (code,) = TaxCode.filter(Name="20.0% S", qb=gb)
    made = new_receipt(gb, new_line(120, services(gb), code)).save(qb=gb)
    assert (made.TxnTaxDetail.TotalTax, made.TotalAmt) == (24.0, 144.0)


def test_python_quickbooks_with_decimals_reads_cents_exactly(us: QuickBooks) -> None:
    us.use_decimal = True
    made = new_receipt(us, new_line(120, services(us))).save(qb=us)
    assert str(made.TotalAmt) == str(Decimal("120.00"))


def test_python_quickbooks_same_request_id_gives_the_same_object(us: QuickBooks) -> None:
    first = new_receipt(us).save(qb=us, request_id="foreign-1")
    again = new_receipt(us).save(qb=us, request_id="foreign-1")
    other = new_receipt(us).save(qb=us, request_id="foreign-2")
    assert first.Id == again.Id != other.Id


def test_python_quickbooks_reads_company_preferences_and_methods(us: QuickBooks) -> None:
    assert CompanyInfo.get(us.company_id, qb=us).Country == "US"
    assert Preferences.get(qb=us).SalesFormsPrefs.CustomTxnNumbers is False
    assert "Check" in [one.Name for one in PaymentMethod.all(qb=us)]


def test_python_quickbooks_name_taken_by_a_vendor_is_6240(us: QuickBooks) -> None:
    vendor = Vendor()
    vendor.DisplayName = "Twice"
    vendor.save(qb=us)
    with pytest.raises(QuickbooksException) as refused:
        new_customer("Twice").save(qb=us)
    assert refused.value.error_code == 6240


def test_python_quickbooks_stale_object_is_5010(us: QuickBooks) -> None:
    made = new_customer("Stale").save(qb=us)
    made.Notes = "first"
    made.save(qb=us)
    made.Notes = "second"
    with pytest.raises(QuickbooksException) as refused:
        made.save(qb=us)
    assert refused.value.error_code == 5010


def test_python_quickbooks_maps_faults_to_its_exceptions(emulator: Emulator, us: QuickBooks) -> None:
    with pytest.raises(ObjectNotFoundException):
        Customer.get("99999", qb=us)
    with pytest.raises(ValidationException) as invalid:
        Customer.where("Nickname = 'x'", qb=us)
    assert invalid.value.error_code == 4001
    with pytest.raises(UnsupportedException):
        us.get_single_object("Nothing", "1")
    emulator.control("faults", {"kind": "status_500", "realm_id": us.company_id})
    with pytest.raises(SevereException):
        Customer.get("1", qb=us)
    emulator.control("faults", {"kind": "status_429", "realm_id": us.company_id})
    with pytest.raises(ValidationException) as throttled:
        Customer.get("1", qb=us)
    assert throttled.value.error_code == 3001


def test_python_quickbooks_after_a_disconnect_is_unauthorized(emulator: Emulator, gb: QuickBooks) -> None:
    emulator.control(f"companies/{gb.company_id}/revoke", {})
    with pytest.raises(AuthorizationException):
        Customer.all(qb=gb)
    with pytest.raises(AuthClientError):
        gb.auth_client.refresh()
