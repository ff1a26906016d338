"""Recall on answers counted by hand."""

from __future__ import annotations

import pytest
import torch

from common.metrics import recall

CORRECT = torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=torch.bool)


@pytest.mark.parametrize(("tasks", "expected"), [(1, 3 / 4), (2, 4 / 8), (3, 4 / 12)])
def test_recall_counts_all_images_seen_so_far(tasks, expected):
    assert recall(CORRECT, tasks).item() == pytest.approx(expected, abs=1e-15)


def test_recall_of_several_runs_at_once():
    correct = torch.stack([CORRECT, ~CORRECT])
    assert recall(correct, 2).tolist() == [0.5, 0.5]
    assert recall(correct, 3).tolist() == pytest.approx([1 / 3, 2 / 3])


def test_what_is_no_table_of_answers_is_refused():
    for tasks in (0, 4):
        with pytest.raises(ValueError, match=f"after {tasks} tasks: there are answers for 3 tasks"):
            recall(CORRECT, tasks)
    with pytest.raises(TypeError, match="bool"):
        recall(CORRECT.float(), 1)
