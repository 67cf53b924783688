"""What a person does in the books of a house's companies."""

from typing import Any

from tests.acceptance.house import House


def customer(house: House, name: str, tenant: str = "loc_0", **fields: Any) -> dict[str, Any]:
    email = fields.pop("email", None)
    if email is not None:
        fields["PrimaryEmailAddr"] = {"Address": email}
    return house.enters("Customer", tenant, DisplayName=name, **fields)


def invoice(
    house: House, customer_id: str, amount: str = "100.00", tenant: str = "loc_0", **more: Any
) -> dict[str, Any]:
    line = {
        "DetailType": "SalesItemLineDetail",
        "Amount": amount,
        "Description": "work done",
        "SalesItemLineDetail": {},
    }
    fields = {"CustomerRef": {"value": customer_id}, "Line": [line], "TxnDate": "2026-11-20", **more}
    return house.enters("Invoice", tenant, **fields)


def pay(house: House, of: dict[str, Any], amount: str | None = None, tenant: str = "loc_0") -> dict[str, Any]:
    """Record a Payment on an invoice: all that is left of it, or so much."""
    paid = amount if amount is not None else str(of["Balance"])
    applied = {"Amount": paid, "LinkedTxn": [{"TxnId": of["Id"], "TxnType": "Invoice"}]}
    return house.enters("Payment", tenant, CustomerRef=of["CustomerRef"], TotalAmt=paid, Line=[applied])


def settled_history(house: House, invoices: int, tenant: str = "loc_0") -> None:
    """Put invoices into the books, of which every second was paid."""
    names = [f"Client {n}" for n in range(20)]
    customers = [{"DisplayName": name, "PrimaryEmailAddr": {"Address": f"{name[7:]}@example.com"}} for name in names]
    documents = [
        {
            "CustomerRef": {"name": names[n % len(names)]},
            "TxnDate": "2026-10-05",
            "DocNumber": f"H-{n}",
            "Line": [{"DetailType": "SalesItemLineDetail", "Amount": "100.00", "SalesItemLineDetail": {}}],
        }
        for n in range(invoices)
    ]
    payments = [
        {
            "CustomerRef": {"name": names[n % len(names)]},
            "TotalAmt": "100.00",
            "Line": [{"Amount": "100.00", "LinkedTxn": [{"TxnType": "Invoice", "DocNumber": f"H-{n}"}]}],
        }
        for n in range(0, invoices, 2)
    ]
    seed = {"Customer": customers, "Invoice": documents, "Payment": payments}
    house.quickbooks.control(f"/companies/{house.realms[tenant]}/seed", seed)


def metered(house: House, tenant: str = "loc_0") -> int:
    """Count the reads that Intuit would have metered: everything but writes."""
    requests = house.statistics(house.realms[tenant])["requests"]
    reads = {"cdc", "query", "read"}
    return sum(one["count"] for one in requests if one["operation"] in reads)
