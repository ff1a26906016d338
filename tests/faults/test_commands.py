"""The command lines of all stages: every option with what it cannot be, and every path that cannot be read or written."""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from common.data.files import Output
from common.results import records
from common.running import command_line, register, stage
from tests.faults.conftest import Fault, WorkBegan, begin
from tests.faults.test_data import damage
from tests.papers import tiny_runs

pytestmark = pytest.mark.slow
NEEDED = {  # commands whose outputs are inputs of others
    "synaptic_intelligence": ["tune"],
    "dan": ["meta_train"],
    "tsar": [
        "meta_train --condition grow",
        "meta_train --condition oml",
        "tune --condition grow",
        "tune --condition oml",
    ],
    "cross_benchmark": ["tune"],
}


def all_commands() -> Iterator[tuple[str, str]]:
    """Commands of every stage, and of every choice of options that goes with it: one each."""
    seen = set()
    for paper in tiny_runs.STAGES:
        for command in (*tiny_runs.commands(paper), *tiny_runs.commands(paper, tiny_runs.NUMPY_STAGES)):
            words = command.split()
            kind = (paper, words[0], *(word for word in words if word.startswith("--")))
            if kind not in seen:
                seen.add(kind)
                yield paper, " ".join(words)


class Inputs(NamedTuple):
    """Where the data sets lie, and what the commands that others need have written."""

    data: dict[str, Path]
    out: Path


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Inputs:
    data, out = tiny_runs.stand_ins(tmp_path_factory.mktemp("data")), tmp_path_factory.mktemp("out")
    for paper, beginnings in NEEDED.items():
        for command in tiny_runs.commands(paper):
            if command.strip().startswith(tuple(beginnings)):
                tiny_runs.run(paper, command, out, data)
    return Inputs(data, out)


def parser_of(main: Callable[[], None]) -> argparse.ArgumentParser:
    """The parser that a stage's main makes."""
    seen = []

    def parse(parser: argparse.ArgumentParser, *_: object) -> None:
        seen.append(parser)
        raise SystemExit

    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(argparse.ArgumentParser, "parse_args", parse)
        main()
    return seen[0]


def made_of(kind: Any, text: str) -> Any:
    """What an option's type makes of a text, or its refusal."""
    try:
        return kind(text)
    except (ValueError, argparse.ArgumentTypeError) as refusal:
        return refusal


def bad_texts(parser: argparse.ArgumentParser, option: argparse.Action) -> list[str]:
    """Texts that an option cannot have, by its type."""
    kind = parser._registry_get("type", option.type, option.type) or str
    if option.choices:
        return ["no_such_choice", "", next(iter(option.choices)).upper()]
    if option.dest == "seeds":
        return ["x", "5-3", "", "1.5", "-", "0-x", "0,1", "nan", "1_0-1_1", "٣", "0-1000000", "9" * 20]
    if kind is int:
        return ["x", "1.5", "", "nan", "1e3", "1_0", "٣", "-1", "9" * 20]
    if isinstance(made_of(kind, "nan"), Exception) and not isinstance(made_of(kind, "1"), Exception):  # a number
        return [
            "nan",
            "inf",
            "-inf",
            "1e400",
            "x",
            "",
            "1:30",
            *(["1_0", "٣", "-1"] if kind is command_line.finite else []),
        ]
    if option.dest == "method":
        return ["no_such_name", "", "$(touch pwned)", "a b", "none.py", "finetune.py", "/proc/self/none.py"]
    if option.dest in ("condition", "reading", "shared"):
        return ["no_such_name", "", "$(touch pwned)", "a b"]
    return ["gpu", "cuda:x", "", "cpu:0"] if option.dest == "device" else []


def writes(parser: argparse.ArgumentParser, option: argparse.Action) -> str:
    """The suffix of a file that an option writes; nothing if it writes none."""
    kind = parser._registry_get("type", option.type, option.type) or str
    suffixes = (".csv", ".pt", ".npz", ".db")
    return next((suffix for suffix in suffixes if isinstance(made_of(kind, f"a{suffix}"), Output)), "")


