"""The stages by hand: training with its table of weights, the search and its resumption, the weights that are followed."""

from __future__ import annotations

import math
import sys

import numpy
import optuna
import pandas
import pytest
import torch

from common.results import records, tables
from common.running import code, protocols
from papers.sticky_gradient import search, train, trajectories, weights
from papers.sticky_gradient.results import READERS
from tests.papers.sticky_gradient.small import PAPER, SMOKE, mnist

pytestmark = pytest.mark.slow
QUICK = ("--set", "training.hidden=12", "--set", "training.tasks=2")


@pytest.fixture
def call(monkeypatch, tmp_path):
    """Calls a stage's main with arguments; the data set and the output's name are added."""
    path = mnist(tmp_path)

    def run(module, out, *arguments):
        given = ["--scale", "smoke", "--data", path, "--out", str(tmp_path / out), *QUICK, *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", [module.__name__, *given])
        module.main()
        return tables.read(tmp_path / out)

    return run


def test_objective_on_a_worked_matrix():
    """log 2 / 2 (a + b) + log 3 / 3 (c + d + e), over 3 (log 2 + log 3); what is above the diagonal does not count."""
    matrix = torch.tensor([[0.9, 0.1, 0.1], [0.6, 0.8, 0.1], [0.3, 0.6, 0.9]], dtype=torch.float64)
    by_hand = (math.log(2) / 2 * 1.4 + math.log(3) / 3 * 1.8) / (3 * (math.log(2) + math.log(3)))
    assert search.objective(matrix) == pytest.approx(by_hand, rel=1e-12)


def test_training_writes_every_accuracy_and_every_weight(call, tmp_path):
    table = call(train, "a.csv", "--condition", "sticky-l1-smart", "--seeds", "0-1", "--weights", tmp_path / "w.csv")
    entries = {(seed, *entry) for seed in (0, 1) for entry in ((1, 1), (2, 1), (2, 2))}
    assert set(zip(table.seed, table.after_task, table.task)) == entries and set(table.condition) == {"sticky-l1-smart"}
    totals = tables.read(tmp_path / "w.csv").groupby(["seed", "after_task"])["count"].sum()
    assert len(totals) == 4 and (totals > 0.99 * 12 * 794).all() and (totals <= 12 * 794).all()
    record = records.read(tmp_path / "w.json")
    assert record["measured"]["attractor"] == record["protocol"]["attractor"] == protocols.as_dict(SMOKE.attractor)
    assert record["measured"]["reading"] == record["protocol"]["design"]["reading"] == SMOKE.design.reading


def test_found_hyperparameters_are_the_best_trial_of_the_reading(call, tmp_path):
    rows = [("unit-gradient-mean", 0, 1000, 0.1, 0.01, 0.05, 2.0, 1e-5, 5.0, 0.07)]
    rows += [("unit-gradient-mean", 1, 1000, 0.2, 0.02, 0.06, 3.0, 1e-6, 6.0, 0.08)]
    rows += [("unit-gradient-mean", -2, 1000, *[math.nan] * 6, 0.09), ("unit-step-mean", 0, 1000, *[1.0] * 6, 0.1)]
    tables.write(tmp_path / "search.csv", pandas.DataFrame(rows, columns=READERS["search"].columns))
    options = ("--seeds", "0", "--reading", "unit-gradient-mean", "--search", tmp_path / "search.csv")
    table = call(train, "a.csv", "--condition", "smart@searched", *options)
    record = records.read(tmp_path / "a.json")
    assert record["measured"]["attractor"]["lambda_"] == 6.0 and set(table["condition"]) == {"smart@searched"}
    assert "attractor" not in record["protocol"] and "design" not in record["protocol"]  # neither is read
    with pytest.raises(Exception, match="holds no search under the reading standardised"):
        train.searched(tmp_path / "search.csv", "standardised-gradient-mean")


HELD_OUT = ("--set", "search.held_out=20")


def test_a_search_killed_in_a_trial_goes_on_to_the_same_trials(call, tmp_path, monkeypatch):
    whole = call(search, "whole.csv", "--study", tmp_path / "whole.db", *HELD_OUT)
    judge, calls = search.judge, []

    def killed_in_the_second(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return judge(*arguments)

    monkeypatch.setattr(search, "judge", killed_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        call(search, "killed.csv", "--study", tmp_path / "killed.db", *HELD_OUT)
    resumed = call(search, "killed.csv", "--study", tmp_path / "killed.db", *HELD_OUT)
    assert len(calls) == 2 + 2 + 2  # one done, one killed, two left, and two beside the trials
    pandas.testing.assert_frame_equal(resumed, whole)
    assert whole.trial.tolist() == [0, 1, 2, -1, -2] and whole.objective.between(0, 0.5).all()


def test_a_study_of_other_code_or_data_is_not_gone_on_with(call, tmp_path, monkeypatch):
    def tried():
        calls.clear()
        call(search, "a.csv", "--study", tmp_path / "study.db", *HELD_OUT, "--set", "search.trials=1")
        return len(calls)

    calls = []
    monkeypatch.setattr(search, "judge", lambda *arguments: calls.append(arguments) or 0.05)
    assert [tried(), tried()] == [3, 2]  # a trial, or none, and two beside it
    monkeypatch.setattr(code, "digest", lambda *modules: "other")
    assert tried() == 3
    mnist(tmp_path, train=120)
    assert tried() == 3


def test_trials_lie_in_the_ranges_of_table_3_and_spread_over_the_decades():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = [search.suggest(study.ask(), PAPER.search) for _ in range(200)]
    for name, low, high in (("a1", 0.01, 10), ("zeta", 1e-7, 1e-3), ("lambda_", 4, 10), ("mu", 1e-3, 8)):
        values = numpy.array([getattr(attractor, name) for attractor in drawn])
        assert low <= values.min() and values.max() <= high
        below = (values < math.sqrt(low * high)).mean()
        assert 0.4 < below < 0.6, name


def test_followed_weights_are_those_that_end_at_the_attractor_and_others(call, tmp_path):
    # an attractor amid the weights, where many of them end
    near = ("--set", "attractor.a1=0.05", "--set", "attractor.gamma=400")
    table = call(trajectories, "t.csv", *near, "--set", "training.batch=2")
    assert table.weight.nunique() == 100 and table.task.max() == 2 and table.step.iloc[[0, -1]].tolist() == [0, 100]
    first, last = (table[table.step == step].set_index("weight").value for step in (0, 100))
    assert float(first.iloc[50:].std()) == pytest.approx(0.0204, rel=0.3)
    ends_near = (last - 0.05).abs() < trajectories.NEAR
    assert ends_near.tolist() == [True] * 50 + [False] * 50
    counted = records.read(tmp_path / "t.json")["measured"]
    assert counted["weights"] == 12 * 794 and 50 < counted["ended_near"] < 12 * 794


def test_histogram_leaves_out_what_is_near_zero():
    counter = weights.Histograms([7])

    class Learned:
        parameters = (torch.tensor([[[-0.0601, 0.279, 0.2799, 0.0, 9e-6, -9e-6, 0.005]]]), torch.ones(1, 3))

    counter.before_end_of_task(0, Learned)
    found = {row["low"]: row["count"] for row in counter.table("sticky")}
    assert found == {-0.07: 1, 0.27: 2, 0.0: 1}
    (copy := weights.Histograms([7])).load_state_dict(counter.state_dict())
    assert copy.table("sticky") == counter.table("sticky")


def test_errors_say_what_to_write(call, capsys):
    for condition, *options, message in (
        ("sticky-l2", "unknown condition 'sticky-l2'"),
        ("sticky", "--shared", "60", "from 0 to 1, not at 60"),
        ("sticky@searched", "--search goes with a condition that ends in @searched"),
        ("sticky", "--search", "a.csv", "--search goes with a condition that ends in @searched"),
    ):
        with pytest.raises(SystemExit):
            call(train, "a.csv", "--condition", condition, "--seeds", "0", *options)
        assert message in capsys.readouterr().err
