import pytest
from multidict import CIMultiDict

from qbo_client.decisions import Decision
from qbo_client.errors import (
    CompanyUnavailable,
    DuplicateName,
    InvalidData,
    QBOError,
    Throttled,
    Unauthorized,
    Uncertain,
)
from qbo_client.faults import fault_in, parse_fault, raise_for_fault, redact, retry_after

CAPITAL = (
    b'{"Fault":{"Error":[{"Message":"Duplicate Name Exists Error","Detail":"The name supplied already exists. : null",'
    b'"code":"6240","element":"DisplayName"}],"type":"ValidationFault"},"time":"2020-09-29T06:58:50.262-07:00"}'
)
LOWER = (
    b'{"warnings":null,"intuitObject":null,"fault":{"error":[{"message":"message=AuthenticationFailed; '
    b'errorCode=003200; statusCode=401","detail":"Token expired: AB01abcdefgh","code":"3200","element":null}],'
    b'"type":"AUTHENTICATION"},"report":null,"batchItemResponse":[],"time":1601391072830}'
)
FORBIDDEN = (
    b'{"fault":{"error":[{"message":"message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403",'
    b'"detail":"","element":null}],"type":"AUTHORIZATION"}}'
)
XML = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    b'<IntuitResponse time="2012-05-23T13:53:21.000-07:00" xmlns="http://schema.intuit.com/finance/v3">'
    b'<Fault type="SERVICE"><Error code="3001" element="">'
    b"<Message>message=ThrottleExceeded; errorCode=003001; statusCode=429</Message>"
    b"<Detail>The request limit was reached. Try again later &amp; slower</Detail></Error></Fault></IntuitResponse>"
)
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">'
    b'<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    b'<ns:Fault><ns:Error code="610"><ns:Detail>&b;&f;</ns:Detail></ns:Error></ns:Fault>'
)
HTML = (
    b"<html><head><style>p {}</style><title>504 Gateway Time-out</title></head>"
    b"<body><!-- a --><h1>504</h1><script>var Fault</script></body></html>"
)


def raised(status: int, body: bytes, *secrets: str, **headers: str) -> QBOError:
    with pytest.raises(QBOError) as caught:
        raise_for_fault(status, CIMultiDict(headers), body, secrets=secrets)
    return caught.value


def test_fault_capital_envelope_carries_everything() -> None:
    error = raised(400, CAPITAL, Intuit_Tid="1-abc")
    assert type(error) is DuplicateName
    assert (error.status, error.code, error.element) == (400, "6240", "DisplayName")
    assert error.detail == "Duplicate Name Exists Error: The name supplied already exists. : null"
    assert error.intuit_tid == "1-abc"
    assert error.decision is Decision.DUPLICATE


def test_fault_lower_case_envelope_hides_the_token() -> None:
    error = raised(401, LOWER)
    assert type(error) is Unauthorized
    assert error.code == "3200"
    assert "AB01abcdefgh" not in str(error)
    assert "[redacted]" in str(error)


def test_fault_without_code_takes_it_from_the_message() -> None:
    error = raised(403, FORBIDDEN)
    assert type(error) is CompanyUnavailable
    assert (error.code, error.decision) == ("3100", Decision.RECONNECT)


@pytest.mark.parametrize("status", [403, 429])
def test_fault_xml_throttle_is_told_by_its_code(status: int) -> None:
    error = raised(status, XML)
    assert type(error) is Throttled
    assert error.code == "3001"
    assert error.detail is not None
    assert error.detail.endswith("Try again later & slower")


def test_fault_of_the_gateway_that_throttles_with_403_is_told_by_its_message() -> None:
    error = raised(
        403,
        b'{"fault":{"error":[{"message":"message=ThrottleExceeded; errorCode=003001; statusCode=403",'
        b'"detail":"The request limit was reached."}],"type":"SERVICE"},"time":1601391072830}',
        Retry_After="5",
    )
    assert type(error) is Throttled
    assert (error.code, error.status, error.retry_after) == ("3001", 403, None)


def test_fault_in_place_of_rows_is_raised() -> None:
    body = b'{"QueryResponse":{"Fault":{"Error":[{"Message":"x","code":"6240"}]}},"time":"t"}'
    assert type(raised(200, body)) is DuplicateName


def test_fault_with_one_error_that_is_no_list_is_understood() -> None:
    assert raised(400, b'{"Fault":{"Error":{"code":"6240"}}}').code == "6240"


@pytest.mark.parametrize("header", ["intuit_tid", "Intuit-Tid", "INTUIT_TID"])
def test_fault_keeps_intuits_number_however_its_header_is_spelled(header: str) -> None:
    assert raised(400, CAPITAL, **{header: "1-abc"}).intuit_tid == "1-abc"


@pytest.mark.parametrize("part", [None, [], "x", {}, {"Fault": None}, {"Customer": {}}])
def test_fault_in_a_part_without_one_is_none(part: object) -> None:
    assert fault_in(part) is None


