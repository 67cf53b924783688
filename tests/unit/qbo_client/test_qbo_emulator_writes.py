"""Single writes of our client at the emulator: every void, sparse and full, taxes, papers and mails."""

from decimal import Decimal

import pytest

from qbo_client.errors import CompanyUnavailable, DuplicateNumber, InvalidData, ReferenceInvalid, RequestBug, Uncertain
from qbo_client.query import where
from qbo_client.writes import Write
from tests.unit.qbo_client.emulated import Books, known, line, payment


@pytest.mark.parametrize("kind", ["Invoice", "SalesReceipt", "Payment"])
async def test_void_keeps_the_object_and_takes_its_amounts(us_books: Books, kind: str) -> None:
    owner = await us_books.customer()
    body = payment(owner, "40.00") if kind == "Payment" else {"CustomerRef": {"value": owner}, "Line": [line("40.00")]}
    made = await us_books.make(kind, {**body, "PrivateNote": "why"})
    voided = await us_books.void(kind, made)
    assert (voided["TotalAmt"], voided["SyncToken"]) == (Decimal(0), "1")
    assert voided["PrivateNote"].startswith("Voided")
    assert "why" in voided["PrivateNote"]
    assert voided["TxnDate"] == made["TxnDate"]
    assert (await us_books.seen("Customer", owner))["Balance"] == 0


async def test_void_of_a_paid_invoice_waits_until_the_payment_lets_go(us_books: Books) -> None:
    owner = await us_books.customer()
    invoice = await us_books.invoice(owner, "40.00")
    paid = await us_books.payment(owner, "40.00", invoice)
    with pytest.raises(InvalidData):
        await us_books.void("Invoice", await us_books.seen("Invoice", invoice["Id"]))
    await us_books.void("Payment", paid)
    voided = await us_books.void("Invoice", await us_books.seen("Invoice", invoice["Id"]))
    assert voided["Balance"] == 0


async def test_void_whose_answer_is_lost_is_made_once(us_books: Books) -> None:
    receipt = await us_books.make("SalesReceipt", {"Line": [line("40.00")]})
    us_books.fault("reset_after", operation="void")
    assert (await us_books.void("SalesReceipt", receipt))["SyncToken"] == "1"
    assert us_books.traffic.replays == 1


async def test_sparse_update_spares_what_it_leaves_out_and_takes_lines_whole(us_books: Books) -> None:
    owner = await us_books.customer()
    made = await us_books.invoice(owner, "40.00", PrivateNote="kept", Line=[line("40.00"), line("2.00")])
    update = Write.sparse_update("Invoice", known(made, Line=[line("7.00")]), request_id="u-1")
    after = (await us_books.client.send(update)).entity
    assert (after["PrivateNote"], after["TotalAmt"], after["SyncToken"]) == ("kept", Decimal("7.00"), "1")
    assert [one["Amount"] for one in after["Line"] if "Id" in one] == [Decimal("7.00")]


async def test_full_update_clears_what_it_leaves_out_but_not_the_number(us_books: Books) -> None:
    owner = await us_books.customer()
    made = await us_books.invoice(owner, "40.00", PrivateNote="lost")
    body = known(made, CustomerRef={"value": owner}, Line=made["Line"])
    after = (await us_books.client.send(Write.update("Invoice", body, request_id="u-1"))).entity
    assert "PrivateNote" not in after
    assert after["DocNumber"] == made["DocNumber"]


async def test_update_that_changes_nothing_keeps_token_and_time(us_books: Books) -> None:
    customer = await us_books.make("Customer", {"DisplayName": "Amy", "Notes": "same"})
    same = Write.sparse_update("Customer", known(customer, Notes="same"), request_id="u-1")
    after = (await us_books.client.send(same)).entity
    assert (after["SyncToken"], after["MetaData"]) == (customer["SyncToken"], customer["MetaData"])


async def test_tax_service_makes_a_code_that_sales_are_taxed_by(gb_books: Books) -> None:
    [agency] = await gb_books.client.query_all("TaxAgency")
    detail = {"TaxRateName": "Island", "RateValue": Decimal("7.5"), "TaxAgencyId": agency["Id"]}
    made = await gb_books.make("TaxService", {"TaxCode": "Island", "TaxRateDetails": [detail]})
    [code] = await gb_books.client.query_all("TaxCode", where("Name", "=", "Island"))
    assert code["Id"] == made["TaxCodeId"]
    sold = {"Line": [line("40.00", TaxCodeRef={"value": code["Id"]})], "GlobalTaxCalculation": "TaxExcluded"}
    assert (await gb_books.make("SalesReceipt", sold))["TotalAmt"] == Decimal("43.00")


