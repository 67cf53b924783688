"""Customers: all of them at the beginning, then what another hand changed, told once."""

from tests.integration.watch.company import WatchedCompany, names


async def test_existing_customers_come_over_at_the_beginning_the_inactive_marked(company: WatchedCompany) -> None:
    company.customer("Amy", email="amy@example.com")
    gone = company.customer("Zoe")
    company.edits("Customer", gone["Id"], Active=False)
    await company.begin()
    await company.settle()
    told = await company.customers_told()
    assert names(told) == [("CREATED", "INITIAL_IMPORT", "Amy"), ("CREATED", "INITIAL_IMPORT", "Zoe")]
    assert [one.customer.active for one in told] == [True, False]


async def test_new_and_changed_customers_are_told_once_however_often_is_polled(company: WatchedCompany) -> None:
    await company.begin()
    await company.settle()
    amy = company.customer("Amy")
    await company.poll()
    company.edits("Customer", amy["Id"], PrimaryPhone={"FreeFormNumber": "555 0100"})
    for _ in range(3):
        await company.poll()
    told = await company.customers_told()
    assert names(told) == [("CREATED", "CHANGED", "Amy"), ("UPDATED", "CHANGED", "Amy")]
    assert told[1].customer.phone == "555 0100"


async def test_moved_balance_is_no_change(company: WatchedCompany) -> None:
    amy = company.customer("Amy")
    await company.begin()
    await company.settle()
    await company.forget_told()
    company.invoice(amy["Id"])
    await company.poll()
    assert await company.customers_told() == []
