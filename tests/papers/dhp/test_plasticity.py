"""What becomes of eta, the trace and alpha is noted as it is, when it should be (Figure 3)."""

from __future__ import annotations

import math

import pytest
import torch

from common.results import records
from common.results import tables as table_files
from papers.dhp import results, train
from papers.dhp.plasticity import Plasticity
from tests.papers.dhp.small import overriding

RECORDED = []


class Recorded(Plasticity):
    """Plasticity that also keeps the learner's own tensors at every step."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.every_step = []
        RECORDED.append(self)

    def after_step(self, task, learner):
        super().after_step(task, learner)
        self.every_step.append([task, *(tensor.detach().clone() for tensor in learner.parameters[-3:])])


def test_plasticity_is_noted_every_so_many_steps_and_after_the_last_of_each_task(
    trained, digits, tmp_path, monkeypatch
):
    """100 images in batches of 10 over two epochs are 20 steps a task: noted at 8, 16, 20 and 24, 32, 40."""
    monkeypatch.setattr(train, "Plasticity", Recorded)
    out = tmp_path / "plasticity.csv"
    more = overriding(("permuted.batch=10", "design.log_every=8"))
    trained("permuted", "dhp", "0-1", digits, tmp_path / "a.csv", *more, "--plasticity", out)
    table = table_files.read(out)
    steps = [8, 16, 20, 24, 32, 40]
    assert table.step.tolist() == [step for step in steps for _ in "ab"] and table.seed.tolist() == [0, 1] * 6
    observer = RECORDED.pop()
    assert set(table.condition) == {"dhp"} and len(observer.every_step) == 40
    for row in table.itertuples():
        task, alpha, eta, hebb = observer.every_step[row.step - 1]
        assert row.task == task + 1 == (1 if row.step <= 20 else 2)
        assert row.eta == pytest.approx(eta[row.seed].item(), rel=1e-6)
        for norm, tensor in ((row.hebb_norm, hebb), (row.alpha_norm, alpha)):
            assert norm == pytest.approx(tensor[row.seed].double().square().sum().sqrt().item(), rel=1e-5)
    assert table.eta.nunique() > 6 and (table.hebb_norm > 0).all()
    record = out.with_suffix(".json")
    assert record.read_text() == (tmp_path / "a.json").read_text()
    assert records.read(record)["protocol"]["design"] == {"log_every": 8}


def test_a_note_that_falls_on_the_end_of_a_task_is_made_once(trained, digits, tmp_path):
    more = overriding(("permuted.batch=10", "design.log_every=5"))
    trained("permuted", "dhp", "0", digits, tmp_path / "a.csv", *more, "--plasticity", tmp_path / "p.csv")
    assert table_files.read(tmp_path / "p.csv").step.tolist() == list(range(5, 41, 5))


class Learned:
    """A learner of replicas with these etas and nothing but ones."""

    def __init__(self, *etas):
        ones = torch.ones(len(etas), 3, 4)
        self.parameters = [ones, torch.tensor(etas)[:, None], ones]


def test_eta_is_noted_as_it_is_also_where_it_has_left_its_range():
    observer = Plasticity([3, 8], 1)
    observer.after_step(0, Learned(-0.25, 1.5))
    assert [(row["seed"], row["step"], row["eta"]) for row in observer.rows] == [(3, 1, -0.25), (8, 1, 1.5)]


def test_the_log_of_a_run_that_diverges_ends_there(tmp_path):
    observer = Plasticity([3, 8, 9], 1)
    observer.after_step(0, Learned(0.5, 0.25, 1.0))
    observer.after_step(0, Learned(0.5, math.nan, math.inf))
    table_files.write(tmp_path / "log.csv", [{"condition": "dhp"} | row for row in observer.rows])
    read = results.read_plasticity(tmp_path / "log.csv")
    assert list(zip(read.seed, read.step)) == [(3, 1), (8, 1), (9, 1), (3, 2)]
