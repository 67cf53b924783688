"""Where the answer to a consent is listened for."""

from urllib.parse import urlsplit

import pytest

from bridge.consent import listening_port


@pytest.mark.parametrize(
    ("redirect_uri", "port"),
    [
        ("http://localhost:8484/callback", 8484),
        ("http://localhost:9000/callback", 9000),
        ("http://localhost/callback", 80),
        ("https://bridge.example.com/callback", 8484),
        ("https://bridge.example.com:8443/callback", 8484),
    ],
)
def test_https_is_listened_for_behind_a_proxy(redirect_uri: str, port: int) -> None:
    assert listening_port(urlsplit(redirect_uri)) == port
