"""The pages as a browser would meet them: from link to link, and nothing of the books is ever markup."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import pytest

from tests.unit.emulator.driver import Books, line

NASTY = '<script>alert("x")</script> & "Söhne"'


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: dict[str, str] = {}
        self.tags: list[str] = []
        self.cells: list[str] = []
        self._href = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "a":
            self._href = dict(attrs)["href"] or ""

    def handle_data(self, data: str) -> None:
        self.cells.append(data)
        if self._href:
            self.links[data], self._href = self._href, ""


async def page(books: Books, path: str, status: int = 200) -> _Page:
    async with books.session.get(urljoin(books.base_url, path)) as got:
        assert got.status == status
        assert "default-src 'none'" in got.headers["Content-Security-Policy"]
        return _Page(await got.text())


async def ledger(books: Books) -> dict[str, Any]:
    customer = await books.made("Customer", {"DisplayName": NASTY, "PrimaryEmailAddr": {"Address": "a@example.com"}})
    reference = {"value": customer["Id"]}
    lines = [line("337.50", quantity="4.5", price="75"), {**line("20"), "Description": "Strings"}]
    invoice = await books.made(
        "Invoice", {"CustomerRef": reference, "Line": lines, "DocNumber": "A1", "TxnDate": "2026-01-01"}
    )
    link = {"Amount": 57, "LinkedTxn": [{"TxnType": "Invoice", "TxnId": invoice["Id"]}]}
    await books.made("Payment", {"CustomerRef": reference, "TotalAmt": 60, "Line": [link], "PaymentRefNum": "P1"})
    return invoice


async def test_books_are_walked_from_the_start_to_a_document_and_to_what_pays_it(us: Books) -> None:
    await ledger(us)
    home = await page(us, "/")
    overview = await page(us, home.links["Emulated US company 1"])
    assert "297.50" in overview.cells
    invoice = await page(us, overview.links["A1"])
    for shown in ("Overdue", "4.5", "75", "337.50", "Services - Strings", "357.50", "300.50"):
        assert shown in invoice.cells
    payment = await page(us, invoice.links["Payment P1"])
    assert {"57.00", "60.00", "3.00"} <= set(payment.cells)
    assert "Invoice A1" in payment.links
    customer = await page(us, payment.links[NASTY])
    assert {"A1", "P1"} <= set(customer.links)
    assert "a@example.com" in customer.cells


async def test_overview_names_as_owing_only_who_owes(us: Books) -> None:
    await us.made("Customer", {"DisplayName": "Paid up"})
    assert "Nobody owes anything." in (await page(us, f"/companies/{us.realm_id}")).cells
    await ledger(us)
    overview = await page(us, f"/companies/{us.realm_id}")
    assert NASTY in overview.links
    assert "Paid up" not in overview.links


async def test_books_never_become_markup(us: Books) -> None:
    invoice = await ledger(us)
    for path in ("", "/customer", "/customer/1", f"/invoice/{invoice['Id']}", "/invoice"):
        assert "script" not in (await page(us, f"/companies/{us.realm_id}{path}")).tags


async def test_document_has_its_pdf_without_a_token(us: Books) -> None:
    invoice = await ledger(us)
    here = await page(us, f"/companies/{us.realm_id}/invoice/{invoice['Id']}")
    async with us.session.get(us.base_url + here.links["PDF"]) as got:
        assert got.content_type == "application/pdf"
        assert (await got.read()).startswith(b"%PDF")


@pytest.mark.parametrize("entity", ["item", "account", "preferences", "companyinfo", "paymentmethod", "term", "vendor"])
async def test_every_list_has_a_page_and_so_have_its_objects(us: Books, entity: str) -> None:
    listing = await page(us, f"/companies/{us.realm_id}/{entity}")
    objects = [href for href in listing.links.values() if href.count("/") == 4]
    assert objects or entity == "vendor"
    for href in objects:
        assert "As the API shows it" in (await page(us, href)).cells


async def test_long_list_is_paged_newest_first(us: Books) -> None:
    await us.control("seed", {"Customer": [{"DisplayName": f"C{number}"} for number in range(60)]})
    first = await page(us, f"/companies/{us.realm_id}/customer")
    assert ("C59" in first.links, "C9" in first.links, "newer" in first.links) == (True, False, False)
    second = await page(us, f"/companies/{us.realm_id}/customer{first.links['older']}")
    assert ("C59" in second.links, "C9" in second.links, "older" in second.links) == (False, True, False)
    assert "C59" in (await page(us, f"/companies/{us.realm_id}/customer?page=77")).links


async def test_overview_says_what_stands_in_the_way(us: Books) -> None:
    await us.control("suspend")
    await us.control("close-books", {"date": "2026-01-31"})
    overview = await page(us, f"/companies/{us.realm_id}")
    assert "The subscription is suspended: every request is refused." in overview.cells
    assert "The books are closed up to 2026-01-31." in overview.cells


@pytest.mark.parametrize(
    "path", ["1", "{realm}/nothing", "{realm}/customer/99", "{realm}/nothing/1", "{realm}/item/1/pdf"]
)
async def test_page_of_nothing_is_404(us: Books, path: str) -> None:
    await page(us, f"/companies/{path.format(realm=us.realm_id)}", status=404)


async def test_states_are_said_in_words(us: Books) -> None:
    invoice = await ledger(us)
    await us.control(
        "person/void", {"entity": "SalesReceipt", "Id": (await us.made("SalesReceipt", {"Line": [line("1")]}))["Id"]}
    )
    await us.control("person/edit", {"entity": "Invoice", "Id": invoice["Id"], "set": {"DueDate": "2999-01-01"}})
    cells = (await page(us, f"/companies/{us.realm_id}")).cells
    assert {"Void", "Partly paid", "Unapplied"} <= set(cells)