class Command:
    """A stage's command line with all that it needs; `faults` are what may be wrong with it, one thing at a time."""

    def __init__(self, paper: str, command: str, inputs: Inputs, folder: Path) -> None:
        self.name, *words = command.format(out=inputs.out, **inputs.data).split()
        self.main = importlib.import_module(f"{register.of(paper).package}.{self.name}").main
        self.parser, self.folder = parser_of(self.main), folder
        actions = [action for action in self.parser._actions if action.dest not in ("help", "debug")]
        self.options = {action.option_strings[0]: action for action in actions}
        self.sets = [str(path) for path in inputs.data.values()]
        self.given: dict[str, list[str]] = {}
        for word in words:
            if word.startswith("--"):
                option, self.given[word] = word, []
            else:
                self.given[option].append(word)
        self.given |= {"--scale": ["smoke"], "--device": ["cpu"]}
        suffixes = {option: writes(self.parser, action) for option, action in self.options.items()}
        wanted = (*self.given, "--checkpoint")
        self.written = {option: suffix for option, suffix in suffixes.items() if suffix and option in wanted}
        for option in self.written.keys() & self.given.keys():
            self.given[option] = [str(folder / "out" / Path(self.given[option][0]).name)]
        self.read = [
            option
            for option, values in self.given.items()
            if option not in self.written and values and Path(values[0]).is_file()
        ]
        read = tiny_runs.tiny(paper, command)
        self.not_read = next((text for text in reversed(tiny_runs.TINY[paper].split()) if text not in read), "")
        self.settings = [text for setting in read for text in ("--set", setting)]

    def run(self, changes: dict[str, list[str] | None], *more: str) -> None:
        """Call the stage with other values of some options, or without them (None)."""
        chosen = {option: values for option, values in (self.given | changes).items() if values is not None}
        words = [word for option, values in chosen.items() for word in (option, *values)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [self.name, *words, *self.settings, *more])
            self.main()

    def fault(self, name: str, changes: dict[str, list[str] | None], *says: str) -> Fault:
        return Fault(name, partial(self.run, changes), says)

    def faults(self) -> Iterator[Fault]:
        yield from self.of_values()
        yield from self.of_outputs()
        yield from self.of_inputs()
        yield self.fault("an option more", {"--unknown": ["1"]}, "--unknown")
        yield Fault("a word more", partial(self.run, {}, "--device", "cpu", "more"), ("more",))

    def of_values(self) -> Iterator[Fault]:
        for option, action in self.options.items():
            for text in bad_texts(self.parser, action):
                says = text if option in ("--condition", "--reading", "--method") else option
                yield self.fault(f"{option} {text!r}", {option: [text]}, says)
            if action.required:
                yield self.fault(f"no {option}", {option: None}, option)
            if action.nargs is None and option in self.given:
                yield self.fault(f"{option} without a value", {option: []}, option)
        for text in ("a", "a.b=1", "=", "", self.not_read):
            yield Fault(f"--set {text!r}", partial(self.run, {}, "--set", text), (repr(text),))
        for text in self.settings[1:2]:
            yield Fault(f"--set {text!r} again", partial(self.run, {}, "--set", text), (repr(text), "twice"))

    def of_outputs(self) -> Iterator[Fault]:
        (self.folder / "file").write_text("no folder")
        (self.folder / "loop").symlink_to("loop")
        for option, suffix in self.written.items():
            for wrong in ("a.txt", "a", f"a{suffix.upper()}", suffix, "a.json") if option != "--checkpoint" else ():
                yield self.fault(f"{option} {wrong}", {option: [wrong]}, option, "must end in")
            (folder := self.folder / f"folder{suffix}").mkdir(exist_ok=True)
            places = [f"{self.folder}/file/a{suffix}", f"/proc/self/none/a{suffix}", str(folder)]
            for place in (*places, f"loop/a{suffix}", f"{'long' * 62}{suffix}"):
                yield self.fault(f"{option} {place}", {option: [place]}, option, place)
            for other, ending in self.written.items():
                same = [str(self.folder / f"same{ending}")]
                if other != option and (ending == suffix or option == "--checkpoint"):
                    yield self.fault(f"{option} = {other}", {option: same, other: same}, option, other)
            if option != "--checkpoint" and "--checkpoint" in self.options:
                beside = {option: [str(self.folder / f"b{suffix}")], "--checkpoint": [str(self.folder / "b.json")]}
                yield self.fault(f"--checkpoint is the record of {option}", beside, option, "--checkpoint")
            for read in self.read:
                (same_file := self.folder / f"read{suffix}").touch()
                both: dict[str, list[str] | None] = {option: [str(same_file)], read: [str(same_file)]}
                yield self.fault(f"{option} = {read}", both, option, read)

    def of_inputs(self) -> Iterator[Fault]:
        for option in self.read:
            first, *others = self.given[option]
            whole = Path(first)
            (a_folder := self.folder / "folders" / whole.name).mkdir(parents=True, exist_ok=True)
            paths = {"gone": self.folder / "gone" / whole.name, "a folder": a_folder}
            for fault, content in damage(whole).items():
                paths[fault] = self.folder / fault / whole.name
                paths[fault].parent.mkdir(exist_ok=True)
                paths[fault].write_bytes(content)
                if (record := whole.with_suffix(".json")).is_file():
                    shutil.copy(record, paths[fault].with_suffix(".json"))
            if first in self.sets:
                other = self.sets[0] if self.sets[0] not in (first, *others) else self.sets[3]  # mnist, omniglot
                paths["another data set"] = Path(other)
            for fault, path in paths.items():
                yield self.fault(f"{option} {fault}", {option: [str(path), *others]}, str(path))
            if first in self.sets and self.options[option].nargs:
                yield self.fault(f"{option} twice", {option: [first, *others, first]}, whole.name)


@pytest.mark.parametrize(("paper", "command"), all_commands(), ids=lambda value: value[:60])
def test_every_option_is_refused_what_it_cannot_be(tmp_path, monkeypatch, all_refused, inputs, paper, command):
    monkeypatch.chdir(tmp_path)
    whole = Command(paper, command, inputs, tmp_path)
    with monkeypatch.context() as patch, pytest.raises(WorkBegan):  # what is refused below was right before
        patch.setattr(records, "record", begin)
        whole.run({})
    all_refused(whole.faults())
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob("pwned*"))


def test_a_stage_ends_all_errors_alike():
    """Which is how the commands above are run."""
    for paper, command in all_commands():
        module = importlib.import_module(f"{register.of(paper).package}.{command.split()[0]}")
        assert "    stage.run(main)\n" in Path(module.__file__).read_text(), module
    assert stage.run is not command_line.run
