"""Everything that can go wrong with a call, named by what it means.

::

    QBOError
      Unreachable         could not connect; nothing was written
      Unavailable         a read got no usable answer; reading again is safe
      Throttled           429 or 3001; nothing was written
      Unauthorized        401 or 3200, still so after one renewal of the token
      Uncertain           a write got no definite answer; only the same bytes and request id may be sent
      StaleObject         5010
      ReferenceInvalid    610, 2500
      Duplicate
        DuplicateName     6240
        DuplicateNumber   6140
      CompanyUnavailable  3100, 3202, 120 ...: not connected; 6190: subscription ended
      InvalidData         6000, 6210, 6540 ...: a person must look
      RequestBug          2010, 4000 ...: the request itself is wrong
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from qbo_client.decisions import Decision, decide

_MAY_BE_REPEATED = frozenset({Decision.RETRY, Decision.WAIT, Decision.UNCERTAIN})


class QBOError(Exception):
    """A call that did not bring what was asked for.

    `detail` is QuickBooks' own text (localised, tokens redacted), `retry_after` seconds to wait if QuickBooks
    named them. `maybe_written` tells of a refused write that an earlier attempt of the very same write got no
    answer: what was refused may stand in the books already.
    """

    usual: ClassVar[Decision | None] = None

    def __init__(
        self,
        detail: str | None = None,
        *,
        status: int | None = None,
        code: str | None = None,
        element: str | None = None,
        intuit_tid: str | None = None,
        decision: Decision | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.code = code
        self.element = element
        self.intuit_tid = intuit_tid
        self.decision = decision or self.usual or decide(status, code)
        self.retry_after = retry_after
        self.maybe_written = False

    @property
    def retryable(self) -> bool:
        """Whether the very same request may be sent again."""
        return self.decision in _MAY_BE_REPEATED

    def __str__(self) -> str:
        code = self.code or (f"HTTP {self.status}" if self.status else type(self).__name__)
        element = f" ({self.element})" if self.element else ""
        return f"{code} intuit_tid={self.intuit_tid or '-'}{element}: {self.detail or self.decision}"


class Unreachable(QBOError):
    usual = Decision.RETRY


class Unavailable(QBOError):
    usual = Decision.RETRY


class Throttled(QBOError):
    usual = Decision.WAIT


class Unauthorized(QBOError):
    usual = Decision.TOKEN


class Uncertain(QBOError):
    usual = Decision.UNCERTAIN


class StaleObject(QBOError):
    usual = Decision.STALE


class ReferenceInvalid(QBOError):
    usual = Decision.REFERENCE


class Duplicate(QBOError):
    usual = Decision.DUPLICATE


class DuplicateName(Duplicate):
    pass


class DuplicateNumber(Duplicate):
    pass


class CompanyUnavailable(QBOError):
    usual = Decision.COMPANY


class InvalidData(QBOError):
    usual = Decision.DATA


class RequestBug(QBOError):
    usual = Decision.BUG


_BY_DECISION: Mapping[Decision, type[QBOError]] = MappingProxyType(
    {
        Decision.RETRY: Unreachable,
        Decision.WAIT: Throttled,
        Decision.TOKEN: Unauthorized,
        Decision.UNCERTAIN: Uncertain,
        Decision.RECONNECT: CompanyUnavailable,
        Decision.STALE: StaleObject,
        Decision.REFERENCE: ReferenceInvalid,
        Decision.DUPLICATE: Duplicate,
        Decision.COMPANY: CompanyUnavailable,
        Decision.DATA: InvalidData,
        Decision.BUG: RequestBug,
    }
)

_BY_CODE: Mapping[str, type[QBOError]] = MappingProxyType({"6140": DuplicateNumber, "6240": DuplicateName})


def error_type(decision: Decision, code: str | None) -> type[QBOError]:
    """Return the class that stands for this decision, the narrower one where the code has one."""
    usual = _BY_DECISION[decision]
    narrower = _BY_CODE.get(code or "", usual)
    return narrower if issubclass(narrower, usual) else usual
