"""Accepted once, in one transaction, and taken in hand by whoever holds the lane."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from psycopg import DataError, Error

from bridge.store.database import Away, Connection
from bridge.store.inbox import InboxStore
from consumers.reading import Fetched, dead
from consumers.records import Arrived, Received
from schemas.events.quickbooks import ConnectionState
from tests.integration.store.books import DEAD_TOPIC, Books, arrived

COUNT = "SELECT count(*) FROM inbox"


NOTHING = Received(stored=0, duplicates=0, reused_ids=0, not_connected=0, dead=0)
#: Text that does not shrink, longer than an entry of an index may be.
LONG = "".join(hashlib.sha512(str(n).encode()).hexdigest() for n in range(200))


def junk(offset: int, key: bytes | None = b"k\x00\xff") -> Fetched:
    return Fetched(
        topic="contact.active", partition=1, offset=offset, key=key, value=b"\x00junk", headers=[("h", b"1")],
        appended_ms=None,
    )  # fmt: skip


async def test_receive_stores_events_and_wakes_their_lanes(books: Books) -> None:
    await books.connect()
    told = await books.inbox.receive([arrived("a"), arrived("b")], [], DEAD_TOPIC)
    assert told == replace(NOTHING, stored=2, due_realms=("462",))
    assert await books.column("SELECT entity_id FROM inbox WHERE state = 'pending' ORDER BY id") == ["a", "b"]


async def test_receive_again_stores_nothing(books: Books) -> None:
    await books.connect()
    batch = [arrived("a"), arrived("b")]
    await books.receive(*batch)
    assert await books.inbox.receive([*batch, batch[0]], [], DEAD_TOPIC) == replace(NOTHING, duplicates=3)
    assert await books.column(COUNT) == [2]


async def test_receive_duplicates_within_a_batch_are_stored_once(books: Books) -> None:
    await books.connect()
    told = await books.inbox.receive([arrived("a"), arrived("a", offset=1)], [], DEAD_TOPIC)
    assert (told.stored, told.duplicates) == (1, 1)


@pytest.mark.parametrize("together", [True, False])
async def test_receive_reused_id_with_other_content_goes_before_a_person_once(books: Books, together: bool) -> None:
    await books.connect()
    first, other = arrived("a"), arrived("a", phone="+1")
    for batch in [[first, other]] if together else [[first], [other]]:
        told = await books.inbox.receive(batch, [], DEAD_TOPIC)
    assert told.reused_ids == 1
    assert await books.inbox.receive([first, other], [], DEAD_TOPIC) == replace(NOTHING, duplicates=2)
    rows = await books.rows("SELECT state, cause, payload FROM inbox ORDER BY id")
    assert [(row["state"], row["cause"]) for row in rows] == [("pending", None), ("attention", "event_id_reused")]
    assert [bytes(row["payload"]) for row in rows] == [first.payload, other.payload]


async def test_receive_accepted_content_behind_another_content_of_its_id_is_a_duplicate(books: Books) -> None:
    await books.connect()
    first, other = arrived("a"), arrived("a", phone="+1")
    await books.receive(first)
    assert await books.inbox.receive([other, first], [], DEAD_TOPIC) == replace(NOTHING, reused_ids=1, duplicates=1)
    assert await books.column("SELECT state FROM inbox ORDER BY id") == ["pending", "attention"]


async def test_receive_of_tenants_that_are_not_connected_keeps_nothing(books: Books) -> None:
    await books.connect()
    stranger = arrived(tenant="loc_9")
    told = await books.inbox.receive([stranger, arrived(), replace(stranger, content_hash=b"x")], [], DEAD_TOPIC)
    assert (told.stored, told.not_connected, told.duplicates, told.reused_ids) == (1, 2, 0, 0)
    await books.connections.set_state("loc_1", ConnectionState.DISCONNECTED, of=("connected",))
    assert (await books.inbox.receive([arrived("b")], [], DEAD_TOPIC)).not_connected == 1


@pytest.mark.parametrize("state", [ConnectionState.PAUSED, ConnectionState.RECONNECT_NEEDED])
async def test_receive_of_a_parked_tenant_is_stored(books: Books, state: ConnectionState) -> None:
    await books.connect()
    await books.connections.set_state("loc_1", state, of=("connected",))
    assert (await books.inbox.receive([arrived()], [], DEAD_TOPIC)).stored == 1
    assert await books.inbox.depth(cap_per_tenant=9) == 0


async def test_receive_dead_letter_is_stored_with_its_outbox_row_once(books: Books) -> None:
    letter = dead(junk(4), "damaged", "sentence")
    keyless = dead(junk(5, key=None), "damaged", "sentence")
    assert await books.inbox.receive([], [letter, keyless], DEAD_TOPIC) == replace(NOTHING, dead=2)
    assert (await books.inbox.receive([], [letter], DEAD_TOPIC)).dead == 0
    (stored, _) = await books.rows("SELECT * FROM dead_letter ORDER BY id")
    assert (bytes(stored["value"]), bytes(stored["key"]), stored["headers"]) == (
        b"\x00junk",
        b"k\x00\xff",
        [["h", "1"]],
    )
    (sent, other) = await books.rows("SELECT * FROM outbox ORDER BY id")
    assert (sent["topic"], bytes(sent["payload"]), sent["framed"]) == (DEAD_TOPIC, b"\x00junk", False)
    assert sent["headers"]["dead_letter_origin"] == other["event_id"].replace("/5", "/4") == "contact.active/1/4"
    assert (sent["key"], other["key"]) == ("k\\xff", "contact.active/1/5")


@pytest.mark.parametrize(
    "bad",
    [
        replace(arrived("bad"), entity_id="nul \x00"),
        replace(arrived("bad"), event_id=LONG),
        replace(arrived("bad"), partition=2**40),
    ],
    ids=["nul", "too large for an index", "number out of range"],
)
async def test_receive_with_a_row_that_cannot_be_stored_raises_and_stores_nothing(books: Books, bad: object) -> None:
    await books.connect()
    with pytest.raises(Error) as caught:
        await books.inbox.receive([arrived(), bad], [dead(junk(1), "damaged", "")], DEAD_TOPIC)  # type: ignore[list-item]
    assert not isinstance(caught.value, Away)
    assert await books.column(COUNT) == [0]
    assert await books.column("SELECT count(*) FROM dead_letter") == [0]


async def test_receive_with_a_nul_raises_what_is_no_reason_to_wait(books: Books) -> None:
    with pytest.raises(DataError):
        await books.receive(replace(arrived(), contact_id="\x00"))


async def test_take_gives_due_rows_in_order_and_counts_the_claim(books: Books) -> None:
    lease, rows = await books.working(arrived("a"), arrived("b"), arrived("c"))
    assert [(row.entity_id, row.claims) for row in rows] == [("a", 1), ("b", 1), ("c", 1)]
    again = await books.inbox.take(lease, in_hand=[rows[0].id], limit=1)
    assert [(row.entity_id, row.claims) for row in again] == [("b", 2)]


async def test_take_leaves_what_is_not_due_and_what_is_another_tenants(books: Books) -> None:
    await books.connect("loc_2", "463")
    await books.receive(arrived("other", tenant="loc_2"))
    lease, rows = await books.working(arrived("a"), arrived("b"))
    await books.do("UPDATE inbox SET state = 'waiting', due_at = now() + %s WHERE id = %s", timedelta(60), rows[0].id)
    assert [row.entity_id for row in await books.inbox.take(lease, in_hand=[], limit=9)] == ["b"]
    assert await books.inbox.next_due("loc_9") is None


async def test_take_under_a_lost_lease_gives_nothing(books: Books) -> None:
    lease, rows = await books.working(arrived())
    await books.lapse()
    assert await books.inbox.take(lease, in_hand=[], limit=9) == []
    newer = await books.lease(owner="other")
    assert await books.inbox.take(lease, in_hand=[], limit=9) == []
    assert [row.claims for row in await books.inbox.take(newer, in_hand=[], limit=9)] == [rows[0].claims + 1]


async def test_put_back_is_no_death_and_never_counts_below_zero(books: Books) -> None:
    lease, rows = await books.working(arrived("a"), arrived("b"))
    await books.inbox.put_back(rows[:1])
    await books.inbox.put_back(rows[:1])
    assert await books.column("SELECT claims FROM inbox ORDER BY id") == [0, 1]
    await books.inbox.mark_alone(rows[1])
    assert [row.ran_alone for row in await books.inbox.take(lease, in_hand=[], limit=9)] == [False, True]


async def test_depth_counts_each_tenant_up_to_the_cap(books: Books) -> None:
    await books.connect("loc_2", "463")
    await books.working(*(arrived(f"a{n}") for n in range(5)))
    await books.receive(arrived("b", tenant="loc_2"))
    assert await books.inbox.depth(cap_per_tenant=3) == 4
    await books.do("UPDATE inbox SET state = 'attention' WHERE tenant_id = 'loc_1'")
    assert await books.inbox.depth(cap_per_tenant=3) == 1


class Interrupted(InboxStore):
    """Something else commits right after the statement that stores the events."""

    meanwhile: Callable[[], Awaitable[object]]

    async def _store(self, connection: Connection, events: Sequence[Arrived]) -> Any:
        stored = await super()._store(connection, events)
        await self.meanwhile()
        return stored


async def test_receive_from_a_tenant_that_disconnects_meanwhile_counts_what_was_stored(books: Books) -> None:
    await books.connect()
    inbox = Interrupted(books.pool)
    inbox.meanwhile = partial(books.connections.set_state, "loc_1", ConnectionState.DISCONNECTED, of=("connected",))
    told = await inbox.receive([arrived("a")], [], DEAD_TOPIC)
    assert (told.stored, told.duplicates, told.not_connected) == (1, 0, 0)


async def test_receive_from_a_tenant_that_connects_meanwhile_is_no_reused_id(books: Books) -> None:
    inbox = Interrupted(books.pool)
    inbox.meanwhile = books.connect
    assert await inbox.receive([arrived("a")], [], DEAD_TOPIC) == replace(NOTHING, not_connected=1)
    assert await books.column(COUNT) == [0]


async def test_dead_letter_at_an_offset_that_was_used_before_is_kept_beside_the_other(books: Books) -> None:
    """A topic made anew begins at offset 0 again; what is bad there is not what was bad before."""
    letter = dead(junk(7), "truncated", "it ends early")
    told = [await books.inbox.receive([], [one], DEAD_TOPIC) for one in (letter, letter, replace(letter, value=b"x"))]
    assert [one.dead for one in told] == [1, 0, 1]
    assert await books.column("SELECT value FROM dead_letter ORDER BY id") == [b"\x00junk", b"x"]
