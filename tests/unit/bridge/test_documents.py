"""What an operator reads names everything that the code can say, and nothing that it cannot."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase
from typer.core import TyperGroup
from typer.main import get_group

from bridge.cli.main import app
from bridge.metrics import Metrics
from bridge.settings import Settings
from mapping.settings import Settings as BookSettings
from schemas.errors import Reason

PROJECT = Path(__file__).parents[3]
README = (PROJECT / "README.md").read_text()
BOOKS = (PROJECT / "docs/books.md").read_text()
OPERATIONS = (PROJECT / "docs/operations.md").read_text()

#: What gives a record a cause, as its first argument or as `cause=`.
_GIVES_A_CAUSE = frozenset(
    {"Attention", "CannotBook", "Ending", "NeedsAttention", "Skip", "Skipped", "Waiting", "_ask"}
)
#: An invoice that stays as it is for these is done; the words are its note.
_NOTES_OF_WHAT_IS_DONE = frozenset({"deleted_in_crm"})
_CAUSE = re.compile(r"[a-z]+(_[a-z]+)*")


def named_in(page: str) -> set[str]:
    return {name for code in re.findall(r"`([^`\n]+)`", page) for name in re.split(r"[^\w.<>-]+", code)}


def causes_in(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        given: list[ast.expr] = []
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in _GIVES_A_CAUSE:
            given = [*node.args[:1], *(one.value for one in node.keywords if one.arg == "cause")]
        elif isinstance(node, ast.Dict):
            given = [value.elts[0] for value in node.values if isinstance(value, ast.Tuple) and _has_words(value)]
        for one in given:
            if isinstance(one, ast.Constant) and isinstance(one.value, str) and _CAUSE.fullmatch(one.value):
                yield one.value


def _has_words(pair: ast.Tuple) -> bool:
    """Whether it is a cause and a sentence, as in the tables by code or by status."""
    return any(isinstance(one, ast.Constant) and " " in str(one.value) for one in pair.elts[1:])


def test_operations_page_names_every_cause() -> None:
    sources = [path for folder in ("consumers", "mapping/to_qbo") for path in (PROJECT / folder).rglob("*.py")]
    sources += (PROJECT / "mapping").glob("*.py")
    causes = {cause for path in sources for cause in causes_in(path.read_text())} - _NOTES_OF_WHAT_IS_DONE
    assert {"bug", "draft", "number_taken", "paid_in_quickbooks", "throttled", "too_many_lines"} <= causes
    assert sorted(causes - named_in(OPERATIONS)) == []


def test_operations_page_lists_every_metric() -> None:
    metrics = [value for value in vars(Metrics()).values() if isinstance(value, MetricWrapperBase)]
    families = [next(iter(metric.describe())) for metric in metrics]
    exposed = {f"{one.name}_total" if one.type == "counter" else one.name for one in families}
    assert {name for name in named_in(OPERATIONS) if name.startswith("qbo_bridge_")} == exposed


def test_operations_page_explains_every_dead_letter() -> None:
    assert sorted({str(reason) for reason in Reason} - named_in(OPERATIONS)) == []


def test_readme_lists_every_setting_and_no_other() -> None:
    table = README.partition("## Configuration")[2].partition("\n## ")[0]
    listed = {name for name in re.findall(r"`([A-Z_]+)`", table) if name.isupper()}
    full = {name if not name.startswith("_") else f"QBO_BRIDGE{name}" for name in listed}
    plain = {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"}
    settings = {
        name.upper() if name.upper() in plain else f"QBO_BRIDGE_{name.upper()}" for name in Settings.model_fields
    }
    assert full - {"INFO", "SASL", "TLS"} == settings


def test_readme_lists_every_command() -> None:
    table = README.partition("## Commands")[2].partition("\n## ")[0]
    commands = get_group(app)
    groups = [commands, *(one for one in commands.commands.values() if isinstance(one, TyperGroup))]
    names = {name for group in groups for name in group.commands}
    assert {"run", "record", "settings"} <= names
    assert sorted(names - named_in(table)) == []


def test_rules_of_the_books_list_every_setting() -> None:
    table = BOOKS.partition("## 10. Settings")[2].partition("\n## ")[0]
    listed = {name.partition(".")[0] for name in named_in(table)}
    assert sorted({one.name for one in fields(BookSettings)} - listed) == []
