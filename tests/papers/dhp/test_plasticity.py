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

NOTED = [(8, [8, 16, 20, 24, 32, 40]), (5, [5, 10, 15, 20, 25, 30, 35, 40])]


@pytest.mark.parametrize(("every", "steps"), NOTED)
def test_plasticity_is_noted_every_so_many_steps_and_once_at_the_end_of_each_task(
    trained, digits, tmp_path, monkeypatch, every, steps
):
    """100 images in batches of 10 over two epochs are 20 steps a task."""
    seen = []

    class Recorded(Plasticity):
        """Plasticity that also keeps the learner's own tensors at every step."""

        def after_step(self, task, learner):
            super().after_step(task, learner)
            seen.append([task, *(tensor.detach().clone() for tensor in learner.parameters[-3:])])

    monkeypatch.setattr(train, "Plasticity", Recorded)
    out = tmp_path / "plasticity.csv"
    more = overriding(("permuted.batch=10", f"design.log_every={every}"))
    trained("permuted", "dhp", "0-1", digits, tmp_path / "a.csv", *more, "--plasticity", out)
    table = table_files.read(out)
    assert table.step.tolist() == [step for step in steps for _ in "ab"] and table.seed.tolist() == [0, 1] * len(steps)
    assert set(table.condition) == {"dhp"} and len(seen) == 40
    for row in table.itertuples():
        task, alpha, eta, hebb = seen[row.step - 1]
        assert row.task == task + 1 == (1 if row.step <= 20 else 2)
        assert row.eta == pytest.approx(eta[row.seed].item(), rel=1e-6)
        assert row.hebb_norm == pytest.approx(hebb[row.seed].double().norm().item(), rel=1e-5) and row.hebb_norm > 0
        assert row.alpha_norm == pytest.approx(alpha[row.seed].double().norm().item(), rel=1e-5)
    record, of_accuracies = (records.read(tmp_path / f"{name}.json") for name in ("plasticity", "a"))
    assert record.pop("sha256") != of_accuracies.pop("sha256")
    assert record == of_accuracies and record["protocol"]["design"] == {"log_every": every}


class Learned:
    """A learner of replicas with these etas and nothing but ones."""

    def __init__(self, *etas):
        ones = torch.ones(len(etas), 3, 4)
        self.parameters = [ones, torch.tensor(etas)[:, None], ones]


def test_eta_is_noted_also_where_it_has_left_its_range_and_until_a_run_diverges(tmp_path):
    observer = Plasticity([3, 8, 9], 1)
    observer.after_step(0, Learned(-0.25, 0.5, 1.5))
    observer.after_step(0, Learned(0.5, math.nan, math.inf))
    table_files.write(tmp_path / "log.csv", [{"condition": "dhp"} | row for row in observer.rows])
    read = results.read_plasticity(tmp_path / "log.csv")
    assert list(zip(read.seed, read.step, read.eta)) == [(3, 1, -0.25), (8, 1, 0.5), (9, 1, 1.5), (3, 2, 0.5)]
