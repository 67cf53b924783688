"""How the watch of each company stands, for people."""

from dataclasses import dataclass
from datetime import datetime

from bridge.store.database import Pool, session

_STANDINGS = """
SELECT realm_id, tenant_id, polled_at, failure, failing_since, customers_told, history_counted, announced_at,
       unannounced_at, import_state, import_done, import_total,
       CASE WHEN import_state = 'running' AND import_done > 0
            THEN extract(epoch FROM now() - import_began_at) * (import_total - import_done) / import_done
             END::float8 AS import_left_seconds
  FROM watch
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchStanding:
    realm_id: str
    tenant_id: str
    polled_at: datetime | None
    failure: str | None
    failing_since: datetime | None
    customers_told: bool
    history_counted: bool
    announced_at: datetime | None
    unannounced_at: datetime | None
    import_state: str
    import_done: int
    import_total: int | None
    #: By the pace so far; None where there is none yet.
    import_left_seconds: float | None

    def import_in_words(self) -> str:
        """Return how far the import of old invoices has come."""
        match self.import_state:
            case "not_requested":
                return "not chosen"
            case "done":
                return f"{self.import_done:,} done"
        total = "?" if self.import_total is None else f"{self.import_total:,}"
        return f"{self.import_done:,} of {total}{_left(self.import_left_seconds)}"


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f", {seconds / 60:.0f} min left" if seconds >= 90 else f", {seconds:.0f} s left"  # noqa: PLR2004 - reads well


async def watch_standings(pool: Pool) -> dict[tuple[str, str], WatchStanding]:
    """Return the standing of every watch, by tenant and company."""
    async with session(pool) as connection:
        rows = await (await connection.execute(_STANDINGS)).fetchall()
    return {(row["tenant_id"], row["realm_id"]): WatchStanding(**row) for row in rows}
