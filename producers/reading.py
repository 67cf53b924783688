"""One poll's reading of QuickBooks: what changed since the last, and what has to be known to judge it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from mapping.from_qbo.paid import is_settled, payment_ids
from producers.customers import Gone
from producers.memory import Ask, Row
from producers.payers import customer_id_of, emails_of, parent_of
from producers.ports import WatchStore
from producers.watched import CUSTOMER, ENTITIES, INVOICE, PAYMENT, Hint, Watched, WatchPolicy, merges_in
from qbo_client.changes import MOST_CHANGES, Changes
from qbo_client.client import QBOClient
from qbo_client.errors import ReferenceInvalid
from qbo_client.query import where
from qbo_client.sweeps import sweep

EVERYONE = where("Active", "IN", [True, False])
_IDS_AT_ONCE = 100
#: How far back is asked for QuickBooks' own time: nothing is made of what changed there.
_MOMENT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What QuickBooks said, and what was read besides."""

    rows: Mapping[str, Mapping[str, Row]]
    #: Customers that are no more.
    gone: Mapping[str, Gone] = field(default_factory=dict)
    #: Other objects that are no more, by kind.
    deleted: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Customers and Payments that did not change and had to be read, because there is no copy of them.
    extra: Mapping[str, Mapping[str, Row]] = field(default_factory=dict)
    hints: Sequence[Hint] = ()
    taken_at: datetime | None = None
    #: All customers were read, because changes alone would not have shown everything.
    whole: bool = False

    def of(self, kind: str) -> Mapping[str, Row]:
        return self.rows.get(kind, {})

    def known(self, kind: str) -> dict[str, Row]:
        return {**self.extra.get(kind, {}), **self.of(kind)}


def ask_about(invoices: Mapping[str, Row], customers: Mapping[str, Row]) -> Ask:
    """Return what has to be recalled to judge these invoices, given the customers that were read with them."""
    settled = [row for row in invoices.values() if is_settled(row)]
    payers = {customer_id_of(row) for row in settled}
    parents = {parent for one in payers for parent in _above(one, customers)}
    # Whether the customer has an address of its own, its copy may tell: both are asked about.
    of_whom = [(row, customers.get(customer_id_of(row), {})) for row in settled]
    emails = {key for row, customer in of_whom for key in (*emails_of(row, customer), *emails_of(row, {}))}
    return Ask(
        customers=sorted({customer_id_of(row) for row in invoices.values()}),
        invoices=sorted(invoices),
        payments=sorted({one for row in settled for one in payment_ids(row)}),
        payers=sorted(payers | parents),
        emails=sorted(emails),
    )


def _above(customer_id: str, customers: Mapping[str, Row]) -> list[str]:
    """Return the parents of a customer as far as they were read just now; the rest is known from copies."""
    found: list[str] = []
    while customer_id in customers and (parent := parent_of(customers[customer_id])) not in {None, *found}:
        found.append(str(parent))
        customer_id = found[-1]
    return found


def invoices_of(payment: Row) -> list[str]:
    """Return the invoices that a Payment is applied to."""
    links = (link for line in payment.get("Line") or () for link in line.get("LinkedTxn") or ())
    return [str(link["TxnId"]) for link in links if link.get("TxnType") == INVOICE]


async def quickbooks_time(client: QBOClient, now: datetime) -> datetime | None:
    """Return what time it is by QuickBooks' clock; one metered read."""
    return (await client.changes([CUSTOMER], now - _MOMENT)).taken_at


async def read_changes(
    store: WatchStore,
    client: QBOClient,
    watched: Watched,
    hints: Sequence[Hint],
    policy: WatchPolicy,
    *,
    now: datetime,
) -> Reading:
    """Read what changed since the last poll, and whatever judging it needs. Metered reads, one in the usual case."""
    whole = now - watched.since > policy.stale_after
    if whole:
        changes = await _compared(store, client, watched, now=now)
    else:
        changes = await _swept(client, watched)
        if whole := _cut_off(changes, CUSTOMER):
            changes = await _all_customers(store, client, changes)
    rows = {kind: {str(row["Id"]): row for row in found} for kind, found in changes.live.items()}
    rows[INVOICE] = {**rows.get(INVOICE, {}), **await _invoices_paid(rows, store, client)}
    deleted = {kind: [str(row["Id"]) for row in found] for kind, found in changes.deleted.items()}
    for kind in changes.deletions_missed:
        deleted[kind] = [*deleted.get(kind, ()), *await _vanished(store, client, kind, rows.get(kind, {}))]
    reading = Reading(rows=rows, deleted=deleted, hints=hints, taken_at=changes.taken_at, whole=whole)
    reading = replace(reading, gone=await _gone(reading, changes.taken_at or now, store, client))
    return replace(reading, extra=await read_besides(reading.rows, store, client))


