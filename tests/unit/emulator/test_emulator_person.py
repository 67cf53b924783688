"""What a person does in QuickBooks' own screens, seen by a client of the API."""

import pytest

from qbo_client.emulator import person
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.errors import ApiFault
from qbo_client.emulator.world import World
from tests.unit.emulator.driver import Books, line
from tests.unit.emulator.sales import balance, credit_memo, customer, invoice, key, payment, seen


@pytest.fixture
def company(world: World, us: Books) -> Company:
    return world.companies[us.realm_id]


@pytest.fixture
def kinds(world: World) -> dict[str, Kind]:
    return {kind.name: kind for kind in world.kinds.values()}


async def test_person_edits_without_a_sync_token_and_keeps_the_rest(
    us: Books, company: Company, kinds: dict[str, Kind]
) -> None:
    amy = await customer(us, "Amy", Notes="old", Taxable=False)
    person.edit(company, kinds["Customer"], amy, {"Notes": None, "GivenName": "Amy"})
    edited = await seen(us, "Customer", amy)
    assert (edited["GivenName"], edited["Taxable"], edited["SyncToken"]) == ("Amy", False, "1")
    assert "Notes" not in edited


async def test_person_editing_lines_has_tax_computed_anew_and_links_kept(
    us: Books, company: Company, kinds: dict[str, Kind]
) -> None:
    await us.control("switches", {"automatic_tax_percent": 10})
    amy = await customer(us, "Amy")
    owed = await us.made("Invoice", {"CustomerRef": {"value": amy}, "Line": [line("100", tax_code="TAX")]})
    await payment(us, amy, "50", {owed["Id"]: "50"})
    person.edit(company, kinds["Invoice"], owed["Id"], {"PrivateNote": "rung up"})
    row = person.edit(company, kinds["Invoice"], owed["Id"], {"Line": [line("200", tax_code="TAX")]})
    assert (row.body["TotalAmt"], row.body["Balance"], row.body["SyncToken"]) == (220, 170, "3")
    assert (row.body["TxnDate"], row.body["PrivateNote"]) == (owed["TxnDate"], "rung up")


async def test_person_editing_a_payment_keeps_what_it_is_applied_to(
    us: Books, company: Company, kinds: dict[str, Kind]
) -> None:
    amy = await customer(us, "Amy")
    owed = await invoice(us, amy, "10")
    made = await payment(us, amy, "10", {owed["Id"]: "10"})
    person.edit(company, kinds["Payment"], made["Id"], {"PaymentRefNum": "7"})
    assert (await seen(us, "Payment", made["Id"]))["PaymentRefNum"] == "7"
    assert await balance(us, "Invoice", owed["Id"]) == 0


async def test_person_enters_voids_and_deletes(us: Books, company: Company, kinds: dict[str, Kind]) -> None:
    amy = await customer(us, "Amy")
    row = person.enter(company, kinds["CreditMemo"], {"CustomerRef": {"value": amy}, "Line": [line("5")]})
    assert await balance(us, "Customer", amy) == -5
    assert person.void(company, kinds["CreditMemo"], row.identifier).body["TotalAmt"] == 0
    assert person.delete(company, kinds["CreditMemo"], row.identifier).identifier == row.identifier
    assert (await us.call("GET", f"creditmemo/{row.identifier}")).code == "610"


async def test_person_is_under_the_same_rules(us: Books, company: Company, kinds: dict[str, Kind]) -> None:
    amy = await customer(us, "Amy")
    owed = await invoice(us, amy, "10")
    await payment(us, amy, "10", {owed["Id"]: "10"})
    with pytest.raises(ApiFault) as refused:
        person.void(company, kinds["Invoice"], owed["Id"])
    assert refused.value.code == "6000"
    with pytest.raises(ApiFault) as refused:
        person.delete(company, kinds["Customer"], amy)
    assert refused.value.code == "500"


