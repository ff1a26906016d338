"""How the importances of different tasks correlate (Figure 5), gathered while a run goes on."""

from __future__ import annotations

from collections.abc import Sequence

import scipy
import torch
from torch import Tensor

from common.learning.consolidation import SynapticIntelligence
from common.learning.continual import Learner, Observer

LAYERS = {1: 0, 2: 2}  # weight matrices of the two hidden layers, by their place among the parameters


class Correlations(Observer):
    """Keeps the path integral omega of every task, taken just before it is reset, and correlates the tasks pairwise.

    One seed at full width takes 5.6 M values a task: 22 MB, 220 MB for ten tasks.
    """

    def __init__(self, seeds: Sequence[int], tasks: int) -> None:
        self.seeds, self.tasks = list(seeds), tasks
        self.omegas: list[list[Tensor]] = []  # [task][layer] of [R, weights]

    def before_end_of_task(self, task: int, learner: Learner) -> None:
        """Copy the weights' omega (not the biases') of both hidden layers."""
        assert isinstance(learner.consolidation, SynapticIntelligence)
        path = learner.consolidation.path_integral
        self.omegas.append([path[place].flatten(1).cpu().clone() for place in LAYERS.values()])

    def table(self, condition: str) -> list[dict]:
        """One row per seed, layer, kind of correlation (pearson, spearman) and pair of tasks, which count from 1."""
        rows = []
        for replica, seed in enumerate(self.seeds):
            for place, layer in enumerate(LAYERS):
                values = torch.stack([task[place][replica] for task in self.omegas])
                for kind, scores in (("pearson", values), ("spearman", _ranks(values))):
                    matrix = torch.corrcoef(scores.double())
                    for task, other in ((t, o) for t in range(len(values)) for o in range(len(values))):
                        row = {"condition": condition, "seed": seed, "layer": layer, "kind": kind}
                        row |= {"task": task + 1, "other_task": other + 1, "correlation": float(matrix[task, other])}
                        rows.append(row)
        return rows

    def state_dict(self) -> dict:
        return {"omegas": self.omegas}

    def load_state_dict(self, state: dict) -> None:
        self.omegas = state["omegas"]


def _ranks(values: Tensor) -> Tensor:
    """Ranks within each row, ties (such as the zeros of pixels that are never lit) sharing their mean rank."""
    return torch.from_numpy(scipy.stats.rankdata(values.numpy(), axis=1))
