import aiohttp
import pytest

from qbo_client.emulator.traffic import Limits, Traffic
from tests.unit.emulator.driver import Books, control

AMY = {"DisplayName": "Amy"}


async def test_request_id_answered_before_gives_the_first_answer_again(us: Books) -> None:
    first = await us.post("Customer", AMY, requestid="r-1")
    again = await us.post("Customer", {"DisplayName": "Other"}, requestid="r-1")
    assert again.text == first.text
    statistics = await us.statistics()
    assert (statistics["writes_applied"], statistics["replays"]) == ({"Customer": 1}, 1)


async def test_request_id_is_kept_per_company(us: Books, gb: Books) -> None:
    for books in (us, gb):
        assert (await books.post("Customer", AMY, requestid="r-1")).status == 200
    assert (await gb.statistics())["writes_applied"] == {"Customer": 1}


async def test_empty_request_id_is_none(us: Books) -> None:
    assert (await us.post("Customer", AMY, requestid="")).status == 200
    assert (await us.post("Customer", AMY, requestid="")).code == "6240"


async def test_request_id_over_fifty_characters_is_refused(us: Books) -> None:
    assert (await us.post("Customer", AMY, requestid="r" * 50)).status == 200
    assert (await us.post("Customer", {"DisplayName": "B"}, requestid="r" * 51)).code == "2050"


@pytest.mark.parametrize(("remembered", "status"), [(False, 200), (True, 400)])
async def test_request_id_of_a_refused_write_is_remembered_by_switch(us: Books, remembered: bool, status: int) -> None:
    await control(us, "request-ids", {"remember_failures": remembered})
    assert (await us.post("Customer", {}, requestid="r-1")).code == "6080"
    assert (await us.post("Customer", AMY, requestid="r-1")).status == status


async def test_request_id_with_another_body_is_600_by_switch(us: Books) -> None:
    await control(us, "request-ids", {"compare_bodies": True})
    await us.made("Customer", AMY, requestid="r-1")
    assert (await us.post("Customer", AMY, requestid="r-1")).status == 200
    assert (await us.post("Customer", {"DisplayName": "Other"}, requestid="r-1")).code == "600"


@pytest.mark.parametrize("path", ["query?query=select * from Item", "query?query=bad", "nowhere/1", "customer/9"])
async def test_every_answer_carries_intuit_tid_and_time(us: Books, path: str) -> None:
    reply = await us.call("GET", path)
    assert reply.headers["intuit_tid"].startswith("1-")
    assert reply.body["time"][-6:] in {"-08:00", "-07:00"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "nowhere/1"), ("GET", "customer"), ("DELETE", "customer/1"), ("POST", "customer/1/send")],
)
async def test_path_nobody_knows_is_code_500_with_status_400(us: Books, method: str, path: str) -> None:
    reply = await us.call(method, path)
    assert (reply.status, reply.code) == (400, "500")


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"Balance": NaN}'])
async def test_body_that_is_not_json_is_code_500(us: Books, body: bytes) -> None:
    assert (await us.call("POST", "customer", data=body)).code == "500"


@pytest.mark.parametrize("body", [b"[]", b'"x"'])
async def test_body_that_is_no_object_is_2010(us: Books, body: bytes) -> None:
    assert (await us.call("POST", "customer", data=body)).code == "2010"


async def test_client_that_does_not_ask_for_json_gets_xml(us: Books) -> None:
    made = await us.call("POST", "customer", json={"DisplayName": "A & B"}, headers={"Accept": "*/*"})
    assert made.headers["Content-Type"].startswith("application/xml")
    assert "<DisplayName>A &amp; B</DisplayName>" in made.text
    fault = await us.call("GET", "customer/9", headers={"Accept": "*/*"})
    assert '<Error code="610" element="">' in fault.text


async def test_suspended_company_is_6190_until_it_pays(us: Books) -> None:
    await us.control("suspend")
    assert (await us.query("select * from Item")).code == "6190"
    await us.control("suspend", {"suspended": False})
    assert (await us.query("select * from Item")).status == 200


async def test_preferences_and_company_info_are_read_and_patched(us: Books) -> None:
    await us.control("preferences", {"SalesFormsPrefs": {"AllowDiscount": True}})
    read = (await us.call("GET", "preferences")).body["Preferences"]
    assert read["SalesFormsPrefs"]["AllowDiscount"] is True
    assert read["SalesFormsPrefs"]["CustomTxnNumbers"] is False
    assert read["SyncToken"] == "1"
    (info,) = await us.rows("CompanyInfo")
    assert info["CompanyAddr"]["Country"] == "USA"


