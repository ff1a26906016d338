"""Which runs the design asks for, what each reads of the protocol, and in which batches of seeds they come."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from papers.tsar import runs
from papers.tsar.runs import REGISTER
from tests.papers.tsar.small import SMOKE

DESIGN = SMOKE.design


@pytest.fixture(autouse=True)
def nothing_finished(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def test_a_bias_that_is_named_and_in_the_sweep_is_run_once():
    design = dataclasses.replace(DESIGN, conditions=("grow", "bias-4", "grow", "scratch"), sweep_biases=(-8, -4, 0, 4))
    assert runs.combinations(design) == [
        *(("grow", name) for name in DESIGN.meta_learning_sets),
        *(("bias-4", name) for name in DESIGN.meta_learning_sets),
        ("scratch", "rich"),
        ("sculpt", "rich"),
        ("bias4", "rich"),
    ]
    tables = runs.transfer_tables(dataclasses.replace(SMOKE, design=design), "smoke", "cpu")
    assert len(tables) == len(set(tables))


def reads(stage, condition):
    return set(REGISTER.stages[stage].read_by({"condition": condition}))


def test_only_what_a_stage_reads_makes_it_run_again():
    """The grid that tuning does not use, and when recall is measured, are no reason to tune again."""
    assert "transfer.learning_rates" in reads("tune", "grow") & reads("tune", "bias4")
    assert "transfer.baseline_learning_rates" in reads("tune", "oml") & reads("tune", "scratch")
    assert reads("tune", "grow") ^ reads("tune", "oml") == {
        "transfer.learning_rates",
        "transfer.baseline_learning_rates",
    }
    assert reads("transfer", "oml") - reads("tune", "oml") == {"transfer.recall_after"}
    for stage in ("tune", "transfer"):
        assert reads(stage, "oml") - reads(stage, "scratch") == {"meta_learning"}


def test_transfer_keeps_to_the_batches_that_were_meta_learned():
    for folder, seeds in (("meta/grow_rich", "0-0"), ("transfer/scratch_rich", "0-0"), ("meta/oml_rich", "1000-1000")):
        path = Path(f"results/smoke/tsar/{folder}/seeds{seeds}.csv")
        path.parent.mkdir(parents=True)
        path.touch()
    design = dataclasses.replace(DESIGN, seeds=2, seeds_per_job=2, tuning_seeds=2)
    tables = runs.transfer_tables(dataclasses.replace(SMOKE, design=design), "smoke", "cpu")
    for condition, seeds in (
        ("grow", ["0-0", "1-1"]),
        ("scratch", ["0-0", "1-1"]),
        ("sculpt", ["0-1"]),
        ("oml", ["0-1"]),
    ):
        folder = f"results/smoke/tsar/transfer/{condition}_rich"
        assert [path for path in tables if path.startswith(folder)] == [f"{folder}/seeds{part}.csv" for part in seeds]
    assert runs.tuning_models("smoke", "oml", "rich", design) == [
        f"results/smoke/tsar/meta/oml_rich/seeds{seeds}.pt" for seeds in ("1000-1000", "1001-1001")
    ]