def test_fault_xml_entities_are_not_expanded() -> None:
    error = raised(400, BOMB)
    assert (error.code, error.detail) == ("610", "&b;&f;")


def test_fault_html_page_keeps_what_a_person_would_read() -> None:
    error = raised(504, HTML)
    assert type(error) is Uncertain
    assert error.detail == "504 Gateway Time-out 504"


@pytest.mark.parametrize(
    ("status", "decision"), [(500, Decision.UNCERTAIN), (401, Decision.TOKEN), (400, Decision.DATA)]
)
def test_fault_empty_body_is_judged_by_status(status: int, decision: Decision) -> None:
    error = raised(status, b"")
    assert (error.decision, error.detail, error.code) == (decision, None, None)


def test_fault_inside_200_is_raised() -> None:
    assert type(raised(200, CAPITAL)) is DuplicateName


@pytest.mark.parametrize(
    "body",
    [
        b'{"fault":null,"SalesReceipt":{"Id":"1"}}',
        b'{"SalesReceipt":{"Id":"1","PrivateNote":"a \\"Fault\\": b"}}',
        b'{"SalesReceipt":{"Id":"1","Fault":{"Error":[]}}}',
        b'{"Fault":"none"}',
        b"",
        b"<p>default</p>",
        b"<p>:Fault</p>",
        b'{"Fault": broken',
    ],
)
def test_answer_without_fault_passes(body: bytes) -> None:
    raise_for_fault(200, CIMultiDict(), body)
    assert parse_fault(body) is None


@pytest.mark.parametrize("body", [b'{"Fault":{"type":"X"}}', b'{"Fault":{"Error":["x"]}}', b"<Fault/>"])
def test_fault_in_200_without_any_error_is_uncertain(body: bytes) -> None:
    assert raised(200, body).decision is Decision.UNCERTAIN


def test_fault_with_several_errors_tells_all_and_is_judged_by_the_first() -> None:
    body = b'{"Fault":{"Error":[{"Message":"One","Detail":"One more","code":"6000"},{"Message":"Two","code":"2010"}]}}'
    error = raised(400, body)
    assert type(error) is InvalidData
    assert error.detail == "One more; Two"


def test_fault_with_a_number_for_a_code_is_understood() -> None:
    assert raised(400, b'{"Fault":{"Error":[{"code":6240}]}}').code == "6240"


@pytest.mark.parametrize(("written", "code"), [("003001", "3001"), ("0", "0"), ("ABC", "ABC")])
def test_fault_code_is_without_leading_zeros(written: str, code: str) -> None:
    fault = parse_fault(b'{"Fault":{"Error":[{"code":"%s"}]}}' % written.encode())
    assert fault is not None
    assert fault.code == code


def test_xml_with_byte_order_mark_is_read() -> None:
    fault = parse_fault(b"\xef\xbb\xbf" + XML)
    assert fault is not None
    assert fault.code == "3001"


@pytest.mark.parametrize(
    "text",
    [
        "Token expired: abc.def-SECRET",
        "token invalid: SECRET",
        "Authorization Bearer SECRET refused",
        "eyJhbGciOiJkaXIi.SECRET.SECRET..x is old",
        "AB11SECRETSECRET",
        "RT1-SECRETSECRET",
        "value SECRET0123456789012345678901234567890123456789",
        "the sent one: S3-SECRET!",
    ],
)
def test_redact_hides_whatever_looks_like_a_token(text: str) -> None:
    hidden = redact(text, ["S3-SECRET!", ""])
    assert "SECRET" not in hidden
    assert "[redacted]" in hidden


@pytest.mark.parametrize(
    "text",
    [
        "Invalid Reference Id : Names element id 75 not found",
        "Property Name:com.intuit.schema.finance.v3.SalesItemLineDetailInformation specified is unsupported",
        "String length: Min:0 Max:21 supported. Supplied length:45",
    ],
)
def test_redact_leaves_what_a_person_needs(text: str) -> None:
    assert redact(text) == text


def test_redact_cuts_what_nobody_reads() -> None:
    assert len(redact("no " * 5000)) == 2001


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"Retry-After": "86400"}, 3600.0),
        ({"Retry-After": "Tue, 24 Nov 2026 09:00:30 GMT", "Date": "Tue, 24 Nov 2026 09:00:00 GMT"}, 30.0),
        ({"Retry-After": "Tue, 24 Nov 2026 08:00:30 GMT", "Date": "Tue, 24 Nov 2026 09:00:00 GMT"}, 0.0),
        ({"Retry-After": "Tue, 24 Nov 2026 09:00:30 GMT"}, None),
        ({"Retry-After": "Tue, 24 Nov 2026 09:00:30 -0000", "Date": "Tue, 24 Nov 2026 09:00:00 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_seconds_or_nothing(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(CIMultiDict(headers)) == seconds


def test_retry_after_is_kept_only_for_throttles() -> None:
    assert raised(429, b"", **{"Retry-After": "9"}).retry_after == 9.0
    assert raised(503, b"", **{"Retry-After": "9"}).retry_after is None
