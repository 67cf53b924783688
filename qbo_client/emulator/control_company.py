"""/emulator/companies/{realm}/...: one company's grants, settings, objects, and what a person does in its books."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from qbo_client.emulator import person, planting, seed
from qbo_client.emulator.company import Company
from qbo_client.emulator.control_json import check_known, company_of, need, routes
from qbo_client.emulator.control_person import acted
from qbo_client.emulator.world import World

COMPANY = "/emulator/companies/{realm}"


class CompanyControl:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        return routes(
            posts={
                f"{COMPANY}/grants": self.connect,
                f"{COMPANY}/revoke": self.revoke,
                f"{COMPANY}/expire-access-tokens": self.expire,
                f"{COMPANY}/suspend": self.suspend,
                f"{COMPANY}/close-books": self.close_books,
                f"{COMPANY}/preferences": self.preferences,
                f"{COMPANY}/switches": self.switches,
                f"{COMPANY}/tax-codes": self.tax_code,
                f"{COMPANY}/seed": self.add,
                f"{COMPANY}/person/{{action}}": self.person,
                f"{COMPANY}/statistics/reset": self.reset_statistics,
            },
            gets={
                f"{COMPANY}/statistics": self.statistics,
                f"{COMPANY}/objects/{{entity}}": self.objects,
            },
            deletes={},
        )

    def connect(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        """`{"client_id": "...", "client_secret": "..."}` grants to another application, `{}` to the one there is."""
        check_known(sent, "client_id", "client_secret")
        company = self._company(request)
        if sent:
            self._world.authority.register(str(need(sent, "client_id")), str(need(sent, "client_secret")))
        return self._world.described(company, self._world.connect(company, sent.get("client_id")))

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
        return person.close_books(self._company(request), need(sent, "date")).body

    def preferences(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        return person.change_preferences(self._company(request), sent).body

    def switches(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        switches = self._company(request).switches
        planting.set_switches(switches, sent)
        return {name: getattr(switches, name) for name in sorted(switches.__slots__)}

    def tax_code(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        return {"Id": planting.add_tax_code(self._company(request), sent)}

    def add(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        """`{"Customer": [{"DisplayName": "Amy"}], "Invoice": [...]}`: Ids by entity; see seed.add."""
        return seed.add(self._company(request), sent)

    def person(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        """What a person does on QuickBooks' own screens: nobody asks them for a SyncToken."""
        return acted(self._company(request), request.match_info["action"], sent)

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
        return company_of(self._world, request)
