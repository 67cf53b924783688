"""Mails a transaction, or rather says so: nothing leaves this machine."""

from qbo_client.emulator import errors, records
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.entities.names import check_email
from qbo_client.emulator.table import Row


def send(company: Company, kind: Kind, identifier: str, send_to: str | None) -> Row:
    """To the address given, which then stands in the document, or to the one that stands there.

    Raises ApiFault 610, 2210, 6420, or 3001 where so many were sent today already.
    """
    row = records.read(company, kind, identifier)
    check_email(send_to, "sendTo")
    address = send_to or row.body.get("BillEmail", {}).get("Address")
    if not address:
        raise errors.business("An email address is needed to send this.", code="6420", element="BillEmail")
    _count(company)
    content = {
        **records.without_envelope(row.body),
        "BillEmail": {**row.body.get("BillEmail", {}), "Address": address},
        "EmailStatus": "EmailSent",
        "DeliveryInfo": {"DeliveryType": "Email", "DeliveryTime": company.clock.stamp()},
    }
    return records.put_changed(company, kind, row, content)


def _count(company: Company) -> None:
    counted = f"mails of {company.clock.today()}"
    if company.counters.get(counted, 0) >= company.switches.sends_per_day:
        raise errors.throttled()
    company.next_id(counted)
