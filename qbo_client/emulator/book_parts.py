"""How objects are named, linked and listed wherever the books show them."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from qbo_client.emulator.company import Company
from qbo_client.emulator.documents import state
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.markup import Column, Html, element, link, table
from qbo_client.emulator.paper import money, title_of
from qbo_client.emulator.table import Row

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


def badge(company: Company, kind: Kind, body: Any) -> Html:
    text, tone = state(kind, body, company.clock.today())
    return element("span", text, class_=f"badge {tone}") if text else Html("")


def listed(company: Company, kind: Kind, rows: Iterable[Row]) -> Html:
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
        link(path(company, kind, row.identifier), name_of(body)),
        body.get("TxnDate", ""),
        referred(company, body, "CustomerRef"),
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
    return [_named(company, kind, row, name_of(body)), str(what), row.identifier]


def _named(company: Company, kind: Kind, row: Row, name: str) -> Html:
    shown = link(path(company, kind, row.identifier), name)
    return element("span", shown, badge(company, kind, row.body), class_="name")


def name_of(body: Any) -> str:
    for name in ("DocNumber", "DisplayName", "Name", "CompanyName", "PaymentRefNum"):
        if body.get(name):
            return str(body[name])
    return f"no. {body['Id']}"


def referred(company: Company, body: Any, field: str) -> str:
    """A link where what is meant has a page of its own."""
    reference = body.get(field)
    if not reference:
        return ""
    kind = company.kinds.get(field.removesuffix("Ref").lower())
    text = str(reference.get("name", reference["value"]))
    known = kind is not None and company.table(kind.name).get(reference["value"]) is not None
    return link(path(company, kind, reference["value"]), text) if known else text


def plural(kind: Kind) -> str:
    """`Tax Agency` are Tax Agencies."""
    title = title_of(kind.name)
    if title in {"Preferences", "Company Info"}:
        return title
    if title.endswith("y"):
        return f"{title[:-1]}ies"
    return f"{title}es" if title.endswith("s") else f"{title}s"
