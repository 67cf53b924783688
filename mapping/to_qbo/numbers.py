from mapping.company import Company
from mapping.errors import CannotBook
from mapping.settings import NumberClash
from mapping.to_qbo.methods import NUMBER
from mapping.to_qbo.text import short


def next_number(taken: str, attempt: int, company: Company) -> str:
    """Return what follows a number that another document has: attempt 1 gives R-7-2.

    Raises CannotBook `number_taken` where the settings ask a person.
    """
    if company.settings.number_clash is NumberClash.ATTENTION:
        raise CannotBook(
            "number_taken",
            f"Another document in QuickBooks has the number {taken}. Change one of the two, then retry.",
        )
    suffix = f"-{attempt + 1}"
    return f"{short(taken, NUMBER - len(suffix))}{suffix}"
