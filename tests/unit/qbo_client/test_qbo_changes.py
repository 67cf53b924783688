"""Change data capture: what is asked, what is told, and what to do when it is too much for one answer."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from qbo_client.answers import Unreadable
from qbo_client.changes import Changes, changes_of, moment_of, overlapping
from qbo_client.client import QBOClient
from qbo_client.errors import InvalidData, Unavailable
from qbo_client.sweeps import sweep
from tests.unit.qbo_client.vendor import REALM, Record, Reply, Vendor, ok

SINCE = datetime(2026, 11, 1, tzinfo=timezone(timedelta(hours=-8)))
GONE = {
    "domain": "QBO",
    "status": "Deleted",
    "Id": "979",
    "MetaData": {"LastUpdatedTime": "2026-11-02T00:00:00-08:00"},
}


def told(*slots: dict[str, Any], time: str = "2026-11-24T01:00:00.000-08:00") -> Reply:
    return ok({"CDCResponse": [{"QueryResponse": list(slots)}], "time": time})


def rows(count: int, first: int = 1) -> list[dict[str, Any]]:
    return [{"Id": str(number)} for number in range(first, first + count)]


def ids(found: Sequence[Any]) -> list[str]:
    return [row["Id"] for row in found]


async def test_changes_are_told_by_key_with_deletions_apart(client: QBOClient, vendor: Vendor, record: Record) -> None:
    vendor.answers(
        told(
            {"Invoice": [{"Id": "5"}, GONE], "startPosition": 1, "maxResults": 2},
            {},
            {"Customer": [{"Id": "1"}], "startPosition": 1, "maxResults": 1, "totalCount": 1},
        )
    )
    changes = await client.changes(["Customer", "Payment", "Invoice"], SINCE)
    assert {name: ids(found) for name, found in changes.live.items()} == {"Invoice": ["5"], "Customer": ["1"]}
    assert changes.deleted == {"Invoice": [GONE]}
    assert changes.taken_at == datetime(2026, 11, 24, 9, tzinfo=UTC)
    assert not changes.truncated
    [seen] = vendor.seen
    assert (seen.method, seen.path) == ("GET", f"/v3/company/{REALM}/cdc")
    assert seen.query == {
        "entities": "Customer,Payment,Invoice",
        "changedSince": "2026-11-01T00:00:00-08:00",
        "minorversion": "75",
    }
    assert (record.exchanges[0].operation, record.exchanges[0].metered) == ("cdc", 1)


async def test_changes_of_nothing_are_none(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(told({}))
    assert await client.changes(["Customer"], SINCE) == Changes(
        live={}, deleted={}, taken_at=datetime(2026, 11, 24, 9, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("entities", "since", "said"),
    [
        ([], SINCE, "nothing"),
        (["Customer", "TaxCode"], SINCE, "no changes of a TaxCode"),
        (["Widget"], SINCE, "no entity"),
        (["Customer"], datetime(2026, 11, 1), "without zone"),  # noqa: DTZ001 -- the point.
    ],
)
async def test_changes_that_cannot_be_asked_for_are_refused(
    client: QBOClient, vendor: Vendor, entities: list[str], since: datetime, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        await client.changes(entities, since)
    assert vendor.seen == []


@pytest.mark.parametrize("body", [{}, {"CDCResponse": None}, {"CDCResponse": ["x"]}])
def test_changes_of_another_answer_are_unreadable(body: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        changes_of(body)


async def test_changes_in_an_unreadable_answer_are_unavailable(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(*[ok({"time": "x"})] * 3)
    with pytest.raises(Unavailable, match="no CDCResponse"):
        await client.changes(["Customer"], SINCE)


async def test_changes_with_a_fault_in_a_slot_are_refused(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(told({"Fault": {"Error": [{"code": "6000", "Message": "x"}]}}))
    with pytest.raises(InvalidData):
        await client.changes(["Customer"], SINCE)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24T01:00:00.000-08:00", datetime(2026, 11, 24, 9, tzinfo=UTC)),
        ("2026-11-24T01:00:00", None),
        ("soon", None),
        (None, None),
    ],
)
def test_moment_of_an_answer_has_a_zone_or_is_none(text: str | None, moment: datetime | None) -> None:
    assert moment_of(text) == moment


def test_next_sweep_begins_before_the_last_one_ended() -> None:
    assert overlapping(SINCE) == SINCE - timedelta(minutes=5)
    assert overlapping(SINCE, timedelta(hours=1)) == SINCE - timedelta(hours=1)


async def test_sweep_that_fits_into_one_answer_asks_once(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(told({"Customer": rows(999)}))
    changes = await sweep(client, ["Customer", "Invoice"], SINCE)
    assert (len(changes.live["Customer"]), len(vendor.seen)) == (999, 1)
    assert not changes.deletions_missed


async def test_sweep_of_too_much_asks_for_each_entity(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(
        told({"Customer": rows(600)}, {"Invoice": [*rows(399), GONE]}, time="2026-11-24T01:00:00-08:00"),
        told({"Customer": rows(600)}, time="2026-11-24T01:00:05-08:00"),
        told({"Invoice": [*rows(900), GONE]}, time="2026-11-24T01:00:09-08:00"),
    )
    changes = await sweep(client, ["Customer", "Invoice"], SINCE)
    assert [seen.query["entities"] for seen in vendor.seen] == ["Customer,Invoice", "Customer", "Invoice"]
    assert [len(changes.live[name]) for name in ("Customer", "Invoice")] == [600, 900]
    assert changes.deleted == {"Invoice": [GONE]}
    assert changes.taken_at == datetime(2026, 11, 24, 9, tzinfo=UTC)
    assert not changes.deletions_missed


@pytest.mark.parametrize(
    ("name", "also", "missed"),
    [("Customer", " AND Active IN (true, false)", set()), ("Invoice", "", {"Invoice"})],
)
async def test_sweep_of_one_entity_that_is_too_much_is_queried(
    client: QBOClient, vendor: Vendor, name: str, also: str, missed: set[str]
) -> None:
    vendor.answers(
        told({name: rows(1000)}),
        ok({"QueryResponse": {name: rows(1000)}}),
        ok({"QueryResponse": {name: rows(7, 1001)}}),
    )
    changes = await sweep(client, [name], SINCE)
    assert len(changes.live[name]) == 1007
    assert changes.deletions_missed == missed
    assert vendor.seen[1].body.decode() == (
        f"SELECT * FROM {name} WHERE MetaData.LastUpdatedTime >= '2026-11-01T00:00:00-08:00'{also}"
        " ORDERBY Id STARTPOSITION 1 MAXRESULTS 1000"
    )
