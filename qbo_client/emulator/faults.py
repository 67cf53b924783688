"""Faults on demand: which request they hit, and what then happens instead of, or after, its effect."""

import re
from dataclasses import dataclass
from typing import Any

_KINDS = re.compile(r"status_[45]\d\d(_after)?\Z|timeout_(before|after)\Z|reset_(before|after)\Z|hang_(before|after)\Z")
# As long as Intuit's own server takes before it gives up.
SERVER_TIMEOUT_SECONDS = 120.0


class FaultRuleError(ValueError):
    """The rule asked for is none that the emulator knows."""


@dataclass(slots=True, kw_only=True)
class Rule:
    """`kind` is what happens: status_NNN[_after], timeout_*, reset_*, hang_*.

    A time-out is Intuit's own: no answer for `seconds`, then 504. A hang never answers.
    The forms in `_after` let the write take effect first.
    """

    number: int
    kind: str
    left: int
    realm_id: str | None = None
    entity: str | None = None
    method: str | None = None
    path_contains: str | None = None
    retry_after: float | None = None
    seconds: float = SERVER_TIMEOUT_SECONDS

    @property
    def after(self) -> bool:
        return self.kind.endswith("_after")

    @property
    def status(self) -> int | None:
        return int(self.kind.split("_")[1]) if self.kind.startswith("status_") else None

    def hits(self, realm_id: str | None, entity: str, method: str, path: str) -> bool:
        return (
            self.realm_id in {None, realm_id}
            and (self.entity is None or self.entity.lower() == entity.lower())
            and (self.method is None or self.method.upper() == method)
            and (self.path_contains is None or self.path_contains in path)
        )

    def shown(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


class Faults:
    """Rules in the order in which they were set; the first that hits is used up by one."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._numbers = 0

    def add(self, asked: dict[str, Any]) -> Rule:
        """Raises FaultRuleError for an unknown kind or key."""
        self._numbers += 1
        wanted = dict(asked)
        kind, count = str(wanted.pop("kind", "")), wanted.pop("count", 1)
        if not _KINDS.match(kind):
            raise FaultRuleError(f"kind {kind!r} is none of status_NNN[_after], timeout_, reset_, hang_*")
        unknown = set(wanted) - {"realm_id", "entity", "method", "path_contains", "retry_after", "seconds"}
        if unknown or not isinstance(count, int) or count < 1:
            raise FaultRuleError(f"unknown keys {sorted(unknown)} or a count that is no positive number")
        rule = Rule(number=self._numbers, kind=kind, left=count, **wanted)
        self._rules.append(rule)
        return rule

    def take(self, realm_id: str | None, entity: str, method: str, path: str) -> Rule | None:
        for rule in self._rules:
            if rule.hits(realm_id, entity, method, path):
                rule.left -= 1
                if not rule.left:
                    self._rules.remove(rule)
                return rule
        return None

    def pending(self) -> list[dict[str, Any]]:
        return [rule.shown() for rule in self._rules]

    def clear(self) -> None:
        self._rules.clear()
