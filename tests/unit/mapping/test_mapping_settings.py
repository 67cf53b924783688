import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from mapping.company import Company, from_json, to_json
from mapping.from_qbo.company import findings
from mapping.setting_text import BadSetting, parse_setting, setting_texts
from mapping.settings import (
    ClosedBooks,
    CreateCustomers,
    DeletedInvoices,
    FieldGroup,
    ItemMatching,
    NumberClash,
    Settings,
    UsTax,
    Winner,
    Withdrawn,
    settings_from_json,
    settings_to_json,
)
from tests.unit.mapping.build import CA, GB, US

EVERYTHING = Settings(
    us_tax=UsTax.AS_BILLED,
    tax_codes={"5+9.975": "2"},
    item_matching=ItemMatching.NAME,
    items={"pr_1": "9"},
    default_item_id="1",
    tip_item_id="2",
    surcharge_item_id="3",
    shipping_item_id="4",
    income_account_id="5",
    payment_methods={"stripe": "6"},
    deposit_accounts={"check": "7"},
    deposit_account_id="8",
    number_clash=NumberClash.ATTENTION,
    deleted_invoices=DeletedInvoices.LEAVE,
    closed_books=ClosedBooks.FIRST_OPEN_DAY,
    withdrawn=Withdrawn.VOID,
    winners={FieldGroup.DATES: Winner.CRM},
    create_customers=CreateCustomers.TRANSACTIONS,
    sync_from=datetime(2026, 1, 1, tzinfo=UTC),
    time_zone="America/Chicago",
)
# As the first version stored a company.
FIRST_VERSION = {
    "country": "US",
    "name": "Plain Inc",
    "home_currency": "USD",
    "multi_currency": False,
    "using_sales_tax": True,
    "custom_txn_numbers": False,
    "time_zone": None,
    "no_tax_code_id": None,
    "default_item_id": "1",
    "income_account_id": "7",
    "tax_codes": [],
    "books_closed_until": None,
    "settings": {
        "us_tax": "fold",
        "tax_codes": {"20": "4"},
        "default_item_id": None,
        "deposit_account_id": "35",
        "create_customers": "activity",
    },
}


@pytest.mark.parametrize("settings", [Settings(), EVERYTHING])
def test_settings_survive_json(settings: Settings) -> None:
    assert settings_from_json(json.loads(json.dumps(settings_to_json(settings)))) == settings


def test_company_with_everything_survives_json() -> None:
    company = replace(
        CA,
        settings=EVERYTHING,
        books_closed_until=date(2025, 1, 1),
        undeposited_funds_id="4",
        allow_discount=True,
        auto_apply_credit=True,
        default_terms_id="3",
    )
    assert from_json(json.loads(json.dumps(to_json(company)))) == company


def test_what_the_first_version_stored_is_read_with_defaults_for_the_rest() -> None:
    settings = Settings(tax_codes={"20": "4"}, deposit_account_id="35")
    assert from_json(FIRST_VERSION) == replace(US, settings=settings)


def test_settings_of_a_later_version_are_read_without_what_is_unknown() -> None:
    assert settings_from_json({**settings_to_json(EVERYTHING), "colour": "blue"}) == EVERYTHING


@pytest.mark.parametrize(
    ("name", "text", "changed"),
    [
        ("us_tax", "as_billed", {"us_tax": UsTax.AS_BILLED}),
        ("us-tax", "As-Billed", {"us_tax": UsTax.AS_BILLED}),
        ("closed_books", "first_open_day", {"closed_books": ClosedBooks.FIRST_OPEN_DAY}),
        ("default_item_id", " 19 ", {"default_item_id": "19"}),
        ("time_zone", "America/Chicago", {"time_zone": "America/Chicago"}),
        ("sync_from", "2026-01-01", {"sync_from": datetime(2026, 1, 1, tzinfo=UTC)}),
        ("sync_from", "2026-01-01T00:00+00:00", {"sync_from": datetime(2026, 1, 1, tzinfo=UTC)}),
        ("tax_codes.9.975+5.0", "2", {"tax_codes": {"5+9.975": "2"}}),
        ("tax_codes.20%", "2", {"tax_codes": {"20": "2"}}),
        ("items.pr_Crown", "9", {"items": {"pr_Crown": "9"}}),
        ("deposit_accounts.Stripe", "36", {"deposit_accounts": {"stripe": "36"}}),
        ("winners.dates", "crm", {"winners": {FieldGroup.DATES: Winner.CRM}}),
    ],
)
def test_setting_is_changed_by_name(name: str, text: str, changed: dict[str, Any]) -> None:
    assert parse_setting(Settings(), name, text) == Settings(**changed)


