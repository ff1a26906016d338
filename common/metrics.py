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


def average_accuracy(matrix: torch.Tensor) -> torch.Tensor:
    """Return the mean accuracy over the tasks learned so far, after each task: [..., n_tasks].

        A_k = (1 / k) sum_{t=1..k} a[k, t]

    matrix: [..., n_tasks, n_tasks], a[k, t] the accuracy on task t after training task k; entries t > k are ignored.
    Raises ValueError for a matrix that is not square, such as that of joint training.
    """
    _check_square(matrix)
    tasks = torch.arange(1, matrix.shape[-1] + 1, dtype=matrix.dtype, device=matrix.device)
    return matrix.tril().sum(-1) / tasks


def backward_transfer(matrix: torch.Tensor) -> torch.Tensor:
    """Return by how much accuracy on earlier tasks changed since they were learned, after the last of n >= 2 tasks.

        BWT = (1 / (n - 1)) sum_{t=1..n-1} (a[n, t] - a[t, t])

    matrix: as for `average_accuracy`; one value per leading index. Negative values are forgetting.
    Raises ValueError for a matrix that is not square or has one task only.
    """
    _check_square(matrix)
    n_tasks = matrix.shape[-1]
    if n_tasks < 2:
        raise ValueError("backward_transfer: needs at least two tasks")
    learned = matrix.diagonal(dim1=-2, dim2=-1)
    return (matrix[..., -1, :-1] - learned[..., :-1]).mean(-1)


def _check_square(matrix: torch.Tensor) -> None:
    if matrix.dim() < 2 or matrix.shape[-1] != matrix.shape[-2]:
        raise ValueError(f"an accuracy matrix is [..., n_tasks, n_tasks], not {list(matrix.shape)}")
