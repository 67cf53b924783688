"""Leases: one owner at a time, a fence that rises, and rows that are never forgotten."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.store.books import BookStore
from bridge.store.database import session
from bridge.store.lanes import Lease, fence, wake
from schemas.events.quickbooks import ConnectionState
from tests.integration.store.books import Books, arrived
from tests.integration.store.effects import Groups, intent_for


async def seconds_until_due(books: Books, realm: str = "462") -> float | None:
    (due,) = await books.column("SELECT due_at FROM lane WHERE realm_id = %s", realm)
    return None if due is None else (due - datetime.now(UTC)).total_seconds()


async def held(books: Books, lease: Lease) -> bool:
    async with session(books.pool) as connection, connection.transaction():
        return bool(await fence(connection, [(lease.realm_id, lease.epoch)]))


async def test_claim_skips_what_another_holds_and_what_is_not_due(books: Books) -> None:
    for number in (1, 2, 3):
        await books.connect(f"loc_{number}", f"46{number}")
    await books.receive(arrived(tenant="loc_1"), arrived(tenant="loc_2"))
    one, other = books.lanes("one"), books.lanes("other")
    (first,) = await one.claim(limit=1)
    assert first.realm_id in {"461", "462"}
    assert [lease.realm_id for lease in await other.claim(limit=9)] == [{"461": "462", "462": "461"}[first.realm_id]]
    assert await one.claim(limit=9) == []
    assert not await one.others_wait()


async def test_claim_of_many_at_once_gives_each_lane_to_one(books: Books) -> None:
    for number in range(10):
        await books.connect(f"loc_{number}", f"46{number}")
        await books.receive(arrived(tenant=f"loc_{number}"))
    claims = await asyncio.gather(*(books.lanes(f"p{n}").claim(limit=4) for n in range(4)))
    realms = [lease.realm_id for leases in claims for lease in leases]
    assert sorted(realms) == sorted(set(realms))
    again = await books.lanes("p9").claim(limit=10)
    assert len(realms) + len(again) == 10


async def test_claim_takes_the_oldest_due_first(books: Books) -> None:
    for number in (1, 2):
        await books.connect(f"loc_{number}", f"46{number}")
    await books.do("UPDATE lane SET due_at = now() - interval '1 minute' WHERE realm_id = '462'")
    await books.do("UPDATE lane SET due_at = now() - interval '1 second' WHERE realm_id = '461'")
    assert [lease.realm_id for lease in await books.lanes().claim(limit=1)] == ["462"]


async def test_claim_of_a_wanted_lane_needs_no_due_time(books: Books) -> None:
    await books.connect()
    assert await books.lanes().claim(limit=9) == []
    assert [lease.realm_id for lease in await books.lanes().claim(limit=9, wanted=["462"])] == ["462"]


async def test_claim_leaves_companies_alone_that_are_not_connected(books: Books) -> None:
    await books.connect()
    await books.receive(arrived())
    await books.connections.set_state("loc_1", ConnectionState.PAUSED, of=("connected",))
    assert await books.lanes().claim(limit=9, wanted=["462"]) == []
    assert not await books.lanes().others_wait()


async def test_each_claim_raises_the_epoch_and_fences_the_one_before(books: Books) -> None:
    await books.connect()
    first = await books.lease(owner="one")
    assert await held(books, first)
    await books.lapse()
    assert not await held(books, first), "a lapsed lease holds nothing, even while nobody else does"
    second = await books.lease(owner="other")
    assert (second.epoch, second.lapsed) == (first.epoch + 1, True)
    assert (await held(books, first), await held(books, second)) == (False, True)


async def test_renew_extends_what_is_held_and_loses_after_anothers_claim(books: Books) -> None:
    await books.connect()
    store = books.lanes("one")
    (lease,) = await store.claim(limit=1, wanted=["462"])
    assert await store.renew([lease]) == {"462": False}
    await books.lapse()
    assert await store.renew([lease]) == {"462": False}, "late, but nobody took it"
    await books.lapse()
    await books.lease(owner="other")
    assert await store.renew([lease]) == {}


async def test_release_by_one_who_lost_the_lane_changes_nothing(books: Books) -> None:
    await books.connect()
    lost = await books.lease(owner="one")
    await books.lapse()
    owned = await books.lease(owner="other")
    await books.lanes("one").release(lost, budget={"left": 1})
    assert await books.column("SELECT owner FROM lane") == ["other"]
    assert await held(books, owned)


@pytest.mark.parametrize("lapses", [False, True])
async def test_budget_is_kept_by_an_orderly_release_and_not_after_a_lapse(books: Books, lapses: bool) -> None:
    await books.connect()
    left: dict[str, Any] = {"tokens": 7}
    await books.lanes("one").release(await books.lease(owner="one"), budget=left)
    second = await books.lease(owner="two")
    assert (second.budget, second.lapsed) == (left, False)
    if lapses:
        await books.lapse()
    else:
        await books.lanes("two").release(second, budget={"tokens": 3})
    third = await books.lease(owner="three")
    assert (third.budget, third.lapsed) == (None if lapses else {"tokens": 3}, lapses)


async def test_release_of_an_idle_lane_is_due_with_its_next_poll(books: Books) -> None:
    lease = await watched(books)
    await books.lanes().release(lease, budget={})
    assert await seconds_until_due(books) == pytest.approx(200, abs=30)
    assert await books.lanes("other").claim(limit=9) == []


async def test_release_of_a_lane_that_could_not_begin_to_be_watched_is_due_soon(books: Books) -> None:
    await books.connect()
    await books.lanes().release(await books.lease(), budget={})
    assert await seconds_until_due(books) == pytest.approx(10, abs=9)


async def test_release_is_due_at_once_while_history_is_to_be_read(books: Books) -> None:
    lease = await watched(books)
    await books.do("UPDATE watch SET history_since = now()")
    await books.lanes().release(lease, budget={})
    assert await seconds_until_due(books) == pytest.approx(0, abs=10)


async def test_release_after_a_failed_step_waits_although_history_is_to_be_read(books: Books) -> None:
    lease = await watched(books)
    await books.do("UPDATE watch SET history_since = now(), history_at = now() + interval '250 seconds'")
    await books.lanes().release(lease, budget={})
    assert await seconds_until_due(books) == pytest.approx(200, abs=30)


async def test_hint_hurries_no_poll_that_failed(books: Books) -> None:
    """Else the lane would be claimed for it again and again."""
    lease = await watched(books)
    await books.do("UPDATE watch SET failures = 1")
    await books.do(
        "INSERT INTO hint (realm_id, entity, qbo_id, operation, at) VALUES ('462', 'Customer', '7', 'updated', now())"
    )
    await books.lanes().release(lease, budget={})
    assert await seconds_until_due(books) == pytest.approx(200, abs=30)


async def test_hint_of_a_company_that_is_not_watched_makes_nothing_due(books: Books) -> None:
    await books.connect()
    await books.do(
        "INSERT INTO hint (realm_id, entity, qbo_id, operation, at) VALUES ('462', 'Customer', '7', 'updated', now())"
    )
    await books.lanes().release(await books.lease(), budget={})
    assert await seconds_until_due(books) == pytest.approx(10, abs=9)


async def test_release_is_due_with_a_hint(books: Books) -> None:
    lease = await watched(books)
    await books.do(
        "INSERT INTO hint (realm_id, entity, qbo_id, operation, at, due_at)"
        " VALUES ('462', 'Customer', '7', 'updated', now(), now() + interval '30 seconds')"
    )
    await books.lanes().release(lease, budget={})
    assert await seconds_until_due(books) == pytest.approx(30, abs=15)


async def watched(books: Books) -> Lease:
    """Connect a company that is watched, whose next poll is due in 200 seconds; return its lease."""
    await books.connect()
    await watch(books)
    return await books.lease()


async def watch(books: Books) -> None:
    await books.do(
        "INSERT INTO watch (realm_id, tenant_id, began_at, customers_since, invoices_since, customers_told,"
        " history_since, history_counted, poll_at)"
        " VALUES ('462', 'loc_1', now(), now(), now(), true, NULL, true, now() + interval '200 seconds')"
    )


async def test_release_is_due_with_the_next_row_or_open_intent(books: Books) -> None:
    lease, rows = await books.working(arrived())
    await watch(books)
    await books.do("UPDATE inbox SET state = 'waiting', due_at = now() + interval '100 seconds'")
    await books.lanes().release(lease, budget={})
    assert await seconds_until_due(books) == pytest.approx(100, abs=30)
    await books.do(
        "INSERT INTO intent (realm_id, tenant_id, inbox_id, crm_kind, crm_id, number, operation, entity, body,"
        " request_id, remember, keys, due_at) VALUES ('462', 'loc_1', %s, 'contact', 'ct_1', 1, 'create', 'Customer',"
        " '{}', 'r', '{}', '{}', now() + interval '50 seconds')",
        rows[0].id,
    )
    await books.lanes().release(await books.lease(), budget={})
    assert await seconds_until_due(books) == pytest.approx(50, abs=30)


async def test_release_with_a_rest_is_not_due_before(books: Books) -> None:
    lease, _ = await books.working(arrived())
    await books.lanes().release(lease, budget={}, rest_seconds=500)
    assert await seconds_until_due(books) == pytest.approx(500, abs=60)


async def test_wake_during_a_release_is_not_lost(books: Books) -> None:
    """Ingest holds the lane's row while the release waits for it; the release must see what it committed."""
    await books.connect()
    lease = await books.lease()
    async with session(books.pool) as connection, connection.transaction():
        await books.inbox._store(connection, [arrived()])
        assert await wake(connection, ["loc_1"]) == ("462",)
        releasing = asyncio.create_task(books.lanes().release(lease, budget={}))
        waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        async with asyncio.timeout(30):
            while not await books.rows(waits):
                assert not releasing.done()
    await releasing
    due = await seconds_until_due(books)
    assert due is not None
    assert timedelta(seconds=due) < timedelta(seconds=5)
    assert len(await books.lanes("other").claim(limit=1)) == 1


