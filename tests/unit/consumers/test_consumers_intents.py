"""A write as it is stored: its request id, what it remembers, and the link it leaves."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st

from consumers.intents import CrmRef, discrepancy, link_after, request_id
from qbo_client.writes import Operation
from tests.unit.consumers.build import REALM, RECEIPT, T0, TENANT, draft, intent

BODY = '{"TotalAmt":49.00}'
#: Stored with every open intent of every installation: it must never change.
GOLDEN = "15637805-6a1e-5eee-8bc3-940adb0d93c9"


def derived(**changes: Any) -> str:
    known: dict[str, Any] = {
        "realm_id": REALM,
        "tenant_id": TENANT,
        "ref": RECEIPT,
        "operation": Operation.CREATE,
        "number": 1,
        "body": BODY,
    }
    return request_id(**{**known, **changes})


def test_request_id_of_the_same_write_is_the_one_of_every_release() -> None:
    assert derived() == GOLDEN


@pytest.mark.parametrize(
    "change",
    [
        {"realm_id": "4620816366"},
        {"tenant_id": "loc_other"},
        {"ref": CrmRef(kind="invoice", id="tx_77")},
        {"ref": CrmRef(kind="payment", id="tx_78")},
        {"ref": CrmRef(kind="payment", id="tx_77", currency="EUR")},
        {"operation": Operation.UPDATE},
        {"number": 2},
        {"body": '{"TotalAmt":49.01}'},
    ],
    ids=["realm", "tenant", "kind", "id", "currency", "operation", "number", "body"],
)
def test_request_id_of_another_write_differs(change: dict[str, Any]) -> None:
    assert derived(**change) != derived()


@given(kind=st.text(max_size=20), crm_id=st.text(max_size=200), number=st.integers(min_value=1), body=st.text())
def test_request_id_fits_into_a_batch(kind: str, crm_id: str, number: int, body: str) -> None:
    wanted = {"ref": CrmRef(kind=kind, id=crm_id), "number": number, "body": body}
    assert len(derived(**wanted)) <= 36
    assert derived(**wanted) == derived(**wanted)


def test_intent_freezes_the_body_with_every_cent() -> None:
    body = {"TotalAmt": Decimal("49.00"), "Line": [{"Amount": Decimal("0.10")}]}
    assert intent(draft(body=body)).write.body == '{"Line":[{"Amount":0.10}],"TotalAmt":49.00}'


def test_intent_of_equal_drafts_has_one_request_id_whatever_the_order_of_keys() -> None:
    one = intent(draft(body={"DocNumber": "1", "PrivateNote": "a"}))
    other = intent(draft(body={"PrivateNote": "a", "DocNumber": "1"}))
    assert one.write == other.write


@pytest.mark.parametrize(
    ("expect", "answer", "said"),
    [
        ({"TotalAmt": "49.00"}, {"TotalAmt": Decimal("49.00")}, None),
        ({"TotalAmt": "49"}, {"TotalAmt": Decimal("49.00")}, None),
        ({"TotalAmt": "49.00"}, {"TotalAmt": Decimal("49.01")}, "TotalAmt should be 49.00 and is 49.01"),
        ({"TotalAmt": "49.00"}, {}, "TotalAmt should be 49.00 and is 0"),
        ({"TotalTax": "0.00"}, {}, None),
        ({"TotalTax": "8.17"}, {"TxnTaxDetail": None}, "TotalTax should be 8.17 and is 0"),
        ({"TotalTax": "8.17"}, {"TxnTaxDetail": {"TotalTax": Decimal("8.17")}}, None),
        ({"TotalTax": "8.17"}, {"TxnTaxDetail": {"TotalTax": Decimal("8.16")}}, "TotalTax should be 8.17 and is 8.16"),
        (
            {"TotalAmt": "49.00", "TotalTax": "8.17"},
            {"TotalAmt": Decimal(49), "TxnTaxDetail": {"TotalTax": Decimal(8)}},
            "TotalTax should be 8.17 and is 8",
        ),
        ({}, {"TotalAmt": Decimal(1)}, None),
    ],
)
def test_discrepancy_names_each_total_that_differs(
    expect: dict[str, str], answer: dict[str, Any], said: str | None
) -> None:
    assert discrepancy(expect, answer) == said


def test_discrepancy_names_both_totals_when_both_differ() -> None:
    said = discrepancy({"TotalAmt": "2.00", "TotalTax": "1.00"}, {"TotalAmt": Decimal(3)})
    assert said == "TotalAmt should be 2.00 and is 3; TotalTax should be 1.00 and is 0"


def test_link_after_an_answer_remembers_what_was_sent() -> None:
    answer = {
        "Id": "17",
        "SyncToken": "0",
        "DocNumber": "R-1",
        "TotalAmt": Decimal("49.00"),
        "TxnTaxDetail": {"TotalTax": Decimal("8.17")},
    }
    link = link_after(intent(draft(origin="found")), answer)
    assert (link.ref, link.qbo_kind, link.qbo_id, link.sync_token) == (RECEIPT, "SalesReceipt", "17", "0")
    assert (link.doc_number, link.last_sent, link.origin) == ("R-1", {"amount": "49.00"}, "found")
    assert (link.source_hash, link.version, link.occurred_at) == (b"\x01\x02", T0, T0)
    assert link.discrepancy is None


def test_link_after_an_answer_with_other_totals_keeps_the_difference() -> None:
    link = link_after(intent(), {"Id": "17", "TotalAmt": Decimal("48.99")})
    assert link.discrepancy == "TotalAmt should be 49.00 and is 48.99; TotalTax should be 8.17 and is 0"


def test_link_after_a_restart_is_the_one_before() -> None:
    """What an intent remembers is text and survives JSON, so that the next owner derives the same link."""
    answer = {"Id": 17, "TotalAmt": Decimal("49.00")}
    stored = intent()
    assert simplejson.loads(simplejson.dumps(stored.remember)) == stored.remember
    assert link_after(replace(stored, id=9, attempts=3), answer) == link_after(stored, answer)
