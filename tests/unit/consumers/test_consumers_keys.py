"""One hand at a time per key, and no two pieces of work that wait for each other."""

import asyncio
from collections.abc import Collection

import pytest

from consumers.keys import KeyRing, keys_of
from tests.unit.consumers.build import contact_event, invoice_event, paid, sale_event
from tests.unit.mapping.build import party


def test_take_of_held_keys_is_refused_by_name() -> None:
    ring = KeyRing()
    ring.take({"contact:a", "email:b"})
    with pytest.raises(ValueError, match="email:b"):
        ring.take({"email:b", "contact:c"})
    assert ring.free({"contact:c"})


async def holder(ring: KeyRing, keys: Collection[str], got: list[str], leave: asyncio.Event) -> None:
    async with ring.holding(keys):
        got.append(min(keys))
        await leave.wait()


async def breathe() -> None:
    """Let everybody go as far as they can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_holding_waits_until_all_its_keys_are_free_together() -> None:
    ring, got, leave = KeyRing(), list[str](), asyncio.Event()
    ring.take({"item:a"})
    ring.take({"item:b"})
    waiting = asyncio.create_task(holder(ring, {"item:a", "item:b"}, got, leave))
    await ring.give_back({"item:a"})
    await breathe()
    assert got == []
    assert ring.free({"item:a"}), "a waiter holds nothing until it has everything"
    await ring.give_back({"item:b"})
    await breathe()
    assert got == ["item:a"]
    leave.set()
    await waiting
    assert ring.free({"item:a", "item:b"})


async def test_holding_of_other_keys_does_not_wait() -> None:
    ring, got, leave = KeyRing(), list[str](), asyncio.Event()
    ring.take({"item:a"})
    other = asyncio.create_task(holder(ring, {"item:b"}, got, leave))
    await breathe()
    assert got == ["item:b"]
    leave.set()
    await other


async def test_holding_gives_its_keys_to_one_waiter_at_a_time() -> None:
    ring, got, leave = KeyRing(), list[str](), asyncio.Event()
    both = [asyncio.create_task(holder(ring, {"item:a"}, got, leave)) for _ in range(2)]
    await breathe()
    assert got == ["item:a"]
    leave.set()
    await asyncio.gather(*both)
    assert got == ["item:a", "item:a"]


async def test_cancelled_waiter_leaves_its_keys_to_the_next() -> None:
    ring, got, leave = KeyRing(), list[str](), asyncio.Event()
    ring.take({"item:a"})
    first, second = (asyncio.create_task(holder(ring, {"item:a"}, got, leave)) for _ in range(2))
    await breathe()
    first.cancel()
    await breathe()
    assert first.cancelled()
    await ring.give_back({"item:a"})
    await breathe()
    assert got == ["item:a"]
    leave.set()
    await second


async def test_cancelled_holder_gives_its_keys_back() -> None:
    ring, got = KeyRing(), list[str]()
    task = asyncio.create_task(holder(ring, {"item:a"}, got, asyncio.Event()))
    await breathe()
    task.cancel()
    await asyncio.wait({task})
    assert (got, ring.free({"item:a"})) == (["item:a"], True)


async def test_failing_block_gives_its_keys_back() -> None:
    ring = KeyRing()
    with pytest.raises(ZeroDivisionError):
        async with ring.holding({"item:a"}):
            raise ZeroDivisionError
    assert ring.free({"item:a"})


def test_keys_of_a_contact_are_itself_its_emails_and_whom_it_swallowed() -> None:
    event = contact_event("ct_1", email=" A@Example.com, b@example.com", merged_from_contact_id="ct_0")
    assert keys_of(event) == ("contact:ct_0", "contact:ct_1", "email:a@example.com", "email:b@example.com")


def test_keys_of_a_contact_without_email_are_itself_alone() -> None:
    assert keys_of(contact_event("ct_1", email=None)) == ("contact:ct_1",)


def test_keys_of_a_payment_hold_transaction_and_invoice_too() -> None:
    event = sale_event(invoice_id="in_5", contact=party(email="alex@example.com"))
    wanted = ("contact:ct_alex", "email:alex@example.com", "invoice:in_5", "transaction:tx_77")
    assert keys_of(event) == wanted
    assert keys_of(sale_event(contact=party(email=None))) == ("contact:ct_alex", "transaction:tx_77")


def test_keys_of_an_invoice_hold_every_transaction_it_lists() -> None:
    event = invoice_event(payments=(paid("tx_1", "40.00"), paid("tx_2", "60.00")))
    wanted = ("contact:ct_1", "email:ct_1@example.com", "invoice:in_19", "transaction:tx_1", "transaction:tx_2")
    assert keys_of(event) == wanted
