from decimal import Decimal

import pytest

from qbo_client.client import QBOClient
from qbo_client.errors import ReferenceInvalid, RequestBug, Unavailable, Unreachable
from qbo_client.query import where
from qbo_client.turns import Share
from tests.unit.qbo_client.conftest import MakeClient
from tests.unit.qbo_client.vendor import (
    REALM,
    Hang,
    Record,
    Reply,
    Reset,
    SkippingClock,
    Tokens,
    Vendor,
    fault,
    ok,
    unauthorized,
)


def page(*identifiers: str) -> Reply:
    rows = [{"Id": identifier, "Balance": Decimal("1.10")} for identifier in identifiers]
    return ok({"QueryResponse": {"Customer": rows, "startPosition": 1, "maxResults": len(rows)} if rows else {}})


def asked(vendor: Vendor) -> list[str]:
    return [seen.body.decode() for seen in vendor.seen]


async def test_query_is_posted_as_text(client: QBOClient, vendor: Vendor, record: Record) -> None:
    vendor.answers(page("1"))
    select = "select * from Customer where " + where("DisplayName", "=", "Amy's & Zoë")
    assert await client.query(select) == [{"Id": "1", "Balance": Decimal("1.10")}]
    [seen] = vendor.seen
    assert (seen.method, seen.path) == ("POST", f"/v3/company/{REALM}/query")
    assert seen.query == {"minorversion": "75"}
    assert seen.headers["Content-Type"] == "application/text"
    assert seen.body.decode() == r"select * from Customer where DisplayName = 'Amy\'s & Zoë'"
    assert [(one.operation, one.entity, one.metered) for one in record.exchanges] == [("query", "Customer", True)]


async def test_query_without_rows_is_empty(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(page())
    assert await client.query("SELECT * FROM Customer") == []


async def test_query_that_names_no_entity_is_refused_by_quickbooks(
    client: QBOClient, vendor: Vendor, record: Record
) -> None:
    vendor.answers(fault("4000"))
    with pytest.raises(RequestBug):
        await client.query("SELECT")
    assert record.exchanges[0].entity == ""


async def test_query_all_pages_until_a_short_page(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(page("1", "2"), page("3", "4"), page("5"))
    rows = await client.query_all("Customer", where("Active", "IN", [True, False]), page=2)
    assert [row["Id"] for row in rows] == ["1", "2", "3", "4", "5"]
    select = "SELECT * FROM Customer WHERE Active IN (true, false) ORDERBY Id"
    assert asked(vendor) == [f"{select} STARTPOSITION {start} MAXRESULTS 2" for start in (1, 3, 5)]


async def test_query_all_full_last_page_asks_once_more(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(page("1"), page())
    assert len(await client.query_all("Customer", page=1)) == 1
    assert asked(vendor)[0] == "SELECT * FROM Customer ORDERBY Id STARTPOSITION 1 MAXRESULTS 1"
    assert len(vendor.seen) == 2


async def test_query_all_row_met_twice_is_returned_once(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(page("1", "2"), page("2"))
    assert [row["Id"] for row in await client.query_all("Customer", page=2)] == ["1", "2"]


@pytest.mark.parametrize("size", [0, 1001])
async def test_query_all_page_that_quickbooks_does_not_give_is_refused(client: QBOClient, size: int) -> None:
    with pytest.raises(ValueError, match="page"):
        await client.query_all("Customer", page=size)


async def test_count_is_a_number(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(ok({"QueryResponse": {"totalCount": 6}}))
    assert await client.count("SalesReceipt", where("TxnDate", "=", "2026-11-01")) == 6
    assert asked(vendor) == ["SELECT count(*) FROM SalesReceipt WHERE TxnDate = '2026-11-01'"]


async def test_read_returns_one_object(client: QBOClient, vendor: Vendor, record: Record) -> None:
    vendor.answers(ok({"Item": {"Id": "SHIPPING_ITEM_ID"}, "time": "t"}))
    answer = await client.read("Item", "SHIPPING_ITEM_ID")
    assert (answer.entity, answer.intuit_tid, answer.time) == ({"Id": "SHIPPING_ITEM_ID"}, "1-ok", "t")
    assert (vendor.seen[0].method, vendor.seen[0].path) == ("GET", f"/v3/company/{REALM}/item/SHIPPING_ITEM_ID")
    assert "Content-Type" not in vendor.seen[0].headers
    assert record.exchanges[0].metered


async def test_read_of_what_is_gone_is_reference_invalid(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(fault("610"))
    with pytest.raises(ReferenceInvalid):
        await client.read("Customer", "5")


@pytest.mark.parametrize("identifier", ["", "1/../2", "1?x=y", "1\n"])
async def test_read_id_that_is_none_is_refused(client: QBOClient, identifier: str) -> None:
    with pytest.raises(ValueError, match="no Id"):
        await client.read("Customer", identifier)


async def test_company_info_is_read_by_realm(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(ok({"CompanyInfo": {"Country": "GB"}}))
    assert await client.company_info() == {"Country": "GB"}
    assert vendor.seen[0].path == f"/v3/company/{REALM}/companyinfo/{REALM}"


async def test_preferences_are_read(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(ok({"Preferences": {"TaxPrefs": {"UsingSalesTax": True}}}))
    assert await client.preferences() == {"TaxPrefs": {"UsingSalesTax": True}}
    assert vendor.seen[0].path == f"/v3/company/{REALM}/preferences"


@pytest.mark.parametrize("failure", [Reset(), Reply(status=503), fault("10000", 500), Reply(body=b"<html>")])
async def test_query_failing_is_repeated(client: QBOClient, vendor: Vendor, failure: Reply | Reset) -> None:
    vendor.answers(failure, failure, page("1"))
    assert len(await client.query("SELECT * FROM Customer")) == 1
    assert len(vendor.seen) == 3


async def test_query_failing_for_good_is_unavailable_not_uncertain(client: QBOClient, vendor: Vendor) -> None:
    vendor.answers(*[Reply(status=503, headers={"intuit_tid": "1-gw"})] * 3)
    with pytest.raises(Unavailable) as caught:
        await client.query("SELECT * FROM Customer")
    assert (caught.value.status, caught.value.intuit_tid, caught.value.retryable) == (503, "1-gw", True)


async def test_read_timing_out_for_good_is_unavailable(make_client: MakeClient, vendor: Vendor) -> None:
    vendor.answers(Hang(), Hang(), Hang())
    with pytest.raises(Unavailable):
        await make_client(vendor.base_url, 0.1).preferences()
    assert len(vendor.seen) == 3


async def test_read_that_cannot_connect_is_not_metered(
    make_client: MakeClient, closed_url: str, record: Record
) -> None:
    with pytest.raises(Unreachable):
        await make_client(closed_url, 30.0).company_info()
    assert [exchange.metered for exchange in record.exchanges] == [False] * 3


async def test_read_refused_token_is_renewed(client: QBOClient, vendor: Vendor, tokens: Tokens) -> None:
    vendor.answers(unauthorized(), page())
    assert await client.query("SELECT * FROM Customer") == []
    assert tokens.rejected == ["first"]


async def test_sharing_makes_a_client_of_the_same_company(
    client: QBOClient, vendor: Vendor, clock: SkippingClock
) -> None:
    polling = client.sharing(Share.POLL)
    vendor.answers(*[page()] * 11)
    for _ in range(10):
        await client.query("SELECT * FROM Customer")
    await polling.query("SELECT * FROM Customer")
    assert sum(clock.slept) >= 1.0
