"""The query language's grammar: text in, `Query` out. What the names mean is decided where it is run."""

import re
from dataclasses import dataclass

from qbo_client.emulator import errors

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^'\\]|\\.)*')
      | (?P<number>-?\d+(?:\.\d+)?(?![\w.]))
      | (?P<word>[A-Za-z_][\w.]*)
      | (?P<symbol><=|>=|[=<>(),*])
    )""",
    re.VERBOSE | re.DOTALL,
)
MOST_ROWS = 1000
USUAL_ROWS = 100
_COMPARISONS = frozenset({"=", "<", ">", "<=", ">=", "like"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    field: str
    operator: str  # one of = < > <= >= in like
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    field: str
    descending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    entity: str
    fields: tuple[str, ...]
    counting: bool
    conditions: tuple[Condition, ...]
    orders: tuple[Order, ...]
    start: int  # 1-based
    limit: int


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def parse(text: str) -> Query:
    """Raises ApiFault 4000 for bad grammar, 4001 for a position out of range."""
    return _Parser(_tokens(text)).query()


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise errors.query_unparsable(f'Encountered "{text[at : at + 20]}" at position {at}')
        kind = str(match.lastgroup)
        found.append(_Token(kind, match.group(kind)))
        at = match.end()
    return found


def _unquoted(literal: str) -> str:
    return re.sub(r"\\(.)", r"\1", literal[1:-1], flags=re.DOTALL)


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def query(self) -> Query:
        self._expect("select")
        counting, fields = self._selection()
        self._expect("from")
        entity = self._name()
        conditions = self._conditions() if self._accept("where") else ()
        orders, start, limit = self._tail()
        if self._at < len(self._tokens):
            raise self._unexpected()
        return Query(
            entity=entity,
            fields=fields,
            counting=counting,
            conditions=conditions,
            orders=orders,
            start=start,
            limit=min(limit, MOST_ROWS),
        )

    def _selection(self) -> tuple[bool, tuple[str, ...]]:
        if self._accept("count"):
            for symbol in "(*)":
                self._expect(symbol)
            return True, ()
        fields = [self._field_or_star()]
        while self._accept(","):
            fields.append(self._field_or_star())
        return False, tuple(field for field in fields if field != "*")

    def _field_or_star(self) -> str:
        return "*" if self._accept("*") else self._name()

    def _conditions(self) -> tuple[Condition, ...]:
        found = [self._condition()]
        while self._accept("and"):
            found.append(self._condition())
        return tuple(found)

    def _condition(self) -> Condition:
        field = self._name()
        operator = self._next().text.lower()
        if operator == "in":
            return Condition(field=field, operator=operator, values=self._list())
        if operator not in _COMPARISONS:
            self._at -= 1
            raise self._unexpected()
        return Condition(field=field, operator=operator, values=(self._literal(),))

    def _list(self) -> tuple[str, ...]:
        self._expect("(")
        values = [self._literal()]
        while self._accept(","):
            values.append(self._literal())
        self._expect(")")
        return tuple(values)

    def _literal(self) -> str:
        token = self._next()
        if token.kind == "string":
            return _unquoted(token.text)
        if token.kind == "number" or token.text.lower() in {"true", "false"}:
            return token.text
        self._at -= 1
        raise self._unexpected()

    def _tail(self) -> tuple[tuple[Order, ...], int, int]:
        orders: tuple[Order, ...] = ()
        start, limit = 1, USUAL_ROWS
        while self._at < len(self._tokens):
            if self._accept("orderby") or (self._accept("order") and self._expect("by")):
                orders = self._orders()
            elif self._accept("startposition"):
                start = self._position()
            elif self._accept("maxresults"):
                limit = self._position()
            else:
                raise self._unexpected()
        return orders, start, limit

    def _orders(self) -> tuple[Order, ...]:
        found = [self._order()]
        while self._accept(","):
            found.append(self._order())
        return tuple(found)

    def _order(self) -> Order:
        field = self._name()
        descending = self._accept("desc")
        if not descending:
            self._accept("asc")
        return Order(field=field, descending=descending)

    def _position(self) -> int:
        token = self._next()
        if token.kind != "number" or "." in token.text:
            self._at -= 1
            raise self._unexpected()
        if int(token.text) < 1:
            raise errors.query_invalid(f"value {token.text} is too small. Min allowed value is 1")
        return int(token.text)

    def _name(self) -> str:
        token = self._next()
        if token.kind != "word":
            self._at -= 1
            raise self._unexpected()
        return token.text

    def _accept(self, text: str) -> bool:
        """Keywords and symbols alike, without regard to case; a quoted string is neither."""
        if self._at < len(self._tokens):
            token = self._tokens[self._at]
            if token.kind != "string" and token.text.lower() == text:
                self._at += 1
                return True
        return False

    def _expect(self, text: str) -> bool:
        if not self._accept(text):
            raise self._unexpected()
        return True

    def _next(self) -> _Token:
        if self._at >= len(self._tokens):
            raise self._unexpected()
        self._at += 1
        return self._tokens[self._at - 1]

    def _unexpected(self) -> errors.ApiFault:
        text = self._tokens[self._at].text if self._at < len(self._tokens) else "<EOF>"
        return errors.query_unparsable(f'Encountered "{text}" at token {self._at + 1}')
