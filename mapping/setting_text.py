"""Settings as a person types and reads them."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mapping.settings import CHOICES, FieldGroup, Settings, Winner
from mapping.to_qbo.lines import plain
from schemas.events.crm import PaymentMethod

_IDS = frozenset(
    {"default_item_id", "tip_item_id", "surcharge_item_id", "shipping_item_id"}
    | {"income_account_id", "deposit_account_id"}
)


class BadSetting(ValueError):
    """What was typed is no setting; the sentence says what would be."""


def parse_setting(settings: Settings, name: str, text: str) -> Settings:
    """Return the settings with one of them changed; empty text brings its default back. Raises BadSetting.

    Names with a part of their own take a dot: `tax_codes.5+9.975`, `deposit_accounts.stripe`, `winners.dates`.
    """
    whole, _, part = name.strip().replace("-", "_").partition(".")
    value = text.strip()
    changed: dict[str, Any]
    if whole in _ENTRIES:
        changed = {whole: _entry(getattr(settings, whole), whole, part, value)}
    elif part or whole not in _names():
        raise BadSetting(f"There is no setting {name!r}. There are: {', '.join(_names())}.")
    else:
        changed = {whole: _parsed(whole, value) if value else getattr(Settings(), whole)}
    return replace(settings, **changed)


def setting_texts(settings: Settings) -> dict[str, str]:
    """Return every setting by the name under which it is changed, as text; what is not set is empty."""
    texts: dict[str, str] = {}
    for one in fields(settings):
        value = getattr(settings, one.name)
        if one.name in _ENTRIES:
            texts |= {f"{one.name}.{part}": str(entry) for part, entry in sorted(value.items())}
        else:
            texts[one.name] = value.isoformat() if isinstance(value, datetime) else str(value or "")
    return texts


def _parsed(name: str, value: str) -> Any:
    if name in CHOICES:
        return _choice(name, CHOICES[name], value)
    if name in _IDS:
        return _id(name, value)
    return _moment(value) if name == "sync_from" else _zone(value)


def _entry(known: Mapping[Any, Any], name: str, part: str, value: str) -> dict[Any, Any]:
    parse_part, parse_value = _ENTRIES[name]
    if not part:
        raise BadSetting(f"{name} needs to say of what: {name}.<{_PARTS[name]}>.")
    key = parse_part(part)
    rest = {one: entry for one, entry in known.items() if one != key}
    return {**rest, key: parse_value(f"{name}.{part}", value)} if value else rest


def _choice(name: str, choices: type[StrEnum], value: str) -> StrEnum:
    try:
        return choices(value.casefold().replace("-", "_"))
    except ValueError:
        raise BadSetting(f"{name} is one of {', '.join(choices)}, not {value!r}.") from None


def _id(name: str, value: str) -> str:
    if not (value.isascii() and value.isdigit()):
        raise BadSetting(f"{name} is an id of QuickBooks, digits alone, not {value!r}.")
    return value


def _moment(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise BadSetting(
            f"sync_from is a day or a moment, like 2026-01-01 or 2026-01-01T09:00+00:00, not {value!r}."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _zone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError):
        raise BadSetting(f"time_zone is a name like America/Chicago, not {value!r}.") from None


def _rates(part: str) -> str:
    try:
        rates = sorted(Decimal(rate.strip().removesuffix("%")) for rate in part.split("+"))
    except InvalidOperation:
        raise BadSetting(f"tax_codes are named by percentages, like 20 or 5+9.975, not {part!r}.") from None
    return "+".join(plain(rate) for rate in rates)


def _source(part: str) -> str:
    return part.strip().casefold()


def _product(part: str) -> str:
    return part.strip()


def _group(part: str) -> FieldGroup:
    try:
        return FieldGroup(part.strip().casefold())
    except ValueError:
        raise BadSetting(f"winners are set for {', '.join(FieldGroup)}, not {part!r}.") from None


def _winner(name: str, value: str) -> Winner:
    winner = _choice(name, Winner, value)
    assert isinstance(winner, Winner)
    return winner


_ENTRIES: Mapping[str, tuple[Callable[[str], str], Callable[[str, str], str]]] = {
    "tax_codes": (_rates, _id),
    "items": (_product, _id),
    "payment_methods": (_source, _id),
    "deposit_accounts": (_source, _id),
    "winners": (_group, _winner),
}
_METHODS = ", ".join(method.casefold() for method in PaymentMethod if method is not PaymentMethod.UNKNOWN)
_PARTS = {
    "tax_codes": "percentages",
    "items": "product id of the CRM",
    "payment_methods": f"provider, or {_METHODS}",
    "deposit_accounts": f"provider, or {_METHODS}",
    "winners": "|".join(FieldGroup),
}


def _names() -> tuple[str, ...]:
    return tuple(one.name for one in fields(Settings))
