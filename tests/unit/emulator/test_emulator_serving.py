"""From the command line to SIGTERM, inside this process."""

import asyncio
import os
import signal
import socket
import sys
from argparse import Namespace
from pathlib import Path

import aiohttp
import pytest
import simplejson

from qbo_client.emulator.__main__ import _parser, fill, main, new_world
from qbo_client.emulator.grants import Rotation
from qbo_client.emulator.serving import serve
from qbo_client.emulator.state import State


class Terminal:
    """Where the announcement is written; its end is an event."""

    def __init__(self) -> None:
        self.text = ""
        self.written = asyncio.Event()

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        self.written.set()


def options(*arguments: str) -> Namespace:
    return _parser().parse_args(arguments)


async def served(asked: Namespace, monkeypatch: pytest.MonkeyPatch) -> str:
    """What it announced, between its beginning and a SIGTERM that it obeys."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    world = new_world(asked)
    state = State(asked.state, world) if asked.state else None
    fill(world, asked, state)
    serving = asyncio.create_task(serve(world, asked, state))
    await terminal.written.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    assert await serving == 0
    return terminal.text


async def test_serve_tells_where_it_is_and_ends_on_sigterm(monkeypatch: pytest.MonkeyPatch) -> None:
    told = await served(options("--company", "ca"), monkeypatch)
    assert told.startswith("QuickBooks emulator, not Intuit: http://127.0.0.1:")


async def test_serve_with_a_state_goes_on_where_it_was_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "state.sqlite"
    first = simplejson.loads(await served(options("--json", "--state", str(file), "--company", "gb"), monkeypatch))
    again = simplejson.loads(await served(options("--json", "--state", str(file), "--company", "us"), monkeypatch))
    realms = [[one["realm_id"] for one in told["quickbooks"]["companies"]] for told in (first, again)]
    assert realms[0] == realms[1]
    assert again["quickbooks"]["companies"][0]["country"] == "GB"
    world = new_world(options())
    state = State(file, world)
    state.restore()
    state.close()
    for told in (first, again):
        token = told["quickbooks"]["companies"][0]["access_token"]
        grant = world.authority.grant_of(token)
        assert grant is not None
        assert grant.realm_id == realms[0][0]


async def test_serve_answers_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    asked = options("--json", "--company", "us", "--company", "au")
    world = new_world(asked)
    fill(world, asked, None)
    serving = asyncio.create_task(serve(world, asked, None))
    await terminal.written.wait()
    told = simplejson.loads(terminal.text)["quickbooks"]
    async with aiohttp.ClientSession() as session, session.get(told["base_url"] + "/") as got:
        assert "Emulated AU company 2" in await got.text()
    os.kill(os.getpid(), signal.SIGTERM)
    assert await serving == 0


async def test_serve_on_a_busy_port_fails_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        asked = options("--port", str(taken.getsockname()[1]))
        assert await serve(new_world(asked), asked, None) == 1
    assert "cannot listen on 127.0.0.1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "seed", "said"),
    [
        (("--company", "zz"), "", "US, GB, CA, AU"),
        (("--seed", "{file}"), "nonsense", "does not hold"),
        (("--seed", "{file}"), '{"companies": [{"country": "us", "colour": 1}]}', "colour"),
        (("--seed", "{file}"), '{"companies": [{"country": "us", "objects": {"Customer": [{}]}}]}', "6080"),
        (("--webhook-url", "https://example.com/hook"), "", "example.com"),
        (("--state", "{file}"), "no database at all, and long enough to be looked at", "{file}"),
    ],
)
def test_main_with_what_makes_no_sense_says_so_and_serves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], seed: str, said: str
) -> None:
    file = tmp_path / "given"
    file.write_text(seed)
    assert main([one.replace("{file}", str(file)) for one in arguments]) == 2
    assert said.replace("{file}", str(file)) in capsys.readouterr().err


def test_options_become_the_behaviour_of_the_world() -> None:
    asked = options("--latency", "0.2", "--latency-p99", "1.5", "--rotate", "always", "--no-throttling")
    world = new_world(asked)
    assert (world.behaviour.latency.p50, world.behaviour.latency.p99) == (0.2, 1.5)
    assert (world.authority.rotation, world.behaviour.throttling) == (Rotation.ALWAYS, False)


def test_options_with_a_webhook_address_of_this_machine_push_there() -> None:
    asked = options("--webhook-url", "http://127.0.0.1:9/hook", "--webhook-verifier", "v")
    world = new_world(asked)
    fill(world, asked, None)
    assert world.webhooks.settings is not None
    assert (world.webhooks.settings.url, world.webhooks.settings.verifier) == ("http://127.0.0.1:9/hook", "v")
    assert [one.country for one in world.companies.values()] == ["US"]
