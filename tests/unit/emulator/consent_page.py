"""Clicks through the consent page as a browser would: by what its HTML says, not by what we know of it."""

from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

from tests.unit.emulator.driver import callback


class _Form(HTMLParser):
    """The fields of the consent page's form as a browser would send them, with one button pressed."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.choices: dict[str, list[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given["action"]
        elif given.get("type") == "hidden":
            self.fields[given["name"]] = given["value"]
        elif tag == "button" or given.get("type") == "radio":
            self.choices.setdefault(given["name"], []).append(given["value"])


def click(address: str, *, realm_id: str, button: str) -> dict[str, str]:
    """Clicks through the consent page; what the callback is given."""
    form = _Form()
    form.feed(requests.get(address, timeout=10).text)
    assert realm_id in form.choices["realm_id"]
    assert button in form.choices["action"]
    answer = requests.post(
        urljoin(address, form.action),
        data={**form.fields, "realm_id": realm_id, "action": button},
        allow_redirects=False,
        timeout=10,
    )
    assert answer.status_code == 302
    return callback(answer.headers["Location"])
