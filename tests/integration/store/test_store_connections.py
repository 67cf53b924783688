"""Connections: tokens encrypted, swapped by compare-and-swap, one company per tenant."""

import pytest
from cryptography.fernet import Fernet, InvalidToken

from bridge.store.connections import ConnectionRefused, ConnectionStore
from bridge.store.database import Pool
from schemas.events.quickbooks import ConnectionChanged, ConnectionState, ImportState
from tests.integration.store.books import CODEC, KEY, Books, tokens


async def test_tokens_are_stored_encrypted_and_read_back(books: Books) -> None:
    await books.connect()
    assert await books.connections.tokens("loc_1", "462") == tokens()
    (row,) = await books.rows("SELECT * FROM connection")
    stored = b" ".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row.values())
    assert b"access-first" not in stored
    assert b"refresh-first" not in stored
    assert "first" not in repr(tokens())


async def test_tokens_are_read_with_any_of_the_keys_and_written_with_the_first(pool: Pool, books: Books) -> None:
    await books.connect()
    newer = Fernet.generate_key().decode()
    rotated = ConnectionStore(pool, CODEC, [newer, KEY])
    assert await rotated.tokens("loc_1", "462") == tokens()
    assert await rotated.swap_tokens("loc_1", "462", exchanged="refresh-first", tokens=tokens("second"))
    with pytest.raises(InvalidToken):
        await books.connections.tokens("loc_1", "462")
    assert await ConnectionStore(pool, CODEC, [newer]).tokens("loc_1", "462") == tokens("second")


async def test_swap_of_an_exchanged_token_loses_for_the_second(books: Books) -> None:
    await books.connect()
    swap = books.connections.swap_tokens
    assert await swap("loc_1", "462", exchanged="refresh-first", tokens=tokens("mine"))
    assert not await swap("loc_1", "462", exchanged="refresh-first", tokens=tokens("late"))
    assert await books.connections.tokens("loc_1", "462") == tokens("mine")
    assert await swap("loc_1", "462", exchanged="refresh-mine", tokens=tokens("next"))


async def test_tokens_of_nobody_are_not_found(books: Books) -> None:
    with pytest.raises(LookupError, match="462"):
        await books.connections.tokens("loc_1", "462")
    with pytest.raises(LookupError):
        await books.connections.get("loc_1", "462")


async def test_connect_tells_the_crm_and_makes_a_lane(books: Books) -> None:
    await books.connect()
    (row,) = await books.rows("SELECT topic, key, payload FROM outbox")
    event = CODEC.decode(row["topic"], row["payload"])
    assert (row["topic"], row["key"], getattr(event, "realm_id", None)) == ("qb.connection.changed", "loc_1", "462")
    assert await books.column("SELECT tenant_id FROM lane WHERE due_at IS NOT NULL") == ["loc_1"]


async def test_connect_again_keeps_the_first_date_and_takes_the_new_tokens(books: Books) -> None:
    await books.connect()
    first = (await books.connections.get("loc_1", "462")).sync_from
    await books.connections.set_state("loc_1", ConnectionState.RECONNECT_NEEDED, of=("connected",), cause="revoked")
    await books.connections.connect(
        tenant_id="loc_1", realm_id="462", tokens=tokens("second"), import_invoices=True, review_requests=True
    )
    again = await books.connections.get("loc_1", "462")
    assert (again.sync_from, again.state, again.cause, again.import_invoices) == (first, "connected", None, True)
    assert await books.connections.tokens("loc_1", "462") == tokens("second")


@pytest.mark.parametrize(("named", "then"), [(None, True), (False, False), (True, True)])
async def test_toggle_that_is_not_named_when_connecting_again_stays(
    books: Books, named: bool | None, then: bool
) -> None:
    for name, toggle in (("first", True), ("second", named)):
        await books.connections.connect(
            tenant_id="loc_1", realm_id="462", tokens=tokens(name), import_invoices=toggle, review_requests=toggle
        )
    known = await books.connections.get("loc_1", "462")
    assert (known.import_invoices, known.review_requests) == (then, then)
    assert (await connections_told(books))[-1].review_requests is then


async def test_toggle_that_was_never_named_is_off(books: Books) -> None:
    await books.connections.ask_consent(nonce="n", tenant_id="loc_1", import_invoices=None, review_requests=None)
    asked = await books.connections.take_consent("n")
    assert asked is not None
    toggles = {name: asked[name] for name in ("import_invoices", "review_requests")}
    await books.connections.connect(tenant_id="loc_1", realm_id="462", tokens=tokens(), **toggles)
    known = await books.connections.get("loc_1", "462")
    assert (known.import_invoices, known.review_requests) == (False, False)
    assert (await connections_told(books))[-1].review_requests is False


