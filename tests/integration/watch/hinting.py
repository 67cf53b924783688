"""Hints of a watched company, and what looking for them cost."""

from tests.integration.watch.company import WatchedCompany

#: One poll.
READ = ("cdc", "")


async def hints(company: WatchedCompany) -> int:
    return int((await company.books.column("SELECT count(*) FROM hint"))[0])


async def all_hints_due(company: WatchedCompany) -> None:
    """Let the waits of all hints be over."""
    await company.books.do("UPDATE hint SET due_at = now()")


def reads(company: WatchedCompany) -> int:
    return len([call for call in company.reads() if call[0] not in {"create", "update"}])
