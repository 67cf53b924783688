from typing import Any

import pytest

from producers.memory import Memory
from producers.payers import contact_of, emails_of, payers_of

AMY: dict[str, Any] = {"Id": "1", "DisplayName": "Amy"}


def job(customer_id: str, parent: str) -> dict[str, Any]:
    return {"Id": customer_id, "ParentRef": {"value": parent}}


def test_payer_is_contact_customer_parent_and_address() -> None:
    memory = Memory(
        contacts={"3": ["ct_1", "ct_2"]},
        aliases={"3": ["ct_1", "ct_9"]},
        copies={("Customer", "2"): job("2", "1"), ("Invoice", "1"): job("1", "7")},
    )
    customer = {**job("3", "2"), "PrimaryEmailAddr": {"Address": "Amy@example.com, office@example.com"}}
    assert payers_of({}, customer, memory, {"3": customer}) == {
        ("contact", "ct_1"), ("contact", "ct_2"), ("contact", "ct_9"), ("customer", "3"), ("customer", "1"),
        ("email", "amy@example.com"), ("email", "office@example.com"),
    }  # fmt: skip


def test_customer_as_it_was_just_read_goes_before_its_copy() -> None:
    memory = Memory(copies={("Customer", "3"): job("3", "1")})
    assert payers_of({}, job("3", "2"), memory, {"3": job("3", "2")}) == {("customer", "3"), ("customer", "2")}


def test_who_was_merged_in_the_same_reading_is_the_same_payer() -> None:
    memory = Memory(contacts={"8": ["ct_8"], "7": ["ct_7"]}, copies={("Customer", "1"): job("1", "5")})
    merged = {"9": "8", "8": "1", "6": "5", "7": "4"}
    found = payers_of({}, AMY, memory, {}, merged)
    assert found == {("contact", "ct_8"), *(("customer", one) for one in ("1", "5", "6", "8", "9"))}


@pytest.mark.parametrize("merged", [{"1": "1"}, {"1": "2", "2": "1"}])
def test_merges_in_a_circle_come_to_an_end(merged: dict[str, str]) -> None:
    assert ("customer", "1") in payers_of({}, AMY, Memory(), {}, merged)
    assert contact_of("1", Memory(), merged) is None


@pytest.mark.parametrize(
    ("own", "billed", "keys"),
    [
        ("amy@example.com", "office@example.com", ("amy@example.com",)),
        (None, "Office@example.com ", ("office@example.com",)),
        ("none", "office@example.com", ("office@example.com",)),
        (None, None, ()),
        ("a\ud800b@example.com", None, ("a?b@example.com",)),
        ("a\x00b@example.com", None, ("ab@example.com",)),
    ],
)
def test_address_of_the_customer_goes_before_that_of_the_invoice(
    own: str | None, billed: str | None, keys: tuple[str, ...]
) -> None:
    customer = {} if own is None else {"PrimaryEmailAddr": {"Address": own}}
    assert emails_of({"BillEmail": None if billed is None else {"Address": billed}}, customer) == keys


def test_contact_is_the_first_linked_or_what_it_was_merged_into() -> None:
    memory = Memory(
        contacts={"1": ["ct_1", "ct_2"], "2": ["ct_3"], "3": ["ct_old"]},
        aliases={"1": ["ct_1", "ct_2"], "3": ["ct_new", "ct_old"]},
    )
    assert [contact_of(one, memory) for one in ("1", "2", "3", "4")] == ["ct_1", "ct_3", "ct_new", None]
    assert contact_of("4", memory, {"3": "4"}) == "ct_new"
