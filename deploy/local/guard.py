"""A small process beside each server that ends it when the process that started it is gone.

Standard input is a pipe whose other end the starter holds: it closes when the starter ends, however it ends.
(Linux' PR_SET_PDEATHSIG would not do: it follows the starting thread, and servers are started in threads.)
"""

import signal
import subprocess
import sys

from deploy.local.folders import PROJECT
from deploy.local.processes import ProcessIdentity, end


def start_guard(process: ProcessIdentity, sent: signal.Signals) -> subprocess.Popen[bytes]:
    """Start the guard; closing the returned process' stdin lets it end the server and go."""
    arguments = (str(process.pid), process.started, sent.name)
    return subprocess.Popen(
        (sys.executable, "-m", "deploy.local.guard", *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        cwd=PROJECT,
        start_new_session=True,
    )


def main(pid: str, started: str, sent: str) -> None:
    sys.stdin.buffer.read()
    end(ProcessIdentity(pid=int(pid), started=started), signal.Signals[sent])


if __name__ == "__main__":
    main(*sys.argv[1:])
