"""Plain http to this machine, for an emulator of Intuit, and for nobody but the session at hand.

oauthlib refuses plain http unless the whole process is told otherwise by its environment. Here it is given
https addresses, and a session that has been opened for a loopback address sends those in plain http.
"""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter


def check(url: str) -> None:
    """Raise ValueError unless the address is https, or http on a loopback host."""
    parts = urlsplit(url)
    if not parts.hostname or not (parts.scheme == "https" or _is_plain_loopback(url)):
        raise ValueError(f"{url} must be https; plain http is for this machine only")


def as_https(url: str) -> str:
    """Return the address with https, as oauthlib wants it."""
    return url.replace("http://", "https://", 1) if url.startswith("http://") else url


def as_written(url: str, original: str) -> str:
    """Undo `as_https` on an address that was made from `original`."""
    return url if original.startswith("https://") else url.replace("https://", "http://", 1)


def open_loopback(session: requests.Session, *urls: str) -> None:
    """Make the session speak plain http to those of the addresses that are plain loopback ones."""
    for url in filter(_is_plain_loopback, urls):
        session.mount(f"https://{urlsplit(url).netloc}/", _PlainLoopback())
        session.trust_env = False  # A proxy has no part in talking to ourselves.


class _PlainLoopback(HTTPAdapter):
    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.url = (request.url or "").replace("https://", "http://", 1)
        return super().send(request, *args, **kwargs)


def _is_plain_loopback(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
