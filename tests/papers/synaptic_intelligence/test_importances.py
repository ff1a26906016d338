"""Correlations of importances between tasks equal numpy's and scipy's, and come from the hidden weights alone."""

from __future__ import annotations

from types import SimpleNamespace

import numpy
import pytest
import scipy.stats
import torch

from common.learning.consolidation import SynapticIntelligence
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


def observe(observer, omegas, first=0):
    """Shows the observer one task's omega after the other, each reset afterwards as training does."""
    for task, tensors in enumerate(omegas, start=first):
        consolidation = SynapticIntelligence(tensors, 1.0, 0.1)
        consolidation.path_integral = tensors
        observer.before_end_of_task(task, SimpleNamespace(consolidation=consolidation))
        for tensor in tensors:
            tensor.zero_()
    return observer


@pytest.fixture(scope="module")
def table():
    """Of three tasks."""
    return observe(Correlations(SEEDS, TASKS), map(path_integrals, range(TASKS))).table("si-0")


def matrix(rows, seed, layer, kind):
    """The correlations [task, other task] in the rows of a table."""
    found = numpy.full((TASKS, TASKS), numpy.nan)
    for row in rows:
        if (row["seed"], row["layer"], row["kind"]) == (seed, layer, kind):
            found[row["task"] - 1, row["other_task"] - 1] = row["correlation"]
    return found


@pytest.mark.parametrize("layer, place", [(1, 0), (2, 2)])
@pytest.mark.parametrize("replica, seed", list(enumerate(SEEDS)))
def test_correlations_are_numpys_and_scipys(table, layer, place, replica, seed):
    assert len(table) == len(SEEDS) * 2 * 2 * TASKS**2 and {row["condition"] for row in table} == {"si-0"}
    omegas = numpy.stack([path_integrals(task)[place][replica].flatten().numpy() for task in range(TASKS)])
    numpy.testing.assert_allclose(matrix(table, seed, layer, "pearson"), numpy.corrcoef(omegas), atol=1e-6)
    spearman = scipy.stats.spearmanr(omegas, axis=1).statistic
    numpy.testing.assert_allclose(matrix(table, seed, layer, "spearman"), spearman, atol=1e-6)
    assert abs(spearman - numpy.corrcoef(omegas)).max() > 1e-3  # the two kinds can be told apart


def test_biases_and_output_weights_do_not_count(table):
    def changed(task):
        tensors = path_integrals(task)
        for place in (1, 3, 4, 5):
            tensors[place].fill_(100.0 * task)
        return tensors

    assert observe(Correlations(SEEDS, TASKS), map(changed, range(TASKS))).table("si-0") == table


def test_what_is_saved_halfway_is_gone_on_with(table):
    half, resumed = (Correlations(SEEDS, TASKS) for _ in range(2))
    observe(half, map(path_integrals, range(2)))
    resumed.load_state_dict(half.state_dict())
    assert observe(resumed, [path_integrals(2)], first=2).table("si-0") == table
