"""Average accuracy and backward transfer on a worked matrix."""

from __future__ import annotations

import math

import pytest
import torch

from common.learning.metrics import average_accuracy, backward_transfer

# Three tasks; what lies above the diagonal has not been learned yet.
ACCURACIES = torch.tensor([[0.9, 0.1, 0.2], [0.7, 0.8, 0.3], [0.5, 0.9, 0.6]], dtype=torch.float64)


def test_average_accuracy_is_over_the_tasks_learned_so_far_even_if_others_are_not_known():
    assert average_accuracy(ACCURACIES).tolist() == pytest.approx([0.9, 0.75, 2.0 / 3], abs=1e-15)
    runs = torch.stack([ACCURACIES, 1 - ACCURACIES])
    assert average_accuracy(runs)[1].tolist() == pytest.approx([0.1, 0.25, 1 / 3], abs=1e-15)
    unknown = ACCURACIES.masked_fill(~torch.ones(3, 3, dtype=torch.bool).tril(), math.nan)
    assert torch.equal(average_accuracy(unknown), average_accuracy(ACCURACIES))


def test_backward_transfer_is_the_change_since_a_task_was_learned():
    # ((0.5 - 0.9) + (0.9 - 0.8)) / 2
    assert backward_transfer(ACCURACIES).item() == pytest.approx(-0.15, abs=1e-15)
    better = ACCURACIES.clone()
    better[2] = torch.tensor([1.0, 0.9, 0.1], dtype=torch.float64)
    assert backward_transfer(torch.stack([ACCURACIES, better])).tolist() == pytest.approx([-0.15, 0.1], abs=1e-15)
    with pytest.raises(ValueError, match="at least two tasks"):
        backward_transfer(torch.ones(1, 1))
