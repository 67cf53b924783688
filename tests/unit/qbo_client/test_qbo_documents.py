"""What a client does with whole documents: print, mail, make a tax code."""

from decimal import Decimal

import pytest

from qbo_client.client import QBOClient
from qbo_client.errors import DuplicateName, ReferenceInvalid, Unavailable, Uncertain, Unreachable
from qbo_client.writes import Write
from tests.unit.qbo_client.conftest import MakeClient
from tests.unit.qbo_client.vendor import REALM, Record, Reply, Reset, Vendor, fault, ok, unauthorized

PDF = Reply(body=b"%PDF-1.4\n\xff\xfe binary", headers={"Content-Type": "application/pdf"})
MAILED = ok({"Invoice": {"Id": "12", "EmailStatus": "EmailSent", "DeliveryInfo": {"DeliveryType": "Email"}}})


async def test_pdf_is_asked_for_and_returned_as_it_came(client: QBOClient, vendor: Vendor, record: Record) -> None:
    vendor.answers(PDF)
    assert await client.pdf("Invoice", "12") == b"%PDF-1.4\n\xff\xfe binary"
    [seen] = vendor.seen
    assert (seen.method, seen.path) == ("GET", f"/v3/company/{REALM}/invoice/12/pdf")
    assert seen.headers["Accept"] == "application/pdf"
    [exchange] = record.exchanges
    assert (exchange.operation, exchange.entity, exchange.metered) == ("pdf", "Invoice", 1)


async def test_pdf_refused_is_a_typed_error(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(fault("610"))
    with pytest.raises(ReferenceInvalid):
        await client.pdf("SalesReceipt", "12")


async def test_pdf_that_is_none_is_asked_for_again(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(Reply(body=b"<html>busy</html>"), PDF)
    assert (await client.pdf("Invoice", "12")).startswith(b"%PDF")
    vendor.answers(*[Reply(body=b"")] * 3)
    with pytest.raises(Unavailable):
        await client.pdf("Invoice", "12")


async def test_pdf_of_what_is_not_printed_is_refused(client: QBOClient, vendor: Vendor) -> None:
    with pytest.raises(ValueError, match="prints no Payment"):
        await client.pdf("Payment", "12")
    with pytest.raises(ValueError, match="no Id"):
        await client.pdf("Invoice", "../12")
    assert vendor.seen == []


@pytest.mark.parametrize(("to", "query"), [(None, {}), ("amy+1@example.com", {"sendTo": "amy+1@example.com"})])
async def test_send_invoice_mails_it(
    client: QBOClient, vendor: Vendor, record: Record, to: str | None, query: dict[str, str]
) -> None:
    vendor.answers(MAILED)
    answer = await client.send_invoice("12", request_id="m-1", to=to)
    assert answer.entity["EmailStatus"] == "EmailSent"
    [seen] = vendor.seen
    assert (seen.method, seen.path, seen.body) == ("POST", f"/v3/company/{REALM}/invoice/12/send", b"")
    assert seen.query == {**query, "requestid": "m-1", "minorversion": "75"}
    assert seen.headers["Content-Type"] == "application/octet-stream"
    assert (record.exchanges[0].operation, record.exchanges[0].metered) == ("send", 0)


@pytest.mark.parametrize("lost", [Reset(), Reply(status=504), Reply(body=b"")])
async def test_send_invoice_without_answer_is_not_repeated(
    client: QBOClient, vendor: Vendor, lost: Reply | Reset
) -> None:
    vendor.answers(lost)
    with pytest.raises(Uncertain):
        await client.send_invoice("12", request_id="m-1")
    assert len(vendor.seen) == 1


async def test_send_invoice_that_never_left_is_repeated(
    make_client: MakeClient, closed_url: str, record: Record
) -> None:
    with pytest.raises(Unreachable):
        await make_client(closed_url, 30.0).send_invoice("12", request_id="m-1")
    assert record.outcomes == ["retry"] * 3


async def test_send_invoice_refused_token_is_renewed(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(unauthorized(), MAILED)
    assert (await client.send_invoice("12", request_id="m-1")).entity["Id"] == "12"


@pytest.mark.parametrize("to", ["", "amy", "amy@example", "a@b.c,d@e.f", "a b@c.de", f"{'a' * 95}@b.com", "a@b.c\n"])
async def test_send_invoice_to_what_is_no_address_is_refused(client: QBOClient, vendor: Vendor, to: str) -> None:
    with pytest.raises(ValueError, match="not one address"):
        await client.send_invoice("12", request_id="m-1", to=to)
    with pytest.raises(ValueError, match="request id"):
        await client.send_invoice("12", request_id="")
    assert vendor.seen == []


def tax_code() -> Write:
    rate = {"TaxRateName": "City", "RateValue": Decimal("8.25"), "TaxAgencyId": "1", "TaxApplicableOn": "Sales"}
    return Write.create("TaxService", {"TaxCode": "City 8.25", "TaxRateDetails": [rate]}, request_id="t-1")


async def test_tax_code_is_made_by_its_service(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(ok({"TaxCode": "City 8.25", "TaxCodeId": "7", "TaxRateDetails": [{"TaxRateId": "9"}]}))
    answer = await client.send(tax_code())
    assert (answer.entity["TaxCodeId"], answer.entity["TaxRateDetails"]) == ("7", [{"TaxRateId": "9"}])
    assert vendor.seen[0].path == f"/v3/company/{REALM}/taxservice/taxcode"


async def test_tax_code_answer_without_its_id_is_uncertain(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(*[ok({"TaxCode": "City 8.25"})] * 3)
    with pytest.raises(Uncertain, match="TaxCodeId"):
        await client.send(tax_code())


# As recorded from the tax service: the envelope varies, and the gateway's has a text for a time.
CAPITAL = (
    b'{"Fault":{"Error":[{"Message":"Duplicate Name Exists Error","Detail":"The name supplied already exists. : '
    b'Another tax rate is already using this \\nname.","code":"6240","element":""}],"type":"ValidationFault"},'
    b'"time":"2015-08-07T05:35:56.791-07:00"}'
)
LOWER = (
    b'{"fault":{"error":[{"message":"Duplicate Name Exists Error","detail":"The name supplied already exists. : null",'
    b'"code":"6240"}],"type":"ValidationFault"},"batchItemResponse":[],"attachableResponse":[],'
    b'"time":"1719142418269","cdcresponse":[]}'
)


@pytest.mark.parametrize("body", [CAPITAL, LOWER])
@pytest.mark.parametrize("status", [200, 400])
async def test_tax_code_whose_name_is_taken_is_a_duplicate(
    client: QBOClient, vendor: Vendor, body: bytes, status: int
) -> None:
    vendor.answers(Reply(status=status, body=body))
    with pytest.raises(DuplicateName) as caught:
        await client.send(tax_code())
    assert (caught.value.code, len(vendor.seen)) == ("6240", 1)
