"""What the bridge learns of a company before it books anything: facts, defaults and the local copy."""

from consumers.ports import Books
from mapping.company import Company
from mapping.from_qbo.company import company_from_quickbooks
from qbo_client.client import QBOClient

_EVERYONE = "Active IN (true, false)"


async def preflight(client: QBOClient, books: Books) -> Company:
    """Read the company and fill the local copy; returns what mapping needs to know. Metered reads."""
    company_info = await client.company_info()
    preferences = await client.preferences()
    tax_codes = await client.query_all("TaxCode")
    tax_rates = await client.query_all("TaxRate")
    accounts = await client.query_all("Account")
    items = await client.query_all("Item")
    company = company_from_quickbooks(
        company_info=company_info,
        preferences=preferences,
        tax_codes=tax_codes,
        tax_rates=tax_rates,
        accounts=accounts,
        items=items,
    )
    await books.save_copies("Item", items)
    await books.save_copies("PaymentMethod", await client.query_all("PaymentMethod"))
    await books.save_copies("Customer", await client.query_all("Customer", _EVERYONE))
    await books.save_company(company)
    return company
