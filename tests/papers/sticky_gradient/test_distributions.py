"""Histograms of weights, their density and its modes, against distributions of our choice."""

from __future__ import annotations

import numpy
import pandas
import pytest

from papers.sticky_gradient import distributions
from papers.sticky_gradient.readings import FULL
from tests.papers.sticky_gradient.constructed import tables, weights


def test_histograms_have_no_gaps_and_their_shares_add_up():
    rows = [("control", 0, 1, -0.02, 30), ("control", 0, 1, 0.01, 10), ("control", 1, 1, 0.0, 5)]
    counts = distributions.histograms(pandas.DataFrame(rows, columns=distributions.COLUMNS), "control", 1)
    assert counts.columns.tolist() == [-2, -1, 0, 1]
    assert counts.loc[0].tolist() == [30, 0, 0, 10]
    assert distributions.share(counts.loc[0], 0.015, within=0.001) == 0.25
    assert distributions.deviation(counts.loc[0]) == pytest.approx(0.03 * numpy.sqrt(0.75 * 0.25))
    doubled = pandas.DataFrame([*rows, rows[0]], columns=distributions.COLUMNS)
    with pytest.raises(ValueError, match="control are there twice"):
        distributions.histograms(doubled, "control", 1)
    assert distributions.histograms(tables({})["weights"], "control", 1).empty


def mixture(*components):
    """A histogram of one seed: (share, mean, SD) of each component."""
    return distributions.histograms(weights(1, 1, **{FULL: list(components)}), FULL, 1).loc[0]


def test_the_density_is_that_of_the_weights_and_its_kernel():
    curve = distributions.density(mixture((1.0, 0.005, 0.03)))
    assert numpy.trapezoid(curve, curve.index) == pytest.approx(1, abs=1e-3)
    assert curve.max() == pytest.approx(1 / numpy.sqrt(2 * numpy.pi * (0.03**2 + 0.01**2)), rel=0.02)
    assert curve.idxmax() == pytest.approx(0.005, abs=1e-9)


def test_modes_are_where_weights_gather_and_nowhere_else():
    three = mixture((0.96, 0.0, 0.012), (0.03, -0.06, 0.01), (0.01, 0.279, 0.008))
    assert distributions.modes(three).index.tolist() == pytest.approx([-0.06, 0.0, 0.279], abs=0.004)
    assert distributions.nearest_mode(three, 0.25) == pytest.approx(0.279, abs=0.002)
    assert distributions.highest_mode(three) == pytest.approx(0, abs=0.002)
    single_weights = mixture((1.0, 0.0, 0.02), (2e-5, 0.279, 0.008))
    counts = numpy.random.default_rng(0).poisson(10_000, 20).astype(float)
    for one in (mixture((1.0, 0.0, 0.04)), single_weights, pandas.Series(counts, index=range(-10, 10))):
        assert len(distributions.modes(one)) == 1
