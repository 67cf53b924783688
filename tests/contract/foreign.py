"""What the tests of foreign clients share: where the emulator is, and objects as their users would build them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from intuitlib.client import AuthClient
from quickbooks import QuickBooks
from quickbooks.objects.base import Address, EmailAddress, PhoneNumber
from quickbooks.objects.creditmemo import CreditMemo
from quickbooks.objects.customer import Customer
from quickbooks.objects.detailline import SalesItemLine, SalesItemLineDetail
from quickbooks.objects.invoice import Invoice
from quickbooks.objects.item import Item
from quickbooks.objects.payment import Payment, PaymentLine
from quickbooks.objects.salesreceipt import SalesReceipt
from quickbooks.objects.taxcode import TaxCode

CALLBACK = "http://localhost:8000/callback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulator:
    base_url: str
    discovery_url: str
    client_id: str
    client_secret: str

    def control(self, path: str, body: Mapping[str, Any]) -> Any:
        answer = requests.post(f"{self.base_url}/emulator/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def new_company(self, country: str, **told: Any) -> dict[str, str]:
        """Its realm and tokens of a grant."""
        (company,) = self.control("companies", {"country": country, **told})["companies"]
        return dict(company)

    def auth(self, refresh_token: str | None = None) -> AuthClient:
        # intuit-oauth takes a discovery address in place of the environment's name.
        return AuthClient(self.client_id, self.client_secret, CALLBACK, self.discovery_url, refresh_token=refresh_token)

    def client(self, auth: AuthClient, realm_id: str) -> QuickBooks:
        client = QuickBooks(auth_client=auth, refresh_token=auth.refresh_token, company_id=realm_id, minorversion=75)
        client.api_url_v3 = f"{self.base_url}/v3"
        return client


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


def new_invoice(client: QuickBooks, customer: Customer, amount: int) -> Invoice:
    invoice = Invoice()
    invoice.CustomerRef = customer.to_ref()
    invoice.Line = [new_line(amount, services(client))]
    return invoice


def new_credit_memo(client: QuickBooks, customer: Customer, amount: int) -> CreditMemo:
    memo = CreditMemo()
    memo.CustomerRef = customer.to_ref()
    memo.Line = [new_line(amount, services(client))]
    return memo


def new_payment(customer: Customer, total: int, *paid: Invoice | CreditMemo, amount: int = 0) -> Payment:
    """Of each document so much, or the whole payment of the only one."""
    payment = Payment()
    payment.CustomerRef = customer.to_ref()
    payment.TotalAmt = total
    for document in paid:
        line = PaymentLine()
        line.Amount = amount or total
        line.LinkedTxn = [document.to_linked_txn()]
        payment.Line.append(line)
    return payment
