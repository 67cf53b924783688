"""What all commands share: settings with readable mistakes, one event loop, one way to print."""

import asyncio
import os
import sys
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Annotated, Any, TypeVar

import simplejson
import typer
import uvloop
from psycopg.errors import UndefinedTable
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from rich.console import Console
from rich.table import Table

from bridge.logs import set_up_logs
from bridge.settings import Settings
from bridge.store.database import Away

T = TypeVar("T")

_THREADS = 48

Limit = Annotated[int, typer.Option(min=1, help="Show at most so many.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def load_settings() -> Settings:
    """Read the settings; a mistake ends the command with one sentence for each."""
    try:
        settings = Settings()  # type: ignore[call-arg]  # pydantic-settings reads the environment
    except ValidationError as error:
        for mistake in error.errors(include_url=False, include_input=False):
            print(_in_words(mistake), file=sys.stderr)
        raise typer.Exit(2) from None
    set_up_logs(settings.log_level, settings.log_format)
    return settings


def _in_words(mistake: ErrorDetails) -> str:
    name = "_".join(str(part) for part in mistake["loc"]).upper()
    if not name:
        # A sentence of ours about several settings, which it names.
        return str(mistake.get("ctx", {}).get("error", mistake["msg"]))
    full = name if name.startswith(("DATABASE_URL", "KAFKA_BOOT", "QBO_BRIDGE")) else f"QBO_BRIDGE_{name}"
    return f"{full} is not set." if mistake["type"] == "missing" else f"{full}: {mistake['msg']}"


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine on uvloop; a database that cannot be asked ends it with one sentence."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        # Token refreshes that hang must not keep Kafka's threads waiting: the default is six on two cores.
        runner.get_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
        try:
            return runner.run(work)
        except Away as error:
            raise fail(f"PostgreSQL does not answer at DATABASE_URL: {error}") from None
        except UndefinedTable:
            raise fail("The database at DATABASE_URL is not set up. Run `qbo-bridge migrate` first.", 2) from None


def fail(sentence: str, code: int = 1) -> typer.Exit:
    """Print what went wrong and return the exit to raise."""
    print(sentence, file=sys.stderr)
    return typer.Exit(code)


def show(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """Print rows as a table, or as JSON with everything they hold."""
    if as_json:
        print(simplejson.dumps(list(rows), default=_plain, use_decimal=True, indent=2))
        return
    if not rows:
        print(empty)
        return
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    # Piped output is for programs and logs: nothing is folded to a terminal that is not there.
    Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200).print(table)


def at_most(limit: int, rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Cut rows of which one more than `limit` was asked for, and say so: a part must not pass for the whole."""
    if len(rows) > limit:
        print(f"There are more than these {limit}: --limit shows more.", file=sys.stderr)
    return rows[:limit]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
