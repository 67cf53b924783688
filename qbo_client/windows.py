from collections import deque


class Window:
    """Calls that still count against a limit: those that ended less than `seconds` ago, and those running."""

    def __init__(self, seconds: float, limit: int) -> None:
        self.seconds = seconds
        self.limit = limit
        self.ends: deque[float] = deque()

    def forget(self, now: float) -> None:
        while self.ends and self.ends[0] + self.seconds <= now:
            self.ends.popleft()

    def opens(self, running: int, now: float) -> float | None:
        """Return from when one more may start (perhaps past); None if a running one must end first."""
        self.forget(now)
        surplus = len(self.ends) + running - self.limit
        if surplus < 0:
            return now
        if surplus >= len(self.ends):
            return None
        return self.ends[surplus] + self.seconds
