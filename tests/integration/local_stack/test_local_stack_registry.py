import json
import urllib.error
import urllib.request
from typing import Any

import pytest

pytestmark = pytest.mark.registry

FIRST = {"type": "record", "name": "Thing", "fields": [{"name": "id", "type": "string"}]}
REQUIRED_MORE = {**FIRST, "fields": [*FIRST["fields"], {"name": "more", "type": "string"}]}


def call(url: str, method: str, body: Any = None) -> Any:
    asked = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.load(answer)


def test_registry_schema_registered_is_told_again(registry_url: str) -> None:
    registered = call(f"{registry_url}/subjects/told-value/versions", "POST", {"schema": json.dumps(FIRST)})
    assert registered["id"] > 0
    assert "told-value" in call(f"{registry_url}/subjects", "GET")


def test_registry_schema_that_breaks_readers_is_refused(registry_url: str) -> None:
    call(f"{registry_url}/subjects/kept-value/versions", "POST", {"schema": json.dumps(FIRST)})
    call(f"{registry_url}/config/kept-value", "PUT", {"compatibility": "FULL_TRANSITIVE"})
    with pytest.raises(urllib.error.HTTPError) as raised:
        call(f"{registry_url}/subjects/kept-value/versions", "POST", {"schema": json.dumps(REQUIRED_MORE)})
    with raised.value as refused:
        assert refused.code == 409
