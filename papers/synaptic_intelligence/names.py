"""What the names of conditions mean, and which conditions each benchmark has."""

from __future__ import annotations

import re

# The conditions of each benchmark beside si-C, synaptic intelligence with c = C.  Only ewc consolidates.
OTHERS = {"split_mnist": (), "permuted_mnist": ("ewc", "sgd", "dropout", "joint"), "cifar": ("scratch",)}


def strength_of_consolidation(condition: str) -> float | None:
    """The c of a condition si-C; None for any other."""
    match = re.fullmatch(r"si-(\d+(\.\d+)?)", condition)
    return float(match[1]) if match else None


def check(benchmark: str, condition: str) -> None:
    """Raises ValueError for a condition that the benchmark does not have."""
    known = OTHERS[benchmark]
    if strength_of_consolidation(condition) is None and condition not in known:
        raise ValueError(
            f"{benchmark} has no condition {condition!r}; known are {', '.join(('si-C, such as si-0.1', *known))}"
        )
