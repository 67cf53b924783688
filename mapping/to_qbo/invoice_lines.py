"""Lines of an invoice that is in the books already: which are which, and what a person made of them."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mapping.to_qbo.plain import number, plain_value

Line = Mapping[str, Any]
#: A line as it was sent: its CRM id and its fields as text.
Sent = Mapping[str, Any]

_SOLD, _DISCOUNT, _TEXT = "SalesItemLineDetail", "DiscountLineDetail", "DescriptionOnly"
_OWN = frozenset({"Id", "LineNum", "Amount", "Description", "DetailType", _SOLD, _DISCOUNT})
# ItemAccountRef follows from the item, and nobody may set what automated tax classified.
_OWN_DETAIL = frozenset(
    {"ItemRef", "Qty", "UnitPrice", "TaxCodeRef", "TaxInclusiveAmt", "PercentBased", "DiscountPercent"}
    | {"ItemAccountRef", "TaxClassificationRef", "DiscountRate", "DiscountAmt"}
)
_MONEY = ("amount", "quantity")
_WHOLE, _TEXTS, _AMOUNTS = ("kind", "item", "text", *_MONEY, "code"), ("kind", "text"), ("kind", "item", "amount")


def sent_lines(lines: Sequence[Line], line_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the lines as they are remembered, each with a CRM id of its own."""
    return [{"line_id": own, **_plain(line)} for own, line in zip(_distinct(line_ids), lines, strict=True)]


def changed_by_a_person(current: Iterable[Line], sent: Sequence[Sent]) -> bool:
    """Whether the money of the lines is another than was sent; another item or text is none."""
    there = [_plain(line) for line in current if _counts(line)]
    return len(there) != len(sent) or any(map(_differ, there, sent))


def _differ(there: Sent, sent: Sent) -> bool:
    # QuickBooks may put a code where none was sent.
    names = _MONEY if sent["code"] is None else (*_MONEY, "code")
    return _key(there, names) != _key(sent, names)


def only_repeat(wanted: Sequence[Line], current: Iterable[Line]) -> bool:
    """Whether lines say nothing but what stands in the books, where the item's name is read with its line's text."""
    there = [line for line in current if _counts(line)]
    return len(there) == len(wanted) and all(map(_repeats, wanted, there))


def _repeats(wanted: Line, there: Line) -> bool:
    item = str(((there.get(_SOLD) or {}).get("ItemRef") or {}).get("name", ""))
    ours, theirs = ({*map(str.strip, _plain(line)["text"].split("\n")), item} for line in (wanted, there))
    return ours == theirs and not _differ(_plain(there), _plain(wanted))


def merged_lines(
    wanted: Sequence[Line], line_ids: Sequence[str], *, current: Sequence[Line], sent: Sequence[Sent]
) -> list[dict[str, Any]]:
    """Return the whole list to send: lines that stay keep their Id and what a person added to them.

    A person's item or text on a line stays too, unless the CRM changed that line's. Text lines a person added
    stay; lines with amounts that a person added do not: the total is the CRM's.
    """
    known = _matched(sent, current)
    before = {line["line_id"]: line for line in sent}
    merged = [
        _merged(line, known.get(own), before.get(own)) for own, line in zip(_distinct(line_ids), wanted, strict=True)
    ]
    texts = [dict(line) for line in current if line.get("DetailType") == _TEXT]
    at = len(merged) - (1 if merged and _DISCOUNT in merged[-1] else 0)
    return [*merged[:at], *texts, *merged[at:]]


def _merged(wanted: Line, current: Line | None, sent: Sent | None) -> dict[str, Any]:
    if current is None:
        return dict(wanted)
    kind = _SOLD if _SOLD in wanted else _DISCOUNT
    there = current.get(kind) or {}
    detail = {**{name: value for name, value in there.items() if name not in _OWN_DETAIL}, **wanted[kind]}
    added = {name: value for name, value in current.items() if name not in _OWN}
    merged = {**added, **wanted, "Id": current["Id"], kind: detail}
    if sent is None or kind == _DISCOUNT:
        return merged
    said, ours = _plain(current), _plain(wanted)
    if said["text"] != sent["text"] and ours["text"] == sent["text"] and "Description" in current:
        merged["Description"] = current["Description"]
    if said["item"] != sent["item"] and ours["item"] == sent["item"] and "ItemRef" in there:
        detail["ItemRef"] = {"value": there["ItemRef"]["value"]}
    return merged


def _matched(sent: Sequence[Sent], current: Sequence[Line]) -> dict[str, Line]:
    """Find each sent line among the current ones: as it was, else by text, by item and amount, by its place."""
    left = [(line, _plain(line)) for line in current if _counts(line) and "Id" in line]
    open_lines, found = list(sent), dict[str, Line]()
    for names in (_WHOLE, _TEXTS, _AMOUNTS):
        by_key: dict[tuple[Any, ...], deque[Line]] = {}
        for line, said in left:
            by_key.setdefault(_key(said, names), deque()).append(line)
        for sent_line in open_lines:
            if like := by_key.get(_key(sent_line, names)):
                found[sent_line["line_id"]] = like.popleft()
        used = {line["Id"] for line in found.values()}
        left = [pair for pair in left if pair[0]["Id"] not in used]
        open_lines = [line for line in open_lines if line["line_id"] not in found]
    if len(open_lines) == len(left):
        pairs = zip(open_lines, left, strict=True)
        found |= {line["line_id"]: there for line, (there, said) in pairs if line["kind"] == said["kind"]}
    return found


def _key(line: Sent, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(line[name] for name in names)


def _plain(line: Line) -> dict[str, Any]:
    kind = _DISCOUNT if _DISCOUNT in line else _SOLD
    detail = line.get(kind) or {}
    # QuickBooks may round the net of a gross amount in its own way.
    amount = detail.get("TaxInclusiveAmt")
    return {
        "kind": kind,
        "item": plain_value(detail.get("ItemRef")),
        "text": line.get("Description", ""),
        "amount": number(line.get("Amount", 0) if amount is None else amount),
        "quantity": None if detail.get("Qty") is None else number(detail["Qty"]),
        "code": plain_value(detail.get("TaxCodeRef")),
    }


def _counts(line: Line) -> bool:
    """Not a subtotal, which QuickBooks adds, nor a text."""
    return line.get("DetailType") not in {"SubTotalLineDetail", _TEXT}


def _distinct(line_ids: Iterable[str]) -> list[str]:
    """Return ids of which none occurs twice, whatever the CRM sent."""
    seen: dict[str, int] = {}
    distinct = []
    for one in line_ids:
        seen[one] = seen.get(one, 0) + 1
        distinct.append(one if seen[one] == 1 else f"{one}#{seen[one]}")
    return distinct
