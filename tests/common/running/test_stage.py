"""A job's settings, checkpoint and record all follow from the stage's entry in the register."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import math
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import yaml

from common.data.catalog import DataError
from common.data.files import Output, WriteError, atomic_write
from common.results import records, tables
from common.running import register, stage
from common.running.code import ROOT
from common.running.protocols import ProtocolError
from common.running.register import Artifact, Register, Stage

PAPERS = yaml.safe_load((ROOT / "config.yaml").read_text())["papers"]
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


@pytest.mark.parametrize(
    ("override", "condition", "reads"),
    [
        ("training.epochs=7", "plain", "training.rate"),
        ("tuning.rate=0.1", "plain", "training.rate"),
        ("training.epochs=7", "tuned", "training.rate, tuning"),
    ],
)
def test_what_a_job_does_not_read_cannot_be_set(job, override, condition, reads):
    with pytest.raises(
        ProtocolError, match=f"override '{override}': stage 'train' of a_paper does not read it.*: {reads}$"
    ):
        job("--set", override, condition=condition)


def test_nothing_is_set_twice(job):
    with pytest.raises(ProtocolError, match="override 'training.rate=3': training.rate is set twice"):
        job("--set", "training.rate=2", "--set", "training.rate=3")


def test_a_checkpoint_is_resumed_by_the_same_job_alone(job, tmp_path):
    def found(data=(ABOUT,), tuned=0.5, **changes):
        options = changes.pop("options", ())
        return job(*options, **changes).checkpoint(tmp_path / "a.ckpt", data, tuned=tuned).load()

    job().checkpoint(tmp_path / "a.ckpt", [ABOUT], tuned=0.5).save({"task": 1})
    assert found() == {"task": 1}
    assert found(module="x = 1  # a word\n") == {"task": 1}
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
    with own.record(out, [], [0], others=[further]):
        for path, value in ((out, 1), (further, 2)):
            tables.write(path, [{"x": value}])
    one, two = records.read(tmp_path / "runs.json"), records.read(tmp_path / "walks.json")
    assert one.pop("sha256") != two.pop("sha256") and one == two


def test_a_result_that_cannot_be_written_says_so_and_that_the_checkpoint_is_kept(job, tmp_path):
    own, out = job(), tmp_path / "runs.csv"
    checkpoint = own.checkpoint(tmp_path / "a.ckpt", [ABOUT])
    checkpoint.save({"task": 1})
    message = rf"cannot write runs\.csv in .*No space.* same command again, which goes on from the checkpoint {checkpoint.path}"
    recording = own.record(out, [ABOUT], [0], checkpoint=checkpoint)
    with pytest.raises(WriteError, match=message), recording, atomic_write(out):
        Path("/dev/full").write_text("rows")
    assert checkpoint.load() == {"task": 1} and not list(tmp_path.glob("runs*"))
    with own.record(out, [ABOUT], [0], checkpoint=checkpoint):
        pass
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


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (stage.TrainingError("the loss is not finite"), "the loss is not finite"),
        (DataError("mnist is damaged"), "mnist is damaged"),
        (ProtocolError("epochs\n  must be  positive"), "epochs must be positive"),
        (ValueError("two parts\nof a text"), "two parts of a text"),
        (KeyError("recall"), "there is no 'recall'; --debug shows where"),
        (FileNotFoundError(2, "No such file or directory", "a.csv"), "[Errno 2] No such file or directory: 'a.csv'"),
        (OSError(), "OSError"),
        (MemoryError(), "there is not enough memory: MemoryError"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory"),
            "there is not enough memory: DefaultCPUAllocator: can't allocate memory",
        ),
        (torch.cuda.OutOfMemoryError("CUDA out of memory"), "CUDA out of memory"),
    ],
)
def test_what_a_user_can_cause_is_one_line_and_debug_shows_the_traceback(capsys, monkeypatch, error, said):
    def fails():
        raise error

    monkeypatch.setattr("sys.argv", ["stage", "--scale", "smoke"])
    with pytest.raises(SystemExit) as end:
        stage.run(fails)
    assert end.value.code == 1 and capsys.readouterr().err == f"error: {said}\n"
    monkeypatch.setattr("sys.argv", ["stage", "--scale", "smoke", "--debug"])
    with pytest.raises(type(error)):
        stage.run(fails)
    assert stage.parser("a stage").parse_args(["--scale", "smoke", "--debug"]).debug


def test_what_is_no_users_doing_shows_its_traceback():
    with pytest.raises(AttributeError):
        stage.run(lambda: None.epochs)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e400", "much"])
def test_an_option_takes_finite_numbers_alone(capsys, text):
    parser = stage.parser("a stage")
    parser.add_argument("--value", type=float)
    assert parser.parse_args(["--scale", "smoke", "--value", "1e-3"]).value == 0.001
    with pytest.raises(SystemExit):
        parser.parse_args(["--scale", "smoke", f"--value={text}"])
    assert f"argument --value: must be a finite number, not '{text}'" in capsys.readouterr().err


def test_a_job_refuses_outputs_that_eat_each_other_before_it_reads_anything(job):
    parser = stage.parser("a stage", "out", "checkpoint")
    options = parser.parse_args(["--scale", "paper", "--out", "a.csv", "--checkpoint", "a.json"])
    with pytest.raises(ValueError, match=r"^--checkpoint a\.json and --out a\.csv share a\.json: give one of them"):
        stage.Job(REGISTER, "absent", options, of={})


STAGES = [(paper, name) for paper in PAPERS for name in register.of(paper).stages]


@pytest.mark.parametrize(("paper", "name"), STAGES)
def test_every_option_of_every_stage_that_is_written_says_so(monkeypatch, paper, name):
    """And only those: of the others help says what is read. Every number of an option is finite, or counts."""
    seen = []

    def parse(parser):
        seen.append(parser)
        raise SystemExit

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    with pytest.raises(SystemExit):
        importlib.import_module(f"papers.{paper}.{name}").main()
    (parser,) = seen
    assert "--debug" in parser.format_help()
    for option in parser._actions:
        kind = parser._registry_get("type", option.type, option.type) or str
        path, number = taken(kind, "a.csv"), taken(kind, "nan")
        writes = isinstance(path, Output) or "a.csv must end in" in str(path)
        says = re.search(
            r"to write|to keep|is stored|^the (table|models|phenotypes) \(|the CSV to write", option.help or ""
        )
        assert writes == bool(says), f"--{option.dest}: {option.help}"
        assert not (isinstance(number, float) and math.isnan(number)), f"--{option.dest}"


def taken(kind, text):
    """Return what an option's type makes of a text, or the refusal."""
    try:
        return kind(text)
    except (ValueError, argparse.ArgumentTypeError) as refusal:
        return refusal