async def test_request_over_the_limit_is_429_3001(us: Books) -> None:
    await control(us, "throttling", {"enabled": True, "per_second": 10, "per_minute": 10})
    replies = [await us.call("GET", "customer/1") for _ in range(14)]
    refused = [reply for reply in replies if reply.status == 429]
    assert len(refused) == 4
    error = refused[0].body["Fault"]["Error"][0]
    assert (refused[0].body["Fault"]["type"], error["code"]) == ("SERVICE", "3001")
    assert error["Message"] == "message=ThrottleExceeded; errorCode=003001; statusCode=429"
    assert "Retry-After" not in refused[0].headers


async def test_throttles_are_counted_per_company(us: Books, gb: Books) -> None:
    await control(us, "throttling", {"enabled": True, "per_second": 1, "per_minute": 1})
    assert [(await books.query("select * from Item")).status for books in (us, gb, us)] == [200, 200, 429]


def test_traffic_windows_slide_and_refused_requests_use_up_nothing() -> None:
    now = 0.0
    traffic = Traffic(clock=lambda: now)

    def arrives(at: float) -> bool:
        nonlocal now
        now = at
        traffic.arrived()
        traffic.left()
        return traffic.accepts(Limits(per_second=2, per_minute=3))

    accepted = [arrives(at) for at in (0.0, 0.5, 0.9, 1.0, 1.6, 59.9, 60.0, 60.1)]
    assert accepted == [True, True, False, True, False, False, True, False]
    assert (traffic.seen_second.most, traffic.seen_minute.most) == (3, 7)


async def test_statistics_count_by_method_operation_entity_and_status(us: Books) -> None:
    await us.made("Customer", AMY)
    await us.post("Customer", AMY)
    await us.rows("Customer")
    counted = {
        (one["method"], one["operation"], one["entity"], one["status"]): one["count"]
        for one in (await us.statistics())["requests"]
    }
    assert counted == {
        ("POST", "write", "Customer", 200): 1,
        ("POST", "write", "Customer", 400): 1,
        ("GET", "query", "Customer", 200): 1,
    }
    await us.control("statistics/reset")
    assert (await us.statistics())["requests"] == []


@pytest.mark.parametrize(
    ("fault", "status", "applied"),
    [
        ({"kind": "status_429", "retry_after": 7}, 429, False),
        ({"kind": "status_500"}, 500, False),
        ({"kind": "status_503"}, 503, False),
        ({"kind": "status_401"}, 401, False),
        ({"kind": "status_500_after"}, 500, True),
        ({"kind": "timeout_before", "seconds": 0}, 504, False),
        ({"kind": "timeout_after", "seconds": 0}, 504, True),
    ],
)
async def test_fault_answers_before_or_after_the_effect(
    us: Books, fault: dict[str, object], status: int, applied: bool
) -> None:
    await control(us, "faults", {**fault, "entity": "customer", "method": "post", "realm_id": us.realm_id})
    reply = await us.post("Customer", AMY, requestid="r-1")
    assert reply.status == status
    assert reply.headers.get("Retry-After") == ("7" if "retry_after" in fault else None)
    assert len(await us.rows("Customer")) == int(applied)
    assert (await us.post("Customer", AMY, requestid="r-1")).status == 200
    assert (await us.statistics())["replays"] == int(applied)


@pytest.mark.parametrize(("kind", "applied"), [("reset_before", False), ("reset_after", True)])
async def test_fault_resets_the_connection_before_or_after_the_effect(us: Books, kind: str, applied: bool) -> None:
    await control(us, "faults", {"kind": kind})
    with pytest.raises(aiohttp.ClientError):
        await us.post("Customer", AMY)
    assert len(await us.rows("Customer")) == int(applied)


async def test_fault_hangs_after_the_effect_until_the_client_leaves(us: Books) -> None:
    await control(us, "faults", {"kind": "hang_after"})
    with pytest.raises(TimeoutError):
        await us.call("POST", "customer", json=AMY, timeout=aiohttp.ClientTimeout(total=0.3))
    assert len(await us.rows("Customer")) == 1


async def test_fault_hits_as_often_as_told_and_only_what_it_names(us: Books, gb: Books) -> None:
    await control(us, "faults", {"kind": "status_500", "count": 2, "realm_id": us.realm_id, "entity": "Item"})
    assert (await gb.query("select * from Item")).status == 200
    assert (await us.query("select * from Customer")).status == 200
    assert [(await us.query("select * from Item")).status for _ in range(3)] == [500, 500, 200]