async def test_second_company_of_a_tenant_is_refused_in_a_sentence(books: Books) -> None:
    await books.connect("loc_1", "462")
    with pytest.raises(ConnectionRefused, match=r"connected to another company\. Disconnect that"):
        await books.connect("loc_1", "463")
    assert len(await books.connections.all()) == 1
    assert await books.column("SELECT realm_id FROM lane") == ["462"], "nothing of the refused one is left"
    assert len(await books.rows("SELECT 1 FROM outbox")) == 1


async def test_second_tenant_of_a_company_is_refused_in_a_sentence(books: Books) -> None:
    await books.connect("loc_1", "462")
    with pytest.raises(ConnectionRefused, match=r"connected for another tenant\. Disconnect it there"):
        await books.connect("loc_2", "462")


async def test_disconnected_company_can_go_to_another_tenant(books: Books) -> None:
    await books.connect("loc_1", "462")
    await books.connections.set_state("loc_1", ConnectionState.DISCONNECTED, of=("connected",))
    await books.connect("loc_2", "462")
    assert await books.column("SELECT tenant_id FROM lane") == ["loc_2"]
    await books.connect("loc_1", "463")
    assert [c.state for c in await books.connections.all()] == ["disconnected", "connected", "connected"]


async def test_set_state_tells_once_and_only_from_the_states_named(books: Books) -> None:
    await books.connect()
    pause = books.connections.set_state
    assert not await pause("loc_1", ConnectionState.PAUSED, of=("reconnect_needed",))
    assert await pause("loc_1", ConnectionState.PAUSED, of=("connected",), cause="operator", message="Resume it.")
    assert not await pause("loc_1", ConnectionState.PAUSED, of=("connected",))
    assert not await pause("loc_9", ConnectionState.PAUSED, of=("connected",))
    (told,) = await books.told()
    assert (told.state, told.cause, told.message) == (ConnectionState.PAUSED, "operator", "Resume it.")


async def test_consent_is_accepted_once(books: Books) -> None:
    await books.connections.ask_consent(nonce="n", tenant_id="loc_1", import_invoices=True, review_requests=False)
    taken = await books.connections.take_consent("n")
    assert taken is not None
    assert (taken["tenant_id"], taken["import_invoices"], taken["review_requests"]) == ("loc_1", True, False)
    assert await books.connections.take_consent("n") is None
    assert await books.connections.take_consent("never") is None


async def test_consent_that_is_too_old_is_not_accepted(books: Books) -> None:
    await books.connections.ask_consent(nonce="n", tenant_id="loc_1", import_invoices=False, review_requests=False)
    await books.do("UPDATE consent SET expires_at = now() - interval '1 second'")
    assert await books.connections.take_consent("n") is None


async def connections_told(books: Books) -> list[ConnectionChanged]:
    rows = await books.rows("SELECT payload FROM outbox WHERE topic = 'qb.connection.changed' ORDER BY id")
    events = [CODEC.decode("qb.connection.changed", bytes(row["payload"])) for row in rows]
    return [event for event in events if isinstance(event, ConnectionChanged)]


async def test_connecting_again_without_the_import_ends_one_under_way(books: Books) -> None:
    await books.connections.connect(
        tenant_id="loc_1", realm_id="462", tokens=tokens(), import_invoices=True, review_requests=False
    )
    await books.do(
        "INSERT INTO watch (realm_id, tenant_id, began_at, customers_since, invoices_since, history_counted,"
        " import_state, import_done, import_total) VALUES ('462', 'loc_1', now(), now(), now(), true, 'running', 7, 9)"
    )
    await books.connect()
    running, ended = [(e.import_state, e.import_done, e.import_total) for e in await connections_told(books)]
    assert running == (ImportState.RUNNING, None, None)
    assert ended == (ImportState.NOT_REQUESTED, None, None)
    assert await books.rows("SELECT history_since, import_done FROM watch") == [
        {"history_since": None, "import_done": 0}
    ]


async def test_connecting_again_with_the_import_lets_it_go_on(books: Books) -> None:
    await books.connect()
    await books.do(
        "INSERT INTO watch (realm_id, tenant_id, began_at, customers_since, invoices_since, history_counted,"
        " import_state, import_done, import_total) VALUES ('462', 'loc_1', now(), now(), now(), true, 'running', 7, 9)"
    )
    await books.connections.connect(
        tenant_id="loc_1", realm_id="462", tokens=tokens(), import_invoices=True, review_requests=True
    )
    (*_, told) = await connections_told(books)
    assert (told.import_state, told.import_done, told.import_total) == (ImportState.RUNNING, 7, 9)
