from typing import Any

from tests.unit.emulator.driver import Books, Reply

DETAIL = {"TaxRateName": "Island", "RateValue": "15", "TaxAgencyId": "1", "TaxApplicableOn": "Sales"}


async def post(books: Books, body: dict[str, Any], **params: str) -> Reply:
    return await books.call("POST", "taxservice/taxcode", json=body, params=params)


async def test_tax_service_makes_a_code_and_is_replayed_by_its_request_id(gb: Books) -> None:
    sent = {"TaxCode": "Island", "TaxRateDetails": [DETAIL]}
    first = await post(gb, sent, requestid="r-1")
    assert first.status == 200, first.text
    assert first.body["TaxCodeId"] == await gb.id_of("TaxCode", "Island")
    assert (await post(gb, sent, requestid="r-1")).text == first.text
    assert (await gb.statistics())["writes_applied"] == {"TaxService": 1}


async def test_tax_service_refuses_a_name_twice(gb: Books) -> None:
    sent = {"TaxCode": "Island", "TaxRateDetails": [DETAIL]}
    await post(gb, sent)
    assert (await post(gb, sent)).code == "6240"
