"""What must be true of a company's books at any time, reckoned anew from its documents."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from qbo_client.emulator.changes import Change, Operation
from qbo_client.emulator.company import Company
from tests.unit.qbo_client.histories import KINDS

Body = Mapping[str, Any]
ZERO = Decimal(0)


@dataclass(kw_only=True)
class Ledger:
    """Watches one company; its checks raise AssertionError."""

    company: Company
    #: Every object that there ever was.
    made: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    _tokens: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.company.changes.record(self._happened)

    def _happened(self, change: Change) -> None:
        if change.operation is Operation.CREATE and change.kind in self.made:
            self.made[change.kind].append(change.identifier)

    def check(self) -> None:
        applied = self._applied()
        for kind in ("Invoice", "CreditMemo"):
            for body in self.rows(kind):
                amounts = applied.get((kind, body["Id"]), {})
                assert body["Balance"] == body["TotalAmt"] - sum(amounts.values(), ZERO) >= 0, body
                assert {link["TxnId"] for link in body["LinkedTxn"]} == set(amounts), body
        for body in self.rows("CreditMemo"):
            assert body["RemainingCredit"] == body["Balance"]
        for body in self.rows("Payment"):
            self._check_payment(body)
        self._check_totals()
        self._check_customers()
        self._check_tokens()

    def living(self, kind: str) -> dict[str, Body]:
        return {body["Id"]: body for body in self.rows(kind)}

    def rows(self, kind: str) -> list[Body]:
        return [row.body for row in self.company.table(kind)]

    def _applied(self) -> dict[tuple[str, str], dict[str, Decimal]]:
        """By document, what each payment has applied to it."""
        found: dict[tuple[str, str], dict[str, Decimal]] = {}
        for payment in self.rows("Payment"):
            for line in payment["Line"]:
                (link,) = line["LinkedTxn"]
                amounts = found.setdefault((link["TxnType"], link["TxnId"]), {})
                amounts[payment["Id"]] = amounts.get(payment["Id"], ZERO) + line["Amount"]
        for kind, identifier in found:
            assert identifier in self.living(kind), "a payment is applied to what is no more"
        return found

    @staticmethod
    def _check_payment(body: Body) -> None:
        sums = {"Invoice": ZERO, "CreditMemo": ZERO}
        for line in body["Line"]:
            sums[line["LinkedTxn"][0]["TxnType"]] += line["Amount"]
        assert body["UnappliedAmt"] == body["TotalAmt"] + sums["CreditMemo"] - sums["Invoice"] >= 0, body

    def _check_totals(self) -> None:
        for kind in ("Invoice", "SalesReceipt", "CreditMemo"):
            for body in self.rows(kind):
                lines = [one["Amount"] for one in body["Line"] if one["DetailType"] == "SalesItemLineDetail"]
                assert body["TotalAmt"] == sum(lines, ZERO), body

    def _check_customers(self) -> None:
        own = {name["Id"]: ZERO for name in self.rows("Customer")}
        for kind, name, sign in (
            ("Invoice", "Balance", 1),
            ("CreditMemo", "Balance", -1),
            ("Payment", "UnappliedAmt", -1),
        ):
            for body in self.rows(kind):
                own[body["CustomerRef"]["value"]] += sign * body[name]
        below: dict[str, list[str]] = {}
        for body in self.rows("Customer"):
            below.setdefault(body.get("ParentRef", {}).get("value", ""), []).append(body["Id"])

        def with_jobs(identifier: str) -> Decimal:
            return own[identifier] + sum((with_jobs(one) for one in below.get(identifier, [])), ZERO)

        for body in self.rows("Customer"):
            assert (body["Balance"], body["BalanceWithJobs"]) == (own[body["Id"]], with_jobs(body["Id"])), body

    def _check_tokens(self) -> None:
        for kind in KINDS:
            for body in self.rows(kind):
                token = int(body["SyncToken"])
                assert token >= self._tokens.get((kind, body["Id"]), 0)
                self._tokens[kind, body["Id"]] = token
