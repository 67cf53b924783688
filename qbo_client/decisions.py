"""From what QuickBooks answered to what can be done about it: one table, no I/O."""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType


class Decision(StrEnum):
    RETRY = "retry"
    """Nothing was written and nobody refused: the same request may be sent again."""
    WAIT = "wait"
    """Throttled, nothing was written: the same request may be sent again after a while."""
    TOKEN = "token"  # noqa: S105 -- the word, not a secret.
    """The access token was refused: renew it, then send again."""
    UNCERTAIN = "uncertain"
    """Nobody knows whether it was written: only the same body with the same request id may be sent."""
    RECONNECT = "reconnect"
    """The company no longer lets this application in: a person must connect it again."""
    STALE = "stale"
    """The SyncToken is out of date: read, merge, write anew."""
    REFERENCE = "reference"
    """Something referred to is gone or inactive: find it again."""
    DUPLICATE = "duplicate"
    """The name or number is taken."""
    COMPANY = "company"
    """The whole company cannot be written to."""
    DATA = "data"
    """QuickBooks' rules forbid it as it stands: a person must look."""
    BUG = "bug"
    """The request itself is wrong: the sender must be corrected."""


def _table(rows: Mapping[Decision, str]) -> Mapping[str, Decision]:
    return MappingProxyType({code: decision for decision, codes in rows.items() for code in codes.split()})


#: QuickBooks' error codes as documented or recorded. The code decides, never the text, which is localised.
BY_CODE: Mapping[str, Decision] = _table(
    {
        Decision.WAIT: "3001",
        Decision.TOKEN: "3200",
        # 600 says that the request id was seen before, hence that an earlier attempt may have been written.
        Decision.UNCERTAIN: "600 10000",
        # Families of refused authorisation; 120 is a user who lost access.
        Decision.RECONNECT: "100 110 120 130 140 150 3100 3202",
        Decision.STALE: "5010",
        Decision.REFERENCE: "610 2500",
        Decision.DUPLICATE: "6140 6240",
        # 6190: the subscription ended. 10200: the company's data was reset, so that no id means anything.
        Decision.COMPANY: "6190 10200",
        Decision.DATA: ("620 2040 2050 2210 2290 5020 5030 6000 6080 6200 6210 6220 6250 6430 6450 6480 6540"),
        Decision.BUG: (
            "500 1040 2000 2010 2020 2030 2060 2070 2090 2170 4000 4001 "
            "6070 6090 6100 6160 6170 6180 6230 6420 6470 10100"
        ),
    }
)

_BY_STATUS: Mapping[int, Decision] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: Decision.TOKEN,
        HTTPStatus.REQUEST_TIMEOUT: Decision.UNCERTAIN,
        HTTPStatus.TOO_MANY_REQUESTS: Decision.WAIT,
    }
)

#: What stands between us and QuickBooks answers with these; it does not know what became of the request.
_GATEWAY = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})


def decide(status: int | None, code: str | None) -> Decision:
    """Return what can be done about an answer with this HTTP status and QuickBooks code.

    What is unknown is never taken for harmless: an unknown refusal is for a person, an unknown failure
    may have written. A read that is UNCERTAIN may simply be repeated.
    """
    known = BY_CODE.get(code or "")
    if known is Decision.WAIT or status == HTTPStatus.TOO_MANY_REQUESTS:
        return Decision.WAIT
    if status in _GATEWAY or (_is_failure(status) and code == "500"):
        # The code 500 is a refusal only with status 400; with status 500 it repeats the status.
        return Decision.UNCERTAIN
    return known or _by_status(status, code)


def _by_status(status: int | None, code: str | None) -> Decision:
    if status == HTTPStatus.FORBIDDEN:
        # Without a code it is not QuickBooks but a firewall or proxy that speaks, to every company alike.
        return Decision.RECONNECT if code else Decision.UNCERTAIN
    if status is not None and status in _BY_STATUS:
        return _BY_STATUS[status]
    if status is None or _is_failure(status):
        return Decision.UNCERTAIN
    if status >= HTTPStatus.BAD_REQUEST or code:
        return Decision.DATA
    return Decision.UNCERTAIN


def _is_failure(status: int | None) -> bool:
    return status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR
