"""A stand-in for QuickBooks, for development only.

It is started as a program and never imported: nothing of the bridge may come to depend on it.
"""

import os
import sys
from importlib.util import find_spec
from typing import NoReturn

import typer

from bridge.cli.common import fail

MODULE = "qbo_client.emulator"


def emulator(context: typer.Context) -> None:
    """Stand in for QuickBooks until SIGTERM (development only; `emulator --help` says more)."""
    become(MODULE, context.args)


def become(module: str, arguments: list[str]) -> NoReturn:
    """Go on as that module's program, in this very process; raises typer.Exit where it is not installed."""
    if find_spec(module) is None:
        raise fail(f"This installation has no {module}: it is for development and left out of production images.")
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 -- no shell is wanted


def add_to(app: typer.Typer) -> None:
    # Every option is the emulator's own, --help included.
    as_given = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command("emulator", context_settings=as_given, add_help_option=False)(emulator)
