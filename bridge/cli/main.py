"""`qbo-bridge`: every command an operator has."""

import typer

from bridge.cli import connections, emulator, operate, process, reads, schemas, settings

app = typer.Typer(
    name="qbo-bridge",
    no_args_is_help=True,
    add_completion=False,
    help=__doc__,
    pretty_exceptions_enable=False,
)
process.add_to(app)
app.command("preflight")(connections.preflight)
app.command("reads")(reads.reads)
connections.app.command("settings")(settings.settings)
app.add_typer(connections.app, name="connections")
app.add_typer(schemas.app, name="schemas")
operate.add_to(app)
emulator.add_to(app)
