"""intuit-oauth goes through the whole of OAuth at the emulator, as it would at Intuit."""

from typing import Any

import pytest
import simplejson
from intuitlib.client import AuthClient
from intuitlib.enums import Scopes
from intuitlib.exceptions import AuthClientError
from intuitlib.utils import validate_id_token
from quickbooks import QuickBooks
from quickbooks.exceptions import AuthorizationException
from quickbooks.objects.company_info import CompanyInfo
from quickbooks.objects.customer import Customer

from tests.contract.foreign import CALLBACK, Emulator
from tests.unit.emulator.consent_page import click


def consent(auth: AuthClient, realm_id: str, button: str, *scopes: Scopes) -> dict[str, str]:
    return click(auth.get_authorization_url(list(scopes) or [Scopes.ACCOUNTING]), realm_id=realm_id, button=button)


@pytest.fixture
def realm_id(emulator: Emulator) -> str:
    return emulator.new_company("us")["realm_id"]


def test_intuit_oauth_connects_through_the_consent_page(emulator: Emulator, auth: AuthClient, realm_id: str) -> None:
    answered = consent(auth, realm_id, "connect")
    assert (answered["state"], answered["realmId"]) == (auth.state_token, realm_id)
    auth.get_bearer_token(answered["code"], realm_id=answered["realmId"])
    client = emulator.client(auth, realm_id)
    assert CompanyInfo.get(realm_id, qb=client).Country == "US"
    client.session.close()


def test_intuit_oauth_refreshes_and_revokes(us: QuickBooks) -> None:
    auth = us.auth_client
    first = auth.access_token
    auth.refresh()
    assert auth.access_token != first
    assert auth.expires_in == 3600
    assert auth.x_refresh_token_expires_in > 0
    assert auth.revoke() is True
    with pytest.raises(AuthClientError) as refused:
        auth.refresh()
    assert refused.value.status_code == 400
    assert "invalid_grant" in str(refused.value.content)
    with pytest.raises(AuthorizationException):
        Customer.all(qb=us)


def test_intuit_oauth_is_told_of_a_refusal(auth: AuthClient, realm_id: str) -> None:
    answered = consent(auth, realm_id, "cancel")
    assert answered == {"error": "access_denied", "state": auth.state_token}


def test_intuit_oauth_code_is_good_once(auth: AuthClient, realm_id: str) -> None:
    code = consent(auth, realm_id, "connect")["code"]
    auth.get_bearer_token(code)
    with pytest.raises(AuthClientError) as refused:
        auth.get_bearer_token(code)
    assert simplejson.loads(refused.value.content)["error"] == "invalid_grant"


def test_intuit_oauth_with_a_wrong_secret_is_invalid_client(emulator: Emulator, us: QuickBooks) -> None:
    arguments: tuple[Any, ...] = (emulator.client_id, "wrong", CALLBACK, emulator.discovery_url)
    with (
        AuthClient(*arguments, refresh_token=us.auth_client.refresh_token) as stranger,
        pytest.raises(AuthClientError) as refused,
    ):
        stranger.refresh()
    assert simplejson.loads(refused.value.content)["error"] == "invalid_client"
    # The grant has not suffered.
    us.auth_client.refresh()


def test_intuit_oauth_reads_who_the_user_is(auth: AuthClient, realm_id: str) -> None:
    answered = consent(auth, realm_id, "connect", Scopes.ACCOUNTING, Scopes.OPENID, Scopes.EMAIL)
    auth.get_bearer_token(answered["code"])
    assert validate_id_token(auth.id_token, auth.client_id, auth.issuer_uri, auth.jwks_uri) is True
    assert "@" in auth.get_user_info().json()["email"]


def test_python_quickbooks_with_an_expired_token_goes_on_after_a_refresh(emulator: Emulator, us: QuickBooks) -> None:
    emulator.control(f"companies/{us.company_id}/expire-access-tokens", {})
    with pytest.raises(AuthorizationException) as refused:
        Customer.all(qb=us)
    assert refused.value.error_code == 401
    us.auth_client.refresh()
    us._start_session()
    assert Customer.all(qb=us) == []


def test_python_quickbooks_after_a_disconnect_is_unauthorized(emulator: Emulator, gb: QuickBooks) -> None:
    emulator.control(f"companies/{gb.company_id}/revoke", {})
    with pytest.raises(AuthorizationException):
        Customer.all(qb=gb)
    with pytest.raises(AuthClientError):
        gb.auth_client.refresh()
