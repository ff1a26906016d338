"""The examples that importances are found on: the first images of an order, or equal shares of all tasks."""

from __future__ import annotations

import torch

from common.learning.stream_data import TaskExamples
from tests.common.learners import CLASSES, SEEDS, split_stream


def test_importances_are_found_on_the_first_images_of_an_order_in_chunks():
    stream = split_stream(SEEDS)
    chunks = list(TaskExamples(stream, 1, SEEDS, chunk=8).examples(20))
    assert [inputs.shape[:2] for inputs, _, _ in chunks] == [(3, 8), (3, 8), (3, 4)]
    assert all(active.tolist() == [False, False, True, True] for _, _, active in chunks)
    found = torch.cat([(inputs[..., 0] * 255).round().long() for inputs, _, _ in chunks], dim=1)
    labels = torch.cat([labels for _, labels, _ in chunks], dim=1)
    assert torch.equal(labels, found % CLASSES)
    for row in found:
        assert len(set(row.tolist())) == 20
        assert set(row.tolist()) <= set(stream.tasks[1][0].train.tolist())
    assert not torch.equal(found[0], found[1])
    everything = TaskExamples(stream, 1, SEEDS).examples(10**6)
    assert sum(labels.shape[1] for _, labels, _ in everything) == len(stream.tasks[1][0].train)


def test_importances_may_be_found_on_equal_shares_of_all_tasks_so_far():
    stream = split_stream(SEEDS)
    for task, own in ((0, [20]), (1, [10, 10])):
        chunks = list(TaskExamples(stream, task, SEEDS).examples(20, earlier=True))
        assert [labels.shape for _, labels, _ in chunks] == [(3, count) for count in own]
        for place, (_, labels, active) in enumerate(chunks):
            assert active.nonzero()[:, 0].tolist() == [2 * place, 2 * place + 1]
            assert active[labels].all()
