"""An invoice is told as paid once, whatever happens to it, its Payment and its customer afterwards."""

import random
from collections.abc import Callable

import pytest

from bridge.store.database import Pool
from qbo_client.emulator.errors import ApiFault
from tests.integration.watch.company import WatchedCompany, watched_company
from tests.integration.watch.paying import (
    Object,
    applies,
    begun,
    credit,
    hold,
    ids,
    money,
    over,
    paid_ids,
    priced,
)


def _voided(company: WatchedCompany, payment: Object, invoice: Object) -> None:
    company.voids("Payment", payment["Id"])
    company.pays(invoice)


def _deleted(company: WatchedCompany, payment: Object, invoice: Object) -> None:
    company.deletes("Payment", payment["Id"])
    company.pays(invoice)


def _unapplied(company: WatchedCompany, payment: Object, invoice: Object) -> None:
    applies(company, payment)
    applies(company, payment, over(invoice))


def _memo(company: WatchedCompany, payment: Object, invoice: Object) -> None:
    company.edits("Payment", payment["Id"], PrivateNote="cheque 17")
    company.edits("Invoice", invoice["Id"], PrivateNote="thanks")


def _raised(company: WatchedCompany, payment: Object, invoice: Object) -> None:
    company.edits("Invoice", invoice["Id"], Line=priced("120.00"))
    company.pays(invoice, "20.00")


def _halved(company: WatchedCompany, payment: Object, invoice: Object) -> None:
    applies(company, payment, over(invoice, "50.00"))
    company.pays(invoice, "50.00")


def _voided_for_good(company: WatchedCompany, payment: Object, invoice: Object) -> None:
    company.deletes("Payment", payment["Id"])
    company.voids("Invoice", invoice["Id"])


def _credited_instead(company: WatchedCompany, payment: Object, invoice: Object) -> None:
    company.deletes("Payment", payment["Id"])
    company.credits(invoice)


_AFTERWARDS: list[Callable[[WatchedCompany, Object, Object], None]] = [
    _voided, _deleted, _unapplied, _memo, _raised, _halved, _voided_for_good, _credited_instead,
]  # fmt: skip


