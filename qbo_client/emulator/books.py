"""A company's books in a browser: an overview, a page for each list, and one for each object."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import simplejson

from qbo_client.emulator.amounts import ZERO
from qbo_client.emulator.book_parts import badge, listed, name_of, path, plural, referred
from qbo_client.emulator.company import Company
from qbo_client.emulator.documents import applied, documents
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.markup import Column, Html, element, facts, joined, link, table
from qbo_client.emulator.paper import describe, money, plain, title_of, totals
from qbo_client.emulator.table import Row

LATEST = 10
PAGE = 50


def home(companies: Iterable[Company]) -> list[Html]:
    columns = [
        Column(heading="Company"),
        Column(heading="Country"),
        Column(heading="Realm"),
        Column(heading="Customers", figures=True),
        Column(heading="Documents", figures=True),
        Column(heading="Owed to it", figures=True),
    ]
    rows = (
        [
            link(path(one), one.name),
            f"{one.country}, {one.currency}",
            one.realm_id,
            str(len(one.table("Customer"))),
            str(sum(len(one.table(kind.name)) for kind in documents(one))),
            money(_owed(one)),
        ]
        for one in companies
    )
    return [element("h1", "Companies"), element("section", table(columns, rows))]


def overview(company: Company) -> list[Html]:
    return [
        element("h1", company.name),
        element("p", f"{company.country} · {company.currency} · realm {company.realm_id}", class_="soft"),
        *_warnings(company),
        _cards(company),
        _customers(company),
        *(_latest(company, kind) for kind in documents(company) if len(company.table(kind.name))),
        _lists(company),
    ]


def listing(company: Company, kind: Kind, page: int) -> list[Html]:
    """One page of all objects, the newest first; an impossible page is the first."""
    rows = list(company.table(kind.name))[::-1]
    pages = max(1, -(-len(rows) // PAGE))
    page = page if 1 <= page <= pages else 1
    here = rows[(page - 1) * PAGE : page * PAGE]
    steps = [("newer", page - 1), ("older", page + 1)]
    turns = [link(f"?page={number}", text) for text, number in steps if 1 <= number <= pages]
    return [
        element("h1", plural(kind)),
        element("p", f"{len(rows)} in all, page {page} of {pages}", class_="soft"),
        element("section", listed(company, kind, here) if here else element("p", "None yet.", class_="soft")),
        element("p", *turns, class_="pages"),
    ]


def single(company: Company, kind: Kind, row: Row) -> list[Html]:
    body = row.body
    head = [element("h1", f"{title_of(kind.name)} {name_of(body)}"), badge(company, kind, body)]
    if kind.transaction:
        head.append(link(f"{path(company, kind, row.identifier)}/pdf", "PDF"))
    content = [_document(company, body)] if kind.transaction else []
    if kind.name == "Customer":
        content = _of_customer(company, row)
    shown = simplejson.dumps(body, use_decimal=True, ensure_ascii=False, indent=2)
    return [
        element("div", *head, class_="head"),
        element("section", facts(_facts(company, body))),
        *content,
        element("details", element("summary", "As the API shows it"), element("pre", shown)),
    ]


def _owed(company: Company) -> Decimal:
    return sum((Decimal(row.body["Balance"]) for row in company.table("Customer")), ZERO)


def _warnings(company: Company) -> list[Html]:
    said = []
    if company.switches.suspended:
        said.append("The subscription is suspended: every request is refused.")
    if company.closing_date:
        said.append(f"The books are closed up to {company.closing_date}.")
    return [element("p", one, class_="warn") for one in said]


def _cards(company: Company) -> Html:
    today = company.clock.today()
    invoices = [row.body for row in company.table("Invoice")] if "invoice" in company.kinds else []
    open_ones = [body for body in invoices if body["Balance"]]
    overdue = [body for body in open_ones if body.get("DueDate", today) < today]
    figures = [
        ("Customers", str(len(company.table("Customer")))),
        ("Documents", str(sum(len(company.table(kind.name)) for kind in documents(company)))),
        ("Owed by customers", money(_owed(company))),
        ("Open invoices", str(len(open_ones))),
        ("Overdue", money(sum((Decimal(body["Balance"]) for body in overdue), ZERO))),
    ]
    return element(
        "div", *(element("div", name, element("b", value), class_="card") for name, value in figures), class_="cards"
    )


def _customers(company: Company) -> Html:
    kind = company.kinds["customer"]
    owing = (row for row in company.table("Customer") if Decimal(row.body["Balance"]) > 0)
    rows = sorted(owing, key=lambda row: (-Decimal(row.body["Balance"]), -int(row.identifier)))
    return _section(company, kind, rows[:LATEST], "Customers who owe most", none="Nobody owes anything.")


def _latest(company: Company, kind: Kind) -> Html:
    return _section(company, kind, list(company.table(kind.name))[::-1][:LATEST], f"Latest {plural(kind).lower()}")


def _section(company: Company, kind: Kind, rows: Sequence[Row], title: str, *, none: str = "None yet.") -> Html:
    every = link(path(company, kind), f"All {len(company.table(kind.name))}")
    content = listed(company, kind, rows) if rows else element("p", none, class_="soft")
    return element("section", element("div", element("h2", title), every, class_="head"), content)


def _lists(company: Company) -> Html:
    kinds = [one for one in company.kinds.values() if not one.transaction and one.name != "Customer"]
    links = [
        element("li", link(path(company, kind), plural(kind)), f" ({len(company.table(kind.name))})") for kind in kinds
    ]
    return element("section", element("h2", "Lists"), element("ul", *links))


def _facts(company: Company, body: Any) -> list[tuple[str, str]]:
    return [
        ("Customer", referred(company, body, "CustomerRef")),
        ("Under", _parent(company, body)),
        ("Date", body.get("TxnDate", "")),
        ("Due", body.get("DueDate", "")),
        ("E-mail", (body.get("BillEmail") or body.get("PrimaryEmailAddr") or {}).get("Address", "")),
        ("Sent", body.get("DeliveryInfo", {}).get("DeliveryTime", "").replace("T", " ")),
        ("Phone", body.get("PrimaryPhone", {}).get("FreeFormNumber", "")),
        ("Balance", money(body["Balance"]) if body.get("Balance") else ""),
        ("Payment method", body.get("PaymentMethodRef", {}).get("name", "")),
        ("Deposited to", body.get("DepositToAccountRef", {}).get("name", "")),
        ("Reference", body.get("PaymentRefNum", "")),
        ("Tax", body.get("GlobalTaxCalculation", "")),
        ("Message", body.get("CustomerMemo", {}).get("value", "")),
        ("Note", body.get("PrivateNote", "") or body.get("Notes", "")),
        ("Id", body["Id"]),
        ("SyncToken", body["SyncToken"]),
        ("Last change", body["MetaData"]["LastUpdatedTime"].replace("T", " ")),
    ]


def _parent(company: Company, body: Any) -> str:
    row = company.table("Customer").get(body.get("ParentRef", {}).get("value", ""))
    return link(path(company, company.kinds["customer"], row.identifier), name_of(row.body)) if row else ""


def _document(company: Company, body: Any) -> Html:
    columns = [
        Column(heading="Description"),
        Column(heading="Tax code"),
        Column(heading="Qty", figures=True),
        Column(heading="Rate", figures=True),
        Column(heading="Amount", figures=True),
    ]
    lines = [line for line in body.get("Line", ()) if line.get("DetailType") != "SubTotalLineDetail"]
    listed = table(columns, (_line(company, line) for line in lines)) if lines else Html("")
    sums = [
        element("tr", element("th", name, scope="row"), element("td", money(amount), class_="figures"), class_=strong)
        for name, amount in totals(body)
        for strong in ["strong" if name in {"Total", "Balance due"} else None]
    ]
    parts = [element("section", listed, element("table", element("tbody", *sums), class_="totals"))]
    links = list(applied(company, body))
    if links:
        own = any("LinkedTxn" in line for line in body.get("Line", ()))
        parts.append(_applied(company, links, "Applied to" if own else "Applied from"))
    return joined(parts)


def _line(company: Company, line: Any) -> list[str]:
    detail = line.get("SalesItemLineDetail", {})
    code = detail.get("TaxCodeRef", {}).get("value", "")
    row = company.table("TaxCode").get(code)
    return [
        describe(line) or line.get("DetailType", ""),
        str(row.body["Name"]) if row else code,
        plain(detail.get("Qty")),
        plain(detail.get("UnitPrice")),
        money(line["Amount"]) if line.get("Amount") is not None else "",
    ]


def _applied(company: Company, links: Iterable[tuple[Kind, Row, Decimal]], title: str) -> Html:
    columns = [Column(heading="Document"), Column(heading="Date"), Column(heading="Amount", figures=True)]
    rows = (
        [
            link(path(company, kind, row.identifier), f"{title_of(kind.name)} {name_of(row.body)}"),
            row.body.get("TxnDate", ""),
            money(amount),
        ]
        for kind, row, amount in links
    )
    return element("section", element("h2", title), table(columns, rows))


def _of_customer(company: Company, row: Row) -> list[Html]:
    shown = []
    for kind in documents(company):
        found = company.table(kind.name).find("CustomerRef", [row.identifier])[::-1]
        if found:
            more = f"{len(found)} in all" if len(found) > PAGE else ""
            head = element("div", element("h2", plural(kind)), element("span", more, class_="soft"), class_="head")
            shown.append(element("section", head, listed(company, kind, found[:PAGE])))
    return shown
