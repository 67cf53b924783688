"""All changes since a moment, however many: change data capture where it reaches, queries where it does not."""

from collections.abc import Sequence
from datetime import datetime

from qbo_client.changes import Changes
from qbo_client.client import QBOClient
from qbo_client.entities import entity
from qbo_client.query import where


async def sweep(client: QBOClient, entities: Sequence[str], since: datetime) -> Changes:
    """Return every change since a moment, in as few calls as it takes.

    When one answer cannot hold all, each entity is asked for by itself; one that alone is too much is queried
    by MetaData.LastUpdatedTime, which finds every living row but no deletion (see `deletions_missed`). Queries
    write " (deleted)" after the names of inactive rows.
    """
    told = await client.changes(entities, since)
    if not told.truncated:
        return told
    if len(entities) > 1:
        parts = [await sweep(client, [name], since) for name in entities]
        return _together(parts, told.taken_at)
    [name] = entities
    return await _queried(client, name, since, told)


async def _queried(client: QBOClient, name: str, since: datetime, told: Changes) -> Changes:
    rules = entity(name)
    conditions = [where("MetaData.LastUpdatedTime", ">=", since)]
    if rules.hides_inactive:
        conditions.append(where("Active", "IN", [True, False]))
    rows = await client.query_all(name, " AND ".join(conditions))
    missed = frozenset[str]() if rules.hides_inactive else frozenset({name})
    return Changes(live={name: rows}, deleted=told.deleted, taken_at=told.taken_at, deletions_missed=missed)


def _together(parts: Sequence[Changes], taken_at: datetime | None) -> Changes:
    return Changes(
        live={name: rows for part in parts for name, rows in part.live.items()},
        deleted={name: rows for part in parts for name, rows in part.deleted.items()},
        # The first answer's time: what changed between the answers is told of again next time.
        taken_at=taken_at,
        deletions_missed=frozenset().union(*(part.deletions_missed for part in parts)),
    )
