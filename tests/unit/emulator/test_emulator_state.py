import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import simplejson

from qbo_client.emulator import records
from qbo_client.emulator.grants import OAuthRefused, Rotation
from qbo_client.emulator.state import State, StateError
from qbo_client.emulator.webhooks import Settings, Shape
from qbo_client.emulator.world import World

COMMAND = (sys.executable, "-m", "qbo_client.emulator", "--json", "--no-throttling")
SOLD = {"Amount": 12.5, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"Qty": 2.5, "UnitPrice": 5}}
RECEIPT = {"Line": [SOLD]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    process: subprocess.Popen[str]
    told: dict[str, Any]

    def call(self, method: str, path: str, *, token: str = "", **options: Any) -> requests.Response:
        company = self.told["companies"][0]
        headers = {"Authorization": f"Bearer {token or company['access_token']}", "Accept": "application/json"}
        url = f"{self.told['base_url']}/v3/company/{company['realm_id']}/{path}"
        return requests.request(method, url, headers=headers, timeout=10, **options)

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        method = "GET" if body is None else "POST"
        answer = requests.request(method, f"{self.told['base_url']}/emulator{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    @property
    def realm_id(self) -> str:
        return str(self.told["companies"][0]["realm_id"])


@contextmanager
def running(file: Path, *arguments: str) -> Iterator[Running]:
    command = [*COMMAND, "--state", str(file), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Running(process=process, told=simplejson.loads(process.stdout.readline())["quickbooks"])
        finally:
            process.terminate()
        assert process.wait(20) == 0


def test_state_goes_on_after_a_restart_as_it_was_left(tmp_path: Path) -> None:
    file = tmp_path / "books.sqlite"
    with running(file, "--company", "us") as first:
        kept = first.call("POST", "salesreceipt?requestid=r-1", json=RECEIPT)
        gone = first.call("POST", "salesreceipt", json=RECEIPT).json()["SalesReceipt"]
        first.call("POST", "salesreceipt?operation=delete", json={"Id": gone["Id"], "SyncToken": "0"})
        first.control(f"/companies/{first.realm_id}/preferences", {"SalesFormsPrefs": {"AllowDiscount": True}})
        first.control(f"/companies/{first.realm_id}/switches", {"automatic_tax_percent": 8.25})
        banked = {"entity": "SalesReceipt", "Id": kept.json()["SalesReceipt"]["Id"]}
        first.control(f"/companies/{first.realm_id}/person/deposit", banked)
        first.control("/clock", {"advance_seconds": 90 * 24 * 3600})
        token = first.control(f"/companies/{first.realm_id}/grants", {})
        changes = first.call("GET", "cdc?entities=SalesReceipt&changedSince=2020-01-01", token=token["access_token"])
        now = first.control("")["now"]
    with running(file, "--company", "gb") as second:
        assert [(one["realm_id"], one["country"]) for one in second.told["companies"]] == [(first.realm_id, "US")]
        assert second.control("")["now"] > now
        held = token["access_token"]
        again = second.call("POST", "salesreceipt?requestid=r-1", json=RECEIPT, token=held)
        assert again.text == kept.text
        read = second.call("GET", f"salesreceipt/{again.json()['SalesReceipt']['Id']}", token=held)
        assert read.text.rpartition(",")[0] == kept.text.rpartition(",")[0]
        listed = second.call("GET", "cdc?entities=SalesReceipt&changedSince=2020-01-01", token=held)
        assert listed.json()["CDCResponse"] == changes.json()["CDCResponse"]
        preferences = second.call("GET", "preferences", token=held).json()["Preferences"]
        assert preferences["SalesFormsPrefs"]["AllowDiscount"] is True
        shown = second.control(f"/companies/{second.realm_id}/switches", {})
        assert shown["automatic_tax_percent"] == 8.25
        change = second.call(
            "POST", "salesreceipt?operation=delete", json={"Id": banked["Id"], "SyncToken": "0"}, token=held
        )
        assert change.json()["Fault"]["Error"][0]["code"] == "6540"
        made = second.call("POST", "salesreceipt", json=RECEIPT, token=held).json()["SalesReceipt"]
        assert (int(made["Id"]), made["DocNumber"]) == (int(gone["Id"]) + 1, "1003")


def opened(file: Path) -> tuple[World, State]:
    world = World(client_id="app", client_secret="secret")
    state = State(file, world)
    state.restore()
    return world, state


def make_customer(world: World, name: str) -> None:
    (company,) = world.companies.values()
    kind = company.kinds["customer"]
    records.create(company, kind, company.schema.clean("Customer", {"DisplayName": name}), frozenset())


async def test_state_keeps_tokens_in_each_condition_and_codes(tmp_path: Path) -> None:
    world, state = opened(tmp_path / "books.sqlite")
    company = world.add_company("us")
    world.authority.rotation, world.authority.grace = Rotation.ALWAYS, timedelta(hours=1)
    old = world.connect(company).refresh_token
    new = world.authority.refresh(client_id="app", refresh_token=old)
    ended = world.connect(company)
    world.authority.revoke(ended.access_token)
    asked = {"client_id": "app", "redirect_uri": "http://localhost"}
    code = world.authority.consent(realm_id=company.realm_id, scope="s", **asked)
    await state.save()
    state.close()
    world, state = opened(tmp_path / "books.sqlite")
    assert world.authority.grant_of(new.access_token) is not None
    assert world.authority.grant_of(ended.access_token) is None
    assert world.authority.refresh(client_id="app", refresh_token=old).refresh_token == new.refresh_token
    assert world.authority.exchange(code=code, **asked).realm_id == company.realm_id
    with pytest.raises(OAuthRefused):
        world.authority.refresh(client_id="app", refresh_token=ended.refresh_token)
    state.close()


async def test_state_keeps_webhooks_that_nobody_acknowledged(tmp_path: Path) -> None:
    world, state = opened(tmp_path / "books.sqlite")
    world.add_company("us")
    settings = Settings(url="http://localhost:1/", verifier="v", shape=Shape.LEGACY, gather_seconds=3600)
    world.webhooks.send_to(settings)
    make_customer(world, "Amy")
    told = world.webhooks.unacknowledged()
    await state.save()
    state.close()
    world, state = opened(tmp_path / "books.sqlite")
    assert world.webhooks.settings == settings
    assert world.webhooks.unacknowledged() == told
    assert len(told) == 1
    state.close()


async def test_state_holds_what_was_saved_and_nothing_of_what_came_after(tmp_path: Path) -> None:
    world, state = opened(tmp_path / "books.sqlite")
    world.add_company("us")
    make_customer(world, "Amy")
    await state.save()
    make_customer(world, "Bob")
    state.close()  # As a kill would.
    world, state = opened(tmp_path / "books.sqlite")
    (company,) = world.companies.values()
    assert [row.body["DisplayName"] for row in company.table("Customer")] == ["Amy"]
    make_customer(world, "Bob")
    assert [row.identifier for row in company.table("Customer")] == ["1", "2"]
    state.close()


async def test_state_that_is_restored_is_saved_as_it_was(tmp_path: Path) -> None:
    world, state = opened(tmp_path / "books.sqlite")
    company = world.add_company("gb")
    await state.save()
    state.close()
    before = {kind: [row.json for row in company.table(kind)] for kind in ("Item", "TaxCode", "Preferences", "Term")}
    world, state = opened(tmp_path / "books.sqlite")
    (company,) = world.companies.values()
    assert {kind: [row.json for row in company.table(kind)] for kind in before} == before
    state.close()


def test_state_in_use_by_another_is_refused(tmp_path: Path) -> None:
    _, state = opened(tmp_path / "books.sqlite")
    with pytest.raises(StateError, match="locked"):
        opened(tmp_path / "books.sqlite")
    state.close()


def test_state_in_a_file_that_is_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("This is no database, and long enough to be seen as none. " * 10)
    with pytest.raises(StateError, match="text"):
        opened(tmp_path / "text")
    other = sqlite3.connect(tmp_path / "newer")
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(StateError, match="version 99"):
        opened(tmp_path / "newer")
