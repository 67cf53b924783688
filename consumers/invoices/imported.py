"""Invoices that the CRM has from QuickBooks and sends as its own (books, section 1)."""

from consumers.work import Work
from mapping.booking import Skip
from mapping.echo import REPEATED, numbers_told, repeated
from mapping.errors import CannotBook
from schemas.events.crm import InvoiceState


async def came_back(state: InvoiceState, work: Work) -> Skip | None:
    """Return why an invoice that is new to the books stays out: it is one that the CRM was told of.

    Raises CannotBook where the bridge had made that one, for another invoice of the CRM: whether this is a second
    one only a person can say.
    """
    told = repeated(state, await work.books.told_invoices(numbers_told(state)))
    made = [one for one in told if await work.books.links_to("Invoice", one.qbo_id)]
    if len(made) < len(told):
        return REPEATED
    if not made:
        return None
    raise CannotBook(
        "number_taken",
        f"QuickBooks has an invoice {made[0].doc_number} of that day over {made[0].total} for another invoice of the "
        "CRM, and told the CRM that it was paid. If this is the same, delete it in the CRM; if not, give it a number "
        "of its own there, then retry.",
    )
