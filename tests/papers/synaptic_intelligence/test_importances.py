"""Correlations of importances between tasks equal numpy's and scipy's, and come from the hidden weights alone."""

from __future__ import annotations

from types import SimpleNamespace

import numpy
import pytest
import scipy.stats
import torch

from common.learning.randomness import generator
from papers.synaptic_intelligence.importances import Correlations

SEEDS, TASKS = [4, 9], 3
SHAPES = [(6, 5), (5,), (5, 4), (4,), (4, 3), (3,)]  # weight and bias of two hidden layers and of the outputs


def path_integrals(task):
    """The omega of one task, [R, ...] for each parameter; like those of dark pixels, a third of the weights' are zero."""
    source = generator(task, "omega")
    tensors = [torch.randn(len(SEEDS), *shape, generator=source) for shape in SHAPES]
    for tensor in tensors[::2]:
        tensor[torch.rand(tensor.shape, generator=source) < 1 / 3] = 0
    return tensors


def learner(tensors):
    return SimpleNamespace(consolidation=SimpleNamespace(path_integral=tensors))


@pytest.fixture(scope="module")
def observer():
    """It has seen three tasks, each reset afterwards as training does."""
    seen = Correlations(SEEDS, TASKS)
    for task in range(TASKS):
        tensors = path_integrals(task)
        seen.before_end_of_task(task, learner(tensors))
        for tensor in tensors:
            tensor.zero_()
    return seen


def matrix(rows, seed, layer, kind):
    """The correlations [task, other task] in the rows of a table."""
    found = numpy.full((TASKS, TASKS), numpy.nan)
    for row in rows:
        if (row["seed"], row["layer"], row["kind"]) == (seed, layer, kind):
            found[row["task"] - 1, row["other_task"] - 1] = row["correlation"]
    return found


@pytest.mark.parametrize("layer, place", [(1, 0), (2, 2)])
@pytest.mark.parametrize("replica, seed", list(enumerate(SEEDS)))
def test_correlations_are_numpys_and_scipys(observer, layer, place, replica, seed):
    rows = observer.table("si-0.1")
    omegas = numpy.stack([path_integrals(task)[place][replica].flatten().numpy() for task in range(TASKS)])
    numpy.testing.assert_allclose(matrix(rows, seed, layer, "pearson"), numpy.corrcoef(omegas), atol=1e-6)
    spearman = scipy.stats.spearmanr(omegas, axis=1).statistic
    numpy.testing.assert_allclose(matrix(rows, seed, layer, "spearman"), spearman, atol=1e-6)
    assert abs(spearman - numpy.corrcoef(omegas)).max() > 1e-3  # the two kinds can be told apart


def test_the_table_has_every_pair_once(observer):
    rows = observer.table("si-0")
    keys = {tuple(row[key] for key in ("condition", "seed", "layer", "kind", "task", "other_task")) for row in rows}
    assert len(keys) == len(rows) == len(SEEDS) * 2 * 2 * TASKS**2
    assert {row["condition"] for row in rows} == {"si-0"} and {row["layer"] for row in rows} == {1, 2}
    assert all(row["correlation"] == pytest.approx(1) for row in rows if row["task"] == row["other_task"])


def test_equal_importances_correlate_fully_and_opposite_ones_negatively():
    seen, first = Correlations([0], 3), [tensor[:1] for tensor in path_integrals(0)]
    for task, factor in enumerate((1.0, 2.5, -1.0)):
        seen.before_end_of_task(task, learner([factor * tensor for tensor in first]))
    for kind in ("pearson", "spearman"):
        found = matrix(seen.table("si-0"), 0, 2, kind)
        numpy.testing.assert_allclose(found, [[1, 1, -1], [1, 1, -1], [-1, -1, 1]], atol=1e-6)


def test_biases_and_output_weights_do_not_count(observer):
    other = Correlations(SEEDS, TASKS)
    for task in range(TASKS):
        tensors = path_integrals(task)
        for place in (1, 3, 4, 5):
            tensors[place].fill_(100.0 * task)
        other.before_end_of_task(task, learner(tensors))
    assert other.table("si-0") == observer.table("si-0")


def test_what_is_saved_halfway_is_gone_on_with(observer):
    half, resumed = Correlations(SEEDS, TASKS), Correlations(SEEDS, TASKS)
    for task in range(2):
        half.before_end_of_task(task, learner(path_integrals(task)))
    resumed.load_state_dict(half.state_dict())
    resumed.before_end_of_task(2, learner(path_integrals(2)))
    assert resumed.table("si-0") == observer.table("si-0")
