"""/emulator/...: what tests, benchmarks and demonstrations ask of the stand-in itself. JSON, no auth."""

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, fields, replace
from decimal import Decimal
from typing import Any

from aiohttp import web

from qbo_client.emulator import seed, wire
from qbo_client.emulator.company import Company, Switches
from qbo_client.emulator.errors import ApiFault
from qbo_client.emulator.faults import FaultRuleError
from qbo_client.emulator.latency import Latency
from qbo_client.emulator.oauth import Rotation
from qbo_client.emulator.traffic import Limits
from qbo_client.emulator.world import UnknownCountryError, World
from qbo_client.emulator.writing import Memory

MOST_COMPANIES = 1000
ControlHandler = Callable[[Mapping[str, Any], web.Request], Any]


class ControlError(ValueError):
    """The control API was asked for something that makes no sense; the sentence says what."""


class Control:
    """Each handler takes the JSON sent and answers what is to be shown."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        company = "/emulator/companies/{realm}"
        posts: dict[str, ControlHandler] = {
            "/emulator/latency": self.latency,
            "/emulator/faults": self.add_fault,
            "/emulator/throttling": self.throttling,
            "/emulator/rotation": self.rotation,
            "/emulator/batches": self.batches,
            "/emulator/request-ids": self.request_ids,
            "/emulator/clock": self.clock,
            "/emulator/companies": self.add_companies,
            f"{company}/grants": self.connect,
            f"{company}/revoke": self.revoke,
            f"{company}/expire-access-tokens": self.expire,
            f"{company}/suspend": self.suspend,
            f"{company}/close-books": self.close_books,
            f"{company}/preferences": self.preferences,
            f"{company}/switches": self.switches,
            f"{company}/tax-codes": self.tax_code,
            f"{company}/statistics/reset": self.reset_statistics,
        }
        gets: dict[str, ControlHandler] = {
            "/emulator": self.show,
            "/emulator/faults": self.show_faults,
            "/emulator/companies": self.show_companies,
            f"{company}/statistics": self.statistics,
            f"{company}/objects/{{entity}}": self.objects,
        }
        return [
            *(web.post(path, _json(handler)) for path, handler in posts.items()),
            *(web.get(path, _json(handler)) for path, handler in gets.items()),
            web.delete("/emulator/faults", _json(self.clear_faults)),
        ]

    def show(self, _sent: Mapping[str, Any], _request: web.Request) -> Any:
        behaviour = self._world.behaviour
        return {
            "latency": behaviour.latency.shown(),
            "token_latency": behaviour.token_latency.shown(),
            "throttling": behaviour.throttling,
            **asdict(behaviour.limits),
            "rotation": self._world.authority.rotation.value,
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
        """`{"enabled": true, "per_second": 10, ...}`: what is not named stays."""
        behaviour = self._world.behaviour
        limits = {name: value for name, value in sent.items() if name != "enabled"}
        behaviour.limits = _replaced(behaviour.limits, limits)
        behaviour.throttling = bool(sent.get("enabled", behaviour.throttling))
        return self.show(sent, request)

    def batches(self, sent: Mapping[str, Any], _request: web.Request) -> Any:
        """`{"shuffle_seed": 7}` mixes the answers of batches; null puts them in order again.

        `"lenient": true` lets an item without a bId spoil only itself. `"most_changes"` is how many objects
        change data capture gives at most.
        """
        _check_known(sent, "shuffle_seed", "lenient", "most_changes")
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
        self._world.authority.rotation = Rotation(_need(sent, "policy"))
        return self.show(sent, request)

    def request_ids(self, sent: Mapping[str, Any], _request: web.Request) -> Any:
        memory = Memory(
            failures=bool(sent.get("remember_failures", False)),
            compare_bodies=bool(sent.get("compare_bodies", False)),
        )
        self._world.behaviour.memory = memory
        return {"remember_failures": memory.failures, "compare_bodies": memory.compare_bodies}

    def clock(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        self._world.clock.advance(float(_need(sent, "advance_seconds")))
        return self.show(sent, request)

    def add_fault(self, sent: Mapping[str, Any], _request: web.Request) -> Any:
        return self._world.faults.add(dict(sent)).shown()

    def show_faults(self, _sent: Mapping[str, Any], _request: web.Request) -> Any:
        return {"faults": self._world.faults.pending()}

    def clear_faults(self, _sent: Mapping[str, Any], _request: web.Request) -> Any:
        self._world.faults.clear()
        return {"faults": []}

    def add_companies(self, sent: Mapping[str, Any], _request: web.Request) -> Any:
        count = int(sent.get("count", 1))
        if not 1 <= count <= MOST_COMPANIES:
            raise ControlError(f"count is between 1 and {MOST_COMPANIES}")
        made = [self._world.add_company(_need(sent, "country"), sent.get("name")) for _ in range(count)]
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

    def connect(self, _sent: Mapping[str, Any], request: web.Request) -> Any:
        company = self._company(request)
        return self._world.described(company, self._world.connect(company))

    def revoke(self, _sent: Mapping[str, Any], request: web.Request) -> Any:
        return {"grants_ended": self._world.authority.disconnect(self._company(request).realm_id)}

    def expire(self, _sent: Mapping[str, Any], request: web.Request) -> Any:
        self._world.authority.expire_access_tokens(self._company(request).realm_id)
        return {}

    def suspend(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        company = self._company(request)
        company.switches.suspended = bool(sent.get("suspended", True))
        return {"suspended": company.switches.suspended}

    def close_books(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        """`{"date": "2026-01-31"}` closes up to that day, `{"date": null}` opens again."""
        return _patch_preferences(
            self._company(request), {"AccountingInfoPrefs": {"BookCloseDate": _need(sent, "date")}}
        )

    def preferences(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        return _patch_preferences(self._company(request), sent)

    def switches(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        switches = self._company(request).switches
        known = {one.name for one in fields(Switches)}
        for name, value in sent.items():
            if name not in known:
                raise ControlError(f"{name!r} is none of the switches {', '.join(sorted(known))}")
            is_percent = name == "automatic_tax_percent"
            setattr(switches, name, Decimal(str(value)) if is_percent else bool(value))
        return {name: getattr(switches, name) for name in sorted(known)}

    def tax_code(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        """`{"name": "5 + 9.975", "rates": {"GST": "5", "QST": "9.975"}}` adds that code."""
        rates = {str(name): str(percent) for name, percent in _need(sent, "rates").items()}
        return {"Id": seed.add_tax_code(self._company(request), _need(sent, "name"), rates)}

    def statistics(self, _sent: Mapping[str, Any], request: web.Request) -> Any:
        return self._world.traffic(self._company(request).realm_id).report()

    def reset_statistics(self, _sent: Mapping[str, Any], request: web.Request) -> Any:
        self._world.traffic(self._company(request).realm_id).forget()
        return {}

    def objects(self, _sent: Mapping[str, Any], request: web.Request) -> Any:
        """All objects of an entity as they stand, unmetered and uncounted: for tests and demonstrations."""
        kind = self._world.kinds.get(request.match_info["entity"].lower())
        if kind is None:
            raise web.HTTPNotFound(text="no such entity")
        return {kind.name: [row.body for row in self._company(request).table(kind.name)]}

    def _company(self, request: web.Request) -> Company:
        company = self._world.companies.get(request.match_info["realm"])
        if company is None:
            raise web.HTTPNotFound(text="no such company")
        return company


def _patch_preferences(company: Company, patch: Mapping[str, Any]) -> Mapping[str, Any]:
    """Group by group; null takes a preference away. Raises ApiFault 2010 for a name nobody knows."""
    company.schema.clean("Preferences", patch)
    before = company.preferences
    after = dict(before)
    for group, values in patch.items():
        merged = {**before.get(group, {}), **values}
        after[group] = {name: value for name, value in merged.items() if value is not None}
    after["SyncToken"] = str(int(before["SyncToken"]) + 1)
    after["MetaData"] = {**before["MetaData"], "LastUpdatedTime": company.clock.stamp()}
    return company.table("Preferences").put(after).body


def _replaced(limits: Limits, sent: Mapping[str, Any]) -> Limits:
    _check_known(sent, *(one.name for one in fields(Limits)))
    numbers: dict[str, Any] = {
        name: bool(value) if isinstance(value, bool) else int(value) for name, value in sent.items()
    }
    return replace(limits, **numbers)


def _check_known(sent: Mapping[str, Any], *names: str) -> None:
    unknown = set(sent) - set(names)
    if unknown:
        raise ControlError(f"{sorted(unknown)} are none of {', '.join(names)}")


def _need(sent: Mapping[str, Any], name: str) -> Any:
    if name not in sent:
        raise ControlError(f"{name} is missing")
    return sent[name]


def _json(handler: ControlHandler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            answer = handler(wire.loads(body) if body else {}, request)
        except (ControlError, FaultRuleError, UnknownCountryError, ValueError) as rejected:
            return _answer({"error": str(rejected)}, 400)
        except ApiFault as fault:
            return _answer({"error": fault.detail}, 400)
        return _answer(answer, 200)

    return handle


def _answer(body: Any, status: int) -> web.Response:
    return web.Response(status=status, text=wire.dumps(body), content_type="application/json")
