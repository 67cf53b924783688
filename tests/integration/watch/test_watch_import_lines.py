"""What an imported invoice says: everything that the CRM can show of it."""

from decimal import Decimal
from typing import Any

from tests.integration.watch.company import WatchedCompany
from tests.integration.watch.paying import (
    allow,
    link_contact,
    shows,
    toggle,
)


async def test_all_earlier_invoices_come_over_with_what_they_say(company: WatchedCompany) -> None:
    allow(company, AllowDiscount=True, AllowShipping=True)
    amy = company.customer("Amy", email="amy@example.com", PrimaryPhone={"FreeFormNumber": "555 0100"})["Id"]
    lines: list[dict[str, Any]] = [
        {
            "DetailType": "SalesItemLineDetail", "Amount": "37.04", "Description": "Cut and colour",
            "SalesItemLineDetail": {"Qty": Decimal(3), "UnitPrice": Decimal("12.3456789")},
        },
        {"DetailType": "DescriptionOnly", "Description": "Thank you"},
        {"DetailType": "DiscountLineDetail", "Amount": "7.04", "DiscountLineDetail": {}},
        {
            "DetailType": "SalesItemLineDetail", "Amount": "4.50",
            "SalesItemLineDetail": {"ItemRef": {"value": "SHIPPING_ITEM_ID"}},
        },
    ]  # fmt: skip
    invoice = company.invoice(
        amy, Line=lines, DocNumber="1007", DueDate="2026-12-01", BillEmail={"Address": "bills@example.com"}
    )
    company.pays(invoice, "10.00")
    await toggle(company, import_invoices=True)
    await imported(company)
    (told,) = await company.imported_told()
    found = told.invoice
    assert (told.envelope.cause.value, told.envelope.entity_id) == ("INITIAL_IMPORT", invoice["Id"])
    assert (found.doc_number, str(found.txn_date), str(found.due_date)) == ("1007", "2026-11-20", "2026-12-01")
    assert (found.total, found.balance, found.currency) == (Decimal("34.50"), Decimal("24.50"), "USD")
    assert (found.billing_email, found.voided, found.crm_invoice_id) == ("bills@example.com", False, None)
    said = [(one.description, one.item_name, one.quantity, one.unit_amount, one.amount) for one in found.lines]
    assert said == [
        ("Cut and colour", "Services", 3, Decimal("12.3457"), Decimal("37.04")),
        ("Thank you", None, None, None, 0),
        (None, None, None, None, Decimal("-7.04")),
        (None, None, None, None, Decimal("4.50")),
    ]
    assert sum(one.amount for one in found.lines) == found.total
    customer = told.customer
    assert (customer.display_name, customer.email, customer.phone) == ("Amy", "amy@example.com", "555 0100")


async def imported(company: WatchedCompany) -> None:
    await company.begin()
    await company.settle()


async def test_tax_and_voids_and_known_contacts_come_over(company: WatchedCompany) -> None:
    amy, bob = company.customer("Amy")["Id"], company.customer("Bob")["Id"]
    void = company.invoice(amy, DocNumber="1")
    company.voids("Invoice", void["Id"])
    taxed = company.invoice(bob, "100.00", TxnTaxDetail={"TotalTax": Decimal("8.25")})
    await link_contact(company, "ct_bob", bob)
    await toggle(company, import_invoices=True)
    await imported(company)
    one, two = await company.imported_told()
    assert (one.invoice.voided, one.invoice.total, one.customer.crm_contact_id) == (True, Decimal(0), None)
    assert two.customer.crm_contact_id == "ct_bob"
    assert two.invoice.tax_total == taxed["TxnTaxDetail"]["TotalTax"]
    assert two.invoice.total == taxed["TotalAmt"]


async def test_invoice_of_an_inactive_customer_comes_over(company: WatchedCompany) -> None:
    amy = company.customer("Amy")["Id"]
    company.invoice(amy, "0")
    company.edits("Customer", amy, Active=False)
    await toggle(company, import_invoices=True)
    await imported(company)
    (told,) = await company.imported_told()
    assert (told.customer.display_name, told.customer.active) == ("Amy", False)


async def test_odd_invoices_come_over(company: WatchedCompany) -> None:
    amy = company.customer("Amy")["Id"]
    texts = company.invoice(amy, DocNumber="n")
    line = {"DetailType": "SalesItemLineDetail", "Description": "this and \x00 more", "Amount": Decimal("1.00")}
    huge = {**line, "Description": "x" * 4000, "SalesItemLineDetail": {"ItemRef": {"value": "1", "name": "y" * 100}}}
    odd = [line, {**line, "DetailType": None}, {}]
    shows(company, "Invoice", texts["Id"], Line=odd, DueDate=None, CurrencyRef=None)
    bare = company.invoice(amy)
    shows(company, "Invoice", bare["Id"], Line=[], BillEmail=None, TxnTaxDetail=None, DocNumber="\x00")
    long = company.invoice(amy)
    shows(company, "Invoice", long["Id"], Line=[huge] * 2000)
    await toggle(company, import_invoices=True)
    await imported(company)
    one, two, three = (told.invoice for told in await company.imported_told())
    assert [line.description for line in one.lines] == ["this and  more", "this and  more", None]
    assert (one.due_date, one.currency) == (None, "USD")
    assert (two.lines, two.doc_number, two.billing_email) == ((), None, None)
    assert len(three.lines) == 2000
    sizes = await company.books.column("SELECT max(length(payload)) FROM outbox")
    assert sizes[0] < 1_000_000


async def test_groups_come_over_as_their_lines(company: WatchedCompany) -> None:
    invoice = company.invoice(company.customer("Amy")["Id"], "30.00")
    inner = [
        {"DetailType": "SalesItemLineDetail", "Amount": Decimal(10), "Description": "one", "SalesItemLineDetail": {}},
        {"DetailType": "SalesItemLineDetail", "Amount": Decimal(20), "Description": "two", "SalesItemLineDetail": {}},
    ]
    group = {"DetailType": "GroupLineDetail", "Amount": Decimal(30), "GroupLineDetail": {"Line": inner}}
    total = {"DetailType": "SubTotalLineDetail", "Amount": Decimal(30), "SubTotalLineDetail": {}}
    shows(company, "Invoice", invoice["Id"], Line=[group, total])
    await toggle(company, import_invoices=True)
    await imported(company)
    (told,) = await company.imported_told()
    assert [(line.description, int(line.amount)) for line in told.invoice.lines] == [("one", 10), ("two", 20)]
