"""Faults on demand: which request they hit, and what then happens instead of, or after, its effect."""

import random
import re
from dataclasses import dataclass, field
from typing import Any

_KINDS = re.compile(
    r"(?P<what>status|throttled|html|xml|empty)_(?P<status>[2-5]\d\d)(_after)?\Z"
    r"|fault_in_200(_after)?\Z"
    r"|(timeout|reset|hang)_(before|after)\Z"
    r"|revoke(_after)?\Z"
    r"|item_(throttled|failed)\Z"
)
_KNOWN = (
    "status_NNN[_after], throttled_NNN[_after], html_NNN[_after], xml_NNN[_after], empty_NNN[_after], "
    "fault_in_200[_after], timeout_, reset_, hang_before|after, revoke[_after], item_throttled, item_failed"
)
_SELECTORS = ("realm_id", "entity", "method", "operation", "path_contains")
_NUMBERS: dict[str, type[int] | type[float]] = {
    "retry_after": float,
    "seconds": float,
    "probability": float,
    "seed": int,
    "skip": int,
}
# As long as Intuit's own server takes before it gives up.
SERVER_TIMEOUT_SECONDS = 120.0


class FaultRuleError(ValueError):
    """The rule asked for is none that the emulator knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A request as rules see it; of a batch's item only realm and entity are known."""

    realm_id: str | None = None
    entity: str = ""
    method: str = ""
    operation: str = ""
    path: str = ""


@dataclass(slots=True, kw_only=True)
class Rule:
    """`kind` is what happens, see `_KNOWN`.

    A time-out is Intuit's own: no answer for `seconds`, then 504. A hang never answers. A revoke ends the
    company's grants and then lets the request go on. The forms in `_after` let the write take effect first;
    those of an item hit one item of a batch. Requests that match are let pass `skip` times, then hit with
    `probability` until `left` is used up; None is never used up.
    """

    number: int
    kind: str
    left: int | None
    realm_id: str | None = None
    entity: str | None = None
    method: str | None = None
    operation: str | None = None
    path_contains: str | None = None
    retry_after: float | None = None
    seconds: float = SERVER_TIMEOUT_SECONDS
    probability: float = 1.0
    seed: int = 0
    skip: int = 0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 -- nothing is kept secret by it

    @property
    def after(self) -> bool:
        return self.kind.endswith("_after")

    @property
    def of_item(self) -> bool:
        return self.kind.startswith("item_")

    @property
    def what(self) -> str:
        """The kind without its number and moment."""
        return self.kind.split("_")[0]

    @property
    def status(self) -> int | None:
        match = _KINDS.match(self.kind)
        return int(match["status"]) if match and match["status"] else None

    def hits(self, target: Target, *, item: bool) -> bool:
        """Whether it strikes now; a draw is made for every request that matches."""
        if self.of_item != item or not self._matches(target):
            return False
        if self.skip:
            self.skip -= 1
            return False
        return self.probability >= 1 or self._random.random() < self.probability

    def _matches(self, target: Target) -> bool:
        return (
            self.realm_id in {None, target.realm_id}
            and (self.entity is None or self.entity.lower() == target.entity.lower())
            and (self.method is None or self.method.upper() == target.method)
            and (self.operation is None or self.operation == target.operation)
            and (self.path_contains is None or self.path_contains in target.path)
        )

    def shown(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__ if not name.startswith("_")}


class Faults:
    """Rules in the order in which they were set; the first that hits is used up by one."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._numbers = 0

    def add(self, asked: dict[str, Any]) -> Rule:
        """Raises FaultRuleError for an unknown kind or key."""
        wanted = dict(asked)
        kind, count = str(wanted.pop("kind", "")), wanted.pop("count", 1)
        if not _KINDS.match(kind):
            raise FaultRuleError(f"kind {kind!r} is none of {_KNOWN}")
        unknown = set(wanted) - {*_SELECTORS, *_NUMBERS}
        if unknown or not (count is None or (isinstance(count, int) and count >= 1)):
            raise FaultRuleError(f"unknown keys {sorted(unknown)} or a count that is neither positive nor null")
        wanted |= {name: make(wanted[name]) for name, make in _NUMBERS.items() if wanted.get(name) is not None}
        if not 0 <= wanted.get("probability", 1) <= 1:
            raise FaultRuleError("a probability is between 0 and 1")
        self._numbers += 1
        rule = Rule(number=self._numbers, kind=kind, left=count, **wanted)
        self._rules.append(rule)
        return rule

    def take(self, target: Target, *, item: bool = False) -> Rule | None:
        if not self._rules:
            return None
        rule = next((rule for rule in self._rules if rule.hits(target, item=item)), None)
        if rule is not None and rule.left is not None:
            rule.left -= 1
            if not rule.left:
                self._rules.remove(rule)
        return rule

    def pending(self) -> list[dict[str, Any]]:
        return [rule.shown() for rule in self._rules]

    def clear(self) -> None:
        self._rules.clear()
