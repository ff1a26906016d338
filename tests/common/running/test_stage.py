"""A job's settings, checkpoint and record all follow from the stage's entry in the register."""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass

import pytest
import torch

from common.results import records
from common.running import stage
from common.running.protocols import ProtocolError
from common.running.register import Artifact, Register, Stage

ABOUT = {"name": "digits", "description": "Digits", "completeness": "complete"}


@dataclass(frozen=True)
class Training:
    rate: float
    epochs: int


@dataclass(frozen=True)
class Protocol:
    training: Training
    tuning: Training


REGISTER = Register(
    paper="a_paper",
    schema=Protocol,
    stages={"train": Stage(reads=lambda job: ("training.rate", *(["tuning"] if job["condition"] == "tuned" else [])))},
    tables={},
    artifacts={},
    comparison=Artifact(()),
)


@pytest.fixture
def job(write):
    """Makes a job of the paper's one stage, as its command line would; module: what the stage's file holds."""
    section = "{paper: {rate: 0.5, epochs: 20}}"
    write("papers/a_paper/protocol.yaml", f"training: {section}\ntuning: {section}\n")

    def make(*options, condition="plain", module="x = 1\n", seeds=(0, 1)):
        write("papers/a_paper/train.py", module)
        arguments = stage.parser("a stage").parse_args(["--scale", "paper", "--device", "cpu", *options])
        known = dataclasses.replace(REGISTER, _read={})
        return stage.Job(known, "train", arguments, of={"condition": condition, "seeds": list(seeds)})

    return make


def test_a_job_reads_what_the_register_says_of_it(job):
    plain, tuned = job(), job("--set", "tuning.epochs=3", condition="tuned")
    assert plain.settings.training.rate == 0.5 and tuned.settings.tuning.epochs == 3
    assert plain.device == torch.device("cpu") and plain.scale == "paper"
    for read in (lambda: plain.settings.tuning, lambda: tuned.settings.training.epochs):
        with pytest.raises(ProtocolError, match="stage 'train' of a_paper does not say that it reads"):
            read()


def test_a_checkpoint_is_resumed_by_the_same_job_alone(job, tmp_path):
    def found(data=(ABOUT,), tuned=0.5, **changes):
        options = changes.pop("options", ())
        return job(*options, **changes).checkpoint(tmp_path / "a.ckpt", data, tuned=tuned).load()

    job().checkpoint(tmp_path / "a.ckpt", [ABOUT], tuned=0.5).save({"task": 1})
    assert found() == {"task": 1}
    assert found(module="x = 1  # a word\n") == {"task": 1}
    assert found(options=("--set", "training.epochs=7")) == {"task": 1}  # which it does not read
    others = [
        {"options": ("--set", "training.rate=0.25")},
        {"module": "x = 2\n"},
        {"condition": "other"},
        {"seeds": (0, 1, 2)},
        {"data": [ABOUT | {"completeness": "subset"}]},
        {"tuned": 0.25},
    ]
    assert [found(**other) for other in others] == len(others) * [None]
    assert job().checkpoint(None, [ABOUT]) is None


def test_a_record_says_what_the_job_read(job, tmp_path):
    own = job(condition="tuned")
    with own.record(tmp_path / "runs.csv", data=[ABOUT], seeds=[0, 1], title="train split") as measured:
        measured["tuned"] = 0.5
    about = records.read(tmp_path / "runs.json")
    assert (about["paper"], about["stage"]) == ("a_paper", "train split")
    assert (about["scale"], about["seeds"]) == ("paper", [0, 1])
    assert about["protocol"] == {"training": {"rate": 0.5}, "tuning": {"rate": 0.5, "epochs": 20}}
    assert about["protocol_digest"] == own.settings.digest and about["code"] == own.code
    assert about["data"] == [ABOUT] and about["measured"] == {"tuned": 0.5}
    with own.record(tmp_path / "walks.csv", data=[], seeds=[]):
        pass
    assert records.read(tmp_path / "walks.json")["stage"] == "train"


def test_further_tables_get_the_record_and_a_finished_job_keeps_no_checkpoint(job, tmp_path):
    own, out, further = job(), tmp_path / "runs.csv", tmp_path / "walks.csv"
    checkpoint = own.checkpoint(tmp_path / "a.ckpt", [ABOUT])
    checkpoint.save({"task": 1})
    with pytest.raises(RuntimeError), own.record(out, [ABOUT], [0], others=[further], checkpoint=checkpoint):
        raise RuntimeError("killed")
    assert checkpoint.load() == {"task": 1} and not list(tmp_path.glob("*.json"))
    with own.record(out, [ABOUT], [0], others=[further, None], checkpoint=checkpoint):
        pass
    assert records.read(tmp_path / "walks.json") == records.read(tmp_path / "runs.json")
    assert records.read(tmp_path / "runs.json")["measured"] == {"resumed": True} and not checkpoint.path.exists()


def test_an_option_is_refused_in_the_words_of_its_check(capsys):
    parser = stage.parser("a stage", "seeds")
    parser.add_argument("--share", type=stage.checked(float))
    given = ["--scale", "smoke", "--seeds", "1-2", "--share"]
    assert (parser.parse_args([*given, "0.5"]).seeds, parser.parse_args([*given, "0.5"]).share) == ([1, 2], "0.5")
    with pytest.raises(SystemExit):
        parser.parse_args([*given, "half"])
    assert "could not convert string to float: 'half'" in capsys.readouterr().err


def test_seeds_are_a_range():
    assert [stage.seed_range(text) for text in ("3-5", "7")] == [[3, 4, 5], [7]]
    for text in ("5-3", "a-b", "", "-1"):
        with pytest.raises(argparse.ArgumentTypeError, match="is not a range of seeds such as 0-4"):
            stage.seed_range(text)


def test_what_a_user_can_mend_is_one_line(capsys):
    def fails():
        raise stage.TrainingError("the loss is not finite")

    with pytest.raises(SystemExit) as end:
        stage.run(fails)
    assert end.value.code == 1 and capsys.readouterr().err == "error: the loss is not finite\n"