async def _invoices_paid(rows: Mapping[str, Mapping[str, Row]], store: WatchStore, client: QBOClient) -> dict[str, Row]:
    """Read the invoices that changed Payments are applied to, where QuickBooks does not show them as changed, too.

    It is not certain that it always does; where it does, nothing is read.
    """
    applied = {one for row in rows.get(PAYMENT, {}).values() for one in invoices_of(row)} - set(rows.get(INVOICE, ()))
    unpaid = await store.not_yet_paid(sorted(applied)) if applied else frozenset()
    return await by_ids(client, INVOICE, sorted(unpaid))


async def read_besides(
    rows: Mapping[str, Mapping[str, Row]], store: WatchStore, client: QBOClient
) -> dict[str, dict[str, Row]]:
    """Read the Payments and customers of settled invoices of which nothing is known yet; usually none."""
    settled = {key: row for key, row in rows.get(INVOICE, {}).items() if is_settled(row)}
    unpaid = await store.not_yet_paid(list(settled)) if settled else frozenset()
    payments = {one for key in unpaid for one in payment_ids(settled[key])} - set(rows.get(PAYMENT, ()))
    payers = {customer_id_of(settled[key]) for key in unpaid} - set(rows.get(CUSTOMER, ()))
    return {PAYMENT: await read_missing(PAYMENT, payments, store, client),
            CUSTOMER: await read_missing(CUSTOMER, payers, store, client)}  # fmt: skip


async def read_missing(kind: str, ids: set[str], store: WatchStore, client: QBOClient) -> dict[str, Row]:
    """Read those of the objects that have no local copy."""
    missing = await store.missing(kind, sorted(ids)) if ids else []
    return await by_ids(client, kind, missing)


async def by_ids(client: QBOClient, kind: str, ids: Sequence[str]) -> dict[str, Row]:
    """Read objects by id, a hundred at once; one that is no more is left out."""
    found: dict[str, Row] = {}
    for start in range(0, len(ids), _IDS_AT_ONCE):
        condition = where("Id", "IN", list(ids[start : start + _IDS_AT_ONCE]))
        if kind == CUSTOMER:
            condition += f" AND {EVERYONE}"
        found.update((str(row["Id"]), row) for row in await client.query_all(kind, condition))
    return found


async def _gone(reading: Reading, at: datetime, store: WatchStore, client: QBOClient) -> dict[str, Gone]:
    """Say which customers are no more and what took them in.

    A merge may show in the webhook alone, as a deletion, as a customer that went inactive, or only in the documents
    that moved: change data capture says nothing reliable of it (facts).
    """
    merged, vanished = merges_in(reading.hints), reading.deleted.get(CUSTOMER, ())
    owners = {key: customer_id_of(row) for key, row in reading.of(INVOICE).items()}
    moved = await store.moved_away(owners) if owners else {}
    known = await store.still_known(sorted({*vanished, *merged, *moved}))
    suspects = known.intersection(moved).difference(vanished, merged)
    left = await _left_by_documents(suspects, reading, owners, store, client)
    survivors: dict[str, str | None] = {}
    for one in sorted({*vanished, *merged, *left}):
        survivor = merged.get(one) or moved.get(one)
        if survivor is None and one in known:
            survivor = await _survivor(one, store, client)
        survivors[one] = survivor
    inactive = left & reading.of(CUSTOMER).keys()
    return {one: Gone(survivor=_last(one, survivors), at=at, inactive=one in inactive) for one in survivors}


async def _left_by_documents(
    suspects: frozenset[str], reading: Reading, owners: Mapping[str, str], store: WatchStore, client: QBOClient
) -> set[str]:
    """Return those of the customers whose documents moved away that are no more, or inactive and left with none."""
    living = reading.of(CUSTOMER)
    unseen = sorted(suspects - living.keys())
    there = await by_ids(client, CUSTOMER, unseen) if unseen else {}
    inactive = [one for one in sorted(suspects & living.keys()) if living[one].get("Active") is False]
    left = {one for one in inactive if not await _has_documents(one, owners, store, client)}
    return left | (set(unseen) - there.keys())


