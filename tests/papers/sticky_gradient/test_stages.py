"""The stages by hand: training with its table of weights, the search and its resumption, the weights that are followed."""

from __future__ import annotations

import json
import math
import sys

import numpy
import optuna
import pandas
import pytest
import torch

from common import records
from papers.sticky_gradient import search, train, trajectories, weights
from tests.papers.sticky_gradient.small import PAPER, SMOKE, mnist

QUICK = ("--set", "training.hidden=12", "--set", "training.tasks=2", "--set", "training.fisher_images=10")


@pytest.fixture
def call(monkeypatch, tmp_path):
    """Calls a stage's main with arguments; the data set and the output's name are added."""
    path = mnist(tmp_path)

    def run(module, out, *arguments):
        given = ["--scale", "smoke", "--data", path, "--out", str(tmp_path / out), *QUICK, *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", [module.__name__, *given])
        module.main()
        return records.read_tables(tmp_path / out)

    return run


def test_objective_on_a_worked_matrix():
    """log 2 / 2 (a + b) + log 3 / 3 (c + d + e), over 3 (log 2 + log 3); what is above the diagonal does not count."""
    matrix = torch.tensor([[0.9, 0.1, 0.1], [0.6, 0.8, 0.1], [0.3, 0.6, 0.9]], dtype=torch.float64)
    by_hand = (math.log(2) / 2 * 1.4 + math.log(3) / 3 * 1.8) / (3 * (math.log(2) + math.log(3)))
    assert search.objective(matrix) == pytest.approx(by_hand, rel=1e-12)
    assert search.objective(torch.ones(10, 10, dtype=torch.float64)) == pytest.approx(0.1)


def test_training_writes_every_accuracy_and_every_weight(call, tmp_path):
    table = call(train, "a.csv", "--condition", "sticky-l1-smart", "--seeds", "0-1", "--weights", tmp_path / "w.csv")
    assert len(table) == 2 * 2 * 2 and set(table.condition) == {"sticky-l1-smart"}
    counts = records.read_tables(tmp_path / "w.csv")
    totals = counts.groupby(["seed", "after_task"])["count"].sum()
    assert len(totals) == 4 and (totals > 0.99 * 12 * 794).all() and (totals <= 12 * 794).all()
    about = json.loads((tmp_path / "w.json").read_text())
    assert about["measured"]["attractor"]["a1"] == 0.279 and about["protocol"]["reading"] == SMOKE.design.reading


def test_conditions_differ_and_the_same_command_repeats_itself(call):
    longer = ("--seeds", "0", "--set", "training.batch=2", "--set", "training.learning_rate=0.003")
    tables = {name: call(train, f"{name}.csv", "--condition", name, *longer) for name in ("control", "sticky", "ewc")}
    assert len({tuple(table.accuracy) for table in tables.values()}) == 3
    again = call(train, "again.csv", "--condition", "sticky", *longer)
    pandas.testing.assert_frame_equal(tables["sticky"], again)


def test_the_shared_fraction_is_noted(call):
    assert set(call(train, "a.csv", "--condition", "control", "--seeds", "0", "--shared", "0.6").shared) == {0.6}


def test_found_hyperparameters_are_the_best_trial_of_the_reading(call, tmp_path):
    columns = ["reading", "trial", "seed", *search.HYPERPARAMETERS, "objective"]
    rows = [("unit-gradient-mean", 0, 1000, 0.1, 0.01, 0.05, 2.0, 1e-5, 5.0, 0.07)]
    rows += [("unit-gradient-mean", 1, 1000, 0.2, 0.02, 0.06, 3.0, 1e-6, 6.0, 0.08)]
    rows += [("unit-gradient-mean", -2, 1000, *[math.nan] * 6, 0.09), ("unit-step-mean", 0, 1000, *[1.0] * 6, 0.1)]
    records.write_table(tmp_path / "search.csv", pandas.DataFrame(rows, columns=columns))
    unit = ("--reading", "unit-gradient-mean")
    call(train, "a.csv", "--condition", "smart", "--seeds", "0", *unit, "--search", tmp_path / "search.csv")
    about = json.loads((tmp_path / "a.json").read_text())
    assert about["measured"]["attractor"]["lambda_"] == 6.0 and about["measured"]["condition"] == "smart@searched"
    with pytest.raises(Exception, match="holds no search under the reading standardised"):
        train.searched(tmp_path / "search.csv", "standardised-gradient-mean")


def test_a_killed_search_goes_on_to_the_same_trials(call, tmp_path):
    whole = call(search, "whole.csv", "--study", tmp_path / "whole.db", "--set", "search.held_out=20")
    call(search, "part.csv", "--study", tmp_path / "part.db", "--set", "search.held_out=20", "--set", "search.trials=1")
    # the study of one trial is that of another protocol: take it over, as if the same search had been killed after a trial
    names = {path: optuna.get_all_study_names(f"sqlite:///{tmp_path / path}")[0] for path in ("whole.db", "part.db")}
    optuna.copy_study(
        from_study_name=names["part.db"],
        from_storage=f"sqlite:///{tmp_path / 'part.db'}",
        to_storage=f"sqlite:///{tmp_path / 'killed.db'}",
        to_study_name=names["whole.db"],
    )
    resumed = call(search, "resumed.csv", "--study", tmp_path / "killed.db", "--set", "search.held_out=20")
    pandas.testing.assert_frame_equal(resumed, whole)
    assert whole.trial.tolist() == [0, 1, 2, -1, -2] and whole.objective.between(0, 0.5).all()


def test_trials_lie_in_the_ranges_of_table_3_and_spread_over_the_decades():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = [search.suggest(study.ask(), PAPER.search) for _ in range(200)]
    for name, low, high in (("a1", 0.01, 10), ("zeta", 1e-7, 1e-3), ("lambda_", 4, 10), ("mu", 1e-3, 8)):
        values = numpy.array([getattr(attractor, name) for attractor in drawn])
        assert low <= values.min() and values.max() <= high
        below = (values < math.sqrt(low * high)).mean()
        assert 0.4 < below < 0.6, name


def test_followed_weights_are_those_of_the_run(call):
    table = call(trajectories, "t.csv", "--set", "training.batch=2")
    assert table.weight.nunique() == 200 and table.task.max() == 2 and table.step.min() == 0
    first = table[table.step == 0].value
    assert float(first.std()) == pytest.approx(0.0204, rel=0.2)


def test_histogram_leaves_out_what_is_near_zero():
    counter = weights.Histograms([7])

    class Learned:
        parameters = (torch.tensor([[[-0.0601, 0.279, 0.2799, 0.0, 9e-6, -9e-6, 0.005]]]), torch.ones(1, 3))

    counter.before_end_of_task(0, Learned)
    found = {row["low"]: row["count"] for row in counter.table("sticky")}
    assert found == {-0.07: 1, 0.27: 2, 0.0: 1}
    copy = weights.Histograms([7])
    copy.load_state_dict(counter.state_dict())
    assert copy.table("sticky") == counter.table("sticky")


def test_errors_say_what_to_write(call, capsys):
    for arguments, message in (
        (("--condition", "sticky-l2", "--seeds", "0"), "unknown condition 'sticky-l2'"),
        (("--condition", "sticky", "--seeds", "0", "--reading", "raw"), "unknown reading 'raw'"),
    ):
        with pytest.raises(SystemExit):
            call(train, "a.csv", *arguments)
        assert message in capsys.readouterr().err
