import re
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.emulator.driver import Books, line

PDF = {"Accept": "application/pdf"}


async def invoice(books: Books, **other: Any) -> dict[str, Any]:
    customers = await books.rows("Customer")
    amy = customers[0] if customers else await books.made("Customer", {"DisplayName": "Zoë (Bird) Sanctuary"})
    lines = [line("337.50", quantity="4.5", price="75"), {**line("20"), "Description": "Strings"}]
    return await books.made("Invoice", {"CustomerRef": {"value": amy["Id"]}, "Line": lines, **other})


async def pdf(books: Books, path: str) -> bytes:
    headers = {**PDF, "Authorization": f"Bearer {books.token}"}
    async with books.session.get(f"{books.base_url}/v3/company/{books.realm_id}/{path}", headers=headers) as got:
        assert (got.status, got.headers["Content-Type"]) == (200, "application/pdf")
        assert got.headers["intuit_tid"]
        return await got.read()


def texts(file: bytes) -> list[str]:
    """What is printed, read back as a viewer would find it: by way of the table of places."""
    start = int(file.rsplit(b"startxref\n", 1)[1].split()[0])
    assert file[start:].startswith(b"xref")
    count = int(file[start:].split()[2])
    shown: list[str] = []
    for number, place in enumerate(re.findall(rb"(\d{10}) 00000 n ", file[start:]), start=1):
        written = file[int(place) :]
        assert written.startswith(b"%d 0 obj" % number)
        stream = re.match(rb"\d+ 0 obj\n<< /Length (\d+) >>\nstream\n", written)
        if stream:
            content = written[stream.end() :][: int(stream[1])]
            assert written[stream.end() + int(stream[1]) :].startswith(b"\nendstream")
            shown += [
                re.sub(rb"\\(.)", rb"\1", one).decode("cp1252")
                for one in re.findall(rb"\(((?:[^\\()]|\\.)*)\) Tj", content)
            ]
    assert number == count - 1
    return shown


async def test_pdf_shows_number_customer_lines_and_totals(us: Books) -> None:
    made = await invoice(us, DocNumber="A(1)", BillEmail={"Address": "amy@example.com"})
    file = await pdf(us, f"invoice/{made['Id']}/pdf")
    assert file.startswith(b"%PDF-1.4")
    assert file.endswith(b"%%EOF\n")
    shown = texts(file)
    for expected in ("INVOICE", "A(1)", "Zoë (Bird) Sanctuary", "amy@example.com", made["TxnDate"]):
        assert expected in shown
    for expected in ("4.5", "75", "337.50", "Services - Strings", "20.00", "Subtotal", "357.50", "Balance due"):
        assert expected in shown


async def test_pdf_of_many_lines_has_several_pages_and_loses_none(us: Books) -> None:
    made = await invoice(us, Line=[{**line("1"), "Description": f"Lesson {number}"} for number in range(100)])
    file = await pdf(us, f"invoice/{made['Id']}/pdf")
    assert b"/Count 3" in file
    assert [f"Services - Lesson {number}" in texts(file) for number in range(100)] == [True] * 100


@pytest.mark.parametrize("entity", ["SalesReceipt", "Payment"])
async def test_pdf_is_of_any_transaction(us: Books, entity: str) -> None:
    made = await invoice(us)
    body = {"SalesReceipt": {"Line": [line("12")]}, "Payment": {"CustomerRef": made["CustomerRef"], "TotalAmt": 12}}
    other = await us.made(entity, body[entity])
    assert "12.00" in texts(await pdf(us, f"{entity.lower()}/{other['Id']}/pdf"))


@pytest.mark.parametrize(
    ("path", "code"), [("invoice/99/pdf", "610"), ("customer/1/pdf", "500"), ("invoice/1/fax", "500")]
)
async def test_pdf_of_nothing_is_a_fault(us: Books, path: str, code: str) -> None:
    assert (await us.call("GET", path)).code == code


async def test_send_to_the_bill_email_marks_the_invoice_as_sent(us: Books) -> None:
    made = await invoice(us, BillEmail={"Address": "amy@example.com"})
    reply = await us.call("POST", f"invoice/{made['Id']}/send", headers={"Content-Type": "application/octet-stream"})
    sent = reply.body["Invoice"]
    assert (sent["EmailStatus"], sent["DeliveryInfo"]["DeliveryType"]) == ("EmailSent", "Email")
    assert sent["DeliveryInfo"]["DeliveryTime"]
    assert (sent["SyncToken"], sent["Balance"]) == ("1", Decimal("357.50"))
    assert (await us.statistics())["writes_applied"] == {"Customer": 1, "Invoice": 2}


async def test_send_to_another_address_puts_it_into_the_invoice(us: Books) -> None:
    made = await invoice(us, BillEmail={"Address": "amy@example.com"})
    reply = await us.call("POST", f"invoice/{made['Id']}/send", params={"sendTo": "bob@example.com"})
    assert reply.body["Invoice"]["BillEmail"]["Address"] == "bob@example.com"


@pytest.mark.parametrize(("params", "code"), [({}, "6420"), ({"sendTo": "nobody"}, "2210")])
async def test_send_to_nobody_is_refused(us: Books, params: dict[str, str], code: str) -> None:
    made = await invoice(us)
    assert (await us.call("POST", f"invoice/{made['Id']}/send", params=params)).code == code
    assert (await us.rows("Invoice"))[0]["EmailStatus"] == "NotSet"


async def test_send_again_under_its_request_id_sends_nothing(us: Books) -> None:
    made = await invoice(us)
    path, params = f"invoice/{made['Id']}/send", {"sendTo": "amy@example.com", "requestid": "r-1"}
    first = await us.call("POST", path, params=params)
    assert (await us.call("POST", path, params=params)).text == first.text
    assert (await us.statistics())["replays"] == 1


async def test_sends_in_a_day_are_limited(us: Books) -> None:
    await us.control("switches", {"sends_per_day": 2})
    made = await invoice(us)
    path, params = f"invoice/{made['Id']}/send", {"sendTo": "amy@example.com"}
    assert [(await us.call("POST", path, params=params)).status for _ in range(3)] == [200, 200, 429]
