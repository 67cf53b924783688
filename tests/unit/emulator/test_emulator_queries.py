import pytest

from tests.unit.emulator.driver import Books, line

NAMES = ("Amy's Bird Sanctuary", "Bill & Sons", "cool cars", "Diego", r"back\slash")


@pytest.fixture
async def filled(us: Books) -> Books:
    for number, name in enumerate(NAMES):
        await us.made("Customer", {"DisplayName": name, "PrimaryEmailAddr": {"Address": f"P{number}@example.com"}})
    return us


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (r"WHERE DisplayName = 'Amy\'s Bird Sanctuary'", {"1"}),
        ("where displayname = 'COOL CARS'", {"3"}),
        (r"WHERE DisplayName = 'back\\slash'", {"5"}),
        ("WHERE DisplayName LIKE '%o%'", {"2", "3", "4"}),
        ("WHERE DisplayName LIKE 'c%s'", {"3"}),
        ("WHERE DisplayName LIKE 'c_s'", set()),
        ("WHERE DisplayName > 'c'", {"3", "4"}),
        ("WHERE Id IN ('1', '4', '77')", {"1", "4"}),
        ("WHERE Id = '2' AND DisplayName = 'Diego'", set()),
        ("WHERE PrimaryEmailAddr = 'p3@EXAMPLE.com'", {"4"}),
        ("WHERE Balance >= '0.00' AND Active = true", {"1", "2", "3", "4", "5"}),
        ("WHERE MetaData.LastUpdatedTime < '2020-01-01T00:00:00-08:00'", set()),
        ("WHERE MetaData.CreateTime > '2020-01-01'", {"1", "2", "3", "4", "5"}),
    ],
)
async def test_query_with_conditions_finds_what_they_say(filled: Books, where: str, found: set[str]) -> None:
    assert {row["Id"] for row in await filled.rows("Customer", where)} == found


@pytest.mark.parametrize(
    ("select", "code", "hint"),
    [
        ("SELECT * FROM Custmoer", "4001", "invalid context declaration: Custmoer"),
        (
            "SELECT * FROM Customer WHERE Nickname = 'x'",
            "4001",
            "Property Nickname not found for Entity Customer",
        ),
        ("SELECT * FROM SalesReceipt WHERE PrivateNote = 'x'", "4001", "not queryable"),
        ("SELECT Nickname FROM Customer", "4001", "Property Nickname"),
        ("SELECT * FROM Customer STARTPOSITION 0", "4001", "value 0 is too small. Min allowed value is 1"),
        ("SELECT * FROM Customer WHERE Active = 'maybe'", "4001", "boolean"),
        ("SELECT * FROM Customer WHERE Balance > 'much'", "4001", "much"),
        ("SELECT * FROM Customer WHERE Id > '1'", "4001", "not supported"),
        ("SELECT * FROM Customer WHERE Balance LIKE '1%'", "4001", "LIKE"),
        ("SELECT * FROM Customer WHERE DisplayName != 'x'", "4000", "Encountered"),
        ("SELECT * FROM Customer WHERE Id = '1' OR Id = '2'", "4000", "OR"),
        ("SELECT * FROM Customer WHERE DisplayName = 'Amy's'", "4000", "Encountered"),
        ("SELECT * FROM Customer WHERE DisplayName = x", "4000", "x"),
        ("SELECT * FROM", "4000", "<EOF>"),
        ("DELETE FROM Customer", "4000", "DELETE"),
        ("SELECT * FROM Customer MAXRESULTS ten", "4000", "ten"),
        ("SELECT count(Id) FROM Customer", "4000", "Id"),
        ("", "4000", "<EOF>"),
    ],
)
async def test_query_that_is_wrong_gets_its_code(us: Books, select: str, code: str, hint: str) -> None:
    reply = await us.query(select)
    assert (reply.status, reply.code) == (400, code)
    assert hint in reply.body["Fault"]["Error"][0]["Detail"]


async def test_query_pages_are_one_based_and_say_how_many_rows_they_hold(filled: Books) -> None:
    reply = await filled.query("SELECT * FROM Customer ORDERBY Id STARTPOSITION 3 MAXRESULTS 2")
    response = reply.body["QueryResponse"]
    assert [row["Id"] for row in response["Customer"]] == ["3", "4"]
    assert (response["startPosition"], response["maxResults"]) == (3, 2)
    last = await filled.query("SELECT * FROM Customer MAXRESULTS 1000 STARTPOSITION 5")
    assert last.body["QueryResponse"]["maxResults"] == 1


async def test_query_without_rows_leaves_the_entity_out(us: Books) -> None:
    assert (await us.query("SELECT * FROM Customer")).body["QueryResponse"] == {}


async def test_query_returns_a_hundred_rows_unless_asked_and_never_over_a_thousand(us: Books) -> None:
    for number in range(1, 1005):
        await us.made("PaymentMethod", {"Name": f"method {number}"})
    assert len(await us.rows("PaymentMethod")) == 100
    assert len(await us.rows("PaymentMethod", "MAXRESULTS 5000")) == 1000


async def test_count_counts_what_the_conditions_leave(filled: Books) -> None:
    reply = await filled.query("select count(*) from Customer where DisplayName like '%o%'")
    assert reply.body["QueryResponse"] == {"totalCount": 3}


async def test_order_by_two_fields_with_a_space_and_direction(us: Books) -> None:
    for day, amount in (("2026-01-02", "5.00"), ("2026-01-01", "7.00"), ("2026-01-02", "9.00")):
        await us.made("SalesReceipt", {"TxnDate": day, "Line": [line(amount)]})
    rows = await us.rows("SalesReceipt", "ORDER BY TxnDate DESC, TotalAmt ASC")
    assert [row["Id"] for row in rows] == ["1", "3", "2"]


async def test_order_by_id_is_numeric(us: Books) -> None:
    for number in range(11):
        await us.made("Customer", {"DisplayName": f"c{number}"})
    rows = await us.rows("Customer", "ORDERBY Id DESC")
    assert [row["Id"] for row in rows[:2]] == ["11", "10"]


async def test_sales_receipts_are_found_by_customer_day_and_number(us: Books) -> None:
    customer = await us.made("Customer", {"DisplayName": "Amy"})
    body = {
        "CustomerRef": {"value": customer["Id"]},
        "TxnDate": "2026-03-01",
        "DocNumber": "R-1",
        "Line": [line("5")],
    }
    await us.made("SalesReceipt", body)
    where = f"WHERE CustomerRef = '{customer['Id']}' AND TxnDate = '2026-03-01' AND DocNumber = 'r-1'"
    assert len(await us.rows("SalesReceipt", where)) == 1
    assert await us.rows("SalesReceipt", "WHERE TxnDate > '2026-03-01'") == []


async def test_query_posted_as_text_is_answered_like_one_in_the_address(us: Books) -> None:
    headers = {"Content-Type": "application/text"}
    reply = await us.call("POST", "query", data="SELECT *, Sku FROM Item", headers=headers)
    assert [item["Name"] for item in reply.body["QueryResponse"]["Item"]] == ["Services", "Hours"]


async def test_query_of_tax_codes_lists_only_the_companys_own(us: Books, gb: Books) -> None:
    assert await us.rows("TaxCode") == []
    assert [row["Name"] for row in await gb.rows("TaxCode")] == [
        "20.0% S",
        "5.0% R",
        "0.0% Z",
        "Exempt",
        "No VAT",
    ]
    rates = {row["Name"]: row["RateValue"] for row in await gb.rows("TaxRate")}
    assert rates["20.0% S"] == 20
    assert len(await gb.rows("TaxAgency")) == 1
