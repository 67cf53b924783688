"""Every class of failure has its place."""

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.failures import RetryPolicy, TryAgain, Verdict, bug, judge
from consumers.outcomes import Attention, Waiting
from consumers.ports import WritesStopped
from mapping.errors import CannotBook
from qbo_client.decisions import BY_CODE, Decision
from qbo_client.errors import QBOError, error_type
from qbo_client.oauth import ClientInvalid, OAuthUnavailable
from tests.unit.consumers.build import T0

POLICY = RetryPolicy(first_seconds=2.0, longest_seconds=900.0, attempts=50)
WAIT, PERSON, PARK, AGAIN = "Waiting", "Attention", "Parked", "TryAgain"


def verdict_on(error: Exception, *, attempts: int = 0, tries: int = 0) -> Verdict:
    return judge(error, now=T0, attempts=attempts, tries=tries, policy=POLICY, rng=random.Random(1))


def failure(decision: Decision, code: str | None = None, **more: float) -> QBOError:
    return error_type(decision, code)("Detail", status=400, code=code, decision=decision, **more)  # type: ignore[arg-type]


BY_DECISION = {
    Decision.RETRY: (WAIT, "quickbooks_unreachable"),
    Decision.WAIT: (WAIT, "throttled"),
    Decision.TOKEN: (PARK, "token_revoked"),
    Decision.UNCERTAIN: (WAIT, "quickbooks_unreachable"),
    Decision.RECONNECT: (PARK, "token_revoked"),
    Decision.STALE: (AGAIN, None),
    Decision.REFERENCE: (AGAIN, None),
    Decision.DUPLICATE: (PERSON, "quickbooks_400"),
    Decision.COMPANY: (PARK, "token_revoked"),
    Decision.DATA: (PERSON, "quickbooks_400"),
    Decision.BUG: (PERSON, "bug"),
}


def test_table_of_decisions_is_complete() -> None:
    assert set(BY_DECISION) == set(Decision)


@pytest.mark.parametrize("decision", list(Decision))
def test_judge_each_decision_gives_its_verdict(decision: Decision) -> None:
    verdict = verdict_on(failure(decision))
    assert (type(verdict).__name__, getattr(verdict, "cause", None)) == BY_DECISION[decision]


@pytest.mark.parametrize(
    ("code", "verdict", "cause", "told"),
    [
        ("6000", PERSON, "refused_by_quickbooks", "correct it"),
        ("6140", PERSON, "number_taken", "Change the number"),
        ("6200", PERSON, "books_closed", "Reopen the books"),
        ("6210", PERSON, "books_closed", "Reopen the books"),
        ("6240", PERSON, "name_taken", "Rename one of them"),
        ("6430", PERSON, "wrong_account_type", "income account"),
        ("6450", PERSON, "settled_in_quickbooks", "by hand"),
        ("6480", PERSON, "reconciled_in_quickbooks", "by hand"),
        ("6540", PERSON, "deposited_in_quickbooks", "Undo the deposit"),
        ("2050", PERSON, "quickbooks_2050", "correct it"),
        ("6190", PARK, "subscription_ended", "Renew it"),
        ("10200", PARK, "company_data_reset", "Check it"),
        ("3100", PARK, "token_revoked", "Connect the company again"),
        ("120", PARK, "token_revoked", "Connect the company again"),
        ("3200", PARK, "token_revoked", "Connect the company again"),
    ],
)
def test_judge_special_code_gives_cause_and_what_to_do(code: str, verdict: str, cause: str, told: str) -> None:
    found = verdict_on(failure(BY_CODE[code], code))
    assert (type(found).__name__, getattr(found, "cause", None)) == (verdict, cause)
    assert told in getattr(found, "message", "")


@pytest.mark.parametrize(("code", "state"), [("6190", "PAUSED"), ("10200", "PAUSED"), ("3100", "RECONNECT_NEEDED")])
def test_judge_company_code_names_the_connections_state(code: str, state: str) -> None:
    assert getattr(verdict_on(failure(BY_CODE[code], code)), "state", None) == state


def test_judge_refusal_for_a_person_quotes_quickbooks() -> None:
    verdict = verdict_on(failure(Decision.DATA, "6210"))
    assert isinstance(verdict, Attention)
    assert verdict.message.endswith("QuickBooks said: Detail")


@pytest.mark.parametrize(
    ("decision", "tries", "again"),
    [
        (Decision.STALE, 3, True),
        (Decision.STALE, 4, False),
        (Decision.REFERENCE, 0, True),
        (Decision.REFERENCE, 1, False),
    ],
)
def test_judge_out_of_date_tries_again_a_bounded_number_of_times(decision: Decision, tries: int, again: bool) -> None:
    verdict = verdict_on(failure(decision, next(c for c, d in BY_CODE.items() if d is decision)), tries=tries)
    assert verdict == TryAgain(read_again=True) if again else isinstance(verdict, Attention)


@pytest.mark.parametrize(("named", "waited"), [(None, 60.0), (7.0, 7.0)])
def test_judge_throttled_waits_as_asked_else_a_minute(named: float | None, waited: float) -> None:
    verdict = verdict_on(QBOError(status=429, retry_after=named))
    assert isinstance(verdict, Waiting)
    assert verdict.due == T0 + timedelta(seconds=waited)


@pytest.mark.parametrize("decision", [Decision.RETRY, Decision.UNCERTAIN])
def test_judge_no_answer_for_too_long_asks_a_person(decision: Decision) -> None:
    assert isinstance(verdict_on(failure(decision), attempts=49), Waiting)
    asked = verdict_on(failure(decision), attempts=50)
    assert isinstance(asked, Attention)
    assert (asked.cause, "50 times" in asked.message) == ("quickbooks_unreachable", True)


@pytest.mark.parametrize(
    ("error", "verdict", "cause", "told"),
    [
        (CannotBook("tax_code_missing", "No code for 20 %."), PERSON, "tax_code_missing", "No code for 20 %."),
        (WritesStopped("wrong tax"), WAIT, "writes_stopped", "wrong tax"),
        (OAuthUnavailable("Intuit answered 503"), WAIT, "quickbooks_unreachable", "503"),
        (ClientInvalid("invalid_client"), WAIT, "client_credentials_refused", "QBO_BRIDGE_QBO_CLIENT_ID"),
        (KeyError("Id"), PERSON, "bug", "KeyError"),
    ],
)
def test_judge_error_of_ours_gives_its_verdict(error: Exception, verdict: str, cause: str, told: str) -> None:
    found = verdict_on(error)
    assert (type(found).__name__, getattr(found, "cause", None)) == (verdict, cause)
    assert told in getattr(found, "message", "")


def test_bug_carries_the_trace_of_the_failure() -> None:
    def fail_deep_inside() -> None:
        raise ZeroDivisionError("by nothing")

    with pytest.raises(ZeroDivisionError) as caught:
        fail_deep_inside()
    trace = bug(caught.value).trace or ""
    assert "fail_deep_inside" in trace
    assert "by nothing" in trace


@given(
    attempts=st.integers(min_value=0, max_value=10_000),
    seed=st.integers(),
    first=st.floats(min_value=0.01, max_value=60),
    longest=st.floats(min_value=60, max_value=86_400),
)
def test_delay_stays_within_its_bounds(attempts: int, seed: int, first: float, longest: float) -> None:
    policy = RetryPolicy(first_seconds=first, longest_seconds=longest)
    seconds = policy.delay(attempts, random.Random(seed)).total_seconds()
    whole = min(first * 2 ** min(attempts, 20), longest)
    assert whole * 0.5 - 1e-6 <= seconds <= whole + 1e-6
