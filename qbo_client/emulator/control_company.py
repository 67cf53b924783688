"""/emulator/companies/{realm}/...: one company's grants, settings, objects, and what a person does in its books."""

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from qbo_client.emulator import planting, records
from qbo_client.emulator.company import Company
from qbo_client.emulator.control_json import ControlError, check_known, company_of, need, routes
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.singletons import patch_preferences
from qbo_client.emulator.table import Row
from qbo_client.emulator.world import World

COMPANY = "/emulator/companies/{realm}"
PersonAction = Callable[[Company, Mapping[str, Any]], Any]


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
                f"{COMPANY}/close-books": lambda sent, request: close_books(self._company(request), sent),
                f"{COMPANY}/preferences": self.preferences,
                f"{COMPANY}/switches": self.switches,
                f"{COMPANY}/tax-codes": self.tax_code,
                f"{COMPANY}/seed": self.seed,
                f"{COMPANY}/person/{{action}}": self.person,
                f"{COMPANY}/statistics/reset": self.reset_statistics,
            },
            gets={
                f"{COMPANY}/statistics": self.statistics,
                f"{COMPANY}/objects/{{entity}}": self.objects,
            },
            deletes={},
        )

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

    def preferences(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        return patch_preferences(self._company(request), sent)

    def switches(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        switches = self._company(request).switches
        planting.set_switches(switches, sent)
        return {name: getattr(switches, name) for name in sorted(switches.__slots__)}

    def tax_code(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        return {"Id": planting.add_tax_code(self._company(request), sent)}

    def seed(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        """`{"Customer": [{"as": "amy", "DisplayName": "Amy"}], "SalesReceipt": [...]}`: Ids by entity."""
        return planting.plant(self._company(request), sent)

    def person(self, sent: Mapping[str, Any], request: web.Request) -> Any:
        """What a person does on QuickBooks' own screens: nobody asks them for a SyncToken."""
        action = PERSON.get(request.match_info["action"])
        if action is None:
            raise ControlError(f"a person may {', '.join(sorted(PERSON))}")
        return action(self._company(request), sent)

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


def close_books(company: Company, sent: Mapping[str, Any]) -> Any:
    """`{"date": "2026-01-31"}` closes up to that day, `{"date": null}` opens again."""
    return patch_preferences(company, {"AccountingInfoPrefs": {"BookCloseDate": need(sent, "date")}})


def edit(company: Company, sent: Mapping[str, Any]) -> Any:
    """`{"entity": "Customer", "Id": "1", "set": {"Notes": "called"}}`: all else stays as it is."""
    check_known(sent, "entity", "Id", "set")
    kind, row = _meant(company, sent)
    wanted = {**row.body, **need(sent, "set"), "sparse": False}
    changed, _ = records.update(company, kind, company.schema.clean(kind.name, _sendable(wanted)), frozenset())
    return {kind.name: changed.body}


def void(company: Company, sent: Mapping[str, Any]) -> Any:
    """`{"entity": "SalesReceipt", "Id": "1"}`."""
    check_known(sent, "entity", "Id")
    kind, row = _meant(company, sent)
    voided, _ = records.void(company, kind, _handle(row))
    return {kind.name: voided.body}


def delete(company: Company, sent: Mapping[str, Any]) -> Any:
    """`{"entity": "SalesReceipt", "Id": "1"}`."""
    check_known(sent, "entity", "Id")
    kind, row = _meant(company, sent)
    return {kind.name: records.delete(company, kind, _handle(row))}


PERSON: Mapping[str, PersonAction] = {
    "edit": edit,
    "void": void,
    "delete": delete,
    "close-books": close_books,
}


def _meant(company: Company, sent: Mapping[str, Any]) -> tuple[Kind, Row]:
    kind = company.kinds.get(str(need(sent, "entity")).lower())
    if kind is None:
        raise ControlError(f"{sent['entity']} is no entity")
    return kind, records.read(company, kind, str(need(sent, "Id")))


def _handle(row: Row) -> dict[str, Any]:
    return {"Id": row.identifier, "SyncToken": row.body["SyncToken"]}


def _sendable(body: Mapping[str, Any]) -> dict[str, Any]:
    """Without the subtotal, which QuickBooks adds by itself."""
    if "Line" not in body:
        return dict(body)
    return {**body, "Line": [line for line in body["Line"] if line.get("DetailType") != "SubTotalLineDetail"]}
