"""Whatever happens to a company's books, they add up, nothing is doubled, and CDC tells of all of it."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from qbo_client.emulator import person
from tests.unit.qbo_client.histories import KINDS, STEPS, History, Step
from tests.unit.qbo_client.ledger import Ledger
from tests.unit.qbo_client.virtual_emulator import Household
from tests.unit.qbo_client.virtual_time import run

SWITCHES = st.fixed_dictionaries(
    {
        name: st.booleans()
        for name in (
            "excess_payment_becomes_unapplied",
            "payment_reaches_family",
            "links_raise_sync_token",
            "balance_updates_customer",
        )
    }
)


def simple(what: str, which: int, other: int = 0, kind: str = "Invoice") -> Step:
    return Step(what=what, kind=kind, which=which, other=other, amounts=(Decimal("100.00"),))


#: A company that has begun to sell: two customers, one of them with a job, an invoice and a credit for each.
BEGINNING = [
    *(simple("customer", number) for number in (1, 4, 2)),
    *(simple("form", 0, number, kind) for number in range(3) for kind in ("Invoice", "CreditMemo")),
]


async def check_told(house: Household, ledger: Ledger, started_ago: timedelta) -> None:
    """CDC since the beginning: each living object as it stands, and a stub for each that is no more."""
    told = await house.client.changes(KINDS, house.world.clock.now() - started_ago)
    for kind in KINDS:
        living = ledger.living(kind)
        assert {row["Id"]: row["SyncToken"] for row in told.live.get(kind, ())} == {
            identifier: body["SyncToken"] for identifier, body in living.items()
        }
        gone = Counter(row["Id"] for row in told.deleted.get(kind, ()))
        assert gone == Counter(set(ledger.made[kind]) - set(living))


def check_once(history: History, ledger: Ledger) -> None:
    """Every object was made by one request, every request made one object."""
    answered = Counter(history.answered.values())
    made = Counter((kind, identifier) for kind in KINDS for identifier in ledger.made[kind])
    extra = made - answered
    assert made - extra == answered
    # Who has credits applied at once finds payments that nobody asked for.
    assert not extra or (applies_credit(history.house) and {kind for kind, _ in extra} == {"Payment"})


def applies_credit(house: Household) -> bool:
    return bool(house.company.preference("SalesFormsPrefs", "AutoApplyCredit"))


async def scene(switches: dict[str, bool], steps: list[Step], *, credit: bool) -> None:
    house = Household()
    person.change_preferences(house.company, {"SalesFormsPrefs": {"AutoApplyCredit": credit}})
    for name, value in switches.items():
        setattr(house.company.switches, name, value)
    ledger, history = Ledger(company=house.company), History(house=house)
    for step in [*BEGINNING, *steps]:
        await history.take(step)
        ledger.check()
    await history.settle()
    ledger.check()
    check_once(history, ledger)
    passed = sum(step.which for step in steps if step.what == "clock")
    await check_told(house, ledger, timedelta(seconds=passed + 60))
    assert house.emulator.statuses[429] == 0


@settings(max_examples=150, derandomize=True)
@given(SWITCHES, st.lists(STEPS, min_size=12, max_size=40))
def test_books_add_up_whatever_happens(switches: dict[str, bool], steps: list[Step]) -> None:
    run(scene(switches, steps, credit=False))


@settings(max_examples=75, derandomize=True)
@given(SWITCHES, st.lists(STEPS, min_size=12, max_size=40))
def test_books_add_up_where_credits_are_applied_at_once(switches: dict[str, bool], steps: list[Step]) -> None:
    run(scene(switches, steps, credit=True))
