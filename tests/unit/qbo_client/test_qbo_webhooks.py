"""Webhooks of both shapes: who signed them, and what they tell."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st

from qbo_client.webhooks import Change, WebhookPayloadError, WebhookSignatureError, check, read

# The vector of Intuit's own Java SDK: token, body, signature.
TOKEN = "b5771f19b12ddb4bcdb9f08bdc50bc63878a"
SIGNED = (
    b'{"eventNotifications":[{"realmId":"1185883450","dataChangeEvent":{"entities":[{"name":"Customer","id":"1",'
    b'"operation":"Create","lastUpdated":"2015-10-05T14:42:19-0700"}]}}]}'
)
SIGNATURE = "JC2GUwciPmRBwEO7WvrRmKqu9tGOKL8FFallocTFi8Q="


def cloud(**changes: Any) -> dict[str, Any]:
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": "d1a3aedd",
        "source": "intuit.abc=",
        "type": "qbo.class.created.v1",
        "datacontenttype": "application/json",
        "time": "2025-10-07T19:59:07.034359333Z",
        "intuitentityid": "1234",
        "intuitaccountid": "310687",
        "data": {},
    }
    return {key: value for key, value in {**event, **changes}.items() if value is not None}


def legacy(*entities: Any, realm_id: Any = "7") -> dict[str, Any]:
    return {"eventNotifications": [{"realmId": realm_id, "dataChangeEvent": {"entities": list(entities)}}]}


def changed(**changes: Any) -> dict[str, Any]:
    entity = {"name": "Invoice", "id": "5", "operation": "Update", "lastUpdated": "2015-10-05T14:42:19.000Z"}
    return {key: value for key, value in {**entity, **changes}.items() if value is not None}


def read_json(payload: Any) -> tuple[Change, ...]:
    return read(simplejson.dumps(payload).encode())


def test_signature_of_intuits_own_vector_is_good() -> None:
    check(SIGNED, SIGNATURE, TOKEN)
    check(SIGNED, f" {SIGNATURE}\n", TOKEN)


@pytest.mark.parametrize(
    ("body", "signature", "token"),
    [
        (SIGNED + b" ", SIGNATURE, TOKEN),
        (SIGNED, SIGNATURE, TOKEN[:-1]),
        (SIGNED, SIGNATURE.lower(), TOKEN),
        (SIGNED, "1234", TOKEN),
        (SIGNED, "é", TOKEN),
        (SIGNED, "\udce9", TOKEN),
        (SIGNED, hmac.new(TOKEN.encode(), SIGNED, hashlib.sha256).hexdigest(), TOKEN),
    ],
)
def test_signature_of_another_body_or_token_is_refused(body: bytes, signature: str, token: str) -> None:
    with pytest.raises(WebhookSignatureError, match="does not belong"):
        check(body, signature, token)


@pytest.mark.parametrize("signature", [None, ""])
def test_signature_missing_is_refused(signature: str | None) -> None:
    with pytest.raises(WebhookSignatureError, match="no intuit-signature"):
        check(SIGNED, signature, TOKEN)


@given(st.binary(), st.text(min_size=1))
def test_signature_is_over_the_raw_bytes(body: bytes, token: str) -> None:
    token = token.encode("utf-8", "replace").decode()
    check(body, base64.b64encode(hmac.digest(token.encode(), body, "sha256")).decode(), token)


def test_legacy_body_is_read() -> None:
    assert read(SIGNED) == (
        Change(
            realm_id="1185883450",
            entity="Customer",
            id="1",
            operation="created",
            at=datetime(2015, 10, 5, 14, 42, 19, tzinfo=timezone(timedelta(hours=-7))),
        ),
    )


def test_cloud_event_is_read() -> None:
    assert read_json([cloud()]) == (
        Change(
            realm_id="310687",
            entity="Class",
            id="1234",
            operation="created",
            at=datetime(2025, 10, 7, 19, 59, 7, 34359, tzinfo=UTC),
        ),
    )


def test_events_of_several_companies_keep_their_order() -> None:
    events = [cloud(intuitaccountid="1"), cloud(intuitaccountid="2", intuitentityid="9"), cloud(intuitaccountid="1")]
    assert [(one.realm_id, one.id) for one in read_json(events)] == [("1", "1234"), ("2", "9"), ("1", "1234")]
    both = {"eventNotifications": [*legacy(changed(), changed(id="6"))["eventNotifications"]] * 2}
    assert [one.id for one in read_json(both)] == ["5", "6", "5", "6"]


@pytest.mark.parametrize("payload", [[], {"eventNotifications": []}, legacy()])
def test_body_without_events_tells_of_nothing(payload: Any) -> None:
    assert read_json(payload) == ()


@pytest.mark.parametrize(
    ("said", "operation"),
    [
        ("Create", "created"),
        ("Update", "updated"),
        ("Delete", "deleted"),
        ("Merge", "merged"),
        ("Void", "voided"),
        ("Emailed", "emailed"),
        ("created", "created"),
        ("void", "voided"),
        ("voided", "voided"),
        ("emailed", "emailed"),
        ("Reopened", "reopened"),
    ],
)
def test_operation_is_one_word_in_either_shape(said: str, operation: str) -> None:
    assert [one.operation for one in read_json(legacy(changed(operation=said)))] == [operation]
    assert [one.operation for one in read_json([cloud(type=f"qbo.invoice.{said}.v1")])] == [operation]


@pytest.mark.parametrize(
    ("said", "entity"),
    [
        ("salesreceipt", "SalesReceipt"),
        ("paymentmethod", "PaymentMethod"),
        ("taxagency", "TaxAgency"),
        ("vendorcredit", "VendorCredit"),
        ("RefundReceipt", "RefundReceipt"),
        ("Widget", "Widget"),
        ("widget", "widget"),
    ],
)
def test_entity_has_its_usual_name_and_unknown_ones_are_kept(said: str, entity: str) -> None:
    assert [one.entity for one in read_json([cloud(type=f"qbo.{said}.created.v1")])] == [entity]
    assert [one.entity for one in read_json(legacy(changed(name=said)))] == [entity]


@pytest.mark.parametrize("key", ["deletedId", "deletedid", "deleted_id", "intuitDeletedId"])
def test_merge_tells_which_id_is_no_more(key: str) -> None:
    [one] = read_json([cloud(type="qbo.customer.merged.v1", data={key: "8"})])
    assert (one.id, one.operation, one.deleted_id) == ("1234", "merged", "8")


def test_merge_of_the_legacy_shape_tells_which_id_is_no_more() -> None:
    [one] = read_json(legacy(changed(operation="Merge", deletedId="8")))
    assert (one.id, one.deleted_id) == ("5", "8")


@pytest.mark.parametrize("data", [None, {}, {"deletedId": ""}, {"other": "1"}, "x"])
def test_merge_that_does_not_tell_is_kept_without(data: Any) -> None:
    [one] = read_json([cloud(type="qbo.customer.merged.v1", data=data)])
    assert one.deleted_id is None


def test_event_with_more_keys_and_without_optional_ones_is_read() -> None:
    [one] = read_json([cloud(datacontenttype=None, data=None, specversion=None, tomorrow={"a": 1})])
    assert one.id == "1234"


@pytest.mark.parametrize(
    "text", ["2015-10-05T14:42:19-0700", "2015-10-05T21:42:19.000Z", "2015-10-05T21:42:19+00:00", "20151005T214219Z"]
)
def test_time_of_either_spelling_is_the_same_moment(text: str) -> None:
    [one] = read_json(legacy(changed(lastUpdated=text)))
    assert one.at == datetime(2015, 10, 5, 21, 42, 19, tzinfo=UTC)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({}, "neither a list of CloudEvents"),
        ("x", "neither"),
        (None, "neither"),
        ({"eventNotifications": {}}, "neither"),
        (["x"], "event 1 is no object"),
        ([cloud(), cloud(type=None)], "event 2 has no type"),
        ([cloud(type="com.example.x")], "not qbo.<entity>"),
        ([cloud(type="qbo.customer")], "not qbo.<entity>"),
        ([cloud(type="qbo..created.v1")], "not qbo.<entity>"),
        ([cloud(intuitaccountid=None)], "no intuitaccountid"),
        ([cloud(intuitentityid=1234)], "no intuitentityid"),
        ([cloud(time="soon")], "no time with a zone: 'soon'"),
        ([cloud(time="2025-10-07T19:59:07")], "no time with a zone"),
        ({"eventNotifications": ["x"]}, "notification 1 is no object"),
        (legacy(changed(), realm_id=None), "notification 1 has no realmId"),
        ({"eventNotifications": [{"realmId": "1"}]}, "no dataChangeEvent"),
        ({"eventNotifications": [{"realmId": "1", "dataChangeEvent": {}}]}, "no dataChangeEvent"),
        (legacy("x"), "entity 1 of notification 1 is no object"),
        (legacy(changed(), changed(id=None)), "entity 2 of notification 1 has no id"),
        (legacy(changed(name="")), "has no name"),
        (legacy(changed(operation=None)), "has no operation"),
        (legacy(changed(lastUpdated=None)), "has no lastUpdated"),
    ],
)
def test_body_that_is_not_understood_says_what_is_wrong(payload: Any, said: str) -> None:
    with pytest.raises(WebhookPayloadError, match=said):
        read_json(payload)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff"])
def test_body_that_is_no_json_says_so(body: bytes) -> None:
    with pytest.raises(WebhookPayloadError, match="not JSON"):
        read(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["eventNotifications", "realmId", "dataChangeEvent", "entities", "type", "data", "name"]
                ),
                inner,
            )
        ),
    )
)
def test_body_of_any_json_is_read_or_refused_as_a_payload(payload: Any) -> None:
    try:
        changes = read_json(payload)
    except WebhookPayloadError:
        return
    assert all(isinstance(change, Change) for change in changes)
