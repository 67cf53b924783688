"""Numbers of documents that others in the books may have already (6140)."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from consumers.intents import Draft
from qbo_client.errors import DuplicateNumber

T = TypeVar("T")

NUMBERS_TRIED = 6


async def under_free_number(
    write: Callable[[Draft], Awaitable[T]], draft: Draft, renumbered: Callable[[int], Draft]
) -> T:
    """Write the draft; where its number is taken, what `renumbered` makes of it, the first attempt being 1.

    Raises DuplicateNumber after the last, or what `renumbered` raises.
    """
    tried = draft
    for attempt in range(1, NUMBERS_TRIED):
        try:
            return await write(tried)
        except DuplicateNumber:
            tried = renumbered(attempt)
    return await write(tried)
