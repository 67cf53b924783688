"""The table of what each entity allows, row by row, and the writes that it refuses."""

from decimal import Decimal
from typing import Any

import pytest
import simplejson

from qbo_client.entities import ENTITIES, Operation, check_allowed, entity
from qbo_client.writes import Write

C, U, V, D = Operation.CREATE, Operation.UPDATE, Operation.VOID, Operation.DELETE

#: Entity: operations, sparse, captured by CDC, PDF, inactive ones hidden, in a batch.
LEDGER = {
    "Customer": ({C, U}, True, True, False, True, True),
    "Invoice": ({C, U, V, D}, True, True, True, False, True),
    "SalesReceipt": ({C, U, V, D}, True, True, True, False, True),
    "Payment": ({C, U, V, D}, False, True, False, False, True),
    "RefundReceipt": ({C, U, D}, True, True, False, False, True),
    "CreditMemo": ({C, U, D}, False, True, False, False, True),
    "Item": ({C, U}, False, True, False, True, True),
    "Account": ({C, U}, True, True, False, True, True),
    "PaymentMethod": ({C, U}, False, True, False, True, True),
    "Term": ({C, U}, False, True, False, True, True),
    "Class": ({C, U}, False, True, False, True, True),
    "Department": ({C, U}, False, True, False, True, True),
    "TaxCode": (set(), False, False, False, True, True),
    "TaxRate": (set(), False, False, False, True, True),
    "TaxAgency": (set(), False, False, False, False, True),
    "TaxService": ({C}, False, False, False, False, False),
    "CompanyInfo": ({U}, True, True, False, False, False),
    "Preferences": ({U}, False, True, False, False, False),
}


def known(**fields: Any) -> dict[str, Any]:
    return {"Id": "17", "SyncToken": "0", **fields}


@pytest.mark.parametrize("name", LEDGER)
def test_entity_allows_what_the_ledger_says(name: str) -> None:
    rules = entity(name)
    said = (set(rules.operations), rules.sparse, rules.captured, rules.pdf, rules.hides_inactive, rules.batched)
    assert said == LEDGER[name]
    assert bool(rules.void_form) is (V in rules.operations)


def test_table_holds_exactly_the_entities_of_the_ledger() -> None:
    assert set(ENTITIES) == set(LEDGER)


def test_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        ENTITIES["Customer"] = ENTITIES["Item"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "operation", "said"),
    [
        ("Customer", D, "Active false"),
        ("Customer", V, "no known way to void"),
        ("CreditMemo", V, "no known way to void"),
        ("TaxCode", C, "made by a TaxService"),
        ("TaxAgency", U, "made by a TaxService"),
        ("Preferences", D, "no delete of a Preferences"),
        ("CompanyInfo", C, "no create of a CompanyInfo"),
        ("Widget", C, "no entity that this client knows"),
    ],
)
def test_operation_that_an_entity_lacks_is_refused_with_what_to_do(name: str, operation: Operation, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_allowed(name, operation)
    with pytest.raises(ValueError, match=said):
        Write(entity=name, operation=operation, body='{"Id":"1","SyncToken":"0"}', request_id="r")


def test_create_writes_money_as_plain_numbers() -> None:
    write = Write.create("SalesReceipt", {"TotalAmt": Decimal("337.50"), "Line": []}, request_id="r")
    assert (write.operation, write.body) == (C, '{"Line":[],"TotalAmt":337.50}')


def test_create_with_an_id_is_refused() -> None:
    with pytest.raises(ValueError, match="no new one"):
        Write.create("Customer", known(), request_id="r")


def test_full_update_never_says_sparse() -> None:
    write = Write.update("Payment", known(sparse=False, TotalAmt=Decimal(1)), request_id="r")
    assert (write.operation, write.body) == (U, '{"Id":"17","SyncToken":"0","TotalAmt":1}')


def test_sparse_update_says_so() -> None:
    write = Write.sparse_update("Customer", known(Active=False), request_id="r")
    assert simplejson.loads(write.body) == known(Active=False, sparse=True)


@pytest.mark.parametrize("name", [name for name in LEDGER if U in LEDGER[name][0] and not LEDGER[name][1]])
def test_sparse_update_where_quickbooks_would_clear_the_rest_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="send it whole"):
        Write.sparse_update(name, known(), request_id="r")
    assert Write.update(name, known(), request_id="r").entity == name


def test_sparse_update_of_an_account_must_repeat_its_name() -> None:
    with pytest.raises(ValueError, match="must repeat its Name"):
        Write.sparse_update("Account", known(Active=False), request_id="r")
    assert Write.sparse_update("Account", known(Active=False, Name="Sales"), request_id="r").path == "account"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"Id": "17"},
        {"SyncToken": "0"},
        {"Id": 17, "SyncToken": "0"},
        {"Id": "17", "SyncToken": 0},
        {"Id": "17", "SyncToken": ""},
        {"Id": "", "SyncToken": "0"},
        {"Id": "17", "SyncToken": None},
    ],
)
def test_update_without_id_and_sync_token_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Id and SyncToken, as texts"):
        Write.update("Customer", body, request_id="r")


@pytest.mark.parametrize("body", ["", "[]", "x", '{"TotalAmt":NaN}'])
def test_write_of_what_is_no_json_object_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match="must be a JSON object"):
        Write(entity="Customer", operation=C, body=body, request_id="r")


@pytest.mark.parametrize(
    ("name", "query", "body"),
    [
        ("Invoice", {"operation": "void"}, known()),
        ("Payment", {"operation": "update", "include": "void"}, known(sparse=True)),
        ("SalesReceipt", {"operation": "update", "include": "void"}, known(sparse=True)),
    ],
)
def test_void_takes_each_entitys_own_form(name: str, query: dict[str, str], body: dict[str, Any]) -> None:
    write = Write.void(name, "17", "0", request_id="r")
    assert write.operation is V
    assert write.query == {**query, "requestid": "r"}
    assert simplejson.loads(write.body) == body


def test_delete_names_what_goes() -> None:
    write = Write.delete("CreditMemo", "17", "3", request_id="r")
    assert (write.operation, write.path, write.body) == (D, "creditmemo", '{"Id":"17","SyncToken":"3"}')
    assert write.query == {"operation": "delete", "requestid": "r"}


def test_delete_of_what_has_no_id_is_refused() -> None:
    with pytest.raises(ValueError, match="Id and SyncToken"):
        Write.delete("Invoice", "17/../18", "3", request_id="r")


def test_write_is_made_again_from_what_was_kept() -> None:
    write = Write.void("Payment", "17", "0", request_id="r")
    kept = {name: str(getattr(write, name)) for name in ("entity", "operation", "body", "request_id")}
    assert (
        Write(
            entity=kept["entity"],
            operation=Operation(kept["operation"]),
            body=kept["body"],
            request_id=kept["request_id"],
        )
        == write
    )
