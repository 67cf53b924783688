"""Text as QuickBooks accepts it: what it refuses is replaced, what is too long is cut, always the same way."""

import hashlib
import re
import unicodedata

#: Of names that are inactive QuickBooks says so behind the name (facts on queries).
DELETED = " (deleted)"

# Names are lists of QuickBooks' own, split at colons.
_NOT_IN_NAMES = re.compile(r"[:\t\r\n]")
# Where there is nothing to clean, which is so for most text, no letter is looked at by itself.
_PLAIN_LINES = re.compile(r"[\n\x20-\x7e\u00a1-\u00ac\u00ae-\u024f]*")
_PLAIN_NAME = re.compile(r"[!-9;-~]+(?: [!-9;-~]+)*")
_SPACES = re.compile(r"\s+")
_DIGITS = re.compile(r"\d")
# What E.164 cannot say: +1 214 559 6993 is also written 214 559 6993 ext. 12.
_EXTENSION = re.compile(r"(?:extension|ext\.?|x|#)\s*(\d{1,6})\s*\Z", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,.]+")
_LAST_OF_BASIC_PLANE = 0xFFFF
_DROPPED = frozenset({"Cs", "Co", "Cn", "Cf"})
# Selectors that make an emoji of the character before them.
_VARIATIONS = range(0xFE00, 0xFE10)
_EMAIL_LENGTH = 100
_DIGEST_LENGTH = 8
# Fewer digits are an extension or a slip, not a number that could be told from another.
_FEWEST_PHONE_DIGITS = 7

_COUNTRIES = {
    "AUS": "AU", "AUSTRALIA": "AU", "AUT": "AT", "AUSTRIA": "AT", "BEL": "BE", "BELGIUM": "BE", "BRA": "BR",
    "BRAZIL": "BR", "CAN": "CA", "CANADA": "CA", "CHE": "CH", "SWITZERLAND": "CH", "DEU": "DE", "GERMANY": "DE",
    "DNK": "DK", "DENMARK": "DK", "ESP": "ES", "SPAIN": "ES", "FIN": "FI", "FINLAND": "FI", "FRA": "FR",
    "FRANCE": "FR", "GBR": "GB", "UK": "GB", "U.K.": "GB", "UNITED KINGDOM": "GB", "GREAT BRITAIN": "GB",
    "ENGLAND": "GB", "SCOTLAND": "GB", "WALES": "GB", "NORTHERN IRELAND": "GB", "HKG": "HK", "HONG KONG": "HK",
    "IND": "IN", "INDIA": "IN", "IRL": "IE", "IRELAND": "IE", "ISR": "IL", "ISRAEL": "IL", "ITA": "IT",
    "ITALY": "IT", "JPN": "JP", "JAPAN": "JP", "MEX": "MX", "MEXICO": "MX", "MYS": "MY", "MALAYSIA": "MY",
    "NLD": "NL", "NETHERLANDS": "NL", "NOR": "NO", "NORWAY": "NO", "NZL": "NZ", "NEW ZEALAND": "NZ",
    "PHL": "PH", "PHILIPPINES": "PH", "POL": "PL", "POLAND": "PL", "PRT": "PT", "PORTUGAL": "PT", "SGP": "SG",
    "SINGAPORE": "SG", "SWE": "SE", "SWEDEN": "SE", "ARE": "AE", "UNITED ARAB EMIRATES": "AE", "USA": "US",
    "U.S.": "US", "U.S.A.": "US", "UNITED STATES": "US", "UNITED STATES OF AMERICA": "US", "ZAF": "ZA",
    "SOUTH AFRICA": "ZA",
}  # fmt: skip


def clean_lines(text: str | None, length: int) -> str:
    """Return text that may hold several lines, without control characters, at most `length` long."""
    if text and _PLAIN_LINES.fullmatch(text):
        return cut("\n".join(line.strip() for line in text.split("\n")).strip(), length)
    lines = "".join(_kept(one) for one in (text or "").replace("\r\n", "\n").replace("\r", "\n"))
    return cut("\n".join(line.strip() for line in lines.split("\n")).strip(), length)


def clean_name(text: str | None, length: int) -> str:
    """Return one line without what QuickBooks refuses in names: colon, tab, new line, control characters."""
    if text and _PLAIN_NAME.fullmatch(text):
        return cut(text, length)
    line = _NOT_IN_NAMES.sub(" ", clean_lines(text, len(text or "")))
    return cut(_SPACES.sub(" ", line).strip(), length)


def cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length].rstrip()


def short(text: str, length: int) -> str:
    """Return a reference that stays one of a kind when it is too long: its beginning and a digest of the whole."""
    line = clean_name(text, len(text))
    if len(line) <= length:
        return line
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
    return f"{line[: length - _DIGEST_LENGTH - 1]}-{digest}"


def clean(text: str | None, length: int) -> str:
    """Return one line of text without control characters, at most `length` long."""
    return cut(_SPACES.sub(" ", clean_lines(text, len(text or ""))).strip(), length)


def is_email(address: str) -> bool:
    """Whether QuickBooks takes it: a@b.c, one address, at most 100 characters."""
    return len(address) <= _EMAIL_LENGTH and _EMAIL.fullmatch(address) is not None


def country_code(country: str | None) -> str:
    """Return the ISO code of two letters for the common spellings of a country, else the text as typed."""
    typed = clean_name(country, len(country or ""))
    return _COUNTRIES.get(typed.upper(), typed.upper() if len(typed) == len("US") else typed)


def same_text(one: object, other: object) -> bool:
    """Whether both say the same, whatever the case, the spaces and the way accents are encoded."""
    return _folded(one) == _folded(other)


def same_country(one: object, other: object) -> bool:
    return same_text(country_code(_text(one)), country_code(_text(other)))


def same_phone(one: object, other: object) -> bool:
    """Whether both are one number: +1 214 559 6993, (214) 559-6993 x12 and 0012145596993 are."""
    (first, inner), (second, other_inner) = _parts(one), _parts(other)
    shorter, longer = sorted((_digits(first), _digits(second)), key=len)
    if len(shorter) < _FEWEST_PHONE_DIGITS:
        return (shorter, inner) == (longer, other_inner)
    return longer.endswith(shorter) and (inner == other_inner or not inner or not other_inner)


def _parts(phone: object) -> tuple[str, str]:
    """Return the number, and the extension behind it."""
    text = unicodedata.normalize("NFKC", _text(phone))
    extension = _EXTENSION.search(text)
    return (text[: extension.start()], extension[1]) if extension else (text, "")


def _digits(phone: str) -> str:
    return "".join(_DIGITS.findall(phone)).lstrip("0")


def _folded(text: object) -> str:
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", _text(text))).strip().casefold()


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cc":
        return character if character == "\n" else " "
    # QuickBooks refuses or mangles emoji, and US companies keep less than Unicode (its documentation on encodings).
    emoji = ord(character) > _LAST_OF_BASIC_PLANE and category in {"So", "Sk"}
    dropped = category in _DROPPED or emoji or ord(character) in _VARIATIONS
    return "" if dropped else character
