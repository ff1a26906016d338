"""Typed protocols: scales, overrides, and a clear refusal of everything that does not fit."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

import pytest

from common.running import protocols
from common.running.code import ROOT
from common.running.protocols import ProtocolError, Settings


@dataclass(frozen=True)
class Training:
    iterations: int
    rate: float
    nesterov: bool
    name: str
    hidden: tuple[int, ...]


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
    hidden: [400, 400]
  desk: {iterations: 300}
  smoke: {iterations: 20, hidden: [8]}
evaluation:
  paper: {classes: 100}
  smoke:
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "protocol.yaml"
    path.write_text(FILE)
    return path


def test_paper_scale_gives_typed_values_and_other_scales_change_only_what_they_name(file):
    training = protocols.read(file, Protocol, "paper").training
    assert training == Training(25000, 0.001, False, "adam", (400, 400)) and isinstance(training.rate, float)
    assert protocols.read(file, Protocol, "desk").training == Training(300, 0.001, False, "adam", (400, 400))
    smoke = protocols.read(file, Protocol, "smoke")
    assert smoke.training == Training(20, 0.001, False, "adam", (8,))
    assert smoke.evaluation.classes == 100
    with pytest.raises(ProtocolError, match="unknown scale 'papr'; did you mean 'paper'"):
        protocols.read(file, Protocol, "papr")
    file.write_text(FILE.replace("1e-3", "1"))  # a whole number serves as float
    rate = protocols.read(file, Protocol, "paper").training.rate
    assert rate == 1.0 and isinstance(rate, float)


def test_overrides_come_last_and_are_typed(file):
    overrides = ["training.rate=5e-4", "training.hidden=[1, 2, 3]", "training.iterations=7"]
    training = protocols.read(file, Protocol, "smoke", overrides).training
    assert training == Training(7, 0.0005, False, "adam", (1, 2, 3))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("iterations: 300", "iteraton: 300", "section 'training', scale 'desk': unknown key 'iteraton'; did you mean"),
        ("desk:", "dsk:", "section 'training': unknown scale 'dsk'; did you mean 'desk'"),
        ("evaluation:", "evaluaton:", "unknown section 'evaluaton'; did you mean 'evaluation'"),
        ("    name: adam\n", "", "section 'training', scale 'paper': missing key 'name'"),
        ("iterations: 20,", "iterations: many,", "scale 'smoke', key 'iterations': expected int, found 'many'"),
        ("iterations: 20,", "iterations: true,", "scale 'smoke', key 'iterations': expected int, found True"),
        ("iterations: 20,", "iterations: 20.5,", "scale 'smoke', key 'iterations': expected int, found 20.5"),
        ("rate: 1e-3", "rate: yes", "key 'rate': expected float, found 'yes'"),
        ("rate: 1e-3", "rate: nan", "key 'rate': expected float, found 'nan'"),
        ("rate: 1e-3", "rate: .nan", "scale 'paper', key 'rate': expected a finite number, found nan"),
        ("rate: 1e-3", "rate: -.inf", "key 'rate': expected a finite number, found -inf"),
        ("rate: 1e-3", "rate: 1.0e+400", "key 'rate': expected a finite number, found inf"),
        ("rate: 1e-3", "rate: 1e400", "key 'rate': expected a finite number, found inf"),
        ("rate: 1e-3", "rate: 1" + 400 * "0", "key 'rate': expected a finite number, found 1000"),
        ("nesterov: false", "nesterov: 0", "key 'nesterov': expected bool, found 0"),
        ("hidden: [8]", "hidden: 8", "key 'hidden': expected tuple"),
        ("hidden: [8]", "hidden: [8, x]", "key 'hidden', item 1: expected int, found 'x'"),
        ("paper: {classes: 100}", "desk: {classes: 100}", "section 'evaluation': missing scale 'paper'"),
        ("desk: {iterations: 300}", "desk: 300", "section 'training', scale 'desk': expected a mapping"),
        ("iterations: 20,", "iterations: 20, iterations: 30,", "key 'iterations' is given twice"),
        ("hidden: [8]", "hidden: [8", "is not plain YAML in UTF-8: while parsing a flow sequence"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place_at_every_scale(file, old, new, message):
    assert FILE.count(old) == 1
    file.write_text(FILE.replace(old, new))
    for scale in protocols.SCALES:
        with pytest.raises(ProtocolError) as error:
            protocols.read(file, Protocol, scale)
        assert message in str(error.value) and str(file) in str(error.value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.rates=1", "unknown key 'rates'; did you mean 'rate'"),
        ("trainin.rate=1", "unknown section 'trainin'; did you mean 'training'"),
        ("training.rate", "write section.key=value"),
        ("rate=1", "write section.key=value"),
        ("training.iterations=1.5", "expected int, found 1.5"),
        ("training.rate=.inf", "override 'training.rate=.inf': expected a finite number, found inf"),
        ("training.rate=1e400", "override 'training.rate=1e400': expected a finite number, found inf"),
        ("training.iterations=0", "override 'training.iterations=0': must be at least 1, not 0"),
    ],
)
def test_bad_overrides_are_refused(file, override, message):
    with pytest.raises(ProtocolError, match=message):
        protocols.read(file, Protocol, "paper", [override])


def test_a_file_in_another_encoding_is_named(file):
    file.write_bytes("# Höhe\n".encode("latin-1") + file.read_bytes())
    with pytest.raises(ProtocolError, match=f"^{file} is not plain YAML in UTF-8: "):
        protocols.read(file, Protocol, "paper")


def test_digest_follows_values_and_not_their_order(file):
    desk, smoke = (protocols.read(file, Protocol, scale) for scale in ("desk", "smoke"))
    assert protocols.digest(desk) != protocols.digest(smoke)
    assert protocols.digest(desk.evaluation) == protocols.digest(smoke.evaluation)
    assert protocols.digest({"a": 1, "b": 2}) == protocols.digest({"b": 2, "a": 1})
    # sha256 of {"classes":100}, the canonical JSON
    assert protocols.digest(desk.evaluation) == "b32a247c9f05"
    assert protocols.as_dict(desk)["training"]["iterations"] == 300


def test_a_later_switch_that_is_off_does_not_tell_new_runs_from_old():
    @dataclass(frozen=True)
    class Later(Evaluation):
        through_step: bool = False

    before, off, on = Evaluation(100), Later(100), Later(100, through_step=True)
    assert protocols.as_dict(off) == protocols.as_dict(before) and protocols.digest(off) == protocols.digest(before)
    assert protocols.as_dict(on) == {"classes": 100, "through_step": True}
    assert protocols.digest(on) != protocols.digest(off)


def test_what_a_record_was_run_with_is_compared_with_the_protocol(file):
    """Both ways, lists as in JSON; what the protocol no longer has, or the record does not name, departs from nothing."""
    paper = protocols.read(file, Protocol, "paper")
    desk = json.loads(json.dumps(protocols.as_dict(protocols.read(file, Protocol, "desk"))))
    assert protocols.departures(json.loads(json.dumps(protocols.as_dict(paper))), paper) == {}
    assert protocols.departures(desk, paper) == {"training.iterations": (300, 25000)}
    other = {"training": {"hidden": [8], "nesterov": True, "momentum": 0.9}, "landscapes": {"steps": 4}}
    found = {"training.hidden": ([8], [400, 400]), "training.nesterov": (True, False)}
    assert protocols.departures(other, paper) == found


# Settings


def test_settings_hold_what_was_named_and_refuse_the_rest(file):
    protocol = protocols.read(file, Protocol, "smoke")
    settings = Settings(protocol, ["training.rate", "training.hidden", "evaluation"], "stage 'train' of a_paper")
    assert settings.training.rate == settings["training"]["rate"] == 0.001
    assert settings.evaluation is protocol.evaluation
    assert settings.as_dict() == {"evaluation": {"classes": 100}, "training": {"rate": 0.001, "hidden": (8,)}}
    message = r"^stage 'train' of a_paper does not say that it reads 'training.name'; add"
    with pytest.raises(ProtocolError, match=message):
        _ = settings.training.name
    with pytest.raises(ProtocolError, match="does not say that it reads 'evaluation'"):
        _ = Settings(protocol, ["training"], "fig1").evaluation
    assert not hasattr(settings, "_anything")


def test_a_whole_section_is_read_whether_named_before_or_after_its_keys(file):
    protocol = protocols.read(file, Protocol, "smoke")
    for reads in (["training", "training.rate"], ["training.rate", "training"]):
        assert Settings(protocol, reads, "fig1").training is protocol.training


@pytest.mark.parametrize("name", ["trainin", "training.rat", "training.rate.digits"])
def test_reading_what_the_protocol_does_not_have_is_refused(file, name):
    protocol = protocols.read(file, Protocol, "smoke")
    with pytest.raises(ProtocolError, match=f"fig1 says that it reads '{name}', which the protocol does not have"):
        Settings(protocol, [name], "fig1")


def test_the_digest_of_settings_follows_what_is_read_alone(file):
    def digest(*overrides, reads=("training.rate", "evaluation")):
        return Settings(protocols.read(file, Protocol, "smoke", overrides), reads, "fig1").digest

    assert digest("training.iterations=7", "training.name=sgd") == digest()
    assert len({digest(), digest("training.rate=0.5"), digest("evaluation.classes=5"), digest(reads=["training"])}) == 4
    assert digest(reads=["evaluation", "training.rate"]) == digest()


def test_reading_protocols_needs_neither_torch_nor_pandas():
    code = "import sys, common.running.protocols, common.results.records; print({'torch', 'pandas', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_setting_that_came_after_a_run_departs_if_it_is_no_longer_at_its_default():
    @dataclass(frozen=True)
    class Section:
        trials: int
        seeds: int = 1

    @dataclass(frozen=True)
    class Whole:
        search: Section

    before = {"search": {"trials": 3}}
    assert protocols.departures(before, Whole(Section(3))) == {}
    assert protocols.departures(before, Whole(Section(3, seeds=2))) == {"search.seeds": (1, 2)}
    assert protocols.departures({}, Whole(Section(3, seeds=2))) == {}  # a run that did not read the section
