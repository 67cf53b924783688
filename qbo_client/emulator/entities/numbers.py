"""Document numbers. Sales forms of all kinds draw on one counter; a number may be used once per kind."""

import re

from qbo_client.emulator import errors
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Draft
from qbo_client.emulator.table import Table

AUTO_NUMBER = "AUTO_GENERATE"
FIRST_NUMBER = 1001
ALLOW_DUPLICATE_NUMBER = "allowduplicatedocnum"
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def set_number(draft: Draft) -> None:
    """Comes last in shaping, so that a refused document uses up no number."""
    body, company = draft.body, draft.company
    custom = company.preference("SalesFormsPrefs", "CustomTxnNumbers")
    # An empty string is a number of its own: none.
    absent = body.get("DocNumber") is None and draft.old is None and draft.sent.get("DocNumber") != ""
    if body.get("DocNumber") == AUTO_NUMBER or (absent and not custom):
        body["DocNumber"] = _next_number(company, company.table(draft.kind.name))
    number = body.get("DocNumber")
    if not number:
        body.pop("DocNumber", None)
    elif draft.changed("DocNumber") and ALLOW_DUPLICATE_NUMBER not in draft.options:
        _check_number(draft, number)


def _next_number(company: Company, table: Table) -> str:
    """The counter passes over numbers that somebody has given by hand."""
    while True:
        number = str(FIRST_NUMBER - 1 + int(company.next_id("document numbers")))
        if not table.find("DocNumber", [number]):
            return number


def _check_number(draft: Draft, number: str) -> None:
    if not draft.company.switches.duplicate_number_warning:
        return
    own_id = (draft.old or {}).get("Id")
    for row in draft.company.table(draft.kind.name).find("DocNumber", [number.casefold()]):
        if row.identifier != own_id:
            raise errors.duplicate_number(number, _CAPITAL.sub(" ", draft.kind.name), row.identifier)
