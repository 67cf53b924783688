"""What a person is told about money, in one place for sales and invoices alike."""

from decimal import Decimal

from consumers.outcomes import Attention


def disputed() -> Attention:
    """Nobody guesses how a dispute ends: the money stays booked until somebody knows."""
    return Attention("disputed", "The payer disputes this payment. Correct the books once it is decided.")


def unapplied_note(unapplied: Decimal) -> str | None:
    """Name what was paid beyond what is owed: it stays the customer's credit."""
    return f"{unapplied} was paid beyond what is owed and is the customer's credit." if unapplied > 0 else None
