"""A company's books in a browser: an overview, a page for each list, and one for each object."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import simplejson

from qbo_client.emulator.amounts import ZERO
from qbo_client.emulator.company import Company
from qbo_client.emulator.documents import applied, documents, state
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.markup import Column, Html, element, facts, joined, link, table
from qbo_client.emulator.paper import describe, money, plain, title_of, totals
from qbo_client.emulator.table import Row

LATEST = 10
PAGE = 50
_DOCUMENT = (
    Column(heading="Number"),
    Column(heading="Date"),
    Column(heading="Customer"),
    Column(heading="State"),
    Column(heading="Total", figures=True),
)
# What may be left of a document, by the field that says it.
_LEFT = {"Invoice": ("Balance", "Balance"), "CreditMemo": ("Balance", "Left"), "Payment": ("UnappliedAmt", "Unapplied")}
_CUSTOMER = (Column(heading="Name"), Column(heading="E-mail"), Column(heading="Balance", figures=True))
_OTHER = (Column(heading="Name"), Column(heading="What it is"), Column(heading="Id", figures=True))


def path(company: Company, kind: Kind | None = None, identifier: str | None = None) -> str:
    steps = [company.realm_id, *([kind.name.lower()] if kind else []), *([identifier] if identifier else [])]
    return "/companies/" + "/".join(quote(step) for step in steps)


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
        element("section", _table(company, kind, here) if here else element("p", "None yet.", class_="soft")),
        element("p", *turns, class_="pages"),
    ]


def single(company: Company, kind: Kind, row: Row) -> list[Html]:
    body = row.body
    head = [element("h1", f"{title_of(kind.name)} {_name(body)}"), badge(company, kind, body)]
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


def badge(company: Company, kind: Kind, body: Any) -> Html:
    text, tone = state(kind, body, company.clock.today())
    return element("span", text, class_=f"badge {tone}") if text else Html("")


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
    rows = sorted(company.table("Customer"), key=lambda row: (-Decimal(row.body["Balance"]), -int(row.identifier)))
    return _section(company, kind, rows[:LATEST], "Customers who owe most")


def _latest(company: Company, kind: Kind) -> Html:
    return _section(company, kind, list(company.table(kind.name))[::-1][:LATEST], f"Latest {plural(kind).lower()}")


def _section(company: Company, kind: Kind, rows: Sequence[Row], title: str) -> Html:
    every = link(path(company, kind), f"All {len(company.table(kind.name))}")
    content = _table(company, kind, rows) if rows else element("p", "None yet.", class_="soft")
    return element("section", element("div", element("h2", title), every, class_="head"), content)


def _lists(company: Company) -> Html:
    kinds = [one for one in company.kinds.values() if not one.transaction and one.name != "Customer"]
    links = [
        element("li", link(path(company, kind), plural(kind)), f" ({len(company.table(kind.name))})") for kind in kinds
    ]
    return element("section", element("h2", "Lists"), element("ul", *links))


def _table(company: Company, kind: Kind, rows: Iterable[Row]) -> Html:
    if kind.transaction:
        left = [Column(heading=_LEFT[kind.name][1], figures=True)] if kind.name in _LEFT else []
        return table([*_DOCUMENT, *left], (_document_row(company, kind, row) for row in rows))
    if kind.name == "Customer":
        return table(_CUSTOMER, (_customer_row(company, kind, row) for row in rows))
    return table(_OTHER, (_other_row(company, kind, row) for row in rows))


def _document_row(company: Company, kind: Kind, row: Row) -> list[str]:
    body = row.body
    left = [body.get(_LEFT[kind.name][0])] if kind.name in _LEFT else []
    return [
        link(path(company, kind, row.identifier), _name(body)),
        body.get("TxnDate", ""),
        _reference(company, body, "CustomerRef"),
        badge(company, kind, body),
        money(body["TotalAmt"]),
        *(money(amount) if amount else "" for amount in left),
    ]


def _customer_row(company: Company, kind: Kind, row: Row) -> list[str]:
    body = row.body
    email = body.get("PrimaryEmailAddr", {}).get("Address", "")
    return [_named(company, kind, row, body["FullyQualifiedName"]), email, money(body["Balance"])]


def _other_row(company: Company, kind: Kind, row: Row) -> list[str]:
    body = row.body
    what = f"{body['RateValue']} %" if "RateValue" in body else body.get("AccountType") or body.get("Type") or ""
    return [_named(company, kind, row, _name(body)), str(what), row.identifier]


def _named(company: Company, kind: Kind, row: Row, name: str) -> Html:
    shown = link(path(company, kind, row.identifier), name)
    return element("span", shown, badge(company, kind, row.body), class_="name")


def _name(body: Any) -> str:
    for name in ("DocNumber", "DisplayName", "Name", "CompanyName", "PaymentRefNum"):
        if body.get(name):
            return str(body[name])
    return f"no. {body['Id']}"


def _reference(company: Company, body: Any, field: str) -> str:
    """A link where what is meant has a page of its own."""
    reference = body.get(field)
    if not reference:
        return ""
    kind = company.kinds.get(field.removesuffix("Ref").lower())
    text = str(reference.get("name", reference["value"]))
    known = kind is not None and company.table(kind.name).get(reference["value"]) is not None
    return link(path(company, kind, reference["value"]), text) if known else text


def _facts(company: Company, body: Any) -> list[tuple[str, str]]:
    return [
        ("Customer", _reference(company, body, "CustomerRef")),
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
    return link(path(company, company.kinds["customer"], row.identifier), _name(row.body)) if row else ""


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
            link(path(company, kind, row.identifier), f"{title_of(kind.name)} {_name(row.body)}"),
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
            shown.append(element("section", head, _table(company, kind, found[:PAGE])))
    return shown


def plural(kind: Kind) -> str:
    """`Tax Agency` are Tax Agencies."""
    title = title_of(kind.name)
    if title in {"Preferences", "Company Info"}:
        return title
    if title.endswith("y"):
        return f"{title[:-1]}ies"
    return f"{title}es" if title.endswith("s") else f"{title}s"
