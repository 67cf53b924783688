"""/emulator/webhooks: where they go, how they look, and what is to go wrong with them."""

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from aiohttp import web

from qbo_client.emulator.control_json import check_known, need, routes
from qbo_client.emulator.webhooks import Settings, Shape
from qbo_client.emulator.world import World


class WebhookControl:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        return routes(
            gets={"/emulator/webhooks": self.show},
            posts={"/emulator/webhooks": self.set, "/emulator/webhooks/faults": self.add_fault},
            deletes={"/emulator/webhooks": self.stop},
        )

    def show(self, _sent: Mapping[str, Any], _request: web.Request) -> Any:
        deliveries = self._world.webhooks
        return {**asdict(deliveries.settings), "shape": deliveries.settings.shape.value, **deliveries.shown()}

    def set(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        """`{"url": "http://localhost:8000/webhooks", "verifier": "...", "shape": "cloudevents"}`, see Settings.

        What is not named stays.
        """
        check_known(sent, *(one.name for one in fields(Settings)))
        wanted: dict[str, Any] = dict(sent)
        for name in {"gather_seconds", "timeout_seconds"} & set(wanted):
            wanted[name] = float(wanted[name])
        if "shape" in wanted:
            wanted["shape"] = Shape(wanted["shape"])
        self._world.webhooks.send_to(replace(self._world.webhooks.settings, **wanted))
        return self.show(sent, request)

    def stop(self, _sent: Mapping[str, Any], request: web.Request) -> Any:
        return self.set({"url": None}, request)

    def add_fault(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        """`{"kind": "drop", "count": 2}`, or duplicate, or reorder with a seed."""
        check_known(sent, "kind", "count", "seed")
        self._world.webhooks.add_fault(str(need(sent, "kind")), int(sent.get("count", 1)), int(sent.get("seed", 0)))
        return self.show(sent, request)
