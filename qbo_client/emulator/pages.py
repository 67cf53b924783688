"""What a person sees in a browser. Everything that is shown is escaped."""

from collections.abc import Iterable, Mapping
from html import escape

from aiohttp import web

from qbo_client.emulator.company import Company

MOST_ROWS = 500
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem;color:#1a1a1a}
.warning{background:#ffe08a;border:3px solid #b00020;padding:.75rem 1rem;font-weight:bold}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ccc}
td.money,th.money{text-align:right;font-variant-numeric:tabular-nums}
label{display:block;padding:.4rem 0}button{font:inherit;padding:.5rem 1.2rem;margin:.5rem .5rem 0 0}
"""
_WARNING = "This is an EMULATOR of QuickBooks Online. Nothing here is Intuit's, and no money moves."


def page(title: str, content: str, status: int = 200) -> web.Response:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} (emulator)</title><style>{_STYLE}</style></head>"
        f'<body><p class="warning" role="alert">{_WARNING}</p><h1>{escape(title)}</h1>{content}</body></html>'
    )
    return web.Response(status=status, text=text, content_type="text/html")


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _cell(value: object, *, money: bool, tag: str = "td") -> str:
    css = ' class="money"' if money else ""
    return f"<{tag}{css}>{escape(str(value))}</{tag}>"


def table(columns: Mapping[str, bool], rows: Iterable[Iterable[object]]) -> str:
    """Columns by heading, true where they hold money."""
    marks = list(columns.values())
    head = "".join(_cell(name, money=money, tag="th") for name, money in columns.items())
    body = "".join(
        f"<tr>{''.join(_cell(value, money=money) for value, money in zip(row, marks, strict=True))}</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def consent(companies: Iterable[Company], asked: Mapping[str, str]) -> web.Response:
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in asked.items()
    )
    choices = "".join(
        f'<label><input type="radio" name="realm_id" value="{company.realm_id}"{_checked(position)}> '
        f"{escape(company.name)} ({company.country}, {company.currency})</label>"
        for position, company in enumerate(companies)
    )
    form = (
        f'<form method="post" action="/connect/oauth2">{hidden}<fieldset><legend>Choose a company</legend>'
        f'{choices}</fieldset><button name="action" value="connect">Connect</button>'
        '<button name="action" value="cancel">Cancel</button></form>'
    )
    return page("Connect your company to this app", form)


def _checked(position: int) -> str:
    return " checked" if position == 0 else ""


def home(companies: Iterable[Company]) -> web.Response:
    rows = "".join(
        f'<tr><td><a href="/companies/{company.realm_id}">{escape(company.name)}</a></td>'
        f"<td>{company.realm_id}</td><td>{company.country}</td><td>{company.currency}</td></tr>"
        for company in companies
    )
    head = "<tr><th>Company</th><th>Realm</th><th>Country</th><th>Currency</th></tr>"
    return page("Companies", f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>")


def books(company: Company) -> web.Response:
    return page(
        company.name,
        '<p><a href="/">All companies</a> · '
        f"realm {company.realm_id} · {company.country} · {company.currency}</p>"
        f"<h2>Sales receipts ({len(company.table('SalesReceipt'))})</h2>{_receipts(company)}"
        f"<h2>Customers ({len(company.table('Customer'))})</h2>{_customers(company)}",
    )


def _receipts(company: Company) -> str:
    columns = {"Number": False, "Date": False, "Customer": False, "Note": False, "Tax": True, "Total": True}
    rows = (
        (
            row.body.get("DocNumber", ""),
            row.body["TxnDate"],
            row.body.get("CustomerRef", {}).get("name", ""),
            row.body.get("PrivateNote", ""),
            row.body["TxnTaxDetail"]["TotalTax"],
            row.body["TotalAmt"],
        )
        for row in list(company.table("SalesReceipt"))[-MOST_ROWS:]
    )
    return table(columns, rows)


def _customers(company: Company) -> str:
    columns = {"Name": False, "E-mail": False, "Active": False, "Balance": True}
    rows = (
        (
            row.body["DisplayName"],
            row.body.get("PrimaryEmailAddr", {}).get("Address", ""),
            "yes" if row.body["Active"] else "no",
            row.body["Balance"],
        )
        for row in list(company.table("Customer"))[-MOST_ROWS:]
    )
    return table(columns, rows)
