"""Values come out of the collected tables as they were put in; other tables are refused."""

from __future__ import annotations

import math

import pandas
import pytest

from common.results import accuracies, readers
from papers.sticky_gradient import results
from papers.sticky_gradient.measures import MEASURES
from papers.sticky_gradient.readings import EWC, FULL
from tests.papers.sticky_gradient import constructed
from tests.papers.sticky_gradient.constructed import everything, forgetting, permuted, search, shared, tables

MATRIX = [[0.9, 0.1, 0.2], [0.7, 0.8, 0.3], [0.4, 0.6, 0.8]]
TABLE = constructed.table(constructed.runs(EWC, MATRIX, seeds=2, spread=0.01))


def test_measures_take_the_matrix_apart():
    assert MEASURES["all"](TABLE, EWC, "test").loc[1].tolist() == pytest.approx([0.9, 0.75, 0.6])
    assert MEASURES["previous"](TABLE, EWC, "test").columns.tolist() == [2, 3]
    assert MEASURES["previous"](TABLE, EWC, "test").loc[1].tolist() == pytest.approx([0.7, 0.5])
    assert MEASURES["newest"](TABLE, EWC, "test").loc[0].tolist() == pytest.approx([0.89, 0.79, 0.79])
    assert accuracies.by_seed(MEASURES["all"](TABLE, EWC, "test"), 3) == pytest.approx({0: 0.59, 1: 0.6})
    assert accuracies.by_seed(MEASURES["all"](TABLE, EWC, "test"), 4) == {}
    for measure in MEASURES.values():
        assert measure(TABLE, FULL, "test").empty and measure(tables({})["accuracies"], FULL, "test").empty


def test_the_benefit_vanishes_between_levels():
    def vanishes(**changes):
        return results.vanishing_benefit(tables(everything(**changes)))

    assert list(results.levels(tables({"accuracies": TABLE, "shared": shared(levels=(0.6, 0.2))}))) == [0, 0.2, 0.6]
    assert vanishes() == pytest.approx(dict.fromkeys(range(3), 0.6))
    assert vanishes(shared=shared(levels=(0.2, 0.5, 1.0), crossing=0.65))[0] == pytest.approx(0.65)
    assert vanishes(shared=shared(levels=(0.2, 1.0), crossing=1.5))[0] == 1  # never
    assert vanishes(accuracies=permuted(**{FULL: forgetting(10, 0.5, 0)}))[0] == 0  # there was none
    assert results.vanishing_benefit(tables({"accuracies": permuted()})) == {}


def test_a_lead_lasts_only_if_it_is_never_lost_again():
    assert results.first_lasting_lead(tables(everything()), FULL) == {0: 5, 1: 5, 2: 5}
    same = everything(accuracies=permuted(**{FULL: forgetting(10, 0.96, 0.066)}))
    assert results.first_lasting_lead(tables(same), FULL)[0] == 11


def test_weighted_accuracy_is_equation_2():
    matrices = accuracies.matrices(permuted(), FULL, "test")
    by_hand = sum(math.log(j) / j * sum(matrices.loc[0, (j, i)] for i in range(1, j + 1)) for j in range(1, 11))
    by_hand /= sum(math.log(j) for j in range(1, 11))
    assert results.weighted_accuracy(tables(everything()), FULL)[0] == pytest.approx(100 * by_hand, rel=1e-12)


def test_the_ablation_may_be_in_a_table_of_its_own():
    apart, together = (tables(run) for run in (everything(), {"accuracies": permuted()}))
    assert "ablation" in apart and results.accuracy(apart, "smart") == results.accuracy(together, "smart") != {}


def test_each_search_has_its_best_trial():
    trials = search(readings=("a", "b"), seeds=(1000, 1001), sigma=0.5)
    trials.loc[trials["reading"] == "b", "objective"] -= 0.005
    best = results.best_trials(trials)
    assert list(zip(best["reading"], best["seed"])) == [("a", 1000), ("a", 1001), ("b", 1000), ("b", 1001)]
    assert set(best["trials"]) == {30}
    assert best["sigma"].tolist() == [0.5] * 4 and best["a1"].tolist() == [0.279] * 4
    assert best["published"].tolist() == pytest.approx([0.08, 0.0803, 0.075, 0.0753])
    assert results.best_trials(trials[trials["trial"] >= 0])["published"].isna().all()
    assert results.best_trials(tables({})["search"]).empty


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("accuracies", permuted().assign(condition="si"), "unknown condition 'si'"),
        ("shared", shared().assign(shared=0.0), "shared must lie above 0"),
        ("weights", constructed.weights().assign(condition="si"), "unknown condition 'si'"),
        ("weights", constructed.weights().assign(count=0), "count must lie above 0"),
        ("search", search().assign(objective=85), "objective must lie between 0 and 1"),
        ("search", pandas.concat([search(), search()]), "two rows have the same reading, seed, trial"),
    ],
)
def test_other_tables_are_refused(tmp_path, name, rows, message):
    with pytest.raises(ValueError, match=message):
        readers.read([constructed.write(tmp_path, name, rows)], results.READERS)
