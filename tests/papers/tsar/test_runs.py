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
    tables = REGISTER.tables["transfer"](dataclasses.replace(SMOKE, design=design), "smoke", "cpu")
    assert len(tables) == len(set(tables))


def reads(stage, condition):
    iterations = "0" if condition == "scratch" else "12"
    return set(REGISTER.stages[stage].read_by({"condition": condition, "iterations": iterations}))


def test_only_what_a_stage_reads_makes_it_run_again():
    """The grid that tuning does not use is no reason to tune again, and neither grid one to transfer."""
    assert "transfer.learning_rates" in reads("tune", "grow") & reads("tune", "bias4")
    assert "transfer.baseline_learning_rates" in reads("tune", "oml") & reads("tune", "scratch")
    assert reads("tune", "grow") ^ reads("tune", "oml") == {
        "transfer.learning_rates",
        "transfer.baseline_learning_rates",
    }
    assert reads("tune", "oml") - reads("transfer", "oml") == {"transfer.baseline_learning_rates"}
    assert reads("transfer", "oml") < reads("tune", "oml")
    for stage in ("tune", "transfer"):
        assert reads(stage, "oml") - reads(stage, "scratch") == {"meta_learning"}


def test_untrained_networks_need_no_models_and_read_nothing_of_meta_learning():
    design = dataclasses.replace(DESIGN, meta_iterations=(0, 12))
    assert runs.untrained(DESIGN) == []
    assert runs.untrained(design) == [("grow", "rich", 0), ("sculpt", "rich", 0)]
    assert (
        runs.models("smoke", "grow", "rich", 0, "0-1") == runs.tuning_models("smoke", "grow", "rich", "0", design) == []
    )
    assert runs.shorter_run("smoke", "grow", "rich", "12", "0-1", design) == []
    for iterations in (0, "0"):
        job = {"condition": "grow", "iterations": iterations}
        assert "meta_learning" not in REGISTER.stages["transfer"].read_by(job)


def test_transfer_keeps_to_the_batches_that_were_meta_learned():
    """Whatever the length that they were meta-learned for."""
    for folder, seeds in (
        ("meta/grow_rich_after6", "seeds0-0"),
        ("transfer/scratch_rich_after0", "cifar100_seeds0-0"),
        ("meta/oml_rich_after12", "seeds1000-1000"),
    ):
        path = Path(f"results/smoke/tsar/{folder}/{seeds}.csv")
        path.parent.mkdir(parents=True)
        path.touch()
    design = dataclasses.replace(DESIGN, seeds=2, seeds_per_job=2, tuning_seeds=2)
    tables = REGISTER.tables["transfer"](dataclasses.replace(SMOKE, design=design), "smoke", "cpu")
    for name, seeds in (
        ("grow_rich_after12", ["0-0", "1-1"]),
        ("scratch_rich_after0", ["0-0", "1-1"]),
        ("sculpt_rich_after12", ["0-1"]),
        ("oml_rich_after12", ["0-1"]),
    ):
        folder = f"results/smoke/tsar/transfer/{name}"
        assert [path for path in tables if path.startswith(folder)] == [
            f"{folder}/imagenet_seeds{part}.csv" for part in seeds
        ]
    assert runs.tuning_models("smoke", "oml", "rich", 12, design) == [
        f"results/smoke/tsar/meta/oml_rich_after12/seeds{seeds}.pt" for seeds in ("1000-1000", "1001-1001")
    ]


LONGER = dataclasses.replace(DESIGN, meta_iterations=(3, 6, 12))


@pytest.mark.parametrize(
    ("condition", "meta_learning_set", "lengths"),
    [("grow", "rich", (3, 6, 12)), ("sculpt", "rich", (3, 6, 12)), ("grow", "scarce", (12,)), ("oml", "rich", (12,))]
    + [("bias4", "rich", (12,)), ("scratch", "rich", (0,))],
)
def test_which_lengths_are_transferred_and_that_each_run_goes_on_from_the_one_before(
    condition, meta_learning_set, lengths
):
    assert runs.lengths(condition, meta_learning_set, LONGER) == lengths
    job = {"scale": "smoke", "condition": condition, "meta_learning_set": meta_learning_set, "seeds": "0-1"}
    before = [runs.shorter_run(**job, iterations=str(length), design=LONGER) for length in lengths]
    assert before == [[], *(runs.models(**job, iterations=length) for length in lengths[:-1])]
    kept = runs.keep_checkpoint(condition, meta_learning_set, LONGER)  # after the last too: a longer one may follow
    assert kept == ("--keep-checkpoint" if len(lengths) > 1 else "")


def test_a_longer_protocol_changes_nothing_that_a_shorter_run_depends_on():
    """Neither the digest of what it reads, nor what it goes on from."""
    digests = [
        REGISTER.settings("meta_train", "smoke", {"condition": "grow"}, [f"design.meta_iterations={lengths}"]).digest
        for lengths in ("[6]", "[6, 12]")
    ]
    assert digests[0] == digests[1]
    job = {"scale": "smoke", "condition": "grow", "meta_learning_set": "rich", "seeds": "0-1", "iterations": "12"}
    longest = dataclasses.replace(LONGER, meta_iterations=(3, 6, 12, 24))
    assert runs.shorter_run(**job, design=LONGER) == runs.shorter_run(**job, design=longest)


def test_tables_of_several_lengths_and_of_the_last_alone():
    snapshots, transfer, tune = (REGISTER.parts(name, "desk", "cpu") for name in ("snapshots", "transfer", "tune"))
    lengths = REGISTER.protocol("desk").design.meta_iterations
    assert {path.split("/")[4] for path in snapshots} == {
        f"{condition}_rich_after{length}" for condition in ("grow", "sculpt") for length in lengths
    }
    assert lengths[0] == 0 and not any(f"after{lengths[1]}/" in path for path in transfer)
    tuned, omniglot, controls = (
        {path.split("/")[4] for path in paths}
        for paths in (tune, *(REGISTER.parts(name, "desk", "cpu") for name in ("omniglot", "controls")))
    )
    assert omniglot == {f"{condition}_rich_after{lengths[-1]}" for condition in ("anml", "grow", "sculpt", "oml")}
    every = {path.split("/")[4] for path in snapshots + transfer}  # each length with a rate of its own
    assert tuned == every | omniglot | controls and omniglot - every == {f"anml_rich_after{lengths[-1]}"}
    assert controls == {f"{condition}_rich_after{lengths[-1]}" for condition in ("reservoir-8", "no_regulation")}
    for name in ("diagnostics", "final_recall"):
        assert [path.replace(f"{name}_", "") for path in REGISTER.parts(name, "desk", "cpu")] == transfer
