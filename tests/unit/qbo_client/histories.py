"""Random histories of one company: what callers, a person and the network do to its books."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from qbo_client.answers import Answer
from qbo_client.batches import BatchWrite, batch_of
from qbo_client.emulator import person
from qbo_client.emulator.errors import ApiFault
from qbo_client.errors import (
    DuplicateName,
    InvalidData,
    QBOError,
    ReferenceInvalid,
    StaleObject,
    Throttled,
    Uncertain,
)
from qbo_client.writes import Operation, Write
from tests.unit.qbo_client.emulated import line
from tests.unit.qbo_client.virtual_emulator import Household
from tests.unit.qbo_client.virtual_vendor import Fate, Journey

#: What QuickBooks may say to a write that makes sense in itself.
REFUSALS = (InvalidData, StaleObject, ReferenceInvalid, DuplicateName)
FORMS = ("Invoice", "SalesReceipt", "CreditMemo")
TRANSACTIONS = (*FORMS, "Payment")
VOIDABLE = ("Invoice", "SalesReceipt", "Payment")
KINDS = ("Customer", *TRANSACTIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens. `which` and `other` choose among what there is by then."""

    what: str
    kind: str
    which: int
    other: int
    amounts: tuple[Decimal, ...]
    lost: tuple[Fate, ...] = ()
    stale: bool = False


AMOUNTS = st.decimals(min_value="0.01", max_value="999.99", places=2)
#: More than three lost in a row leave the caller without an answer.
LOST = st.lists(st.sampled_from([Fate.LOST_BEFORE, Fate.LOST_AFTER]), max_size=4).map(tuple)
WHAT = (
    *("customer", "form", "form", "form", "payment", "payment", "payment", "edit", "edit_payment", "void", "delete"),
    *("replay", "batch", "batch", "settle", "person_merge", "person_edit", "person_void", "person_delete"),
    *("item_fault", "deactivate", "clock"),
)
STEPS = st.builds(
    Step,
    what=st.sampled_from(WHAT),
    kind=st.sampled_from(TRANSACTIONS),
    which=st.integers(0, 30),
    other=st.integers(0, 30),
    amounts=st.lists(AMOUNTS, min_size=1, max_size=3).map(tuple),
    lost=st.one_of(st.just(()), st.just(()), LOST),
    stale=st.sampled_from([False] * 9 + [True]),
)


