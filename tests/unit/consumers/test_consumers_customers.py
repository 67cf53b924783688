"""How a contact's customer is asked for when the local copy does not know it."""

import asyncio
from typing import Any

import pytest

from consumers.finding import Wanted, find_customer
from consumers.keys import KeyRing
from consumers.work import Work
from schemas.codec import Codec
from tests.unit.consumers.build import contact_event, row_of
from tests.unit.consumers.memory import Vendor
from tests.unit.consumers.turns import lane_with, turn_of


class Asked(Vendor):
    select = ""

    async def query(self, select: str) -> list[dict[str, Any]]:
        self.select = select
        return []


@pytest.mark.parametrize(
    ("email", "condition"),
    [
        ("Ann@Example.com ", "PrimaryEmailAddr IN ('Ann@Example.com')"),
        ("ann@example.com, o'neil@example.com", r"PrimaryEmailAddr IN ('ann@example.com', 'o\'neil@example.com')"),
        ("not an address", "DisplayName = 'Contact ct_1'"),
    ],
    ids=["one", "several: each counts", "none"],
)
def test_find_customer_asks_for_every_address_typed(email: str, condition: str) -> None:
    lane, event = lane_with(), contact_event(email=email)
    lane.client = client = Asked()
    work = Work(row=row_of(event), lane=lane, writer=turn_of(lane).writer, ring=KeyRing(), keys=(), codec=Codec())
    assert asyncio.run(find_customer(Wanted(party=event.contact), work)) is None
    assert condition in client.select
