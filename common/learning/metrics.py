"""What is computed from a learner's accuracy matrices."""

from __future__ import annotations

import torch


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
