"""Figures of several runs as one, and compared to those of others."""

import statistics
from collections.abc import Sequence

Figures = dict[str, float]
Table = dict[str, Figures]


def combined(runs: Sequence[Figures]) -> Figures:
    """The median of each figure; errors are counted."""
    return {
        name: (sum if name.endswith("errors") else statistics.median)([run[name] for run in runs])
        for name in runs[0]
    }


def spread(values: Sequence[float]) -> float:
    """How far apart the middle half of the values are, as a part of the median.

    One run that something disturbed moves neither.
    """
    ordered, out = sorted(values), len(values) // 4
    return (ordered[-1 - out] - ordered[out]) / statistics.median(values)


def ratios(of: Sequence[Figures], to: Sequence[Figures]) -> Figures:
    """How each figure of runs compares to that of others, made in turn: the median ratio."""
    return {
        name: statistics.median(a[name] / b[name] for a, b in zip(of, to, strict=True))
        for name in of[0]
        if not name.endswith("errors") and all(run.get(name) for run in to)
    }
