"""`qbo-bridge reads`: what the companies cost of the reads that Intuit meters, and how each is polled."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bridge.bootstrap import open_core
from bridge.cli.common import AsJson, load_settings, run_async, show
from bridge.settings import Settings
from bridge.store.reads import MonthOfReads, ReadMeter
from producers.watched import WatchPolicy, Webhooks

_DAY, _MONTH = 86_400.0, 30


def reads(*, as_json: AsJson = False) -> None:
    """Show the metered reads of each company: this month, by the month at its pace, and by its polls alone."""
    settings = load_settings()

    async def work() -> tuple[list[dict[str, Any]], MonthOfReads]:
        async with open_core(settings) as core:
            meter = ReadMeter(core.pool)
            return await meter.companies(), await meter.month()

    companies, month = run_async(work())
    policy = WatchPolicy(poll_seconds=settings.poll_seconds, proven_poll_seconds=settings.proven_poll_seconds)
    rows = [_row(one, policy, datetime.now(UTC)) for one in companies]
    columns = ("tenant", "company", "name", "webhooks", "polled_every", "this_month", "a_month", "by_polls_alone")
    show(rows, columns, as_json=as_json, empty="No company is connected.")
    if not as_json:
        print(_in_all(month, settings))
        _warn(month, settings)


def _row(company: Mapping[str, Any], policy: WatchPolicy, now: datetime) -> dict[str, Any]:
    moments = {name: company[name] for name in ("announced_at", "unannounced_at")}
    webhooks = Webhooks(began_at=company["began_at"] or now, **moments)
    proven, seconds = webhooks.are_proven(now, policy), webhooks.poll_seconds(now, policy)
    return {
        "tenant": company["tenant_id"],
        "company": company["realm_id"],
        "name": company["name"],
        "webhooks": "proven" if proven else "not proven",
        "polled_every": f"{seconds / 60:g} min",
        "last_poll": company["polled_at"],
        "this_month": company["this_month"],
        "a_month": round(company["per_day"] * _MONTH),
        "by_polls_alone": round(_MONTH * _DAY / seconds),
    }


def _in_all(month: MonthOfReads, settings: Settings) -> str:
    allowed = settings.metered_reads_per_month
    return (
        f"In all {month.so_far:,} reads this month (UTC), {month.forecast:,} by its end at the pace of the last week; "
        f"{allowed:,} are allowed."
    )


def _warn(month: MonthOfReads, settings: Settings) -> None:
    if month.forecast > settings.metered_reads_per_month:
        print(
            "That is more than allowed: Intuit answers further reads with 429. Have webhooks pushed "
            "(QBO_BRIDGE_WEBHOOK_VERIFIER_TOKEN), poll less often (QBO_BRIDGE_POLL_SECONDS), or raise the allowance "
            "with Intuit and QBO_BRIDGE_METERED_READS_PER_MONTH with it.",
            file=sys.stderr,
        )
