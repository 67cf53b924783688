"""/emulator/...: what tests, benchmarks and demonstrations ask of the stand-in itself. JSON, no auth."""

import random
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import timedelta
from typing import Any

from aiohttp import web

from qbo_client.emulator import planting
from qbo_client.emulator.control_company import CompanyControl
from qbo_client.emulator.control_json import ControlError, check_known, need, routes
from qbo_client.emulator.control_webhooks import WebhookControl
from qbo_client.emulator.grants import Overlap, Rotation
from qbo_client.emulator.latency import Latency
from qbo_client.emulator.traffic import Limits
from qbo_client.emulator.world import World
from qbo_client.emulator.writing import Memory

MOST_COMPANIES = 1000


class Control:
    """What concerns all companies alike, or none."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        own = routes(
            posts={
                "/emulator/latency": self.latency,
                "/emulator/faults": self.add_fault,
                "/emulator/throttling": self.throttling,
                "/emulator/batches": self.batches,
                "/emulator/rotation": self.rotation,
                "/emulator/request-ids": self.request_ids,
                "/emulator/clock": self.clock,
                "/emulator/companies": self.add_companies,
            },
            gets={
                "/emulator": self.show,
                "/emulator/faults": self.show_faults,
                "/emulator/companies": self.show_companies,
            },
            deletes={"/emulator/faults": self.clear_faults},
        )
        return [*own, *CompanyControl(self._world).routes(), *WebhookControl(self._world).routes()]

    def show(self, _sent: Mapping[str, Any], _request: web.Request) -> Any:
        behaviour = self._world.behaviour
        return {
            "latency": behaviour.latency.shown(),
            "token_latency": behaviour.token_latency.shown(),
            "throttling": behaviour.throttling,
            "retry_after": behaviour.retry_after,
            **asdict(behaviour.limits),
            "rotation": self._world.authority.rotation.value,
            "rotation_grace_seconds": self._world.authority.grace.total_seconds(),
            "refresh_overlap": self._world.authority.overlap.value,
            "now": self._world.clock.now().isoformat(),
        }

    def latency(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        """`{"seconds": 0.1}` or `{"p50": 0.2, "p99": 1.5, "seed": 7}`; with `"of": "token"` of the OAuth endpoints."""
        latency = Latency.asked(sent)
        if sent.get("of") == "token":
            self._world.behaviour.token_latency = latency
        else:
            self._world.behaviour.latency = latency
        return self.show(sent, request)

    def throttling(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        """`{"enabled": true, "per_second": 10, "retry_after": 5, ...}`: what is not named stays."""
        behaviour = self._world.behaviour
        limits = {name: value for name, value in sent.items() if name not in {"enabled", "retry_after"}}
        behaviour.limits = _replaced(behaviour.limits, limits)
        if "retry_after" in sent:
            behaviour.retry_after = None if sent["retry_after"] is None else float(sent["retry_after"])
        behaviour.throttling = bool(sent.get("enabled", behaviour.throttling))
        return self.show(sent, request)

    def batches(self, sent: Mapping[str, Any], _request: web.Request) -> Any:
        """`{"shuffle_seed": 7}` mixes the answers of batches; null puts them in order again.

        `"lenient": true` lets an item without a bId spoil only itself. `"most_changes"` is how many objects
        change data capture gives at most.
        """
        check_known(sent, "shuffle_seed", "lenient", "most_changes")
        batches = self._world.behaviour.batches
        if "shuffle_seed" in sent:
            seed_given = sent["shuffle_seed"]
            shuffled = None if seed_given is None else random.Random(int(seed_given))  # noqa: S311 -- no secret
            batches = replace(batches, shuffled=shuffled)
        batches = replace(
            batches,
            lenient=bool(sent.get("lenient", batches.lenient)),
            most_changes=int(sent.get("most_changes", batches.most_changes)),
        )
        self._world.behaviour.batches = batches
        return {
            "shuffled": batches.shuffled is not None,
            "lenient": batches.lenient,
            "most_changes": batches.most_changes,
        }

    def rotation(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        """`{"policy": "daily"|"always", "grace_seconds": 0, "overlap": "tolerated"|"one_fails"|"ends_grant"}`.

        The policy is always said; a grace lets the token before go on working so long.
        """
        check_known(sent, "policy", "grace_seconds", "overlap")
        authority = self._world.authority
        policy = Rotation(need(sent, "policy"))
        overlap = Overlap(sent.get("overlap", authority.overlap.value))
        authority.grace = timedelta(seconds=float(sent.get("grace_seconds", 0)))
        authority.rotation, authority.overlap = policy, overlap
        return self.show(sent, request)

    def request_ids(self, sent: Mapping[str, Any], _request: web.Request) -> Any:
        memory = Memory(
            failures=bool(sent.get("remember_failures", False)),
            compare_bodies=bool(sent.get("compare_bodies", False)),
        )
        self._world.behaviour.memory = memory
        return {"remember_failures": memory.failures, "compare_bodies": memory.compare_bodies}

    def clock(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        self._world.clock.advance(float(need(sent, "advance_seconds")))
        return self.show(sent, request)

    def add_fault(self, sent: Mapping[str, Any], _request: web.Request) -> Any:
        return self._world.faults.add(dict(sent)).shown()

    def show_faults(self, _sent: Mapping[str, Any], _request: web.Request) -> Any:
        return {"faults": self._world.faults.pending()}

    def clear_faults(self, _sent: Mapping[str, Any], _request: web.Request) -> Any:
        self._world.faults.clear()
        return {"faults": []}

    def add_companies(self, sent: Mapping[str, Any], _request: web.Request) -> Any:
        """`{"country": "us", "count": 2, "name": ..., "preferences": {}, "objects": {}, ...}`, see planting."""
        count = int(sent.get("count", 1))
        if not 1 <= count <= MOST_COMPANIES:
            raise ControlError(f"count is between 1 and {MOST_COMPANIES}")
        told = {name: value for name, value in sent.items() if name != "count"}
        made = [planting.company_from(self._world, told) for _ in range(count)]
        return {"companies": [self._world.described(one, self._world.connect(one)) for one in made]}

    def show_companies(self, _sent: Mapping[str, Any], _request: web.Request) -> Any:
        return {
            "companies": [
                {
                    "realm_id": one.realm_id,
                    "name": one.name,
                    "country": one.country,
                    "currency": one.currency,
                }
                for one in self._world.companies.values()
            ]
        }


def _replaced(limits: Limits, sent: Mapping[str, Any]) -> Limits:
    check_known(sent, *(one.name for one in fields(Limits)))
    numbers: dict[str, Any] = {
        name: bool(value) if isinstance(value, bool) else int(value) for name, value in sent.items()
    }
    return replace(limits, **numbers)
