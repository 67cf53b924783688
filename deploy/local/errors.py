import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class LocalStackError(Exception):
    """Kafka, PostgreSQL or the registry could not be had here; the sentence says what to do about it."""


@contextmanager
def disk_errors_told(folder: Path) -> Iterator[None]:
    """Turn a full or forbidden disk into a sentence; every other error passes as it is."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise LocalStackError(f"The disk of {folder} is full. Free some space and try again.") from error
        if error.errno in (errno.EACCES, errno.EROFS):
            raise LocalStackError(
                f"{error.filename or folder} cannot be written ({error.strerror}). Choose a folder of your own."
            ) from error
        raise
