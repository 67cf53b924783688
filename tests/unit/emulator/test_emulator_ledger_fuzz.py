"""Whatever is done to invoices, credits and payments, and in which order, the books add up."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from qbo_client.emulator import person
from qbo_client.emulator.app import build_runner
from qbo_client.emulator.world import World
from tests.unit.emulator.driver import Books, Reply, line
from tests.unit.emulator.sales import credit_memo, invoice, payment_body

CUSTOMERS = {"1": None, "2": "1", "3": None}  # Customer -> its parent.
KINDS = ("Invoice", "CreditMemo", "Payment")
OPERATIONS = ("create", "create", "update", "update", "void", "delete")
ZERO = Decimal(0)
STRAYING = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Numbers choose among what there is by the time it is taken."""

    kind: str
    operation: str
    chosen: int
    customer: str
    amount: Decimal
    # What a payment is applied to, and how much of it.
    applied: tuple[tuple[str, int, Decimal], ...]


AMOUNTS = st.integers(1, 4000).map(lambda cents: Decimal(cents) / 100)
STEPS = st.builds(
    Step,
    kind=st.sampled_from(("Invoice", "Payment", "CreditMemo", "Invoice", "Payment")),
    operation=st.sampled_from(OPERATIONS),
    chosen=st.integers(0, 5),
    customer=st.sampled_from(("1", "1", "2", "3")),
    amount=AMOUNTS,
    applied=st.lists(
        st.tuples(st.sampled_from(("Invoice", "Invoice", "CreditMemo")), st.integers(0, 5), AMOUNTS),
        min_size=1,
        max_size=3,
    ).map(tuple),
)

Objects = dict[str, dict[str, Any]]


@dataclass(slots=True)
class Ledger:
    """What the emulator shows, and every SyncToken that it ever showed."""

    books: Books
    shown: dict[str, Objects] = field(default_factory=dict)

    async def look(self) -> dict[str, Objects]:
        found: dict[str, Objects] = {}
        for kind in (*KINDS, "Customer"):
            found[kind] = {row["Id"]: row for row in await self.books.rows(kind, "MAXRESULTS 1000")}
        return found

    async def take(self, step: Step) -> Reply | None:
        """None where there is nothing to do it to."""
        old = chosen(self.shown[step.kind], step.chosen)
        if step.operation == "create":
            return await self.books.post(step.kind, self._body(step))
        if old is None:
            return None
        key = {"Id": old["Id"], "SyncToken": old["SyncToken"]}
        if step.operation == "update":
            return await self.books.post(step.kind, {**key, **self._body(step)})
        return await self.books.post(step.kind, key, operation=step.operation)

    def _body(self, step: Step) -> dict[str, Any]:
        body: dict[str, Any] = {"CustomerRef": {"value": step.customer}}
        if step.kind != "Payment":
            return {**body, "Line": [line(str(step.amount))]}
        lines = []
        for kind, number, amount in step.applied:
            document = chosen(self._reachable(kind, step), number)
            if document is not None:
                link = {"TxnId": document["Id"], "TxnType": kind}
                lines.append({"Amount": min(amount, document["Balance"]), "LinkedTxn": [link]})
        needed = sum((one["Amount"] for one in lines if one["LinkedTxn"][0]["TxnType"] == "Invoice"), ZERO)
        return {**body, "TotalAmt": max(step.amount, needed), "Line": lines}

    def _reachable(self, kind: str, step: Step) -> Objects:
        """The customer's own documents, but now and then those of all."""
        listed = self.shown[kind]
        if step.chosen == STRAYING:
            return listed
        return {one["Id"]: one for one in listed.values() if one["CustomerRef"]["value"] == step.customer}


def chosen(objects: Objects, number: int) -> dict[str, Any] | None:
    listed = sorted(objects, key=int)
    return objects[listed[number % len(listed)]] if listed else None


def applied(payments: Objects) -> tuple[dict[tuple[str, str], Decimal], dict[tuple[str, str], set[str]]]:
    """By document: how much all payments apply to it, and which they are."""
    amounts: dict[tuple[str, str], Decimal] = {}
    links: dict[tuple[str, str], set[str]] = {}
    for payment in payments.values():
        for one in payment["Line"]:
            (link,) = one["LinkedTxn"]
            document = (link["TxnType"], link["TxnId"])
            amounts[document] = amounts.get(document, ZERO) + one["Amount"]
            links.setdefault(document, set()).add(payment["Id"])
    return amounts, links


def check_documents(now: Mapping[str, Objects]) -> None:
    amounts, links = applied(now["Payment"])
    for kind in ("Invoice", "CreditMemo"):
        for identifier, document in now[kind].items():
            assert document["Balance"] == document["TotalAmt"] - amounts.pop((kind, identifier), ZERO) >= 0
            assert {one["TxnId"] for one in document["LinkedTxn"]} == links.get((kind, identifier), set())
            assert document.get("RemainingCredit", document["Balance"]) == document["Balance"]
    assert amounts == {}, "a payment is applied to what is not there"


