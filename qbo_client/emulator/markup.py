"""HTML that is escaped by construction: plain text becomes markup only by way of an element."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

_VOID = frozenset({"input", "meta", "br", "hr"})


class Html(str):
    """Markup that is safe to stand as it is."""

    __slots__ = ()


def element(name: str, /, *content: str | None, **attributes: str | bool | None) -> Html:
    """`class_` stands for class; an attribute that is None or False is left out, one that is True has no value."""
    given = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{joined(content)}</{name}>")


def joined(content: Iterable[str | None]) -> Html:
    return Html("".join(one if isinstance(one, Html) else escape(one) for one in content if one is not None))


def link(href: str, text: str) -> Html:
    return element("a", text, href=href)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    heading: str
    # Figures stand to the right, one below the other.
    figures: bool = False


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> Html:
    """On a phone every row is a card, with its headings at the side."""
    kinds = ["figures" if column.figures else None for column in columns]
    head = joined(
        element("th", one.heading, scope="col", class_=kind) for one, kind in zip(columns, kinds, strict=True)
    )
    body = joined(
        element(
            "tr",
            *(
                element("td", cell, class_=kind, data_label=column.heading)
                for cell, column, kind in zip(row, columns, kinds, strict=True)
            ),
        )
        for row in rows
    )
    return element("table", element("thead", element("tr", head)), element("tbody", body))


def facts(pairs: Iterable[tuple[str, str]]) -> Html:
    """Names and values; what has no value is left out."""
    shown = [element("div", element("dt", name), element("dd", value)) for name, value in pairs if value]
    return element("dl", *shown, class_="facts")
