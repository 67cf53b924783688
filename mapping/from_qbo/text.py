"""Text from QuickBooks as events and PostgreSQL can hold it."""


def printable(value: object) -> str:
    """Return one text without NULs and halves of surrogate pairs, which neither Avro nor PostgreSQL can carry."""
    text = "" if value is None else str(value)
    return text.encode("utf-8", "replace").decode().replace("\x00", "").strip()
