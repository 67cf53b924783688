"""The door: faults, latency, tokens and throttles around every API request.

Order of effects: the request is counted; half the latency; faults that come before; token; throttle;
the effect on the books; half the latency; faults that come after; the answer. A client that goes away
in between stops none of it.
"""

import asyncio
import secrets
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from aiohttp import web

from qbo_client.emulator import errors, injected, rest, wire
from qbo_client.emulator.company import Company
from qbo_client.emulator.errors import ApiFault, GatewayFault
from qbo_client.emulator.faults import Rule, Target
from qbo_client.emulator.grants import Grant
from qbo_client.emulator.latency import Latency
from qbo_client.emulator.rest import Answer, Call
from qbo_client.emulator.traffic import Traffic
from qbo_client.emulator.world import World

HANG_LOOKS_SECONDS = 0.05
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
        target = Target(
            realm_id=realm_id,
            entity=call.entity(self._world.kinds),
            method=call.method,
            operation=call.operation,
            path=request.path,
        )
        traffic.arrived(batch=target.operation == "batch")
        status = 0  # What is counted for a request that was given no answer.
        try:
            response = await self._served(request, call, target, traffic)
            status = response.status if response is not None else 0
        finally:
            traffic.left()
            traffic.requests[call.method, target.operation, target.entity, status] += 1
        return response if response is not None else _cut(request)

    async def guarded(self, request: web.Request, effect: Effect, latency: Latency) -> web.StreamResponse:
        """Any other request that faults may hit, such as the token endpoint's."""
        rule = self._world.faults.take(Target(method=request.method, path=request.path))
        response = await self._delayed(request, rule, effect, latency)
        return response if response is not None else _cut(request)

    async def _served(self, request: web.Request, call: Call, target: Target, traffic: Traffic) -> web.Response | None:
        rule = self._world.faults.take(target)

        async def effect() -> web.Response:
            return self._answer(request, call, target, traffic)

        return await self._delayed(request, rule, effect, self._world.behaviour.latency)

    async def _delayed(
        self, request: web.Request, rule: Rule | None, effect: Effect, latency: Latency
    ) -> web.Response | None:
        pause = latency.draw() / 2
        if not pause:
            return await self._around(request, rule, effect)

        async def slowly() -> web.Response:
            response = await effect()
            await asyncio.sleep(pause)
            return response

        await asyncio.sleep(pause)
        return await self._around(request, rule, slowly)

    async def _around(self, request: web.Request, rule: Rule | None, effect: Effect) -> web.Response | None:
        """The answer, or None where the connection is to be cut."""
        if rule is None:
            return await effect()
        if rule.what == "revoke":
            return await self._revoking(rule, effect)
        if rule.after:
            await effect()
        if rule.what == "hang":
            await _until_gone(request)
            return None
        if rule.what == "reset":
            return None
        if rule.what == "timeout":
            await asyncio.sleep(rule.seconds)
        return self._injected(rule)

    async def _revoking(self, rule: Rule, effect: Effect) -> web.Response:
        """The company's grants end just before the request or just behind it."""
        response = await effect() if rule.after else None
        for realm_id in [rule.realm_id] if rule.realm_id else list(self._world.companies):
            self._world.authority.disconnect(realm_id)
        return response or await effect()

    def _injected(self, rule: Rule) -> web.Response:
        refusal = injected.refusal(rule)
        if refusal is not None:
            return self._refused(refusal)
        page = injected.page(rule, self._world.clock)
        return self._response(page.status, page.text, page.content_type, page.headers)

    def _answer(self, request: web.Request, call: Call, target: Target, traffic: Traffic) -> web.Response:
        try:
            grant, company = self._authorized(request, str(target.realm_id))
        except GatewayFault as fault:
            return self._refused(fault)
        answer = self._limited(company, call, traffic, grant.client_id)
        traffic.replays += answer.replays
        traffic.batch_items += answer.items
        for entity in answer.writes:
            traffic.writes[entity] += 1
        return self._encoded(request, answer)

    def _limited(self, company: Company, call: Call, traffic: Traffic, app: str) -> Answer:
        behaviour = self._world.behaviour
        batch = call.operation == "batch"
        if behaviour.throttling and not traffic.accepts(behaviour.limits, app=app, batch=batch):
            return rest.refusal(company, errors.throttled())

        def of_item(entity: str) -> ApiFault | None:
            rule = self._world.faults.take(Target(realm_id=company.realm_id, entity=entity), item=True)
            return injected.of_item(rule) if rule else None

        return rest.respond(company, call, behaviour.memory, replace(behaviour.batches, injected=of_item))

    def _authorized(self, request: web.Request, realm_id: str) -> tuple[Grant, Company]:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        grant = self._world.authority.grant_of(token) if scheme == "Bearer" else None
        if grant is None:
            raise errors.unauthorized(f"Token expired: {token}" if token else "Token missing")
        company = self._world.companies.get(realm_id)
        if grant.realm_id != realm_id or company is None:
            raise errors.forbidden(f"The application is not authorised for realm {realm_id}")
        return grant, company

    def _refused(self, fault: GatewayFault) -> web.Response:
        milliseconds = int(self._world.clock.now().timestamp() * 1000)
        headers = {}
        if fault.status == injected.UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Bearer realm="Intuit", error="invalid_token"'
        return self._response(fault.status, wire.dumps(fault.body(milliseconds)), "application/json", headers)

    def _encoded(self, request: web.Request, answer: Answer) -> web.Response:
        headers = {"QBO-Version": "1999.127"} if answer.status == 200 else {}  # noqa: PLR2004
        retry_after = self._world.behaviour.retry_after
        if answer.status == injected.TOO_MANY and retry_after is not None:
            headers["Retry-After"] = f"{retry_after:g}"
        if answer.pdf is not None:
            return self._sent(answer.status, answer.pdf, "application/pdf", headers)
        if "json" in request.headers.get("Accept", ""):
            return self._response(answer.status, answer.text, "application/json", headers)
        # A client that does not ask for JSON gets XML.
        xml = wire.to_xml(wire.loads(answer.text.encode()))
        return self._response(answer.status, xml, "application/xml", headers)

    def _response(self, status: int, text: str, content_type: str, headers: Mapping[str, str]) -> web.Response:
        return self._sent(status, text.encode(), f"{content_type};charset=UTF-8", headers)

    def _sent(self, status: int, body: bytes, content_type: str, headers: Mapping[str, str]) -> web.Response:
        return web.Response(
            status=status,
            body=body,
            headers={
                "Content-Type": content_type,
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
