import argparse
import sys
from pathlib import Path

from deploy.local.commands import down, fetch, fetch_registry, status, up
from deploy.local.errors import LocalStackError
from deploy.local.folders import PROJECT

COMMANDS = {"up": up, "down": down, "status": status, "fetch": fetch, "fetch-registry": fetch_registry}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description="Kafka and PostgreSQL on this machine.")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--folder", type=Path, default=PROJECT / ".local", help="where data, logs and addresses are")
    chosen = parser.parse_args(arguments)
    try:
        return COMMANDS[chosen.command](chosen.folder.absolute())
    except LocalStackError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
