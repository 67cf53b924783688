"""What a client reads when a fault was asked for: each shape that Intuit, or what stands before it, has shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from qbo_client.emulator import errors, wire
from qbo_client.emulator.clock import Clock
from qbo_client.emulator.errors import ApiFault, GatewayFault
from qbo_client.emulator.faults import Rule

TOO_MANY = 429
UNAUTHORIZED, FORBIDDEN = 401, 403
TIMED_OUT = 504
# A gateway's own pages; the API itself answers in JSON.
HTML_STATUSES = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    status: int
    text: str
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal(rule: Rule) -> GatewayFault | None:
    """What the gateway itself would say, in its own envelope."""
    if rule.what != "status":
        return None
    if rule.status == UNAUTHORIZED:
        return errors.unauthorized("injected by the emulator")
    return errors.forbidden("injected by the emulator") if rule.status == FORBIDDEN else None


def page(rule: Rule, clock: Clock) -> Page:
    status = rule.status or (200 if rule.what == "fault" else TIMED_OUT)
    headers = {} if rule.retry_after is None else {"Retry-After": f"{rule.retry_after:g}"}
    if rule.what == "empty":
        return Page(status=status, text="", headers=headers)
    if rule.what == "html" or (rule.what in {"status", "timeout"} and status in HTML_STATUSES):
        text = f"<html><head><title>{status}</title></head><body>injected by the emulator</body></html>"
        return Page(status=status, text=text, content_type="text/html", headers=headers)
    # Throttles have come as 403 too.
    throttled = rule.what == "throttled" or status == TOO_MANY
    fault = errors.throttled() if throttled else errors.system_failure()
    body = {**fault.body(), "time": clock.body_time()}
    if rule.what == "xml":
        return Page(status=status, text=wire.to_xml(body), content_type="application/xml", headers=headers)
    return Page(status=status, text=wire.dumps(body), headers=headers)


def of_item(rule: Rule) -> ApiFault:
    return errors.throttled() if rule.kind == "item_throttled" else errors.system_failure()
