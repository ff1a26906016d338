"""What a job costs, counted from its settings: arithmetic, memory traffic and small operations; and what it keeps on disk.

Each paper counts its own stages in papers/<paper>/costs.py. Only the plan reads that file, so nothing ever runs again for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

from common.data.catalog import entry

FLOAT = 4  # bytes
START = 3.0  # seconds of a job before its work: imports and data


class Rates(NamedTuple):
    """What a device does: FLOP/s in float32 products, B/s in updates of memory, and seconds of a small operation."""

    products: float
    bandwidth: float
    operation: float


# One core of the AMD EPYC that most kept runs are of, as papers/tsar/TRIALS.md has it: the bandwidth is that of a transfer
# step, 16.5 GB in 0.52 s. A small operation was not measured there; it is that of another processor.
REFERENCE = Rates(100e9, 32e9, 2e-6)


class Cost(NamedTuple):
    """What a job takes: FLOP in products, bytes of traffic, small operations; and bytes of its models and its checkpoint."""

    flop: float = 0.0
    traffic: float = 0.0
    operations: float = 0.0
    models: float = 0.0
    state: float = 0.0

    def seconds(self, rates: Rates) -> float:
        """Return how long a device of these rates takes."""
        return START + self.flop / rates.products + self.traffic / rates.bandwidth + self.operations * rates.operation

    def times(self, runs: float) -> Cost:
        """Return what so many runs of this cost in one job."""
        return Cost(*(runs * value for value in self))


def seeds(job: Mapping[str, str]) -> int:
    """Return how many seeds a job has, whose option says "3-5"; without the option 1."""
    first, _, last = job.get("seeds", "0").partition("-")
    return int(last or first) - int(first) + 1


def images(dataset: str, scale: str, split: str = "train") -> int:
    """Return how many images a split has: of the complete set, at smoke scale of the tiny one."""
    known = entry(dataset)
    if scale == "smoke":
        return known.smoke[split].classes * known.smoke[split].per_class
    return known.variants[0].splits[split].count or 0


def dense(sizes: Iterable[int]) -> int:
    """Return how many products the layers of a perceptron need for an image: as many as they have weights."""
    return sum(n_in * n_out for n_in, n_out in pairwise(sizes))


def training(
    products: float,
    parameters: float,
    shown: float,
    batch: int,
    evaluated: float,
    replicas: int,
    passes: float,
    operations: float,
    products_factor: float = 1.0,
) -> Cost:
    """Return what the continual loop costs (`common.learning.continual`).

    products: of an image through the network; parameters: of one replica; shown: images in all epochs; batch: images in a
    step; evaluated: images in all evaluations; passes: how often a step goes through all parameters; operations: small
    ones of a step, which all replicas share; products_factor: how much slower they are than those of large matrices.
    """
    steps = math.ceil(shown / batch)
    flop = 2 * products * (3 * shown + evaluated) * replicas * products_factor
    traffic = FLOAT * passes * parameters * steps * replicas
    return Cost(flop, traffic, operations * steps, state=3 * FLOAT * parameters * replicas)
