"""What is computed from the answers of a learner."""

from __future__ import annotations

import torch


def recall(correct: torch.Tensor, tasks: int) -> torch.Tensor:
    """Return the recall accuracy after `tasks` tasks, in [0, 1] as float64, one value per leading index.

        recall_k = (1 / (k m)) sum_{t=1..k} sum_{i=1..m} correct[t, i]

    correct: bool [..., n_tasks, m], whether image i of task t is answered rightly by the model as it is after task k;
    rows after the k-th are ignored. Raises ValueError if `tasks` is not in 1..n_tasks, TypeError if it is not bool.
    """
    if correct.dtype != torch.bool:
        raise TypeError(f"recall: expected a bool tensor of right answers, found {correct.dtype}")
    if not 1 <= tasks <= correct.shape[-2]:
        raise ValueError(f"recall after {tasks} tasks: there are answers for {correct.shape[-2]} tasks")
    return correct[..., :tasks, :].double().mean(dim=(-2, -1))
