"""How the control API speaks: JSON in, JSON out, and a sentence for what makes no sense."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from qbo_client.emulator import wire
from qbo_client.emulator.company import Company
from qbo_client.emulator.errors import ApiFault
from qbo_client.emulator.faults import FaultRuleError
from qbo_client.emulator.world import UnknownCountryError, World

ControlHandler = Callable[[Mapping[str, Any], web.Request], Any]


class ControlError(ValueError):
    """The control API was asked for something that makes no sense; the sentence says what."""


def routes(
    *, gets: Mapping[str, ControlHandler], posts: Mapping[str, ControlHandler], deletes: Mapping[str, ControlHandler]
) -> list[web.RouteDef]:
    """Each handler takes the JSON sent and answers what is to be shown."""
    return [
        *(web.get(path, as_json(handler)) for path, handler in gets.items()),
        *(web.post(path, as_json(handler)) for path, handler in posts.items()),
        *(web.delete(path, as_json(handler)) for path, handler in deletes.items()),
    ]


def as_json(handler: ControlHandler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            answer = handler(_sent(body), request)
        except (ControlError, FaultRuleError, UnknownCountryError, ValueError, TypeError) as rejected:
            return _answer({"error": str(rejected)}, 400)
        except ApiFault as fault:
            return _answer({"error": fault.detail, "code": fault.code}, 400)
        return _answer(answer, 200)

    return handle


def _sent(body: bytes) -> Mapping[str, Any]:
    sent = wire.loads(body) if body else {}
    if not isinstance(sent, dict):
        raise ControlError("the body is a JSON object")
    return sent


def _answer(body: Any, status: int) -> web.Response:
    return web.Response(status=status, text=wire.dumps(body), content_type="application/json")


def company_of(world: World, request: web.Request) -> Company:
    """The company in the path. A handler that does not wait may then set what it likes: it is kept."""
    company = world.companies.get(request.match_info["realm"])
    if company is None:
        raise web.HTTPNotFound(text="no such company")
    if request.method != "GET":
        company.on_set()
    return company


def need(sent: Mapping[str, Any], name: str) -> Any:
    if name not in sent:
        raise ControlError(f"{name} is missing")
    return sent[name]


def check_known(sent: Mapping[str, Any], *names: str) -> None:
    unknown = set(sent) - set(names)
    if unknown:
        raise ControlError(f"{sorted(unknown)} are none of {', '.join(names)}")
