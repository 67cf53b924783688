"""How long an answer takes: always the same, or drawn from a distribution that can be drawn again."""

import math
import random
from collections.abc import Mapping
from typing import Any

# Standard deviations from the middle to the 99th percentile of a normal distribution.
_TO_P99 = 2.3263478740408408


class Latency:
    """`p50` is the middle in seconds. Without `p99` every answer takes just that long.

    With it, delays are log-normal: most near the middle, few very long, as services behave.
    """

    def __init__(self, p50: float = 0.0, p99: float | None = None, seed: int = 0) -> None:
        """Raises ValueError for what is no distribution."""
        if not 0 <= p50 < math.inf or (p99 is not None and not 0 < p50 <= p99 < math.inf):
            raise ValueError("a latency has 0 <= p50, and 0 < p50 <= p99 where there is a p99")
        self.p50 = p50
        self.p99 = p99
        self.seed = seed
        self._random = random.Random(seed)  # noqa: S311 -- nothing is kept secret by it
        self._spread = 0.0 if p99 is None else math.log(p99 / p50) / _TO_P99

    @classmethod
    def asked(cls, sent: Mapping[str, Any]) -> "Latency":
        """Of `{"seconds": 0.1}` or `{"p50": 0.2, "p99": 1.5, "seed": 7}`; raises ValueError."""
        unknown = set(sent) - {"seconds", "p50", "p99", "seed", "of"}
        if unknown or ("seconds" in sent) == ("p50" in sent):
            raise ValueError("a latency is told by seconds, or by p50 with p99 and seed")
        p99 = sent.get("p99")
        return cls(
            float(sent["seconds"] if "seconds" in sent else sent["p50"]),
            None if p99 is None else float(p99),
            int(sent.get("seed", 0)),
        )

    def shown(self) -> dict[str, Any]:
        return {"p50": self.p50, "p99": self.p99, "seed": self.seed}

    def draw(self) -> float:
        if not self._spread:
            return self.p50
        return self._random.lognormvariate(math.log(self.p50), self._spread)
