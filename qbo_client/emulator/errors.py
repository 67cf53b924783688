"""What Intuit answers when it refuses; texts and codes as recorded or documented, never from memory alone."""

from dataclasses import dataclass
from typing import Any


# Not frozen: whoever lets an exception through may write its traceback.
@dataclass(slots=True, kw_only=True, eq=False)
class ApiFault(Exception):
    """A refusal in the capital-F envelope."""

    code: str
    message: str
    detail: str
    element: str | None = None
    status: int = 400
    type: str = "ValidationFault"

    def body(self) -> dict[str, Any]:
        error = {"Message": self.message, "Detail": self.detail, "code": self.code}
        if self.element is not None:
            error["element"] = self.element
        return {"Fault": {"Error": [error], "type": self.type}}


# Not frozen: whoever lets an exception through may write its traceback.
@dataclass(slots=True, kw_only=True, eq=False)
class GatewayFault(Exception):
    """A refusal by the gateway in front of the API: other envelope, lower-case keys, epoch milliseconds."""

    code: str
    message: str
    detail: str
    status: int
    type: str = "AUTHENTICATION"

    def body(self, milliseconds: int) -> dict[str, Any]:
        error = {"message": self.message, "detail": self.detail, "code": self.code, "element": None}
        return {
            "warnings": None,
            "intuitObject": None,
            "fault": {"error": [error], "type": self.type},
            "report": None,
            "queryResponse": None,
            "batchItemResponse": [],
            "attachableResponse": [],
            "syncErrorResponse": None,
            "requestId": None,
            "time": milliseconds,
            "status": None,
            "cdcresponse": [],
        }


def unauthorized(detail: str) -> GatewayFault:
    return GatewayFault(
        code="3200",
        message="message=AuthenticationFailed; errorCode=003200; statusCode=401",
        detail=detail,
        status=401,
    )


def forbidden(detail: str) -> GatewayFault:
    return GatewayFault(
        code="3100",
        message="message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403",
        detail=detail,
        status=403,
        type="AUTHORIZATION",
    )


def throttled() -> ApiFault:
    return ApiFault(
        code="3001",
        message="message=ThrottleExceeded; errorCode=003001; statusCode=429",
        detail="The request limit was reached. Try again later",
        status=429,
        type="SERVICE",
    )


def system_failure() -> ApiFault:
    return ApiFault(
        code="10000",
        message="An application error has occurred while processing your request",
        detail="System Failure Error: injected by the emulator",
        status=500,
        type="SystemFault",
    )


def unsupported(what: str) -> ApiFault:
    return ApiFault(
        code="500", message="Unsupported Operation", detail=f"Operation {what} is not supported.", element=""
    )


def not_found() -> ApiFault:
    return ApiFault(
        code="610",
        message="Object Not Found",
        detail="Object Not Found : Something you're trying to use has been made inactive. "
        "Check the fields with accounts, customers, items, vendors or employees.",
        element="",
    )


def stale() -> ApiFault:
    return ApiFault(
        code="5010",
        message="Stale Object Error",
        detail="Stale Object Error : You and somebody else were working on this at the same time. "
        "Somebody else finished before you did, so your work was not saved.",
        element="",
    )


def missing(name: str) -> ApiFault:
    return ApiFault(
        code="2020",
        message="Required param missing, need to supply the required value for the API",
        detail=f"Required parameter {name} is missing in the request",
        element=name,
    )


def invalid_property(detail: str) -> ApiFault:
    return ApiFault(
        code="2010",
        message="Request has invalid or unsupported property",
        detail=f"Property Name:{detail} specified is unsupported or invalid",
    )


def invalid_id(value: object) -> ApiFault:
    return ApiFault(
        code="2030",
        message="Invalid ID",
        detail=f"Id should be a valid number. Supplied value:{value}",
        element="Id",
    )


def invalid_reference(list_name: str, value: object) -> ApiFault:
    return ApiFault(
        code="2500",
        message="Invalid Reference Id",
        detail=f"Invalid Reference Id : {list_name} element id {value} not found",
        element="",
    )


def invalid_length(element: str, longest: int, supplied: int, shortest: int = 0) -> ApiFault:
    return ApiFault(
        code="2050",
        message="String length is either shorter or longer than supported by specification",
        detail=f"String length specified does not match the supported length. "
        f"Min:{shortest} Max:{longest} supported. Supplied length:{supplied}",
        element=element,
    )


def business(detail: str, code: str = "6000", element: str = "") -> ApiFault:
    return ApiFault(
        code=code,
        message="A business validation error has occurred while processing your request",
        detail=f"Business Validation Error: {detail}",
        element=element,
    )


def unlinkable(why: str) -> ApiFault:
    return ApiFault(
        code="620",
        message="Transaction cannot be linked",
        detail=f"Transaction cannot be linked : {why}",
        element="",
    )


def negative() -> ApiFault:
    return ApiFault(
        code="2290", message="Negative amount", detail="Transaction amount must be 0 or greater.", element=""
    )


def invalid_text(why: str, element: str) -> ApiFault:
    return ApiFault(code="2040", message="Invalid String", detail=f"Invalid String : {why}", element=element)


def deposited() -> ApiFault:
    return ApiFault(
        code="6540",
        message="Deposited Transaction cannot be changed",
        detail="Deposited Transaction cannot be changed : This transaction has been deposited. "
        "If you want to change or delete it, you must edit the deposit it appears on and remove it first.",
        element="",
    )


def duplicate_name(whose: str = "null") -> ApiFault:
    return ApiFault(
        code="6240",
        message="Duplicate Name Exists Error",
        detail=f"The name supplied already exists. : {whose}",
        element="",
    )


def duplicate_number(number: str, kind: str, identifier: str) -> ApiFault:
    return ApiFault(
        code="6140",
        message="Duplicate Document Number Error",
        detail="Duplicate Document Number Error : You must specify a different number. This number has "
        f"already been used. DocNumber={number} is assigned to TxnType={kind} with TxnId={identifier}",
        element="",
    )


def suspended() -> ApiFault:
    return ApiFault(
        code="6190",
        message="Invalid Company Status",
        detail="Subscription period has ended or canceled or there was a billing problem: "
        "You can't add data to QuickBooks Online Plus because your trial or subscription period ended.",
    )


def books_closed(day: str) -> ApiFault:
    return ApiFault(
        code="6210",
        message="Account Period Closed, Cannot Update Through Services",
        detail=f"The account period has closed ({day}) and the account books cannot be updated through the "
        "QBO Services API. Please use the QBO website to make these changes.",
    )


def query_unparsable(detail: str) -> ApiFault:
    return ApiFault(code="4000", message="Error parsing query", detail=f"QueryParserError: {detail}")


def query_invalid(detail: str) -> ApiFault:
    return ApiFault(code="4001", message="Invalid query", detail=f"QueryValidationError: {detail}")
