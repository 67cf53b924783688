"""The frame of every page that a person sees in a browser, and the page where they consent."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files

from aiohttp import web

from qbo_client.emulator.company import Company
from qbo_client.emulator.markup import Html, element, joined, link

_WARNING = "EMULATOR of QuickBooks Online. Nothing here is Intuit's, and no money moves."
# Nothing is fetched from elsewhere, and nothing runs.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action *; base-uri 'none'; frame-ancestors 'none'"


@cache
def _style() -> Html:
    return Html(files("qbo_client.emulator").joinpath("style.css").read_text("utf-8"))


def page(title: str, *content: str, status: int = 200, trail: Sequence[tuple[str, str]] = ()) -> web.Response:
    """`trail` leads back to the start: address and text of each step."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width,initial-scale=1"),
        element("title", f"{title} (emulator)"),
        element("style", _style()),
    )
    nav = element("nav", *(link(href, text) for href, text in trail)) if trail else None
    body = element(
        "body",
        element("p", _WARNING, class_="banner", role="note"),
        element("main", nav, *content),
    )
    return web.Response(
        status=status,
        text=f"<!doctype html>{element('html', head, body, lang='en')}",
        content_type="text/html",
        headers={"Content-Security-Policy": _POLICY},
    )


def problem(title: str, sentence: str = "", status: int = 404) -> web.Response:
    return page(title, element("h1", title), element("p", sentence), status=status, trail=[("/", "All companies")])


def consent(companies: Iterable[Company], asked: Mapping[str, str]) -> web.Response:
    hidden = joined(element("input", type="hidden", name=name, value=value) for name, value in asked.items())
    choices = [
        element(
            "label",
            element("input", type="radio", name="realm_id", value=company.realm_id, checked=position == 0),
            f" {company.name} ",
            element("span", f"({company.country}, {company.currency})", class_="soft"),
        )
        for position, company in enumerate(companies)
    ]
    scopes = ", ".join(asked.get("scope", "").split())
    form = element(
        "form",
        hidden,
        element("fieldset", element("legend", "Choose a company"), *choices),
        element("button", "Connect", name="action", value="connect", class_="main"),
        element("button", "Cancel", name="action", value="cancel"),
        method="post",
        action="/connect/oauth2",
    )
    title = "Connect your company to this app"
    return page(title, element("h1", title), element("p", f"It asks for: {scopes}.", class_="soft"), form)
