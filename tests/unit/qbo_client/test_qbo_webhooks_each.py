"""Webhooks read leniently: one odd event among many loses none of the others."""

from typing import Any

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st

from qbo_client.webhooks import Change, WebhookPayloadError, read, read_each

LONG = "x" * 201


def cloud(**changes: Any) -> dict[str, Any]:
    event = {
        "type": "qbo.customer.updated.v1",
        "time": "2026-10-07T19:59:07Z",
        "intuitentityid": "58",
        "intuitaccountid": "310687",
    }
    return event | changes


def entity(**changes: Any) -> dict[str, Any]:
    told = {"name": "Invoice", "id": "5", "operation": "Update", "lastUpdated": "2026-10-05T14:42:19-0700"}
    return told | changes


def notification(*entities: Any, realm_id: Any = "7") -> dict[str, Any]:
    return {"realmId": realm_id, "dataChangeEvent": {"entities": list(entities)}}


def each(payload: Any) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    return read_each(simplejson.dumps(payload).encode())


def test_odd_event_among_a_hundred_loses_none_of_the_others() -> None:
    events: list[Any] = [cloud(intuitentityid=str(number)) for number in range(100)]
    events[41] = cloud(type="com.example.x")
    events[42] = "x"
    changes, odd = each(events)
    assert [one.id for one in changes] == [str(number) for number in range(100) if number not in {41, 42}]
    assert odd == (
        "the type of event 42 is not qbo.<entity>.<operation>.<version>: 'com.example.x'",
        "event 43 is no object",
    )


def test_odd_entity_of_the_older_shape_loses_none_of_its_neighbours() -> None:
    notifications = [notification(entity(), entity(id=None), entity(id="6")), notification(entity(id="8"))]
    changes, odd = each({"eventNotifications": notifications})
    assert [one.id for one in changes] == ["5", "6", "8"]
    assert odd == ("entity 2 of notification 1 has no id",)


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ("x", "notification 2 is no object"),
        (notification(entity(), realm_id=None), "notification 2 has no realmId"),
        ({"realmId": "7"}, "notification 2 holds no dataChangeEvent with entities"),
    ],
)
def test_odd_notification_loses_none_of_its_neighbours(odd: Any, said: str) -> None:
    notifications = [notification(entity()), odd, notification(entity(id="8"))]
    changes, sentences = each({"eventNotifications": notifications})
    assert ([one.id for one in changes], sentences) == (["5", "8"], (said,))


@pytest.mark.parametrize("payload", [[], {"eventNotifications": []}])
def test_body_without_events_tells_of_nothing(payload: Any) -> None:
    assert each(payload) == ((), ())


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{}", b"null", b'{"eventNotifications": 1}', pytest.param(b"[" * 100_000, id="deep")],
)
def test_body_of_neither_shape_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookPayloadError):
        read_each(body)


@pytest.mark.parametrize("text", ["5\0", "\ud800", "5\n", LONG])
@pytest.mark.parametrize("key", ["type", "intuitaccountid", "intuitentityid", "time"])
def test_text_that_no_database_could_keep_makes_an_event_odd(key: str, text: str) -> None:
    said = f"qbo.customer.{text}.v1" if key == "type" else text
    changes, (sentence,) = each([cloud(), cloud(**{key: said})])
    assert [one.id for one in changes] == ["58"]
    assert sentence.startswith(f"the {key} of event 2 is no name, id or time: ")
    assert sentence.isprintable()
    assert len(sentence) < 200


@pytest.mark.parametrize(
    ("told", "deleted_id"),
    [("8", "8"), (8, "8"), ("8\0", None), (LONG, None), (["8"], None), ({"a": 1}, None), (True, None), (None, None)],
)
def test_merge_keeps_the_id_that_is_no_more_if_it_is_one(told: Any, deleted_id: str | None) -> None:
    [cloud_change], none = each([cloud(type="qbo.customer.merged.v1", data={"deletedId": told})])
    merged = notification(entity(name="Customer", operation="Merge", deletedId=told))
    [legacy_change], none_either = each({"eventNotifications": [merged]})
    assert (cloud_change.deleted_id, legacy_change.deleted_id) == (deleted_id, deleted_id)
    assert none == none_either == ()


_KEYS = ["eventNotifications", "realmId", "dataChangeEvent", "entities", "type", "data", "name", "id", "time"]
_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("qbo.invoice.void.v1"),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(_KEYS), inner),
)


@given(
    st.lists(_ANY_JSON | st.builds(cloud)) | st.builds(lambda those: {"eventNotifications": those}, st.lists(_ANY_JSON))
)
def test_body_of_a_known_shape_is_read_in_full_or_every_odd_event_is_named(payload: Any) -> None:
    body = simplejson.dumps(payload).encode()
    changes, odd = read_each(body)
    if isinstance(payload, list):
        assert len(changes) + len(odd) == len(payload)
    if odd:
        with pytest.raises(WebhookPayloadError) as refused:
            read(body)
        assert str(refused.value) == odd[0]
    else:
        assert read(body) == changes