@pytest.mark.parametrize("happens", _AFTERWARDS)
@pytest.mark.parametrize("seen", [True, False], ids=["polled between", "at once"])
async def test_paid_invoice_is_told_once_whatever_happens_then(
    company: WatchedCompany, happens: Callable[[WatchedCompany, Object, Object], None], seen: bool
) -> None:
    await begun(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    payment = company.pays(invoice)
    await company.poll()
    happens(company, payment, invoice)
    await company.poll() if seen else None
    company.edits("Invoice", invoice["Id"], CustomerMemo={"value": "again"})
    for _ in range(2):
        await company.poll()
    assert await paid_ids(company) == ids([invoice])


@pytest.mark.parametrize("seen", [True, False], ids=["polled between", "at once"])
async def test_credit_taken_off_and_money_instead_is_told(company: WatchedCompany, seen: bool) -> None:
    time = hold(company)
    await begun(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    by_credit = credit(company, invoice)
    await company.poll()
    time.forward(minutes=10)
    company.deletes("Payment", by_credit["Id"])
    await company.poll() if seen else None
    time.forward(seconds=7)
    company.pays(invoice)
    await company.poll()
    assert await paid_ids(company) == ids([invoice])


async def test_old_money_instead_of_a_part_of_the_credit_is_told(company: WatchedCompany) -> None:
    time = hold(company)
    await begun(company)
    amy = company.customer("Amy")["Id"]
    invoice, payment = company.invoice(amy), money(company, amy, "40.00")
    credit(company, invoice, "60.00")
    rest = credit(company, invoice, "40.00")
    await company.poll()
    time.forward(minutes=10)
    company.deletes("Payment", rest["Id"])
    applies(company, payment, over(invoice, "40.00"))
    await company.poll()
    assert await paid_ids(company) == ids([invoice])


async def test_edits_of_an_invoice_settled_by_credit_tell_nothing(company: WatchedCompany) -> None:
    time = hold(company)
    await begun(company)
    invoice = company.invoice(company.customer("Amy")["Id"])
    payment = company.pays(invoice, "40.00")
    time.forward(minutes=1)
    company.credits(invoice, "60.00")
    await company.poll()
    time.forward(minutes=1)
    company.edits("Payment", payment["Id"], PrivateNote="cheque 17")
    time.forward(minutes=1)
    company.edits("Invoice", invoice["Id"], PrivateNote="settled")
    await company.poll()
    assert await paid_ids(company) == []


async def test_invoice_of_a_moved_customer_is_told_of_the_new_one(company: WatchedCompany) -> None:
    await begun(company)
    amy, bob = company.customer("Amy"), company.customer("Bob")
    invoice = company.invoice(amy["Id"])
    await company.poll()
    moved = company.edits("Invoice", invoice["Id"], CustomerRef={"value": bob["Id"]})
    company.pays(moved)
    await company.poll()
    (told,) = await company.paid_told()
    assert (told.customer.customer_id, told.customer.display_name) == (bob["Id"], "Bob")


async def test_invoice_that_moves_after_it_was_told_is_not_told_again(company: WatchedCompany) -> None:
    await begun(company)
    amy, bob = company.customer("Amy"), company.customer("Bob")
    invoice = company.invoice(amy["Id"])
    company.pays(invoice)
    await company.poll()
    company.merges(keep=bob["Id"], lose=amy["Id"])
    for _ in range(2):
        await company.poll()
    assert await paid_ids(company) == ids([invoice])


#: What may be done to one invoice and what pays it.
_DEEDS = ("pay", "part", "credit", "unpay", "memo", "lower", "raise", "note", "poll", "poll")
_PAYING = ("pay", "part", "credit", "unpay", "poll")


@pytest.mark.parametrize("always", [True, False], ids=["polled after each", "polled at times"])
@pytest.mark.parametrize("seed", range(8))
async def test_whatever_people_do_an_invoice_is_told_once_and_by_money_only(
    pool: Pool, seed: int, always: bool
) -> None:
    """Polled after each deed, all that money settled is told; polled at times, nothing else and nothing twice."""
    chance, company = random.Random(seed), await watched_company(pool)
    time = hold(company)
    await begun(company)
    amy = company.customer("Amy")["Id"]
    invoices = [company.invoice(amy) for _ in range(4)]
    paid_with_money: set[str] = set()
    for _ in range(40):
        invoice = chance.choice(invoices)
        deed = chance.choice(_DEEDS)
        # Of edits within a second of one another nobody can tell which did what.
        time.forward(seconds=chance.choice([0, 1, 30, 400] if deed in _PAYING else [5, 30, 400]))
        if deed == "poll":
            await company.poll()
        else:
            _do(deed, company, invoice, paid_with_money)
            await company.poll() if always else None
    await company.poll()
    told = await paid_ids(company)
    assert len(told) == len(set(told))
    assert set(told) == paid_with_money if always else set(told) <= paid_with_money


def _do(deed: str, company: WatchedCompany, invoice: Object, paid_with_money: set[str]) -> None:
    table = company.emulated.table
    now = dict(table("Invoice").get(invoice["Id"]).body)
    payments = [dict(table("Payment").get(link["TxnId"]).body) for link in now["LinkedTxn"]]
    left, total = str(now["Balance"]), now["TotalAmt"]
    try:
        match deed:
            case "pay" if now["Balance"]:
                company.pays(now, left)
                paid_with_money.add(invoice["Id"])
            case "part" if now["Balance"] > 10:
                company.pays(now, "10.00")
            case "credit" if now["Balance"]:
                company.credits(now, left)
            case "unpay" if payments:
                company.deletes("Payment", payments[-1]["Id"])
            case "memo" if payments:
                company.edits("Payment", payments[0]["Id"], PrivateNote=f"memo {payments[0]['SyncToken']}")
            case "lower" if total > 20:
                company.edits("Invoice", invoice["Id"], Line=priced(str(total - 10)))
            case "raise":
                company.edits("Invoice", invoice["Id"], Line=priced(str(total + 10)))
            case "note":
                company.edits("Invoice", invoice["Id"], PrivateNote=f"note {now['SyncToken']}")
    except ApiFault as refused:
        raise AssertionError(deed) from refused
