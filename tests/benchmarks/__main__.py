"""`make bench`: what one process does on this machine, with Kafka, PostgreSQL and the emulator on the same cores."""

import argparse
import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deploy.local.folders import PROJECT
from deploy.local.stack import local_stack
from tests.benchmarks import delay, emulator_rate, ingest, mapping_rate, memory, news, polling, webhooks, writes
from tests.benchmarks.bench import Bench, Figure

BENCHMARKS = {
    "ingest": ingest.run,
    "writes": writes.run,
    "delay": delay.run,
    "emulator": emulator_rate.run,
    "mapping": mapping_rate.run,
    "memory": memory.run,
    "news": news.run,
    "polling": polling.run,
    "webhooks": webhooks.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("only", nargs="*", help=f"of {', '.join(BENCHMARKS)}; all if none is named")
    wanted = parser.parse_args().only or list(BENCHMARKS)
    folder = PROJECT / ".local" / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    figures: list[Figure] = []
    with local_stack(folder / "stack") as stack:
        for name in wanted:
            figures += BENCHMARKS[name](Bench(stack=stack, folder=Path(folder) / name))
    return show(figures)


def show(figures: list[Figure]) -> int:
    """Print every figure beside what is to be reached; 1 if one falls short."""
    table = Table(title="Measured", title_justify="left")
    for column in ("figure", "measured", "to reach", ""):
        table.add_column(column)
    for figure in figures:
        table.add_row(figure.name, figure.shown, figure.goal, "reached" if figure.reached else "short")
    Console().print(table)
    return 0 if all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
