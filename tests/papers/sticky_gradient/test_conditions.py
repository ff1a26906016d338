"""Accuracies, weights and searches come out of the collected tables as they were put in; other tables are refused."""

from __future__ import annotations

import numpy
import pandas
import pytest

from common.results.tables import read
from papers.sticky_gradient import collected, conditions, distributions, searches
from papers.sticky_gradient.conditions import CELLS, CONTROL, EWC, FULL, LABELS, SEARCHED
from papers.sticky_gradient.readings import parts
from tests.papers.sticky_gradient.constructed import (
    PROVENANCE,
    PUBLISHED,
    READING,
    permuted,
    runs,
    search,
    shared,
    table,
    trajectories,
    weights,
    write,
)

MATRIX = [[0.9, 0.1, 0.2], [0.7, 0.8, 0.3], [0.4, 0.6, 0.8]]
TABLE = table(runs(EWC, MATRIX, seeds=2, spread=0.01))


def test_labels_cover_all_conditions_that_can_be_trained():
    assert len(set(LABELS.values())) == len(LABELS) == 2 + 2 * 7
    for condition in LABELS:
        assert parts(condition.removesuffix(SEARCHED)) is not None
    assert CONTROL + SEARCHED not in LABELS and EWC + SEARCHED not in LABELS
    assert set(LABELS) >= set(CELLS)


def test_measures_take_the_matrix_apart():
    assert conditions.so_far(TABLE, EWC).loc[1].tolist() == pytest.approx([0.9, 0.75, 0.6])
    assert conditions.previous(TABLE, EWC).columns.tolist() == [2, 3]
    assert conditions.previous(TABLE, EWC).loc[1].tolist() == pytest.approx([0.7, 0.5])
    assert conditions.newest(TABLE, EWC).loc[0].tolist() == pytest.approx([0.89, 0.79, 0.79])
    assert conditions.after(conditions.so_far(TABLE, EWC), 3) == pytest.approx({0: 0.59, 1: 0.6})
    assert conditions.after(conditions.so_far(TABLE, EWC), 4) == {}
    for measure in conditions.MEASURES.values():
        assert measure(TABLE, FULL).empty and measure(collected.table({}, "accuracies"), FULL).empty


def test_levels_begin_with_no_shared_pixels():
    found = conditions.levels(TABLE, shared(levels=(0.6, 0.2)))
    assert list(found) == [0, 0.2, 0.6]
    assert found[0.0] is TABLE
    assert list(conditions.levels(collected.table({}, "accuracies"), shared(levels=(0.6,)))) == [0.6]


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
    assert distributions.histograms(collected.table({}, "weights"), "control", 1).empty


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
    assert len(distributions.modes(mixture((1.0, 0.0, 0.04)))) == 1


def test_single_weights_and_ripples_are_no_modes():
    lonely = mixture((1.0, 0.0, 0.02), (2e-5, 0.279, 0.008))
    assert len(distributions.modes(lonely)) == 1
    source = numpy.random.default_rng(0)
    flat = pandas.Series(source.poisson(10_000, 20).astype(float), index=range(-10, 10))
    assert len(distributions.modes(flat)) == 1


def test_each_search_finds_its_best_trial():
    trials = search(readings=("a", "b"), seeds=(1000, 1001), sigma=0.5)
    trials.loc[trials["reading"] == "b", "objective"] -= 0.005
    found = searches.found(trials)
    assert found[["reading", "seed", "trials"]].to_numpy().tolist() == [
        ["a", 1000, 30],
        ["a", 1001, 30],
        ["b", 1000, 30],
        ["b", 1001, 30],
    ]
    assert found["sigma"].tolist() == [0.5] * 4 and found["a1"].tolist() == [PUBLISHED["a1"]] * 4
    assert found["published"].tolist() == pytest.approx([0.08, 0.0803, 0.075, 0.0753])
    alone = searches.found(trials[trials["trial"] >= 0])
    assert alone["published"].isna().all()
    assert searches.found(collected.table({}, "search")).empty


def test_tables_read_back_as_they_were_written(tmp_path):
    written = {"accuracies": permuted(), "shared": shared(), "weights": weights(), "search": search()}
    written["trajectories"] = trajectories()
    found, provenances = read([write(tmp_path, name, rows) for name, rows in written.items()], collected.READERS)
    for name, rows in written.items():
        pandas.testing.assert_frame_equal(found[name], rows, check_dtype=False)
        assert provenances[name] == PROVENANCE
        assert list(collected.table({}, name).columns) == list(rows.columns)


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("accuracies", permuted().assign(condition="si"), "unknown condition 'si'"),
        ("shared", permuted(), "has no column shared"),
        ("shared", shared().assign(shared=0.0), "shared must lie above 0"),
        ("weights", weights().drop(columns="low"), "has no column low"),
        ("weights", weights().assign(condition="si"), "unknown condition 'si'"),
        ("weights", weights().assign(count=0), "count must be positive"),
        ("search", search().drop(columns="a1"), "has no column a1"),
        ("search", search().assign(objective=85), "objective must lie between 0 and 1"),
        ("search", pandas.concat([search(), search()]), f"{READING} are there twice"),
        ("trajectories", trajectories().drop(columns="task"), "has no column task"),
    ],
)
def test_other_tables_are_refused(tmp_path, name, rows, message):
    with pytest.raises(ValueError, match=message):
        read([write(tmp_path, name, rows)], collected.READERS)
