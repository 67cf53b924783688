import random
import socket
from collections.abc import Iterable

from deploy.local.errors import LocalStackError

# Below the range from which systems take the ports of outgoing connections: while a server of ours is
# stopped, a client that keeps trying to connect could otherwise be given that very port and hold it.
FIRST, LAST = 20_000, 29_999


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count: int, *, preferred: Iterable[int] = ()) -> tuple[int, ...]:
    """Choose free ports of 127.0.0.1, the preferred ones first; another program may still be quicker."""
    drawn = random.SystemRandom().sample(range(FIRST, LAST + 1), k=500)
    found: list[int] = []
    for port in (*preferred, *drawn):
        if len(found) == count:
            return tuple(found)
        if port not in found and is_free(port):
            found.append(port)
    raise LocalStackError(f"No free port between {FIRST} and {LAST} was found on 127.0.0.1. End old processes.")


def require_free(name: str, ports: Iterable[int]) -> None:
    for port in ports:
        if not is_free(port):
            raise LocalStackError(
                f"Port {port} of 127.0.0.1, which {name} needs, is taken by another program. "
                "End that program, or run `python -m deploy.local down` and then `up`."
            )
