"""The parts of the world that are no objects, as JSON and back."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from qbo_client.emulator import planting
from qbo_client.emulator.changes import Change, Operation
from qbo_client.emulator.company import Company
from qbo_client.emulator.webhooks import Event, Settings, Shape
from qbo_client.emulator.world import World


def company(one: Company) -> dict[str, Any]:
    return {
        "name": one.name,
        "country": one.country,
        "currency": one.currency,
        "switches": asdict(one.switches),
        "counters": dict(one.counters),
        "deposited": sorted(one.deposited),
    }


def restore_company(world: World, realm_id: str, saved: Mapping[str, Any]) -> Company:
    made = world.put_company(realm_id, name=saved["name"], country=saved["country"], currency=saved["currency"])
    planting.set_switches(made.switches, saved["switches"])
    made.counters.update({space: int(number) for space, number in saved["counters"].items()})
    made.deposited.update(saved["deposited"])
    return made


def world(one: World) -> dict[str, Any]:
    """By name, so that only what has changed is written; the authority takes its own."""
    return {"clock": one.clock.ahead_seconds, "webhooks": _webhooks(one)}


def restore(one: World, name: str, saved: Any) -> None:
    if name == "clock":
        one.clock.advance(float(saved))
    elif name == "grants":
        one.authority.restore(saved)
    elif name == "webhooks":
        settings = {**saved["settings"], "shape": Shape(saved["settings"]["shape"])}
        for number in ("gather_seconds", "timeout_seconds"):
            settings[number] = float(settings[number])
        one.webhooks.send_to(Settings(**{**settings, "most_events": int(settings["most_events"])}))
        one.webhooks.restore([_event(told) for told in saved["events"]])


def _webhooks(one: World) -> dict[str, Any]:
    settings = asdict(one.webhooks.settings)
    return {
        "settings": {**settings, "shape": one.webhooks.settings.shape.value},
        "events": [_told(event) for event in one.webhooks.unacknowledged()],
    }


def _told(event: Event) -> dict[str, Any]:
    change = event.change
    return {
        **asdict(change),
        "realm_id": event.realm_id,
        "operation": change.operation.value,
        "moment": change.moment.isoformat(),
    }


def _event(told: Mapping[str, Any]) -> Event:
    change = Change(
        number=int(told["number"]),
        kind=told["kind"],
        identifier=told["identifier"],
        operation=Operation(told["operation"]),
        moment=datetime.fromisoformat(told["moment"]),
        loser=told["loser"],
    )
    return Event(realm_id=told["realm_id"], change=change)