def test_empty_text_brings_the_default_back() -> None:
    texts = setting_texts(EVERYTHING)
    assert {"tax_codes.5+9.975", "winners.dates", "items.pr_1"} <= texts.keys()
    settings = EVERYTHING
    for name in texts:
        settings = parse_setting(settings, name, "")
    assert settings == Settings()


def test_every_setting_can_be_typed_as_it_is_read() -> None:
    settings = Settings()
    for name, text in setting_texts(EVERYTHING).items():
        settings = parse_setting(settings, name, text)
    assert settings == EVERYTHING


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("colour", "blue", "us_tax"),
        ("us_tax.extra", "fold", "There is no setting"),
        ("us_tax", "half", "fold, as_billed"),
        ("default_item_id", "Sales", "digits"),
        ("time_zone", "Houston", "America/Chicago"),
        ("time_zone", "../etc", "America/Chicago"),
        ("sync_from", "yesterday", "2026-01-01"),
        ("tax_codes", "2", "percentages"),
        ("tax_codes.twenty", "2", "percentages"),
        ("winners.colours", "crm", "money"),
        ("winners.money", "me", "crm, bookkeeper"),
        ("items.", "2", "product id"),
    ],
)
def test_setting_that_is_none_is_refused_with_what_would_be(name: str, text: str, word: str) -> None:
    with pytest.raises(BadSetting, match=word):
        parse_setting(Settings(), name, text)


@pytest.mark.parametrize(
    ("group", "winners", "crm"),
    [
        (FieldGroup.MONEY, {}, True),
        (FieldGroup.DATES, {}, False),
        (FieldGroup.MONEY, {FieldGroup.MONEY: Winner.BOOKKEEPER}, False),
        (FieldGroup.NOTES, {FieldGroup.NOTES: Winner.CRM}, True),
    ],
)
def test_crm_wins_for_money_alone_unless_set(group: FieldGroup, winners: dict[FieldGroup, Winner], crm: bool) -> None:
    assert Settings(winners=winners).crm_wins(group) is crm


BILLED = Settings(us_tax=UsTax.AS_BILLED)


@pytest.mark.parametrize(
    ("company", "word"),
    [
        (replace(US, settings=BILLED), "shown as billed"),
        (replace(GB, settings=BILLED), "the setting does nothing"),
        (US, "Discounts are in the item prices"),
        (GB, "switched off in QuickBooks"),
        (replace(GB, allow_discount=True), "Discount lines are allowed"),
        (replace(US, auto_apply_credit=True), "applies credits to new invoices"),
        (US, "due by QuickBooks' own rule"),
        (replace(US, default_terms_id="3"), "default terms"),
        (US, "refunds cannot be booked"),
        (US, "names no time zone"),
        (replace(GB, settings=Settings(tax_codes={"20": "77"})), "tax code 77"),
        (
            replace(
                US, books_closed_until=date(2025, 1, 1), settings=Settings(closed_books=ClosedBooks.FIRST_OPEN_DAY)
            ),
            "first open day",
        ),
    ],
)
def test_findings_name_what_the_settings_and_the_company_make_of_each_other(company: Company, word: str) -> None:
    assert any(word in sentence for sentence in findings(company))


def test_company_that_has_everything_hears_no_warnings() -> None:
    ready = replace(US, undeposited_funds_id="4", time_zone="America/Chicago")
    assert not [one for one in findings(ready) if "No " in one or "cannot" in one]