@dataclass(kw_only=True)
class History:
    house: Household
    #: Every write that was sent alone, and every batch, in order: any may be sent again to the byte.
    sent: list[Write | BatchWrite] = field(default_factory=list)
    #: Those whose fate nobody knows yet.
    unsettled: list[Write | BatchWrite] = field(default_factory=list)
    #: The object that each create was answered with, by request id; of a batch's items with their bId.
    answered: dict[str, tuple[str, str]] = field(default_factory=dict)
    _numbers: int = 0

    async def take(self, step: Step) -> None:
        self.house.emulator.journeys.extend(Journey(outward=0, back=0, fate=fate) for fate in step.lost)
        match step.what:
            case "replay":
                await self._again(self._chosen(self.sent, step.which))
            case "settle":
                await self.settle()
            case "batch":
                await self._batch(step)
            case "item_fault":
                kind = "item_throttled" if step.which % 2 else "item_failed"
                self.house.world.faults.add({"kind": kind, "skip": step.other % 3})
            case "clock":
                self.house.world.clock.advance(step.which)
            case what if what.startswith("person_"):
                self._by_a_person(step)
            case _:
                if (write := self._write(step)) is not None:
                    await self._send(write)
        self.house.emulator.journeys.clear()

    async def settle(self) -> None:
        """Ask for everything that got no answer until it has one."""
        self.house.emulator.journeys.clear()
        self.house.world.faults.clear()
        for one in list(self.unsettled):
            await self._again(one)
        assert self.unsettled == []

    async def _again(self, one: Write | BatchWrite | None) -> None:
        if isinstance(one, BatchWrite):
            await self._send_batch(BatchWrite(request_id=one.request_id, body=one.body))
        elif one is not None:
            await self._send(one)

    async def _send(self, write: Write) -> None:
        self.sent.append(write)
        try:
            answer = await self.house.client.send(write)
        except QBOError as error:
            self._failed(write, error)
            return
        self._settled(write)
        if write.operation is Operation.CREATE:
            self._created(write.request_id, write.entity, answer)

    async def _send_batch(self, batch: BatchWrite) -> None:
        self.sent.append(batch)
        try:
            told = await self.house.client.send_batch(batch)
        except QBOError as error:
            self._failed(batch, error)
            return
        self._settled(batch)
        for item in batch.items:
            outcome = told[item.b_id]
            if isinstance(outcome, Answer) and item.operation is Operation.CREATE:
                self._created(f"{batch.request_id}/{item.b_id}", item.entity, outcome)
            elif isinstance(outcome, QBOError) and not isinstance(outcome, (*REFUSALS, Throttled)):
                self._failed(batch, outcome)

    def _failed(self, one: Write | BatchWrite, error: QBOError) -> None:
        if isinstance(error, Uncertain):
            if one not in self.unsettled:
                self.unsettled.append(one)
            return
        assert isinstance(error, REFUSALS), error
        self._settled(one)

    def _settled(self, one: Write | BatchWrite) -> None:
        if one in self.unsettled:
            self.unsettled.remove(one)

    def _created(self, key: str, kind: str, answer: Answer) -> None:
        made = (kind, str(answer.entity["Id"]))
        assert self.answered.setdefault(key, made) == made

    async def _batch(self, step: Step) -> None:
        steps = [
            Step(
                what=what,
                kind=TRANSACTIONS[(step.which + number) % 4],
                which=step.which + number,
                other=step.other,
                amounts=step.amounts,
                stale=step.stale and number == 1,
            )
            for number, what in enumerate(("form", "customer", "payment", "void", "edit"))
        ]
        writes = [write for one in steps if (write := self._write(one)) is not None]
        if writes:
            await self._send_batch(batch_of(writes)[0])

    def _write(self, step: Step) -> Write | None:
        self._numbers += 1
        request_id = f"h-{self._numbers}"
        match step.what:
            case "customer":
                return Write.create("Customer", self._name(step), request_id=request_id)
            case "form":
                return self._form(step, request_id)
            case "payment":
                return self._payment(step, request_id)
            case "edit":
                return self._edit(step, request_id)
            case "edit_payment":
                return self._edit_payment(step, request_id)
            case "void":
                known = self._known(VOIDABLE[step.which % 3], step)
                return known and Write.void(VOIDABLE[step.which % 3], *known, request_id=request_id)
            case "delete":
                known = self._known(step.kind, step)
                return known and Write.delete(step.kind, *known, request_id=request_id)
        known = self._known("Customer", step)
        body = {"Active": False, **dict(zip(("Id", "SyncToken"), known, strict=True))} if known else {}
        return Write.sparse_update("Customer", body, request_id=request_id) if known else None

    def _name(self, step: Step) -> dict[str, Any]:
        parent = self._chosen(self.house.standing("Customer"), step.other) if step.which % 4 == 0 else None
        below = {"ParentRef": {"value": parent["Id"]}, "Job": True} if parent else {}
        # Names are taken again and again.
        return {"DisplayName": f"Customer {step.which}", **below}

    def _form(self, step: Step, request_id: str) -> Write | None:
        kind = step.kind if step.kind in FORMS else "Invoice"
        customer = self._chosen(self.house.standing("Customer"), step.other)
        if customer is None:
            return None
        body = {"CustomerRef": {"value": customer["Id"]}, "Line": [line(str(one)) for one in step.amounts]}
        return Write.create(kind, body, request_id=request_id)

    def _payment(self, step: Step, request_id: str) -> Write | None:
        customer = self._chosen(self.house.standing("Customer"), step.other)
        if customer is None:
            return None
        return Write.create("Payment", self._paying(step, customer["Id"]), request_id=request_id)

    def _paying(self, step: Step, customer: str) -> dict[str, Any]:
        """Some of what is open, by money, by credit or by more of either than there is."""
        lines: list[dict[str, Any]] = []
        for kind, amount in zip(("Invoice", "Invoice", "CreditMemo"), step.amounts, strict=False):
            documents = [one for one in self.house.standing(kind) if one["CustomerRef"]["value"] == customer]
            chosen = self._chosen(documents, step.which + len(lines))
            if chosen is not None:
                part = min(amount, chosen["Balance"]) if step.other % 5 else amount
                lines.append({"Amount": part, "LinkedTxn": [{"TxnId": chosen["Id"], "TxnType": kind}]})
        credit = sum((one["Amount"] for one in lines[2:]), Decimal(0))
        total = max(sum((one["Amount"] for one in lines[:2]), Decimal(0)) - credit, Decimal(0))
        extra = step.amounts[0] if step.which % 2 else Decimal(0)
        return {"CustomerRef": {"value": customer}, "TotalAmt": total + extra, "Line": lines}

    def _edit(self, step: Step, request_id: str) -> Write | None:
        kind = "Invoice" if step.which % 2 else "SalesReceipt"
        known = self._known(kind, step)
        if known is None:
            return None
        lines = [line(str(one)) for one in step.amounts]
        body = {"Id": known[0], "SyncToken": known[1], "Line": lines}
        return Write.sparse_update(kind, body, request_id=request_id)

    def _edit_payment(self, step: Step, request_id: str) -> Write | None:
        chosen = self._chosen(self.house.standing("Payment"), step.which)
        if chosen is None:
            return None
        body = {**self._paying(step, chosen["CustomerRef"]["value"]), "Id": chosen["Id"]}
        body["SyncToken"] = self._token(chosen, step)
        return Write.update("Payment", body, request_id=request_id)

    def _by_a_person(self, step: Step) -> None:
        company, kinds = self.house.company, self.house.company.kinds
        names = self.house.standing("Customer")
        found = self._chosen(self.house.standing(step.kind), step.which)
        kind = kinds[step.kind.lower()]
        try:
            if step.what == "person_merge" and names:
                pair = [str(names[number % len(names)]["Id"]) for number in (step.which, step.other)]
                person.merge(company, *pair)
            elif found is not None and step.what == "person_edit":
                person.edit(company, kind, found["Id"], {"PrivateNote": str(step.other)})
            elif found is not None and step.what == "person_void":
                person.void(company, kind, found["Id"])
            elif found is not None and step.what == "person_delete":
                person.delete(company, kind, found["Id"])
        except ApiFault:
            return  # QuickBooks lets nobody do that.

    def _known(self, kind: str, step: Step) -> tuple[str, str] | None:
        chosen = self._chosen(self.house.standing(kind), step.which)
        return (str(chosen["Id"]), self._token(chosen, step)) if chosen else None

    @staticmethod
    def _token(body: Mapping[str, Any], step: Step) -> str:
        return "99" if step.stale else str(body["SyncToken"])

    @staticmethod
    def _chosen(some: Sequence[Any], number: int) -> Any:
        return some[number % len(some)] if some else None
