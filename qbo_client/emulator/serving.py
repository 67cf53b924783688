"""From the port being opened until SIGTERM, with the state saved before anything is promised and last of all."""

import argparse
import asyncio
import signal
import sqlite3
import sys

from aiohttp import web

from qbo_client.emulator import wire
from qbo_client.emulator.app import build_runner
from qbo_client.emulator.state import State
from qbo_client.emulator.world import World


async def serve(world: World, options: argparse.Namespace, state: State | None) -> int:
    """The exit status."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = build_runner(world)
    await runner.setup()
    try:
        await web.TCPSite(runner, options.host, options.port).start()
        port = runner.addresses[0][1]
        announcement = _announcement(world, f"http://{options.host}:{port}", as_json=options.json)
        if state is not None:
            await state.save()  # Tokens that are announced are kept.
        sys.stdout.write(announcement + "\n")
        sys.stdout.flush()
        await _until(stop, state)
    except OSError as error:
        return _failed(f"cannot listen on {options.host}:{options.port}: {error.strerror or error}")
    except sqlite3.Error as error:
        return _failed(f"the state cannot be saved in {options.state}: {error}")
    finally:
        # Whoever is still being answered is answered first.
        await runner.cleanup()
    return await _last_save(state, options)


async def _until(stop: asyncio.Event, state: State | None) -> None:
    """Raises sqlite3.Error as soon as the state cannot be saved."""
    if state is None:
        await stop.wait()
        return
    await state.run(stop)


async def _last_save(state: State | None, options: argparse.Namespace) -> int:
    if state is None:
        return 0
    try:
        await state.save()
    except sqlite3.Error as error:
        return _failed(f"the state cannot be saved in {options.state}: {error}")
    finally:
        state.close()
    return 0


def _failed(sentence: str) -> int:
    sys.stderr.write(sentence + "\n")
    return 1


def _announcement(world: World, base_url: str, *, as_json: bool) -> str:
    companies = [world.described(one, world.connect(one)) for one in world.companies.values()]
    announced = {
        "quickbooks": {
            "base_url": base_url,
            "discovery_url": f"{base_url}/.well-known/openid_sandbox_configuration/",
            "client_id": world.client_id,
            "client_secret": world.client_secret,
            "companies": companies,
        }
    }
    return wire.dumps(announced) if as_json else f"QuickBooks emulator, not Intuit: {base_url}/"
