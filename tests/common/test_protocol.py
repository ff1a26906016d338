"""Typed protocols: scales, overrides, and a clear refusal of everything that does not fit."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from common import protocol


@dataclass(frozen=True)
class Training:
    iterations: int
    rate: float
    nesterov: bool
    name: str
    widths: tuple[int, ...]


@dataclass(frozen=True)
class Evaluation:
    classes: int


@dataclass(frozen=True)
class Protocol:
    training: Training
    evaluation: Evaluation


FILE = """
training:
  paper:
    iterations: 25000   # appendix
    rate: 1e-3
    nesterov: false
    name: adam
    widths: [400, 400]
  desk: {iterations: 300}
  smoke: {iterations: 20, widths: [8]}
evaluation:
  paper: {classes: 100}
  smoke:
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "protocol.yaml"
    path.write_text(FILE)
    return path


def test_paper_scale_gives_typed_values(file):
    training = protocol.read(file, Protocol, "paper").training
    assert training == Training(25000, 0.001, False, "adam", (400, 400))
    assert isinstance(training.rate, float)


def test_other_scales_change_only_what_they_name(file):
    assert protocol.read(file, Protocol, "desk").training == Training(300, 0.001, False, "adam", (400, 400))
    smoke = protocol.read(file, Protocol, "smoke")
    assert smoke.training == Training(20, 0.001, False, "adam", (8,))
    assert smoke.evaluation.classes == 100


def test_overrides_come_last_and_are_typed(file):
    overrides = ["training.rate=5e-4", "training.widths=[1, 2, 3]", "training.iterations=7"]
    training = protocol.read(file, Protocol, "smoke", overrides).training
    assert training == Training(7, 0.0005, False, "adam", (1, 2, 3))


def test_a_whole_number_serves_as_float(file):
    file.write_text(FILE.replace("1e-3", "1"))
    rate = protocol.read(file, Protocol, "paper").training.rate
    assert rate == 1.0
    assert isinstance(rate, float)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "iterations: 300",
            "iteratons: 300",
            "section 'training', scale 'desk': unknown key 'iteratons'; did you mean",
        ),
        ("desk:", "dsk:", "section 'training': unknown scale 'dsk'; did you mean 'desk'"),
        ("evaluation:", "evaluaton:", "unknown section 'evaluaton'; did you mean 'evaluation'"),
        ("    name: adam\n", "", "section 'training', scale 'paper': missing key 'name'"),
        ("iterations: 20,", "iterations: many,", "scale 'smoke', key 'iterations': expected int, found 'many'"),
        ("iterations: 20,", "iterations: true,", "scale 'smoke', key 'iterations': expected int, found True"),
        ("iterations: 20,", "iterations: 20.5,", "scale 'smoke', key 'iterations': expected int, found 20.5"),
        ("rate: 1e-3", "rate: yes", "key 'rate': expected float, found True"),
        ("rate: 1e-3", "rate: nan", "key 'rate': expected float, found 'nan'"),
        ("nesterov: false", "nesterov: 0", "key 'nesterov': expected bool, found 0"),
        ("widths: [8]", "widths: 8", "key 'widths': expected tuple"),
        ("widths: [8]", "widths: [8, x]", "key 'widths', item 1: expected int, found 'x'"),
        ("paper: {classes: 100}", "desk: {classes: 100}", "section 'evaluation': missing scale 'paper'"),
        ("desk: {iterations: 300}", "desk: 300", "section 'training', scale 'desk': expected a mapping"),
        ("iterations: 20,", "iterations: 20, iterations: 30,", "key 'iterations' is given twice"),
        ("widths: [8]", "widths: [8", "not a valid protocol file"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place_at_every_scale(file, old, new, message):
    assert FILE.count(old) == 1
    file.write_text(FILE.replace(old, new))
    for scale in protocol.SCALES:
        with pytest.raises(protocol.ProtocolError) as error:
            protocol.read(file, Protocol, scale)
        assert message in str(error.value)
        assert str(file) in str(error.value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.rates=1", "unknown key 'rates'; did you mean 'rate'"),
        ("trainin.rate=1", "unknown section 'trainin'; did you mean 'training'"),
        ("training.rate", "write section.key=value"),
        ("rate=1", "write section.key=value"),
        ("training.iterations=1.5", "expected int, found 1.5"),
    ],
)
def test_bad_overrides_are_refused(file, override, message):
    with pytest.raises(protocol.ProtocolError, match=message):
        protocol.read(file, Protocol, "paper", [override])


def test_unknown_scale_is_refused(file):
    with pytest.raises(protocol.ProtocolError, match="unknown scale 'papr'; did you mean 'paper'"):
        protocol.read(file, Protocol, "papr")


def test_digest_follows_values_and_not_their_order(file):
    desk, smoke = (protocol.read(file, Protocol, scale) for scale in ("desk", "smoke"))
    assert protocol.digest(desk) != protocol.digest(smoke)
    assert protocol.digest(desk.evaluation) == protocol.digest(smoke.evaluation)
    assert protocol.digest({"a": 1, "b": 2}) == protocol.digest({"b": 2, "a": 1})
    # sha256 of {"classes":100}, the canonical JSON
    assert protocol.digest(desk.evaluation) == "b32a247c9f05"
    assert protocol.as_dict(desk)["training"]["iterations"] == 300


def test_a_later_switch_that_is_off_does_not_tell_new_runs_from_old():
    @dataclass(frozen=True)
    class Later(Evaluation):
        through_step: bool = False

    before, off, on = Evaluation(100), Later(100), Later(100, through_step=True)
    assert protocol.as_dict(off) == protocol.as_dict(before) and protocol.digest(off) == protocol.digest(before)
    assert protocol.as_dict(on) == {"classes": 100, "through_step": True}
    assert protocol.digest(on) != protocol.digest(off)


def test_reading_protocols_needs_neither_torch_nor_pandas():
    code = "import sys, common.protocol, common.records; print({'torch', 'pandas', 'numpy'} & set(sys.modules))"
    root = Path(protocol.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
