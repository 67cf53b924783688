"""What operators look at: counts and ages, read from the database every few seconds."""

from collections.abc import Sequence
from typing import Any

from bridge.metrics import Metrics
from bridge.store.database import Pool, session
from bridge.store.reads import ReadMeter

_CONNECTION_STATES = ("connected", "paused", "reconnect_needed", "disconnected")

_INBOX = """
SELECT state, count(*) AS n,
       extract(epoch FROM now() - min(received_at))::float8 AS age
  FROM (SELECT state, received_at FROM inbox WHERE state IN ('pending', 'waiting')
        UNION ALL SELECT state, received_at FROM inbox WHERE state = 'attention') AS open
 GROUP BY state
"""
_ATTENTION = "SELECT cause, count(*) AS n FROM inbox WHERE state = 'attention' GROUP BY cause"
_WATCHES = """
SELECT count(*) FILTER (WHERE w.failures + w.history_failures > 0) AS failing,
       coalesce(extract(epoch FROM max(now() - w.poll_at)), 0)::float8 AS late,
       coalesce(sum(w.import_done) FILTER (WHERE w.import_state = 'running'), 0)::bigint AS imported,
       coalesce(sum(w.import_total) FILTER (WHERE w.import_state = 'running'), 0)::bigint AS to_import,
       coalesce(max(extract(epoch FROM now() - w.import_began_at) * (w.import_total - w.import_done) / w.import_done)
                FILTER (WHERE w.import_state = 'running' AND w.import_done > 0), 0)::float8 AS import_left
  FROM watch w JOIN connection c ON (c.realm_id, c.tenant_id) = (w.realm_id, w.tenant_id) AND c.state = 'connected'
"""
_CONNECTIONS = "SELECT state, count(*) AS n FROM connection GROUP BY state"


class Survey:
    def __init__(self, pool: Pool, metrics: Metrics) -> None:
        self._pool = pool
        self._metrics = metrics

    async def take(self) -> None:
        """Refresh the gauges that only the database knows."""
        inbox = {row["state"]: row for row in await self._rows(_INBOX)}
        for state in ("pending", "waiting", "attention"):
            row = inbox.get(state, {"n": 0, "age": 0})
            self._metrics.inbox.labels(state).set(row["n"])
            self._metrics.inbox_age.labels(state).set(row["age"])
        self._metrics.attention.clear()
        for row in await self._rows(_ATTENTION):
            self._metrics.attention.labels(row["cause"]).set(row["n"])
        connections = {row["state"]: row["n"] for row in await self._rows(_CONNECTIONS)}
        for state in _CONNECTION_STATES:
            self._metrics.connections.labels(state).set(connections.get(state, 0))

        for row in await self._rows(_WATCHES):
            self._metrics.polls_failing.set(row["failing"])
            self._metrics.poll_late.set(max(0.0, row["late"]))
            self._metrics.imports.labels("done").set(row["imported"])
            self._metrics.imports.labels("total").set(row["to_import"])
            self._metrics.imports_left.set(row["import_left"])
        month = await ReadMeter(self._pool).month()
        self._metrics.month_reads.labels("so_far").set(month.so_far)
        self._metrics.month_reads.labels("forecast").set(month.forecast)

    async def _rows(self, query: str) -> Sequence[dict[str, Any]]:
        async with session(self._pool) as connection:
            return await (await connection.execute(query.encode())).fetchall()
