"""Small things as Intuit's recorded answers have them."""

import pytest

from tests.unit.emulator.driver import Books, control


async def test_id_that_is_no_number_is_refused_without_a_time(us: Books) -> None:
    refused = await us.call("GET", "customer/1.5")
    assert (refused.status, refused.code, refused.element) == (400, "2030", "Id")
    assert "time" not in refused.body


async def test_path_that_is_none_is_named_in_the_refusal(us: Books) -> None:
    refused = await us.call("GET", "nowhere/1")
    assert refused.body["Fault"]["Error"][0]["Detail"] == (
        f"Operation Could not find resource for relative : /v3/company/{us.realm_id}/nowhere/1 is not supported."
    )


@pytest.mark.parametrize("entity", ["estimate", "Bill", "JournalEntry"])
async def test_cdc_of_what_is_captured_but_not_kept_is_an_empty_slot(us: Books, entity: str) -> None:
    params = {"entities": f"Item,{entity}", "changedSince": "2011-01-01T00:00:00-08:00"}
    (response,) = (await us.call("GET", "cdc", params=params)).body["CDCResponse"]
    assert [sorted(slot) for slot in response["QueryResponse"]] == [["Item", "maxResults", "startPosition"], []]


async def test_throttle_names_no_time_to_wait(us: Books) -> None:
    await control(us, "throttling", {"enabled": True, "per_second": 1})
    replies = [await us.query("SELECT * FROM Item") for _ in range(3)]
    refused = [one for one in replies if one.status == 429]
    assert refused
    assert "Retry-After" not in refused[0].headers
    assert (refused[0].code, refused[0].body["Fault"]["type"]) == ("3001", "SERVICE")


async def test_xml_carries_codes_names_and_positions_as_attributes(us: Books) -> None:
    await us.made("Customer", {"DisplayName": 'Amy "A" & <B>'})
    (made,) = await us.rows("Customer")
    job = {"DisplayName": "Kitchen", "ParentRef": {"value": made["Id"]}, "Job": True}
    written = await us.call("POST", "customer", json=job, headers={"Accept": "application/xml"})
    assert '<Customer domain="QBO" sparse="false">' in written.text
    assert f"<ParentRef name='Amy \"A\" &amp; &lt;B&gt;'>{made['Id']}</ParentRef>" in written.text
    select = {"query": "SELECT * FROM Customer"}
    asked = await us.call("GET", "query", params=select, headers={"Accept": "application/xml"})
    assert '<QueryResponse startPosition="1" maxResults="2">' in asked.text
