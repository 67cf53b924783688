"""What an operator takes up again."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.store.books import BookStore
from bridge.store.operations import OperationStore
from consumers.effects import Effects, Unanswered
from consumers.outcomes import Attention
from consumers.reading import Fetched, dead
from tests.integration.store.books import DEAD_TOPIC, Books, arrived
from tests.integration.store.effects import Groups, decided, intent_for

SOON = datetime(2030, 1, 1, tzinfo=UTC)
CAUSES = ("books_closed", "books_closed", "name_taken")


async def with_attention(books: Books, groups: Groups) -> None:
    """Three records before a person; their lane was given back."""
    lease, rows = await books.working(*(arrived(f"ct_{n}") for n in range(3)))
    for row, cause in zip(rows, CAUSES, strict=True):
        await groups.commit((lease, decided(row, Attention(cause, "Do something.", "a trace"))))
    await books.lanes().release(lease, budget={})


@pytest.mark.parametrize(
    ("wanted", "retried"),
    [
        ({}, ["ct_0", "ct_1", "ct_2"]),
        ({"cause": "books_closed"}, ["ct_0", "ct_1"]),
        ({"record": "ct_2"}, ["ct_2"]),
        ({"tenant": "loc_1", "cause": "name_taken"}, ["ct_2"]),
        ({"tenant": "loc_9"}, []),
        ({"cause": "name_taken", "record": "ct_0"}, []),
    ],
)
async def test_retry_takes_up_what_is_named_and_wakes_the_lane(
    books: Books, groups: Groups, wanted: dict[str, Any], retried: list[str]
) -> None:
    await with_attention(books, groups)
    operations = OperationStore(books.pool)
    assert await operations.retry(**{"tenant": None, "cause": None, "record": None, **wanted}) == len(retried)
    rows = await books.rows("SELECT entity_id, attempts, cause, trace FROM inbox WHERE state = 'pending' ORDER BY id")
    assert [row["entity_id"] for row in rows] == retried
    assert {(row["attempts"], row["cause"], row["trace"]) for row in rows} <= {(0, None, None)}
    assert len(await books.lanes().claim(limit=1)) == (1 if retried else 0)


async def test_retry_takes_up_the_request_that_nobody_answered(books: Books, groups: Groups) -> None:
    lease, (row,) = await books.working(arrived())
    sent = intent_for(row, lease)
    await groups.store((lease, sent))
    await groups.commit((lease, Effects(answer=Unanswered(intent=sent, due=SOON, attention=True))))
    await groups.commit((lease, decided(row, Attention("no_answer", "Look in QuickBooks."))))
    assert await OperationStore(books.pool).retry(tenant=None, cause="no_answer", record=None) == 1
    (opened,) = await BookStore(books.pool, realm_id="462", tenant_id="loc_1").open_intents()
    assert (opened.in_attention, opened.write) == (False, sent.write)
    assert opened.due_at is not None
    assert opened.due_at < SOON


async def test_retry_leaves_a_reused_event_id_alone(books: Books) -> None:
    await books.connect()
    await books.receive(arrived(), arrived(phone="+1"))
    assert await OperationStore(books.pool).retry(tenant=None, cause=None, record=None) == 0


async def test_attention_lists_cause_and_what_to_do(books: Books, groups: Groups) -> None:
    await with_attention(books, groups)
    operations = OperationStore(books.pool)
    rows = await operations.attention(tenant=None, cause=None, limit=2)
    assert [(row["record"], row["cause"], row["what_to_do"]) for row in rows] == [
        ("ct_0", "books_closed", "Do something."),
        ("ct_1", "books_closed", "Do something."),
    ]
    assert [row["record"] for row in await operations.attention(tenant="loc_1", cause="name_taken", limit=9)] == [
        "ct_2"
    ]
    assert await operations.attention(tenant="loc_9", cause=None, limit=9) == []
    assert [(row["why"], row["records"]) for row in await operations.states(tenant="loc_1")] == [
        ("books_closed", 2),
        ("name_taken", 1),
    ]


async def test_story_of_a_record_has_its_events_writes_and_standing(books: Books, groups: Groups) -> None:
    lease, rows = await books.working(arrived("ct_1", 1), arrived("ct_1", 2), arrived("ct_2"))
    await groups.store((lease, intent_for(rows[0], lease)))
    await groups.commit((lease, decided(rows[0])))
    story = await OperationStore(books.pool).story("loc_1", "ct_1")
    assert [row["event_id"] for row in story["events"]] == ["ev-ct_1-1", "ev-ct_1-2"]
    assert [(row["operation"], row["state"]) for row in story["writes"]] == [("create", "open")]
    assert [row["state"] for row in story["standing"]] == ["SYNCED"]


async def test_dead_letters_are_listed_newest_first(books: Books) -> None:
    letters = [
        dead(
            Fetched(topic="t", partition=0, offset=n, key=None, value=b"junk", headers=[], appended_ms=None),
            "damaged",
            "A sentence.",
        )
        for n in range(3)
    ]
    await books.inbox.receive([], letters, DEAD_TOPIC)
    listed = await OperationStore(books.pool).dead_letters(limit=2)
    assert [(row["offset"], row["reason"], row["bytes"]) for row in listed] == [(2, "damaged", 4), (1, "damaged", 4)]
