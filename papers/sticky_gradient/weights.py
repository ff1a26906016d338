"""How the weights are distributed after each task (Figure 5)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from common.learning.continual import Learner, Observer
from papers.sticky_gradient.protocol import WIDTH

NEAR_ZERO = 1e-5  # Section 3.5: weights nearer zero are left out


class Histograms(Observer):
    """Counts the weights (not the biases) of both layers in bins [k * 0.01, (k + 1) * 0.01), after every task.

    seeds: of the replicas.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self.seeds = list(seeds)
        self.counts: list[list[tuple[Tensor, Tensor]]] = []  # [task][replica]: bins k that are not empty, their counts

    def before_end_of_task(self, task: int, learner: Learner) -> None:
        """Count the weights as they are."""
        matrices = [parameter.detach() for parameter in learner.parameters[::2]]
        replicas = [torch.cat([matrix[r].flatten() for matrix in matrices]) for r in range(len(self.seeds))]
        self.counts.append([_count(weights) for weights in replicas])

    def table(self, condition: str) -> list[dict]:
        """Return one row per seed, task (from 1) and bin that is not empty: its lower edge, and how many weights lie in it."""
        return [
            {"condition": condition, "seed": seed, "after_task": after, "low": round(place * WIDTH, 2), "count": count}
            for after, replicas in enumerate(self.counts, start=1)
            for seed, (bins, counts) in zip(self.seeds, replicas, strict=True)
            for place, count in zip(bins.tolist(), counts.tolist(), strict=True)
        ]

    def state_dict(self) -> dict:
        """Return the counts so far."""
        return {"counts": self.counts}

    def load_state_dict(self, state: dict) -> None:
        """Go on from such counts."""
        self.counts = state["counts"]


def _count(weights: Tensor) -> tuple[Tensor, Tensor]:
    kept = weights[weights.abs() >= NEAR_ZERO].double()
    bins, counts = (kept / WIDTH).floor().long().unique(return_counts=True)
    return bins.cpu(), counts.cpu()
