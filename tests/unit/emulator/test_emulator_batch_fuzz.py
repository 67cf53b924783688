"""Whatever a batch or a question for changes holds, it is answered item by item or refused as a whole."""

from typing import Any

import simplejson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qbo_client.emulator.rest import Answer, Call, Memory, respond
from qbo_client.emulator.world import World

COMMON = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
OBJECT = st.fixed_dictionaries(
    {},
    optional={"Id": st.sampled_from(["0", "1", 1, None]), "SyncToken": st.sampled_from(["0", "7"]), "DisplayName": ODD},
)
ITEM = st.fixed_dictionaries(
    {},
    optional={
        "bId": st.sampled_from(["1", "2", 3]) | ODD,
        "operation": st.sampled_from(["create", "update", "delete", "void", "CREATE"]) | ODD,
        "optionsData": st.sampled_from(["void", "allowduplicatedocnum"]) | ODD,
        "Customer": OBJECT | ODD,
        "SalesReceipt": ODD,
        "Query": st.sampled_from(["select * from Customer", "select"]) | ODD,
        "CDCQuery": st.fixed_dictionaries({}, optional={"Entities": ODD, "ChangedSince": st.just("2020-01-01") | ODD}),
    },
)


def asked(world: World, *, method: str, path: str, body: Any = None, **params: str) -> Answer:
    (company,) = world.companies.values() or [world.add_company("us")]
    text = simplejson.dumps(body).encode()
    return respond(company, Call(method=method, segments=(path,), params=params, body=text), Memory())


def test_any_batch_is_answered_item_by_item_or_refused(world: World) -> None:
    @COMMON
    @given(st.lists(ITEM | ODD, max_size=4) | ODD, st.sampled_from(["", "r-1"]))
    def check(items: Any, request_id: str) -> None:
        answer = asked(world, method="POST", path="batch", body={"BatchItemRequest": items}, requestid=request_id)
        told = simplejson.loads(answer.text)
        if answer.status == 400:
            assert told["Fault"]["Error"][0]["code"]
            return
        given_back = told["BatchItemResponse"]
        assert [one["bId"] for one in given_back] == [str(item["bId"]) for item in items]
        for one in given_back:
            assert len(set(one) & {"Customer", "SalesReceipt", "QueryResponse", "CDCResponse", "Fault"}) == 1

    check()


@COMMON
@given(st.text(max_size=20), st.text(max_size=30) | st.datetimes().map(str) | st.datetimes().map(lambda at: f"{at}Z"))
def test_any_question_for_changes_is_answered_or_refused(world: World, entities: str, since: str) -> None:
    for asked_for in (entities, f"Customer,{entities}", "Item"):
        answer = asked(world, method="GET", path="cdc", entities=asked_for, changedSince=since)
        told = simplejson.loads(answer.text)
        assert (answer.status == 200) == ("CDCResponse" in told)
        assert (answer.status == 400) == ("Fault" in told)