async def test_tax_service_repeated_under_its_request_id_makes_one_code(gb_books: Books) -> None:
    detail = {"TaxRateName": "Island", "RateValue": Decimal(5), "TaxAgencyId": "1"}
    write = Write.create("TaxService", {"TaxCode": "Island", "TaxRateDetails": [detail]}, request_id="t-1")
    gb_books.fault("reset_after", method="POST")
    made = (await gb_books.client.send(write)).entity
    assert gb_books.traffic.replays == 1
    assert await gb_books.client.count("TaxCode", where("Name", "=", "Island")) == 1
    assert made["TaxRateDetails"][0]["TaxRateId"]


async def test_number_used_twice_is_told_apart_from_a_name(us_books: Books) -> None:
    await us_books.make("SalesReceipt", {"DocNumber": "A-1", "Line": [line("1.00")]})
    with pytest.raises(DuplicateNumber) as refused:
        await us_books.make("SalesReceipt", {"DocNumber": "A-1", "Line": [line("1.00")]})
    assert refused.value.code == "6140"
    assert "TxnId=" in (refused.value.detail or "")


async def test_papers_of_invoices_and_receipts_are_pdf(us_books: Books) -> None:
    invoice = await us_books.invoice(await us_books.customer(), "40.00")
    receipt = await us_books.make("SalesReceipt", {"Line": [line("1.00")]})
    assert (await us_books.client.pdf("Invoice", invoice["Id"])).startswith(b"%PDF")
    assert (await us_books.client.pdf("SalesReceipt", receipt["Id"])).startswith(b"%PDF")
    with pytest.raises(ReferenceInvalid):
        await us_books.client.pdf("Invoice", "4711")


async def test_invoice_is_mailed_to_its_address_or_another(us_books: Books) -> None:
    owner = await us_books.customer()
    invoice = await us_books.invoice(owner, "40.00", BillEmail={"Address": "amy@example.com"})
    sent = (await us_books.client.send_invoice(invoice["Id"], request_id="m-1")).entity
    assert (sent["EmailStatus"], sent["BillEmail"]["Address"]) == ("EmailSent", "amy@example.com")
    other = (await us_books.client.send_invoice(invoice["Id"], request_id="m-2", to="b+c@example.com")).entity
    assert other["BillEmail"]["Address"] == "b+c@example.com"
    bare = await us_books.invoice(owner, "40.00")
    with pytest.raises(RequestBug) as refused:
        await us_books.client.send_invoice(bare["Id"], request_id="m-3")
    assert refused.value.code == "6420"


async def test_mail_whose_answer_is_lost_is_not_sent_again(us_books: Books) -> None:
    invoice = await us_books.invoice(await us_books.customer(), "40.00", BillEmail={"Address": "amy@example.com"})
    us_books.fault("reset_after", operation="send")
    with pytest.raises(Uncertain):
        await us_books.client.send_invoice(invoice["Id"], request_id="m-1")
    assert [one.operation for one in us_books.exchanges].count("send") == 1
    assert (await us_books.seen("Invoice", invoice["Id"]))["EmailStatus"] == "EmailSent"


async def test_company_that_is_suspended_or_gone_is_unavailable(us_books: Books) -> None:
    us_books.company.switches.suspended = True
    with pytest.raises(CompanyUnavailable) as ended:
        await us_books.customer()
    assert ended.value.code == "6190"


async def test_company_info_and_preferences_are_read_and_changed(us_books: Books) -> None:
    assert (await us_books.client.company_info())["Country"] == "US"
    preferences = await us_books.client.preferences()
    sales = {**preferences["SalesFormsPrefs"], "CustomTxnNumbers": True}
    body = {**preferences, "SalesFormsPrefs": sales}
    after = (await us_books.client.send(Write.update("Preferences", body, request_id="p-1"))).entity
    assert after["SalesFormsPrefs"]["CustomTxnNumbers"] is True
    assert await us_books.client.preferences() == after
