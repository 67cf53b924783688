import pytest

from qbo_client.decisions import BY_CODE, Decision, decide
from qbo_client.errors import (
    CompanyUnavailable,
    DuplicateName,
    DuplicateNumber,
    InvalidData,
    QBOError,
    ReferenceInvalid,
    RequestBug,
    StaleObject,
    Throttled,
    Unauthorized,
    Uncertain,
    Unreachable,
    error_type,
)

D = Decision

#: Every code that is documented or recorded: with the status it comes with, what it means for us.
LEDGER = [
    ("100", 401, D.RECONNECT, CompanyUnavailable),
    ("110", 401, D.RECONNECT, CompanyUnavailable),
    ("120", 403, D.RECONNECT, CompanyUnavailable),
    ("130", 403, D.RECONNECT, CompanyUnavailable),
    ("140", 403, D.RECONNECT, CompanyUnavailable),
    ("150", 403, D.RECONNECT, CompanyUnavailable),
    ("500", 400, D.BUG, RequestBug),
    ("600", 400, D.UNCERTAIN, Uncertain),
    ("610", 400, D.REFERENCE, ReferenceInvalid),
    ("620", 400, D.DATA, InvalidData),
    ("1040", 400, D.BUG, RequestBug),
    ("2000", 400, D.BUG, RequestBug),
    ("2010", 400, D.BUG, RequestBug),
    ("2020", 400, D.BUG, RequestBug),
    ("2030", 400, D.BUG, RequestBug),
    ("2040", 400, D.DATA, InvalidData),
    ("2050", 400, D.DATA, InvalidData),
    ("2060", 400, D.BUG, RequestBug),
    ("2070", 400, D.BUG, RequestBug),
    ("2090", 400, D.BUG, RequestBug),
    ("2170", 400, D.BUG, RequestBug),
    ("2210", 400, D.DATA, InvalidData),
    ("2290", 400, D.DATA, InvalidData),
    ("2500", 400, D.REFERENCE, ReferenceInvalid),
    ("3001", 429, D.WAIT, Throttled),
    ("3100", 403, D.RECONNECT, CompanyUnavailable),
    ("3200", 401, D.TOKEN, Unauthorized),
    ("3202", 403, D.RECONNECT, CompanyUnavailable),
    ("4000", 400, D.BUG, RequestBug),
    ("4001", 400, D.BUG, RequestBug),
    ("5010", 400, D.STALE, StaleObject),
    ("5020", 400, D.DATA, InvalidData),
    ("5030", 400, D.DATA, InvalidData),
    ("6000", 400, D.DATA, InvalidData),
    ("6070", 400, D.BUG, RequestBug),
    ("6080", 400, D.DATA, InvalidData),
    ("6090", 400, D.BUG, RequestBug),
    ("6100", 400, D.BUG, RequestBug),
    ("6140", 400, D.DUPLICATE, DuplicateNumber),
    ("6160", 400, D.BUG, RequestBug),
    ("6170", 400, D.BUG, RequestBug),
    ("6180", 400, D.BUG, RequestBug),
    ("6190", 400, D.COMPANY, CompanyUnavailable),
    ("6200", 400, D.DATA, InvalidData),
    ("6210", 400, D.DATA, InvalidData),
    ("6220", 400, D.DATA, InvalidData),
    ("6230", 400, D.BUG, RequestBug),
    ("6240", 400, D.DUPLICATE, DuplicateName),
    ("6250", 400, D.DATA, InvalidData),
    ("6420", 400, D.BUG, RequestBug),
    ("6430", 400, D.DATA, InvalidData),
    ("6450", 400, D.DATA, InvalidData),
    ("6470", 400, D.BUG, RequestBug),
    ("6480", 400, D.DATA, InvalidData),
    ("6540", 400, D.DATA, InvalidData),
    ("10000", 500, D.UNCERTAIN, Uncertain),
    ("10100", 400, D.BUG, RequestBug),
    ("10200", 500, D.COMPANY, CompanyUnavailable),
]


