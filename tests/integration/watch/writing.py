"""The bridge's own writes to a watched company, taken apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from consumers.effects import Effects, Refused, Unanswered, Written
from consumers.intents import CrmRef, Intent
from consumers.records import Row
from consumers.writing import written
from mapping.to_qbo.customer_changes import sent_fields
from qbo_client.writes import Operation
from tests.integration.store.books import arrived
from tests.integration.store.effects import Groups
from tests.integration.watch.company import WatchedCompany, changed
from tests.unit.consumers.build import draft, intent


@dataclass(slots=True, kw_only=True)
class OwnHand:
    """The bridge's own writes to customers, taken apart: intent, what QuickBooks does, answer."""

    company: WatchedCompany
    groups: Groups
    _rows: dict[str, Row] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _made: set[str] = field(default_factory=set)

    async def intends(self, contact: str, *, entity: str = "Customer", **body: Any) -> Intent:
        """Commit the intent to make a customer (or another thing), or to change the one whose Id is in the body."""
        operation = Operation.UPDATE if "Id" in body else Operation.CREATE
        about = {"sparse": True, **body} if "Id" in body else body
        self._numbers[contact] = number = self._numbers.get(contact, 0) + 1
        ref, row = CrmRef(kind="contact", id=contact), await self.hears(contact)
        if operation is Operation.CREATE:
            self._made.add(contact)
        origin = "made" if contact in self._made else "found"
        if entity != "Customer":
            ref = CrmRef(kind=entity.lower(), id=contact)
        wanted = draft(
            ref=ref,
            entity=entity,
            operation=operation,
            body=about,
            last_sent=sent_fields(body),
            expect={},
            origin=origin,
        )
        lease = self.company.lease
        made = intent(wanted, realm_id=lease.realm_id, tenant_id=lease.tenant_id, inbox_id=row.id, number=number)
        made = replace(made, keys=(f"contact:{contact}",))
        assert await self.groups.store((lease, made)) == ["ok"]
        return made

    async def sends(self, sent: Intent) -> Written:
        """Let QuickBooks do it; the answer is not committed."""
        answer = await self.company.client.send(sent.write)
        return written(sent, answer.entity, "1-ok")

    async def commits(self, *answers: Written | Refused | Unanswered) -> None:
        """Commit what was answered, all in one group."""
        effects = [(self.company.lease, Effects(answer=one)) for one in answers]
        assert await self.groups.commit(*effects) == ["ok"] * len(answers)

    async def writes(self, contact: str, *, entity: str = "Customer", **body: Any) -> Mapping[str, Any]:
        """Do all of it, and return what QuickBooks answered."""
        answer = await self.sends(await self.intends(contact, entity=entity, **body))
        await self.commits(answer)
        return answer.object

    async def hears(self, contact: str) -> Row:
        """Return the row of the contact's event, received and taken."""
        if contact not in self._rows:
            await self.company.books.receive(arrived(contact))
            taken = [row.id for row in self._rows.values()]
            for row in await self.company.books.inbox.take(self.company.lease, in_hand=taken, limit=1000):
                self._rows[row.entity_id] = row
        return self._rows[contact]


def refused(sent: Intent) -> Refused:
    return Refused(intent=sent, code="5010", detail="Stale Object Error", intuit_tid="1-no")


def unanswered(sent: Intent) -> Unanswered:
    return Unanswered(intent=sent, due=datetime.now(UTC))


def phone(number: str) -> dict[str, str]:
    return {"FreeFormNumber": number}


AMY: dict[str, Any] = {
    "DisplayName": "Amy",
    "PrimaryEmailAddr": {"Address": "amy@example.com"},
    "PrimaryPhone": phone("555 0100"),
}


async def made(hand: OwnHand, contact: str = "ct_1", **body: Any) -> dict[str, Any]:
    """A customer that the bridge made, of which all polls know."""
    customer = await hand.writes(contact, **{**AMY, **body})
    await hand.company.poll()
    assert await hand.company.customers_told() == []
    return dict(customer)


def update(customer: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """Return the body of an update of a customer as it was seen last."""
    return {"Id": customer["Id"], "SyncToken": customer["SyncToken"], **fields}


async def told(hand: OwnHand) -> list[tuple[str, str]]:
    return changed(await hand.company.customers_told())
