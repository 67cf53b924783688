"""The meter: reads that Intuit counts against a month's allowance, by day and company."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.store.database import Pool, session
from bridge.store.many import many

_ADD = """
INSERT INTO metered_reads (day, realm_id, reads) VALUES ((now() AT TIME ZONE 'UTC')::date, %s, %s)
    ON CONFLICT (day, realm_id) DO UPDATE SET reads = metered_reads.reads + excluded.reads
"""
# A company's pace is that of its last week, or of the days since it was connected.
_COST = """
WITH today AS (SELECT (now() AT TIME ZONE 'UTC')::date AS day, now() AT TIME ZONE 'UTC' AS moment),
per_company AS (
    SELECT m.realm_id,
           sum(m.reads) FILTER (WHERE m.day >= date_trunc('month', t.day)) AS this_month,
           sum(m.reads) FILTER (WHERE m.day > t.day - 7) AS last_week,
           least(7, greatest(extract(epoch FROM t.moment - min(m.day)) / 86400, 1.0 / 24)) AS days
      FROM metered_reads m CROSS JOIN today t
     WHERE m.day >= least(date_trunc('month', t.day)::date, t.day - 7)
     GROUP BY m.realm_id, t.moment)
SELECT c.tenant_id, c.realm_id, c.company ->> 'name' AS name, c.state, w.began_at, w.announced_at, w.unannounced_at,
       w.polled_at, coalesce(p.this_month, 0)::bigint AS this_month,
       coalesce(p.last_week / p.days, 0)::float8 AS per_day
  FROM connection c
  LEFT JOIN watch w ON (w.realm_id, w.tenant_id) = (c.realm_id, c.tenant_id)
  LEFT JOIN per_company p ON p.realm_id = c.realm_id
 WHERE c.state <> 'disconnected' ORDER BY c.tenant_id
"""
_TOTALS = """
WITH today AS (SELECT (now() AT TIME ZONE 'UTC')::date AS day, now() AT TIME ZONE 'UTC' AS moment)
SELECT coalesce(sum(m.reads) FILTER (WHERE m.day >= date_trunc('month', t.day)), 0)::bigint AS this_month,
       coalesce(sum(m.reads) FILTER (WHERE m.day > t.day - 7), 0)::float8
           / least(7, greatest(extract(epoch FROM max(t.moment) - coalesce(min(m.day), max(t.day))) / 86400, 1.0 / 24))
           AS per_day,
       extract(epoch FROM date_trunc('month', max(t.moment)) + interval '1 month' - max(t.moment))::float8 / 86400
           AS days_left
  FROM today t LEFT JOIN metered_reads m ON m.day >= least(date_trunc('month', t.day)::date, t.day - 7)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOfReads:
    """All companies together: reads in this month (UTC) so far, and in all of it at the pace of the last week."""

    so_far: int
    forecast: int


class ReadMeter:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, reads: Mapping[str, int]) -> None:
        """Count reads of today, by company."""
        if reads:
            async with session(self._pool) as connection, connection.transaction():
                await many(connection, _ADD, sorted(reads.items()))

    async def companies(self) -> list[dict[str, Any]]:
        """Return for each company its reads of this month and its pace per day, with how it is polled."""
        async with session(self._pool) as connection:
            return await (await connection.execute(_COST)).fetchall()

    async def month(self) -> MonthOfReads:
        async with session(self._pool) as connection:
            row = await (await connection.execute(_TOTALS)).fetchone()
        if row is None:
            return MonthOfReads(so_far=0, forecast=0)
        so_far = int(row["this_month"])
        return MonthOfReads(so_far=so_far, forecast=so_far + round(float(row["per_day"]) * float(row["days_left"])))
