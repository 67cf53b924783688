"""python-quickbooks makes, reads and changes every entry of a list that the bridge knows."""

from decimal import Decimal

import pytest
from quickbooks import QuickBooks
from quickbooks.exceptions import QuickbooksException, ValidationException
from quickbooks.objects.account import Account
from quickbooks.objects.base import Ref
from quickbooks.objects.company_info import CompanyInfo
from quickbooks.objects.customer import Customer
from quickbooks.objects.department import Department
from quickbooks.objects.item import Item
from quickbooks.objects.paymentmethod import PaymentMethod
from quickbooks.objects.preferences import Preferences
from quickbooks.objects.taxagency import TaxAgency
from quickbooks.objects.taxcode import TaxCode
from quickbooks.objects.taxrate import TaxRate
from quickbooks.objects.taxservice import TaxRateDetails, TaxService
from quickbooks.objects.term import Term
from quickbooks.objects.trackingclass import Class
from quickbooks.objects.vendor import Vendor

from tests.contract.foreign import Emulator, new_customer


def test_python_quickbooks_creates_reads_and_updates_a_customer(us: QuickBooks) -> None:
    made = new_customer("Amy's Bird Sanctuary").save(qb=us)
    read = Customer.get(made.Id, qb=us)
    assert (read.DisplayName, read.BillAddr.Line1, read.SyncToken) == (
        "Amy's Bird Sanctuary",
        "1 High Street",
        "0",
    )
    read.Notes = "regular"
    updated = read.save(qb=us)
    assert (updated.Notes, updated.SyncToken) == ("regular", "1")
    (found,) = Customer.filter(DisplayName="Amy's Bird Sanctuary", qb=us)
    assert found.Id == made.Id
    read.Active = False
    read.SyncToken = updated.SyncToken
    assert read.save(qb=us).Active is False
    assert Customer.filter(DisplayName="Amy's Bird Sanctuary", qb=us) == []


def test_python_quickbooks_customer_saved_unchanged_keeps_its_sync_token(us: QuickBooks) -> None:
    made = new_customer("Amy").save(qb=us)
    assert made.save(qb=us).SyncToken == made.SyncToken == "0"


def test_python_quickbooks_sub_customer_lies_under_its_parent(us: QuickBooks) -> None:
    parent = new_customer("Amy").save(qb=us)
    child = new_customer("Kitchen")
    child.Job, child.ParentRef = True, parent.to_ref()
    made = child.save(qb=us)
    assert (made.FullyQualifiedName, made.Level) == ("Amy:Kitchen", 1)


def test_python_quickbooks_creates_and_updates_an_item(us: QuickBooks) -> None:
    (account,) = Account.filter(Name="Services", qb=us)
    item = Item()
    item.Name, item.Type, item.UnitPrice, item.Sku = "Piano lesson", "Service", 40, "P-1"
    item.IncomeAccountRef = account.to_ref()
    made = item.save(qb=us)
    made.Description = "An hour"
    assert made.save(qb=us).Description == "An hour"
    assert {one.Name: one.Sku for one in Item.all(qb=us)}["Piano lesson"] == "P-1"


def test_python_quickbooks_item_with_an_account_of_the_wrong_type_is_6430(us: QuickBooks) -> None:
    (receivable,) = Account.filter(AccountType="Accounts Receivable", qb=us)
    item = Item()
    item.Name, item.Type, item.IncomeAccountRef = "Wrong", "Service", receivable.to_ref()
    with pytest.raises(QuickbooksException) as refused:
        item.save(qb=us)
    assert refused.value.error_code == 6430


def test_python_quickbooks_creates_and_updates_an_account(us: QuickBooks) -> None:
    account = Account()
    account.Name, account.AccountType, account.AccountSubType = "Lessons", "Income", "ServiceFeeIncome"
    account.AcctNum = "4100"
    made = account.save(qb=us)
    assert (made.Classification, made.FullyQualifiedName) == ("Revenue", "Lessons")
    made.Description = "Piano"
    made.save(qb=us)
    assert Account.get(made.Id, qb=us).Description == "Piano"


