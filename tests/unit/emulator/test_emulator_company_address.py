import pytest

from tests.unit.emulator.driver import Books


@pytest.mark.parametrize(
    ("sent", "read"),
    [("United Kingdom", "GBR"), ("us", "USA"), ("Canada", "CAN"), ("AUS", "AUS"), ("Atlantis", "Atlantis")],
)
async def test_company_address_reads_its_country_back_in_three_letters(us: Books, sent: str, read: str) -> None:
    address = {"Line1": "2 New Street", "Country": sent}
    body = {"Id": "1", "SyncToken": "0", "sparse": True, "CompanyAddr": address, "Country": "GB"}
    written = await us.made("CompanyInfo", body)
    assert (written["CompanyAddr"]["Line1"], written["CompanyAddr"]["Country"]) == ("2 New Street", read)
    assert written["Country"] == "US"
