"""Operating: where records stand, what needs a person, what could not be read, and the stop for the bad day."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar

import typer

from bridge.bootstrap import open_core
from bridge.cli.common import AsJson, Limit, at_most, fail, load_settings, run_async, show
from bridge.store.operations import OperationStore

T = TypeVar("T")

Tenant = Annotated[str | None, typer.Option(help="Only this tenant.")]
Cause = Annotated[str | None, typer.Option(help="Only this cause.")]


def _ask(question: Callable[[OperationStore], Awaitable[T]]) -> T:
    settings = load_settings()

    async def work() -> T:
        async with open_core(settings) as core:
            return await question(OperationStore(core.pool))

    return run_async(work())


def status(*, tenant: Tenant = None, as_json: AsJson = False) -> None:
    """Count the records of each tenant by where they stand."""
    rows = _ask(lambda store: store.states(tenant=tenant))
    if (reason := _ask(lambda store: store.writes_stopped())) is not None:
        print(f"All writes are stopped: {reason}. `qbo-bridge allow-writes` lets them go on.", file=sys.stderr)
    show(
        rows,
        ("tenant", "topic", "state", "why", "records", "oldest"),
        as_json=as_json,
        empty="No events yet.",
    )


def record(
    tenant: Annotated[str, typer.Argument(help="The CRM's location id.")],
    record_id: Annotated[str, typer.Argument(help="The CRM's id of the contact, payment or invoice.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Tell one CRM record's story: where it stands, its events, each write and QuickBooks' answer."""
    story = _ask(lambda store: store.story(tenant, record_id))
    if not any(story.values()):
        raise fail(f"Nothing is known of record {record_id} of tenant {tenant}.")
    if as_json:
        show([dict(story)], (), as_json=True, empty="")
        return
    for standing in story["standing"]:
        standing["quickbooks"] = ", ".join(_object(one) for one in standing["quickbooks"])
    columns: dict[str, tuple[str, ...]] = {
        "standing": ("record_type", "state", "cause", "message", "quickbooks", "changed_at"),
        "events": ("topic", "event_id", "state", "result", "cause", "attempts", "received_at", "decided_at"),
        "writes": ("operation", "entity", "state", "attempts", "answer_code", "intuit_tid", "created_at", "closed_at"),
    }
    for part, names in columns.items():
        print(f"\n{part}")
        show(story[part], names, as_json=False, empty="  none")


def _object(reference: Mapping[str, Any]) -> str:
    number = f" ({reference['doc_number']})" if reference.get("doc_number") else ""
    return f"{reference['type']} {reference['id']}{number}"


def attention(*, tenant: Tenant = None, cause: Cause = None, limit: Limit = 100, as_json: AsJson = False) -> None:
    """List the records that need a person, with what to do."""
    rows = _ask(lambda store: store.attention(tenant=tenant, cause=cause, limit=limit + 1))
    columns = ("tenant", "kind", "record", "cause", "what_to_do", "since")
    show(at_most(limit, rows), columns, as_json=as_json, empty="Nothing needs attention.")


def retry(
    *,
    tenant: Tenant = None,
    cause: Cause = None,
    record: Annotated[str | None, typer.Option(help="Only this CRM record.")] = None,
) -> None:
    """Put records that need attention back to work: one, or all with a cause, or all of a tenant."""
    if tenant is None and cause is None and record is None:
        raise fail("Say which: --tenant, --cause or --record.", 2)
    count = _ask(lambda store: store.retry(tenant=tenant, cause=cause, record=record))
    if count == 0:
        print("Nothing that needs attention fits: `qbo-bridge attention` lists what does.")
        return
    print("1 record is tried again" if count == 1 else f"{count} records are tried again")


def dead_letters(*, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List the latest records that could not be read, with the reason."""
    rows = _ask(lambda store: store.dead_letters(limit=limit + 1))
    columns = ("topic", "partition", "offset", "reason", "detail", "bytes", "since")
    show(at_most(limit, rows), columns, as_json=as_json, empty="No dead letters.")


def stop_writes(
    reason: Annotated[str, typer.Argument(help="Told to whoever looks while writes are stopped.")],
) -> None:
    """Stop every write to QuickBooks, everywhere, from the next one on; records wait."""
    _ask(lambda store: store.stop_writes(reason))
    print("All writes are stopped. `qbo-bridge allow-writes` lets them go on.")


def allow_writes() -> None:
    """Let writes go on after `stop-writes`."""
    was_stopped = _ask(lambda store: store.allow_writes())
    print("Writes go on." if was_stopped else "Writes were not stopped.")


def add_to(app: typer.Typer) -> None:
    app.command("status")(status)
    app.command("record")(record)
    app.command("attention")(attention)
    app.command("retry")(retry)
    app.command("dead-letters")(dead_letters)
    app.command("stop-writes")(stop_writes)
    app.command("allow-writes")(allow_writes)