async def test_preflight_asked_for_is_seen_by_who_holds_the_lane_and_by_the_next(books: Books) -> None:
    await books.connect()
    store = books.lanes("one")
    lease = await books.lease(owner="one")
    await books.lanes("console").ask_preflight("462")
    assert await store.renew([lease]) == {"462": True}
    await store.release(lease, budget={})
    (again,) = await store.claim(limit=1)
    assert (again.preflight_asked, await store.preflight_is_asked("462")) == (True, True)
    await store.preflight_done(lease)
    assert await store.preflight_is_asked("462"), "who lost the lane cannot say that it is done"
    await store.preflight_done(again)
    assert not await store.preflight_is_asked("462")


async def test_release_is_not_due_for_an_open_intent_of_a_tenant_before(books: Books, groups: Groups) -> None:
    """Nothing is sent under a consent that ended: else the lane would be claimed for it again and again."""
    lease, (row,) = await books.working(arrived())
    await watch(books)
    await groups.store((lease, intent_for(row, lease, tenant_id="loc_before")))
    await books.do("UPDATE inbox SET state = 'done'")
    await books.lanes().release(lease, budget={})
    assert await seconds_until_due(books) == pytest.approx(200, abs=30)
    own, before = (BookStore(books.pool, realm_id="462", tenant_id=tenant) for tenant in ("loc_1", "loc_before"))
    assert (len(await own.open_intents()), len(await before.open_intents())) == (0, 1)
