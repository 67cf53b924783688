"""`python -m qbo_client.emulator`: a stand-in for QuickBooks Online on one port, until SIGTERM."""

import argparse
import asyncio
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from qbo_client.emulator import planting
from qbo_client.emulator.countries import COUNTRIES
from qbo_client.emulator.errors import ApiFault
from qbo_client.emulator.grants import Rotation
from qbo_client.emulator.latency import Latency
from qbo_client.emulator.serving import serve
from qbo_client.emulator.state import State, StateError
from qbo_client.emulator.webhooks import Settings, Shape
from qbo_client.emulator.world import World


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        world = new_world(options)
        state = State(options.state, world) if options.state else None
        fill(world, options, state)
    except (ValueError, StateError) as mistaken:
        sys.stderr.write(f"{mistaken}\n")
        return 2
    except ApiFault as refused:
        sys.stderr.write(f"{options.seed}: QuickBooks would refuse this: {refused.code} {refused.detail}\n")
        return 2
    return _run(serve(world, options, state))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="qbo_client.emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="where it listens; this machine only unless told otherwise")
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument(
        "--company", action="append", metavar="COUNTRY", help=f"{', '.join(COUNTRIES).lower()}; repeatable"
    )
    parser.add_argument(
        "--seed", type=Path, metavar="FILE.json", help='{"companies": [{"country": ..., "objects": ...}]}'
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FILE.sqlite",
        help="keeps the books there, and goes on as they were left",
    )
    parser.add_argument("--json", action="store_true", help="say where it listens as one JSON line")
    parser.add_argument("--client-id", default="emulator-client-id", metavar="ID", help="of the one application")
    parser.add_argument("--client-secret", default="emulator-client-secret", metavar="SECRET", help="its secret")
    parser.add_argument(
        "--redirect-uri", action="append", default=[], metavar="URI", help="exact; none means any loopback"
    )
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="of every answer, or the middle")
    parser.add_argument("--latency-p99", type=float, metavar="SECONDS", help="what one answer in a hundred exceeds")
    parser.add_argument("--seed-of-chance", type=int, default=0, metavar="N", help="the same N draws the same delays")
    rotations, shapes = [one.value for one in Rotation], [one.value for one in Shape]
    parser.add_argument(
        "--rotate", choices=rotations, default=Rotation.DAILY.value, help="when a refresh gives another refresh token"
    )
    parser.add_argument("--webhook-url", metavar="URL", help="of this machine; webhooks are pushed there")
    parser.add_argument("--webhook-verifier", default="emulator-verifier-token", metavar="TOKEN", help="signs them")
    parser.add_argument(
        "--webhook-shape", choices=shapes, default=Shape.CLOUD_EVENTS.value, help="how they are written"
    )
    parser.add_argument("--no-throttling", action="store_true", help="count requests, but refuse none")
    return parser


def new_world(options: argparse.Namespace) -> World:
    world = World(
        client_id=options.client_id,
        client_secret=options.client_secret,
        redirect_uris=tuple(options.redirect_uri),
    )
    world.behaviour.latency = Latency(options.latency, options.latency_p99, options.seed_of_chance)
    world.behaviour.throttling = not options.no_throttling
    world.authority.rotation = Rotation(options.rotate)
    return world


def fill(world: World, options: argparse.Namespace, state: State | None) -> None:
    """Companies as they were left, or else as asked for.

    Raises ValueError with a sentence, or ApiFault for a seed that QuickBooks would refuse.
    """
    if state is not None:
        state.restore()
    if options.webhook_url:
        shape, verifier = Shape(options.webhook_shape), options.webhook_verifier
        world.webhooks.send_to(Settings(url=options.webhook_url, verifier=verifier, shape=shape))
    if world.companies:
        return
    seeded = planting.read(options.seed) if options.seed else []
    for country in options.company or ([] if seeded else ["us"]):
        world.add_company(country)
    for told in seeded:
        planting.company_from(world, told)


def _run(coroutine: Coroutine[Any, Any, int]) -> int:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(coroutine)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(coroutine)


if __name__ == "__main__":
    sys.exit(main())