async def _has_documents(customer_id: str, owners: Mapping[str, str], store: WatchStore, client: QBOClient) -> bool:
    """Whether a document stayed with a customer while others moved: then a person moved those, and merged nothing."""
    for kind, document_id in await store.documents_of(customer_id):
        if kind != INVOICE or document_id not in owners:
            return await _owner(kind, document_id, client) == customer_id
        if owners[document_id] == customer_id:
            return True
    return False


async def _survivor(customer_id: str, store: WatchStore, client: QBOClient) -> str | None:
    """Return whose the documents of a customer are that is no more; None where none tells."""
    for kind, document_id in await store.documents_of(customer_id):
        owner = await _owner(kind, document_id, client)
        if owner and owner != customer_id:
            return owner
    return None


async def _owner(kind: str, document_id: str, client: QBOClient) -> str | None:
    try:
        return customer_id_of((await client.read(kind, document_id)).entity)
    except ReferenceInvalid:
        return None  # It was deleted itself.


def _last(customer_id: str, survivors: Mapping[str, str | None]) -> str | None:
    """Return what is left of a row of merges that were made since the last poll."""
    seen, survivor = {customer_id}, survivors[customer_id]
    while survivor is not None and survivor not in seen and survivors.get(survivor) is not None:
        seen.add(survivor)
        survivor = survivors[survivor]
    return None if survivor in seen else survivor


async def _swept(client: QBOClient, watched: Watched) -> Changes:
    """Ask what changed since the cursors: one call where both are the same, which they nearly always are.

    Customers asked for from the older moment might be too many again just after all were compared.
    """
    if not watched.history_counted or watched.customers_since == watched.invoices_since:
        return await sweep(client, watched.entities, watched.since)
    found = await sweep(client, [CUSTOMER], watched.customers_since)
    others = await sweep(client, [INVOICE, PAYMENT], watched.invoices_since)
    return Changes(
        live={**found.live, **others.live},
        deleted={**found.deleted, **others.deleted},
        # The time of the first: what changed between the two is told of again next time.
        taken_at=found.taken_at,
        deletions_missed=found.deletions_missed | others.deletions_missed,
    )


async def _compared(store: WatchStore, client: QBOClient, watched: Watched, *, now: datetime) -> Changes:
    """Read all customers, and what else changed, after a silence that change data capture does not reach across."""
    taken_at = await quickbooks_time(client, now)
    others = frozenset(watched.entities) - {CUSTOMER}
    changed = where("MetaData.LastUpdatedTime", ">=", watched.invoices_since)
    live = {kind: await client.query_all(kind, changed) for kind in sorted(others)}
    changes = Changes(live=live, deleted={}, taken_at=taken_at, deletions_missed=others)
    return await _all_customers(store, client, changes)


def _cut_off(changes: Changes, kind: str) -> bool:
    """Whether there were too many changes of this kind for one answer: deletions come last and are then missing."""
    return len(changes.live.get(kind, ())) + len(changes.deleted.get(kind, ())) >= MOST_CHANGES


async def _all_customers(store: WatchStore, client: QBOClient, changes: Changes) -> Changes:
    """Return the changes with every customer that there is, and with those that are no more."""
    known = await store.known_customer_ids()
    everybody = {str(row["Id"]): row for row in await client.query_all(CUSTOMER, EVERYONE)}
    # A page may have missed one that is there.
    there = await by_ids(client, CUSTOMER, sorted(known - everybody.keys()))
    stubs = [{"Id": one} for one in sorted(known - everybody.keys() - there.keys())]
    return replace(
        changes,
        live={**changes.live, CUSTOMER: [*everybody.values(), *there.values()]},
        deleted={**changes.deleted, CUSTOMER: [*changes.deleted.get(CUSTOMER, ()), *stubs]},
    )


async def _vanished(store: WatchStore, client: QBOClient, kind: str, rows: Mapping[str, Row]) -> list[str]:
    """Return those objects of which there are copies that QuickBooks has no more."""
    if kind not in ENTITIES:
        return []
    copied = [one for one in await store.copied_ids(kind) if one not in rows]
    there = await by_ids(client, kind, copied)
    return [one for one in copied if one not in there]
