"""Events know themselves by what they report: a repeat has the same id, anything else another."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.events import Teller
from schemas.codec import Codec
from schemas.events.quickbooks import Cause, InvoiceImported, InvoicePaid, ReviewRequest

CODEC = Codec()
TELLER = Teller(tenant_id="loc_1", realm_id="462", home_currency="USD")
AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
AMY = {"Id": "1", "DisplayName": "Amy"}


def row(invoice_id: str = "7", updated: str = "2026-11-20T09:00:00-08:00", **fields: Any) -> dict[str, Any]:
    return {"Id": invoice_id, "TxnDate": "2026-11-20", "TotalAmt": Decimal(10),
            "MetaData": {"CreateTime": "2026-11-01T09:00:00-08:00", "LastUpdatedTime": updated}, **fields}  # fmt: skip


def paid(invoice: dict[str, Any], teller: Teller = TELLER, *, first: bool = True, at: datetime = AT) -> InvoicePaid:
    return teller.invoice_paid(
        invoice, "inv_1", AMY, "ct_1", at=at, first=first, review_request=ReviewRequest.SEND
    )  # fmt: skip


def test_paid_invoice_has_one_id_whatever_state_of_it_is_seen() -> None:
    one = paid(row())
    other = paid(row(updated="2026-11-25T09:00:00-08:00", PrivateNote="memo"), first=False, at=AT.replace(year=2027))
    assert one.envelope.event_id == other.envelope.event_id
    assert (one.envelope.occurred_at, one.envelope.cause) == (AT, Cause.CHANGED)
    assert one.envelope.entity_version == datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


def test_imported_invoice_has_one_id_whatever_state_of_it_is_seen() -> None:
    one = TELLER.invoice_imported(row(), AMY, None)
    other = TELLER.invoice_imported(row(updated="2026-11-25T09:00:00-08:00"), AMY, "ct_1")
    assert one.envelope.event_id == other.envelope.event_id
    assert (one.envelope.cause, one.invoice.crm_invoice_id) == (Cause.INITIAL_IMPORT, None)
    assert one.envelope.occurred_at == one.envelope.entity_version


def test_ids_of_events_are_never_to_change() -> None:
    assert paid(row()).envelope.event_id == "78d8440f-c833-532f-9254-a8e8baccce29"
    assert TELLER.invoice_imported(row(), AMY, None).envelope.event_id == "67a0f72e-f412-5781-ab7e-b2e631b233f4"


_names = st.text(st.characters(exclude_characters="\x1f", codec="utf-8"), min_size=1, max_size=5)


@given(one=st.tuples(_names, _names, _names), other=st.tuples(_names, _names, _names))
def test_different_invoices_have_different_ids(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    def ids(of: tuple[str, str, str]) -> list[str]:
        teller = replace(TELLER, tenant_id=of[0], realm_id=of[1])
        imported = teller.invoice_imported(row(of[2]), AMY, None)
        return [paid(row(of[2]), teller).envelope.event_id, imported.envelope.event_id]

    assert set(ids(one)).isdisjoint(ids(other)) or one == other
    assert len({UUID(event_id) for event_id in ids(one)}) == 2


@pytest.mark.parametrize("contact", [None, "ct_1"])
def test_events_are_read_as_they_were_told(contact: str | None) -> None:
    events: list[InvoicePaid | InvoiceImported] = [paid(row()), TELLER.invoice_imported(row(), AMY, contact)]
    for event in events:
        topic = event.envelope.event_type
        assert CODEC.decode(topic, CODEC.encode(event)) == event