async def test_person_closes_the_books_and_opens_them_again(us: Books, company: Company) -> None:
    person.close_books(company, "2026-01-31")
    assert company.closing_date == "2026-01-31"
    body = {"Line": [line("1")], "TxnDate": "2026-01-31"}
    assert (await us.post("SalesReceipt", body)).code == "6210"
    person.close_books(company, None)
    assert (await us.post("SalesReceipt", body)).status == 200


@pytest.mark.parametrize("entity", ["SalesReceipt", "Payment"])
async def test_deposited_money_cannot_be_changed_until_the_deposit_is_undone(
    us: Books, company: Company, kinds: dict[str, Kind], entity: str
) -> None:
    amy = await customer(us, "Amy")
    content = {"Line": [line("9")]} if entity == "SalesReceipt" else {"TotalAmt": 9}
    made = await us.made(entity, {"CustomerRef": {"value": amy}, **content})
    person.deposit(company, kinds[entity], made["Id"])
    void = {"operation": "update", "include": "void"}
    assert (await us.post(entity, key(made), **void)).code == "6540"
    assert (await us.post(entity, key(made), operation="delete")).code == "6540"
    assert (await us.post(entity, {**made, "PrivateNote": "x"})).code == "6540"
    assert await us.made(entity, made) == made
    person.undo_deposit(company, kinds[entity], made["Id"])
    assert (await us.made(entity, key(made), **void))["TotalAmt"] == 0


async def test_money_in_the_bank_already_is_not_deposited(us: Books, company: Company, kinds: dict[str, Kind]) -> None:
    bank = {"DepositToAccountRef": {"value": await us.id_of("Account", "Checking")}}
    made = await us.made("SalesReceipt", {"Line": [line("9")], **bank})
    with pytest.raises(ApiFault):
        person.deposit(company, kinds["SalesReceipt"], made["Id"])
    assert (await us.made("SalesReceipt", key(made), operation="delete"))["status"] == "Deleted"


async def test_merged_customer_vanishes_and_all_that_was_its_own_is_the_survivors(us: Books, company: Company) -> None:
    amy, ann = await customer(us, "Amy"), await customer(us, "Ann")
    child = await customer(us, "Child", Job=True, ParentRef={"value": ann})
    await invoice(us, amy, "1")
    owed = await invoice(us, ann, "100")
    made = await payment(us, ann, "40", {owed["Id"]: "30"})
    memo = await credit_memo(us, ann, "5")
    await invoice(us, child, "7")
    row = person.merge(company, amy, ann)
    assert (row.identifier, row.body["Balance"], row.body["BalanceWithJobs"]) == (amy, 56, 63)
    assert (await us.call("GET", f"customer/{ann}")).code == "610"
    for entity, one, token in (("Invoice", owed, "2"), ("Payment", made, "1"), ("CreditMemo", memo, "1")):
        moved = await seen(us, entity, one["Id"])
        assert (moved["CustomerRef"], moved["SyncToken"]) == ({"value": amy, "name": "Amy"}, token)
        assert moved["Balance" if entity != "Payment" else "UnappliedAmt"] in {70, 10, 5}
    assert (await seen(us, "Customer", child))["FullyQualifiedName"] == "Amy:Child"
    assert (await us.post("Invoice", {"CustomerRef": {"value": ann}, "Line": [line("1")]})).code == "2500"


@pytest.mark.parametrize("pair", [("1", "1"), ("2", "1"), ("1", "3")])
async def test_merge_that_makes_no_sense_is_refused(us: Books, company: Company, pair: tuple[str, str]) -> None:
    await us.control("preferences", {"CurrencyPrefs": {"MultiCurrencyEnabled": True}})
    amy = await customer(us, "Amy")
    await customer(us, "Child", Job=True, ParentRef={"value": amy})
    await customer(us, "Berg", CurrencyRef={"value": "EUR"})
    with pytest.raises(ApiFault) as refused:
        person.merge(company, *pair)
    assert refused.value.code == "6000"
    assert len(await us.rows("Customer")) == 3