@pytest.mark.parametrize(("code", "status", "decision", "kind"), LEDGER)
def test_decide_known_code_is_what_the_ledger_says(
    code: str, status: int, decision: Decision, kind: type[QBOError]
) -> None:
    assert decide(status, code) is decision
    assert error_type(decision, code) is kind


@pytest.mark.parametrize(("code", "_", "decision", "kind"), LEDGER)
def test_decide_known_code_inside_a_200_is_the_same(
    code: str, _: int, decision: Decision, kind: type[QBOError]
) -> None:
    assert decide(200, code) is decision
    assert error_type(decide(200, code), code) is kind


@pytest.mark.parametrize(
    ("code", "status"),
    [
        *[
            (code, status)
            for code in ("100", "110", "120", "130", "140", "150", "3100", "3202")
            for status in (401, 403)
        ],
        *[(code, status) for code in ("10100", "10200") for status in (400, 500)],
        ("3001", 403),
        ("6000", 500),
        ("10000", 400),
    ],
)
def test_decide_known_code_under_another_status_it_was_seen_with_is_the_same(code: str, status: int) -> None:
    assert decide(status, code) is BY_CODE[code]


def test_table_holds_exactly_the_codes_of_the_ledger() -> None:
    assert set(BY_CODE) == {code for code, *_ in LEDGER}


@pytest.mark.parametrize(
    ("status", "code", "decision"),
    [
        (403, "3001", D.WAIT),  # As throttles came in 2016.
        (429, None, D.WAIT),
        (429, "7777", D.WAIT),
        (503, "3001", D.WAIT),
        (500, "6000", D.DATA),  # Business refusals were seen with 500.
        (500, "500", D.UNCERTAIN),  # The code repeats the status; only a 400 makes it a refusal.
        (502, "6000", D.UNCERTAIN),  # A gateway does not know.
        (500, None, D.UNCERTAIN),
        (500, "7777", D.UNCERTAIN),
        (502, None, D.UNCERTAIN),
        (503, None, D.UNCERTAIN),
        (504, None, D.UNCERTAIN),
        (408, None, D.UNCERTAIN),
        (None, None, D.UNCERTAIN),
        (200, None, D.UNCERTAIN),
        (302, None, D.UNCERTAIN),
        (200, "7777", D.DATA),
        (400, "7777", D.DATA),
        (400, None, D.DATA),
        (404, None, D.DATA),
        (413, None, D.DATA),
        (401, None, D.TOKEN),
        (403, "7777", D.RECONNECT),
        (403, None, D.UNCERTAIN),
    ],
)
def test_decide_other_answers_are_never_taken_for_harmless(
    status: int | None, code: str | None, decision: Decision
) -> None:
    assert decide(status, code) is decision


@pytest.mark.parametrize("decision", list(Decision))
def test_error_retryable_only_where_the_same_request_may_be_sent_again(decision: Decision) -> None:
    assert QBOError(decision=decision).retryable is (decision in {D.RETRY, D.WAIT, D.UNCERTAIN})


@pytest.mark.parametrize("decision", list(Decision))
def test_error_type_keeps_the_decision_of_its_class(decision: Decision) -> None:
    kind = error_type(decision, None)
    assert kind().decision is (D.COMPANY if decision is D.RECONNECT else decision)


def test_error_type_of_duplicate_code_under_another_decision_is_the_usual_one() -> None:
    assert error_type(D.UNCERTAIN, "6240") is Uncertain


def test_error_text_begins_with_code_and_intuit_tid() -> None:
    error = StaleObject("working at the same time", code="5010", status=400, intuit_tid="1-abc", element="Id")
    assert str(error) == "5010 intuit_tid=1-abc (Id): working at the same time"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (Uncertain(status=502), "HTTP 502 intuit_tid=-: uncertain"),
        (Unreachable("refused"), "Unreachable intuit_tid=-: refused"),
    ],
)
def test_error_text_without_code_begins_with_what_is_known(error: QBOError, text: str) -> None:
    assert str(error) == text


def test_error_without_a_class_of_its_own_decides_by_its_code() -> None:
    assert QBOError(status=400, code="2500").decision is Decision.REFERENCE