def check_payments(payments: Objects) -> None:
    for payment in payments.values():
        signs = {"Invoice": 1, "CreditMemo": -1}
        paid = sum(signs[one["LinkedTxn"][0]["TxnType"]] * one["Amount"] for one in payment["Line"])
        assert paid + payment["UnappliedAmt"] == payment["TotalAmt"]
        assert payment["UnappliedAmt"] >= 0
        assert paid >= 0


def check_customers(now: Mapping[str, Objects]) -> None:
    """What is open of invoices, less credits and money not yet applied, with that of sub-customers on top."""
    owed = dict.fromkeys(CUSTOMERS, ZERO)
    for kind, name, sign in (("Invoice", "Balance", 1), ("CreditMemo", "Balance", -1), ("Payment", "UnappliedAmt", -1)):
        for document in now[kind].values():
            owed[document["CustomerRef"]["value"]] += sign * document[name]
    for identifier, customer in now["Customer"].items():
        jobs = sum((owed[child] for child, parent in CUSTOMERS.items() if parent == identifier), ZERO)
        assert customer["Balance"] == owed[identifier]
        assert customer["BalanceWithJobs"] == owed[identifier] + jobs


def check_tokens(before: Mapping[str, Objects], now: Mapping[str, Objects]) -> None:
    """A SyncToken rises with each change, and only with a change; an Id is never given again."""
    for kind in KINDS:
        for identifier, new in now[kind].items():
            old = before[kind].get(identifier)
            if old is None:
                assert int(identifier) > max((int(one) for kind in KINDS for one in before[kind]), default=0)
            elif old != new:
                assert int(new["SyncToken"]) > int(old["SyncToken"])


async def play(books: Books, history: list[Step]) -> Counter[str]:
    """Checks everything after every step; counts what came of the steps."""
    for identifier, parent in CUSTOMERS.items():
        above = {"ParentRef": {"value": parent}, "Job": True} if parent else {}
        await books.made("Customer", {"DisplayName": identifier, **above})
    owed = [(await invoice(books, owner, "20"))["Id"] for owner in ("1", "1", "2")]
    memo = (await credit_memo(books, "2", "15"))["Id"]
    await books.post("Payment", payment_body("1", "30", dict.fromkeys(owed[:2], "12")))
    await books.post("Payment", payment_body("2", "1", {owed[2]: "13"}, {memo: "12"}))
    ledger, tally = Ledger(books), Counter[str]()
    ledger.shown = await ledger.look()
    for step in history:
        reply = await ledger.take(step)
        before, ledger.shown = ledger.shown, await ledger.look()
        if reply is None or reply.status != 200:
            assert ledger.shown == before
        if reply is not None:
            tally["taken" if reply.status == 200 else "refused"] += 1
        check_documents(ledger.shown)
        check_payments(ledger.shown["Payment"])
        check_customers(ledger.shown)
        check_tokens(before, ledger.shown)
        tally["paying"] += len(applied(ledger.shown["Payment"])[0])
    return tally


async def serve(world: World) -> tuple[web.AppRunner, aiohttp.ClientSession]:
    runner = build_runner(world)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}")


async def stop(runner: web.AppRunner, session: aiohttp.ClientSession) -> None:
    await session.close()
    await runner.cleanup()


@pytest.mark.parametrize("reaching", [False, True])
@pytest.mark.parametrize("automatic", [False, True])
def test_random_histories_keep_the_books_in_balance(world: World, reaching: bool, automatic: bool) -> None:
    tally: Counter[str] = Counter()
    # Hypothesis runs plain functions, so the loop is the test's own.
    with asyncio.Runner() as loop:
        runner, session = loop.run(serve(world))

        @settings(max_examples=30, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
        @given(history=st.lists(STEPS, min_size=8, max_size=14))
        def check(history: list[Step]) -> None:
            company = world.add_company("us")
            company.switches.excess_payment_becomes_unapplied = reaching
            company.switches.payment_reaches_family = reaching
            person.change_preferences(company, {"SalesFormsPrefs": {"AutoApplyCredit": automatic}})
            token = world.connect(company).access_token
            books = Books(session=session, base_url="", realm_id=company.realm_id, token=token)
            tally.update(loop.run(play(books, history)))

        try:
            check()
        finally:
            loop.run(stop(runner, session))
    # The histories are worth something: most steps are taken, some are refused, and payments do pay.
    assert tally["taken"] > 2 * tally["refused"] > 20
    assert tally["paying"] > 300