async def test_faults_are_listed_and_cleared(us: Books) -> None:
    await control(us, "faults", {"kind": "status_500", "count": 3})
    url = f"{us.base_url}/emulator/faults"
    async with us.session.get(url) as got:
        assert [(one["kind"], one["left"]) for one in (await got.json())["faults"]] == [("status_500", 3)]
    async with us.session.delete(url) as got:
        assert got.status == 200
    assert (await us.query("select * from Item")).status == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"kind": "explode"}),
        ("faults", {"kind": "status_500", "color": "red"}),
        ("faults", {"kind": "status_500", "count": 0}),
        ("rotation", {"policy": "never"}),
        ("rotation", {}),
        ("companies", {"country": "xx"}),
        ("companies", {"country": "us", "count": 0}),
        ("companies/{realm}/switches", {"unknown": True}),
        ("companies/{realm}/preferences", {"NoPrefs": {}}),
    ],
)
async def test_control_refuses_what_makes_no_sense(us: Books, path: str, body: dict[str, object]) -> None:
    url = f"{us.base_url}/emulator/{path.format(realm=us.realm_id)}"
    async with us.session.post(url, json=body) as got:
        assert got.status == 400
        assert (await got.json())["error"]


async def test_control_of_no_company_is_404(us: Books) -> None:
    async with us.session.post(f"{us.base_url}/emulator/companies/1/suspend") as got:
        assert got.status == 404


async def test_companies_made_by_control_come_with_tokens_that_work(us: Books) -> None:
    made = (await control(us, "companies", {"country": "au", "count": 2}))["companies"]
    assert [one["currency"] for one in made] == ["AUD", "AUD"]
    for one in made:
        books = Books(
            session=us.session,
            base_url=us.base_url,
            realm_id=one["realm_id"],
            token=one["access_token"],
        )
        assert (await books.query("select count(*) from TaxCode")).status == 200
    async with us.session.get(f"{us.base_url}/emulator/companies") as got:
        assert len((await got.json())["companies"]) == 3


async def test_grant_made_by_control_is_one_more(us: Books) -> None:
    granted = await us.control("grants")
    assert granted["access_token"] != us.token
    assert granted["tenant_id"] is None


async def test_grant_to_another_application_has_limits_of_its_own(us: Books) -> None:
    granted = await us.control("grants", {"client_id": "others", "client_secret": "theirs"})
    others = Books(session=us.session, base_url=us.base_url, realm_id=us.realm_id, token=granted["access_token"])
    query = "select count(*) from TaxCode"
    await control(us, "throttling", {"enabled": True, "per_second": 10})
    assert [(await others.query(query)).status for _ in range(11)] == [200] * 10 + [429]
    assert (await us.query(query)).status == 200


async def test_grant_to_half_an_application_is_refused(us: Books) -> None:
    async with us.session.post(
        f"{us.base_url}/emulator/companies/{us.realm_id}/grants", json={"client_id": "others"}
    ) as got:
        assert (got.status, "client_secret" in await got.text()) == (400, True)


async def test_latency_holds_api_answers_back_and_the_effect_with_them(us: Books) -> None:
    await control(us, "latency", {"seconds": 600})
    with pytest.raises(TimeoutError):
        await us.call("POST", "customer", json=AMY, timeout=aiohttp.ClientTimeout(total=0.2))
    await control(us, "latency", {"seconds": 0})
    assert await us.rows("Customer") == []


async def test_objects_are_shown_to_tests_without_being_counted(us: Books) -> None:
    async with us.session.get(f"{us.base_url}/emulator/companies/{us.realm_id}/objects/item") as got:
        assert [item["Name"] for item in (await got.json())["Item"]] == ["Services", "Hours"]
    assert (await us.statistics())["requests"] == []


async def test_pages_say_emulator_and_show_the_books_escaped(us: Books) -> None:
    customer = await us.made("Customer", {"DisplayName": "<b>Amy</b>"})
    line = {"Amount": 12.5, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {}}
    await us.made("SalesReceipt", {"CustomerRef": {"value": customer["Id"]}, "Line": [line]})
    for path, expected in (("/", us.realm_id), (f"/companies/{us.realm_id}", "12.50")):
        async with us.session.get(us.base_url + path) as got:
            text = await got.text()
        assert "EMULATOR" in text
        assert expected in text
    assert "&lt;b&gt;Amy&lt;/b&gt;" in text
    async with us.session.get(f"{us.base_url}/companies/1") as got:
        assert got.status == 404
