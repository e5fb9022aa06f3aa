"""How anything is measured: product and limit in turn, medians with their spread, memory. Knows no work."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Measurement", "PeakMemory", "Sample", "Target", "interleave", "sample_of"]

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Sample:
    """Milliseconds of several runs."""

    median_ms: float
    low_ms: float
    high_ms: float
    runs: int


@dataclass(frozen=True, slots=True)
class Target:
    """What is wanted: at most so many milliseconds, at most so many times the limit, or at least a rate."""

    ms: float | None = None
    ratio: float | None = None
    per_second: float | None = None

    def __str__(self) -> str:
        parts = (
            None if self.ms is None else f"≤ {self.ms:g} ms",
            None if self.ratio is None else f"≤ {self.ratio:g} × limit",
            None if self.per_second is None else f"≥ {self.per_second:g} /s",
        )
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One line of the table."""

    group: str
    case: str
    product: Sample
    limit: Sample | None = None
    target: Target | None = None
    per_second: float | None = None
    peak_mb: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times the limit the product took."""
        return None if self.limit is None else self.product.median_ms / self.limit.median_ms

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.target is None:
            return None
        wanted, ratio = self.target, self.ratio
        return (
            (wanted.ms is None or self.product.median_ms <= wanted.ms)
            and (wanted.ratio is None or (ratio is not None and ratio <= wanted.ratio))
            and (wanted.per_second is None or (self.per_second is not None and self.per_second >= wanted.per_second))
        )


def interleave(works: Sequence[Work], *, runs: int = 7, warm_up: int = 1) -> list[Sample]:
    """Run each in turn, again and again, so that all of them meet the same weather."""
    for _ in range(warm_up):
        for work in works:
            work()
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(runs):
        for taken, work in zip(seconds, works, strict=True):
            began = time.perf_counter()
            work()
            taken.append(time.perf_counter() - began)
    return [sample_of(taken) for taken in seconds]


def sample_of(seconds: Sequence[float]) -> Sample:
    """Median, lowest and highest."""
    return Sample(1000 * statistics.median(seconds), 1000 * min(seconds), 1000 * max(seconds), len(seconds))


class PeakMemory:
    """Highest resident memory of this process while the context is open, in megabytes; Linux."""

    def __init__(self) -> None:
        self.mb = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.mb = max(self.mb, pages * 4096 / 1e6)
            if self._over.wait(0.02):
                return
