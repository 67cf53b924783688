"""The one funnel from whatever QuickBooks answers when it refuses to a typed error."""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from qbo_client.answers import Unreadable, parse
from qbo_client.decisions import Decision, decide
from qbo_client.errors import QBOError, error_type

#: Intuit's guidance after a throttle that names no time.
THROTTLED_SECONDS = 60.0

_LOOKED_AT = 16_384
_DETAIL_LENGTH = 2_000
_LONGEST_WAIT = 3_600.0

#: Most answers hold no fault and are told by this alone, without being parsed.
_MENTIONED = re.compile(rb"[\"<:][Ff]ault\b")

# XML faults are read by pattern: nothing is expanded, so no entity can be a bomb or reach for a file.
_XML_ERROR = re.compile(
    r"<(?:\w{1,20}:)?Error\b([^>]{0,1000})>(.{0,4000}?)</(?:\w{1,20}:)?Error>", re.DOTALL | re.IGNORECASE
)
_XML_ATTRIBUTE = re.compile(r"\b(code|element)\s{0,9}=\s{0,9}[\"']([^\"']{0,200})[\"']", re.IGNORECASE)
_XML_PART = re.compile(r"<(?:\w{1,20}:)?(Message|Detail)\b[^>]{0,200}>(.{0,4000}?)</", re.DOTALL | re.IGNORECASE)
_XML_FAULT = re.compile(r"<(?:\w{1,20}:)?Fault\b", re.IGNORECASE)
_TAG = re.compile(r"<[^>]{0,2000}>")
_UNSEEN = re.compile(r"<(script|style)\b.{0,9000}?</\1>|<!--.{0,9000}?-->", re.DOTALL | re.IGNORECASE)

#: Gateway faults name the code once more in their message, with leading zeros.
_CODE_IN_MESSAGE = re.compile(r"errorCode=(\d{1,9})")

_TOKENS = (
    re.compile(r"(?<=Bearer )\S+", re.IGNORECASE),
    re.compile(r"(?<=expired: )\S+|(?<=invalid: )\S+", re.IGNORECASE),
    re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}"),
    re.compile(r"\b(?:AB\d{2}|RT1-)[\w-]{8,}"),
    re.compile(r"\b(?=[\w-]{0,200}\d)(?=[\w-]{0,200}[A-Za-z])[\w-]{40,}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A refusal in QuickBooks' words."""

    code: str | None
    element: str | None
    detail: str


def raise_for_fault(status: int, headers: Mapping[str, str], body: bytes, *, secrets: Iterable[str] = ()) -> None:
    """Raise the QBOError that this answer is; return if it is none.

    `headers` must be case-insensitive. A fault inside a 200 counts. Tokens are redacted, `secrets` too.
    """
    fault = parse_fault(body)
    if fault is None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    raise error_of(status, headers, fault or Fault(code=None, element=None, detail=_prose(body)), secrets)


def intuit_tid_of(headers: Mapping[str, str]) -> str | None:
    """Return Intuit's number of the exchange, under either of the spellings that were recorded."""
    return headers.get("intuit_tid") or headers.get("Intuit-Tid")


def error_of(status: int, headers: Mapping[str, str], fault: Fault, secrets: Iterable[str] = ()) -> QBOError:
    decision = decide(status, fault.code)
    return error_type(decision, fault.code)(
        redact(fault.detail, secrets) or None,
        status=status,
        code=fault.code,
        element=fault.element,
        intuit_tid=intuit_tid_of(headers),
        decision=decision,
        retry_after=retry_after(headers) if decision is Decision.WAIT else None,
    )


def parse_fault(body: bytes) -> Fault | None:
    """Return the fault in a body of either envelope or of XML; None if there is none."""
    if not _MENTIONED.search(body):
        return None
    if body.lstrip().startswith((b"<", b"\xef\xbb\xbf<")):
        return _xml_fault(body)
    try:
        payload = parse(body)
    except Unreadable:
        return None
    # The schema allows a fault in place of rows too.
    return fault_in(payload) or fault_in(payload.get("QueryResponse"))


def fault_in(payload: Any) -> Fault | None:
    """Return the fault in an answer, or in one part of it such as an item of a batch, of either envelope."""
    if not isinstance(payload, Mapping):
        return None
    return _json_fault(payload.get("Fault") or payload.get("fault"))


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without anything that is or looks like a token; long texts are cut."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "[redacted]")
    for pattern in _TOKENS:
        text = pattern.sub("[redacted]", text)
    return text if len(text) <= _DETAIL_LENGTH else f"{text[:_DETAIL_LENGTH]}…"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds named by Retry-After, at most an hour; None if there are none or it makes no sense.

    A date is taken relative to the answer's own Date, so that no clock of ours comes into it.
    """
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
        return min(float(value), _LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(value)
        seconds = (until - parsedate_to_datetime(headers.get("Date", ""))).total_seconds()
    except (TypeError, ValueError):
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _json_fault(fault: Any) -> Fault | None:
    if not isinstance(fault, Mapping):
        return None
    listed = fault.get("Error") or fault.get("error")
    errors = [one for one in (listed if isinstance(listed, list) else [listed]) if isinstance(one, Mapping)]
    return _fault([{key.lower(): _text(value) for key, value in one.items()} for one in errors])


def _xml_fault(body: bytes) -> Fault | None:
    text = body[:_LOOKED_AT].decode("utf-8", "replace")
    if not _XML_FAULT.search(text):
        return None
    return _fault([_xml_error(*match.groups()) for match in _XML_ERROR.finditer(text)])


def _xml_error(attributes: str, inner: str) -> dict[str, str]:
    found = {key.lower(): html.unescape(value) for key, value in _XML_ATTRIBUTE.findall(attributes)}
    return found | {part.lower(): html.unescape(value) for part, value in _XML_PART.findall(inner)}


def _fault(errors: list[dict[str, str]]) -> Fault:
    first: dict[str, str] = errors[0] if errors else {}
    return Fault(
        code=_code(first),
        element=first.get("element") or None,
        detail="; ".join(_sentence(one) for one in errors),
    )


def _code(error: Mapping[str, str]) -> str | None:
    said = _CODE_IN_MESSAGE.search(error.get("message", ""))
    code = error.get("code") or (said.group(1) if said else "")
    return (code.lstrip("0") or "0") if code.isdigit() else code or None


def _sentence(error: Mapping[str, str]) -> str:
    parts = (error.get("message", "").strip(), error.get("detail", "").strip())
    message, detail = parts
    return detail if detail.startswith(message) else ": ".join(filter(None, parts))


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _prose(body: bytes) -> str:
    """Return what a person would read on a gateway's page."""
    text = body[:_LOOKED_AT].decode("utf-8", "replace")
    return " ".join(html.unescape(_TAG.sub(" ", _UNSEEN.sub(" ", text))).split())[:200]
