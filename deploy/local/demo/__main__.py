"""`make demo`: events published as a CRM would, the books compared with them, and the way back to Kafka."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from deploy.local.demo.run import Demo
from deploy.local.errors import LocalStackError
from deploy.local.folders import PROJECT


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running and say where")
    parser.add_argument("--folder", type=Path, default=PROJECT / ".local")
    options = parser.parse_args()
    # Piped into a file or a log there is no width to fold to.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    try:
        return 0 if Demo(console=console, folder=options.folder.absolute(), keep=options.keep).run() else 1
    except LocalStackError as error:
        console.print(f"[bold red]{error}[/]")
        return 2


if __name__ == "__main__":
    sys.exit(main())
