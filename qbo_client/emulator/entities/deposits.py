from qbo_client.emulator import errors
from qbo_client.emulator.entities.kind import Draft
from qbo_client.emulator.entities.references import find, named

_DEPOSIT_TYPES = frozenset({"Bank", "Other Current Asset"})


def set_deposit_account(draft: Draft) -> None:
    """Where the money goes: Undeposited Funds unless another account is named."""
    body, company = draft.body, draft.company
    if "DepositToAccountRef" in body:
        account = find(company, "Account", "Accounts", body["DepositToAccountRef"])
        if account["AccountType"] not in _DEPOSIT_TYPES:
            raise errors.business("The account type is wrong for a deposit.", code="6430")
        return
    usual = company.table("Account").find("AccountSubType", ["undepositedfunds"])
    if usual:
        body["DepositToAccountRef"] = named("Account", usual[0].body)
