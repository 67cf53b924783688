"""Tax codes and rates, which only the tax service makes, and the agencies they are paid to."""

from typing import Any

from qbo_client.emulator import errors
from qbo_client.emulator.entities.kind import Draft, Kind
from qbo_client.emulator.entities.lists import NAMED
from qbo_client.emulator.fields import TIMES, FieldType


def shape_tax_agency(draft: Draft) -> dict[str, Any]:
    """A name of its own list, not of the customers' and vendors'."""
    body = draft.body
    for name in ("TaxTrackedOnPurchases", "TaxTrackedOnSales"):
        body.setdefault(name, False)
    if draft.changed("DisplayName"):
        own_id = (draft.old or {}).get("Id")
        for row in draft.company.table("TaxAgency").find("DisplayName", [body["DisplayName"].casefold()]):
            if row.identifier != own_id:
                raise errors.duplicate_name()
    return body


TAX_CODE = Kind(
    name="TaxCode",
    id_space="tax codes",
    filterable={**NAMED, "Description": FieldType.TEXT},
    hides_inactive=True,
    writable=False,
)
TAX_RATE = Kind(name="TaxRate", id_space="tax rates", filterable=NAMED, hides_inactive=True, writable=False)
TAX_AGENCY = Kind(
    name="TaxAgency",
    id_space="tax agencies",
    filterable={**TIMES, "DisplayName": FieldType.TEXT},
    shape=shape_tax_agency,
    required=("DisplayName",),
    lengths={"DisplayName": 100},
)
