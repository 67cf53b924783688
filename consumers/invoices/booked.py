"""Invoices as they stand in the books: found, made, brought to the CRM's state (books, section 5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from consumers.catalog import item_ids
from consumers.customers import customer_for_sale
from consumers.intents import CrmRef, Draft, Link
from consumers.invoices.told import told_json
from consumers.numbers import NUMBERS_TRIED
from consumers.search import first_line
from consumers.work import Work
from mapping.booking import IMPORTED, Skip
from mapping.errors import CannotBook
from mapping.from_qbo.transactions import is_void
from mapping.to_qbo.invoice import Invoice, invoice_body, invoice_items_wanted, numbered
from qbo_client.errors import DuplicateNumber, ReferenceInvalid
from qbo_client.query import where
from qbo_client.writes import Operation
from schemas.events.crm import InvoiceState

_LEFT_ALONE = (
    "The bridge does not make it again by itself. Enter it in QuickBooks by hand if it is meant, or leave it as it is."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """An invoice in the books, and what is remembered of it."""

    link: Link
    body: Mapping[str, Any]
    #: Whether `body` is what QuickBooks just said; a local copy may be older.
    fresh: bool
    made: bool = False
    changed: bool = False

    @property
    def customer_id(self) -> str:
        return str(self.body["CustomerRef"]["value"])

    def currency(self, work: Work) -> str:
        return str((self.body.get("CurrencyRef") or {}).get("value") or work.company.home_currency)


def invoice_ref(invoice_id: str) -> CrmRef:
    return CrmRef(kind="invoice", id=invoice_id)


async def create_invoice(state: InvoiceState, work: Work) -> Booked:
    """Make the invoice; a number that another document has gets a suffix.

    If the document with this number is this very invoice (a database was lost), it is taken in as it is.
    """
    wanted = invoice_items_wanted(state, work.company)
    customer_id = await customer_of(state, work)
    items = await item_ids(wanted, work, work.under_way)
    invoice = invoice_body(state, company=work.company, customer_id=customer_id, items=items)
    tried = invoice
    for attempt in range(1, NUMBERS_TRIED + 1):
        try:
            body = await work.write(_creation(state, tried, work))
        except DuplicateNumber:
            if ours := await _ours_by_number(state, tried, work):
                return ours
            if attempt == NUMBERS_TRIED:
                raise
            tried = numbered(invoice, attempt, company=work.company)
        else:
            return Booked(link=work.written[-1], body=body, fresh=True, made=True)
    raise AssertionError("the last attempt returns or raises")


async def as_booked(link: Link, work: Work) -> Booked:
    """Return the invoice by its local copy, or as QuickBooks has it where the copy is missing or was stale."""
    look = work.read_again or link.discrepancy is not None
    copy = None if look else await work.books.copy("Invoice", link.qbo_id)
    if copy is None or _linked_to_more_than_payments(copy):
        return await read_invoice(link, work)
    return Booked(link=link, body=copy, fresh=False)


def _linked_to_more_than_payments(invoice: Mapping[str, Any]) -> bool:
    """What pays it otherwise (a journal entry) shows in its balance alone, which only reading tells."""
    return any(one.get("TxnType") != "Payment" for one in invoice.get("LinkedTxn", ()))


async def read_invoice(link: Link, work: Work) -> Booked:
    """Read the invoice; raises Removed."""
    try:
        body = (await work.client.read("Invoice", link.qbo_id)).entity
    except ReferenceInvalid as error:
        raise Removed("invoice", "deleted") from error
    if is_void(body) and not ended(link):
        raise Removed("invoice", "voided")
    await work.books.save_copies("Invoice", [body])
    return Booked(link=link, body=body, fresh=True)


def ended(link: Link) -> str | None:
    """Return how the bridge ended the invoice ("void", "delete"); None while it stands."""
    how = (link.last_sent or {}).get("ended")
    return str(how) if how else None


def came_from_quickbooks(link: Link) -> Skip | None:
    """Return why an invoice stays out that was imported: a later edit need not say again where it came from."""
    why = link.last_sent or {}
    return Skip(**why) if link.is_skipped and why.get("cause") == IMPORTED else None


class Removed(CannotBook):
    """A person deleted or voided what the bridge had booked."""

    def __init__(self, what: str, how: str) -> None:
        super().__init__("removed_in_quickbooks", f"Somebody {how} the {what} in QuickBooks. {_LEFT_ALONE}")
        self.what = what


async def customer_of(state: InvoiceState, work: Work) -> str:
    return await customer_for_sale(
        state.bill_to, work, occurred_at=work.row.occurred_at, currency=state.totals.currency
    )


async def _ours_by_number(state: InvoiceState, invoice: Invoice, work: Work) -> Booked | None:
    """Return the invoice with this number if its note says that the bridge made it for this very one."""
    condition = where("DocNumber", "=", str(invoice.body["DocNumber"]))
    for body in await work.client.query_all("Invoice", condition):
        if first_line(body) == f"crm:invoice/{state.invoice_id}" and not is_void(body):
            link = Link(
                ref=invoice_ref(state.invoice_id),
                qbo_kind="Invoice",
                qbo_id=str(body["Id"]),
                sync_token=body.get("SyncToken"),
                doc_number=body.get("DocNumber"),
                last_sent={},
                version=work.under_way.version,
                occurred_at=work.under_way.occurred_at,
            )
            await work.books.save_copies("Invoice", [body])
            await work.remember(link)
            return Booked(link=link, body=body, fresh=True)
    return None


def _creation(state: InvoiceState, invoice: Invoice, work: Work) -> Draft:
    return Draft(
        ref=invoice_ref(state.invoice_id),
        operation=Operation.CREATE,
        entity="Invoice",
        body=invoice.body,
        source=work.under_way,
        last_sent={**invoice.last_sent, "told": told_json(state, at=work.row.occurred_at)},
        expect={"TotalAmt": invoice.total, "TotalTax": invoice.tax},
    )