def test_python_quickbooks_creates_terms_methods_classes_and_departments(us: QuickBooks) -> None:
    term = Term()
    term.Name, term.DueDays = "Net 45", 45
    made_term = term.save(qb=us)
    method = PaymentMethod()
    method.Name, method.Type = "Voucher", "NON_CREDIT_CARD"
    made_method = method.save(qb=us)
    tracked = Class()
    tracked.Name = "Piano"
    made_class = tracked.save(qb=us)
    department = Department()
    department.Name = "North"
    made_department = department.save(qb=us)
    assert (Term.get(made_term.Id, qb=us).DueDays, made_class.FullyQualifiedName) == (45, "Piano")
    assert PaymentMethod.get(made_method.Id, qb=us).Type == "NON_CREDIT_CARD"
    assert [one.Name for one in Department.all(qb=us)] == [made_department.Name]


@pytest.mark.parametrize("kind", [Term, PaymentMethod, Class, Department])
def test_python_quickbooks_puts_an_entry_away_and_no_longer_lists_it(us: QuickBooks, kind: type) -> None:
    entry = kind()
    entry.Name = "Short-lived"
    if kind is Term:
        entry.DueDays = 3
    made = entry.save(qb=us)
    made.Active = False
    assert made.save(qb=us).Active is False
    assert "Short-lived" not in [one.Name for one in kind.all(qb=us)]  # type: ignore[attr-defined]
    (found,) = kind.where(f"Active = false AND Id = '{made.Id}'", qb=us)  # type: ignore[attr-defined]
    assert found.Name == "Short-lived (deleted)"


def test_python_quickbooks_makes_a_tax_code_of_a_new_rate(gb: QuickBooks) -> None:
    agency = TaxAgency()
    agency.DisplayName = "Crown Dependency"
    detail = TaxRateDetails()
    detail.TaxRateName, detail.RateValue = "Island 5%", 5
    detail.TaxAgencyId = agency.save(qb=gb).Id
    service = TaxService()
    service.TaxCode = "Island"
    service.TaxRateDetails.append(detail)
    made = service.save(qb=gb)
    code = TaxCode.get(made.TaxCodeId, qb=gb)
    (rate,) = code.SalesTaxRateList.TaxRateDetail
    assert code.Name == "Island"
    assert TaxRate.get(rate.TaxRateRef.value, qb=gb).RateValue == 5
    with pytest.raises(QuickbooksException) as refused:
        service.save(qb=gb)
    assert refused.value.error_code == 6240


def test_python_quickbooks_lists_codes_rates_and_agencies(gb: QuickBooks) -> None:
    codes = {one.Name for one in TaxCode.all(qb=gb)}
    assert "20.0% S" in codes
    assert {Decimal(str(one.RateValue)) for one in TaxRate.all(qb=gb)} >= {Decimal(20), Decimal(5), Decimal(0)}
    assert TaxAgency.count(qb=gb) == 1


def test_python_quickbooks_reads_and_changes_preferences(emulator: Emulator, us: QuickBooks) -> None:
    preferences = Preferences.get(qb=us)
    assert preferences.SalesFormsPrefs.CustomTxnNumbers is False
    preferences.SalesFormsPrefs.CustomTxnNumbers = True
    saved = preferences.save(qb=us)
    assert saved.SalesFormsPrefs.CustomTxnNumbers is True
    assert int(saved.SyncToken) == int(preferences.SyncToken) + 1
    assert CompanyInfo.get(us.company_id, qb=us).Country == "US"


def test_python_quickbooks_name_taken_by_a_vendor_is_6240(us: QuickBooks) -> None:
    vendor = Vendor()
    vendor.DisplayName = "Twice"
    vendor.save(qb=us)
    with pytest.raises(QuickbooksException) as refused:
        new_customer("Twice").save(qb=us)
    assert refused.value.error_code == 6240


def test_python_quickbooks_reference_to_nothing_is_2500(us: QuickBooks) -> None:
    child = new_customer("Orphan")
    child.Job, child.ParentRef = True, Ref()
    child.ParentRef.value = "4711"
    with pytest.raises(ValidationException) as refused:
        child.save(qb=us)
    assert refused.value.error_code == 2500
