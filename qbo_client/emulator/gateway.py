"""The door: faults, latency, tokens and throttles around every API request.

Order of effects: the request is counted; half the latency; faults that come before; token; throttle;
the effect on the books; half the latency; faults that come after; the answer. A client that goes away
in between stops none of it.
"""

import asyncio
import secrets
import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

from qbo_client.emulator import errors, rest, wire
from qbo_client.emulator.company import Company
from qbo_client.emulator.errors import ApiFault, GatewayFault
from qbo_client.emulator.faults import Rule
from qbo_client.emulator.rest import Answer, Call
from qbo_client.emulator.traffic import Traffic
from qbo_client.emulator.world import World

HANG_LOOKS_SECONDS = 0.05
HTML_STATUSES = frozenset({502, 503, 504})
Effect = Callable[[], Awaitable[web.Response]]


class Gateway:
    def __init__(self, world: World) -> None:
        self._world = world

    async def api(self, request: web.Request) -> web.StreamResponse:
        realm_id = request.match_info["realm"]
        call = Call(
            method=request.method,
            segments=tuple(part for part in request.match_info["tail"].split("/") if part),
            params=request.query,
            body=await request.read(),
        )
        traffic = self._world.traffic(realm_id)
        entity = call.entity(self._world.kinds)
        traffic.arrived()
        status = 0  # What is counted for a request that was given no answer.
        try:
            response = await self._served(request, realm_id, call, entity, traffic)
            status = response.status if response is not None else 0
        finally:
            traffic.left()
            traffic.requests[call.method, call.operation, entity, status] += 1
        return response if response is not None else _cut(request)

    async def guarded(self, request: web.Request, effect: Effect) -> web.StreamResponse:
        """Any other request that faults may hit, such as the token endpoint's."""
        rule = self._world.faults.take(None, "", request.method, request.path)
        response = await self._around(request, rule, effect)
        return response if response is not None else _cut(request)

    async def _served(
        self, request: web.Request, realm_id: str, call: Call, entity: str, traffic: Traffic
    ) -> web.Response | None:
        pause = self._world.behaviour.latency_seconds / 2
        rule = self._world.faults.take(realm_id, entity, call.method, request.path)

        async def effect() -> web.Response:
            response = self._answer(request, realm_id, call, entity, traffic)
            if pause:
                await asyncio.sleep(pause)
            return response

        if pause:
            await asyncio.sleep(pause)
        return await self._around(request, rule, effect)

    async def _around(self, request: web.Request, rule: Rule | None, effect: Effect) -> web.Response | None:
        """The answer, or None where the connection is to be cut."""
        if rule is None:
            return await effect()
        if rule.after:
            await effect()
        if rule.kind.startswith("hang"):
            await _until_gone(request)
            return None
        if rule.kind.startswith("reset"):
            return None
        if rule.kind.startswith("timeout"):
            await asyncio.sleep(rule.seconds)
        return self._injected(rule)

    def _injected(self, rule: Rule) -> web.Response:
        status = rule.status or 504
        headers = {} if rule.retry_after is None else {"Retry-After": f"{rule.retry_after:g}"}
        if status in HTML_STATUSES:
            text = f"<html><head><title>{status}</title></head><body>injected by the emulator</body></html>"
            return self._response(status, text, "text/html", headers)
        if status == 401:  # noqa: PLR2004 -- the one status with an envelope of its own
            return self._refused(errors.unauthorized("injected by the emulator"))
        fault = errors.throttled() if status == 429 else errors.system_failure()  # noqa: PLR2004
        body = {**fault.body(), "time": self._world.clock.body_time()}
        return self._response(status, wire.dumps(body), "application/json", headers)

    def _answer(self, request: web.Request, realm_id: str, call: Call, entity: str, traffic: Traffic) -> web.Response:
        try:
            company = self._authorized(request, realm_id)
        except GatewayFault as fault:
            return self._refused(fault)
        answer = self._limited(company, call, traffic)
        if answer.replayed:
            traffic.replays += 1
        if answer.applied:
            traffic.writes[entity] += 1
        return self._encoded(request, answer)

    def _limited(self, company: Company, call: Call, traffic: Traffic) -> Answer:
        behaviour = self._world.behaviour
        if behaviour.throttling and not traffic.accepts(behaviour.per_second, behaviour.per_minute):
            return rest.refusal(company, errors.throttled())
        try:
            return rest.respond(company, call, behaviour.memory)
        except ApiFault as fault:
            return rest.refusal(company, fault)

    def _authorized(self, request: web.Request, realm_id: str) -> Company:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        grant = self._world.authority.grant_of(token) if scheme == "Bearer" else None
        if grant is None:
            raise errors.unauthorized(f"Token expired: {token}" if token else "Token missing")
        company = self._world.companies.get(realm_id)
        if grant.realm_id != realm_id or company is None:
            raise errors.forbidden(f"The application is not authorised for realm {realm_id}")
        return company

    def _refused(self, fault: GatewayFault) -> web.Response:
        milliseconds = int(self._world.clock.now().timestamp() * 1000)
        headers = {}
        if fault.status == 401:  # noqa: PLR2004 -- as above
            headers["WWW-Authenticate"] = 'Bearer realm="Intuit", error="invalid_token"'
        return self._response(fault.status, wire.dumps(fault.body(milliseconds)), "application/json", headers)

    def _encoded(self, request: web.Request, answer: Answer) -> web.Response:
        headers = {"QBO-Version": "1999.127"} if answer.status == 200 else {}  # noqa: PLR2004
        if "json" in request.headers.get("Accept", ""):
            return self._response(answer.status, answer.text, "application/json", headers)
        # A client that does not ask for JSON gets XML.
        xml = wire.to_xml(wire.loads(answer.text.encode()))
        return self._response(answer.status, xml, "application/xml", headers)

    def _response(self, status: int, text: str, content_type: str, headers: dict[str, str]) -> web.Response:
        return web.Response(
            status=status,
            body=text.encode(),
            headers={
                "Content-Type": f"{content_type};charset=UTF-8",
                "intuit_tid": f"1-{secrets.token_hex(4)}-{secrets.token_hex(12)}",
                **headers,
            },
        )


async def _until_gone(request: web.Request) -> None:
    """A client's leaving shows only in a transport that is no more: there is no event to wait for."""
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 -- as above
        await asyncio.sleep(HANG_LOOKS_SECONDS)


def _cut(request: web.Request) -> web.Response:
    """Ends the connection with a reset: no linger, so that no orderly close is sent."""
    transport = request.transport
    if transport is not None:
        opened = transport.get_extra_info("socket")
        if opened is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()
