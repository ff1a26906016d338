"""A record says where a result came from, and nothing of the machine; a stamp says what is drawn."""

from __future__ import annotations

import json
import os

import numpy
import pytest

from common.data.catalog import DataError
from common.results import records, stamps


@pytest.fixture(autouse=True)
def without_git(monkeypatch, tmp_path):
    """No test depends on the repository it runs in: git is found only where a test provides it."""
    monkeypatch.setenv("PATH", str(tmp_path / "no-programs"))


def open_record(path, **changes):
    given = {"paper": "a_paper", "stage": "train", "scale": "smoke", "seeds": [0, 1], "protocol": {"a": {"steps": 3}}}
    given |= {"protocol_digest": "0123", "code": "4567", "data": [{"name": "digits"}], "device": "cpu"}
    about = given | changes
    return records.record(path, about, data=about.pop("data"), device=about.pop("device"))


def test_a_record_is_complete_and_readable(tmp_path):
    path = tmp_path / "out" / "train.csv.json"
    with open_record(path) as measured:
        measured["iterations_per_second"] = numpy.float32(3.5)
    record = records.read(path)
    assert (record["paper"], record["seeds"], record["data"]) == ("a_paper", [0, 1], [{"name": "digits"}])
    expected = {"a": {"steps": 3}}, "0123", "4567"
    assert (record["protocol"], record["protocol_digest"], record["code"]) == expected
    assert record["device"].startswith("cpu (")
    assert record["measured"] == {"iterations_per_second": 3.5}
    assert record["git"] == {"commit": None, "dirty": None}
    assert set(record["versions"]) == {"python", "torch", "numpy", "platform"}
    assert record["wall_seconds"] >= 0 and record["cpu_seconds"] >= 0 and record["peak_memory_mb"] > 10
    assert "diverged" not in record


def test_runs_that_diverged_are_no_measurement(tmp_path):
    run = {"condition": "si", "seed": 1, "at": "task 2"}
    with open_record(tmp_path / "a.json") as measured:
        measured["diverged"], measured["tuned"] = [run], 0.5
    record = records.read(tmp_path / "a.json")
    assert record["diverged"] == [run] and record["measured"] == {"tuned": 0.5}


def test_a_record_holds_no_path_of_the_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["/opt/python", "-m", "stage", f"--out={tmp_path}/results/a.csv", "/home/somebody/data/digits.npz"]
    monkeypatch.setattr("sys.orig_argv", command)
    with open_record("a.json", data=[{"path": str(tmp_path / "data" / "digits.npz"), "url": "https://x.org/a"}]):
        pass
    record = records.read("a.json")
    assert record["command"] == "python -m stage --out=results/a.csv .../digits.npz"
    assert record["data"] == [{"path": "data/digits.npz", "url": "https://x.org/a"}]
    assert not any(text in json.dumps(record) for text in (str(tmp_path), "somebody"))
    assert os.uname().nodename not in record["versions"].values()


@pytest.mark.parametrize("scale", ["desk", "paper"])
def test_stand_ins_are_for_the_smoke_scale_alone(tmp_path, scale):
    about = {"name": "mnist", "description": "stand-in digits", "completeness": "stand-in"}
    with open_record(tmp_path / "a.json", data=[about]):
        pass
    message = f"stand-in digits: only the smoke scale .* this is {scale}; .*prepare mnist"
    with pytest.raises(DataError, match=message), open_record(tmp_path / "b.json", data=[about], scale=scale):
        pytest.fail("the stage ran")
    with open_record(tmp_path / "c.json", data=[about | {"completeness": "partial"}], scale=scale):
        pass


def test_a_failing_stage_leaves_no_record_and_what_cannot_be_stored_is_refused_before_the_work_begins(tmp_path):
    with pytest.raises(RuntimeError), open_record(tmp_path / "a.json"):
        raise RuntimeError
    with pytest.raises(TypeError, match="object"), open_record(tmp_path / "a.json", data=[{"x": object()}]):
        pytest.fail("the block must not begin")
    assert list(tmp_path.iterdir()) == []


def test_an_unreadable_record_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.json"):
        records.read(tmp_path / "absent.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ValueError, match=r"broken\.json"):
        records.read(tmp_path / "broken.json")


DIGITS = {"name": "digits", "description": "Digits", "completeness": "complete"}
LETTERS = {"name": "letters", "description": "Letters, test part only", "completeness": "partial"}


@pytest.mark.parametrize(
    ("scale", "data", "loud"),
    [
        ("paper", [DIGITS, LETTERS], False),
        ("smoke", [DIGITS], True),
        ("desk", [DIGITS, LETTERS | {"completeness": "subset"}], True),
        ("paper", [DIGITS | {"completeness": "stand-in"}], True),
    ],
)
def test_the_stamp_is_loud_where_there_is_no_result(scale, data, loud):
    text, found = stamps.stamp({"scale": scale, "seeds": [0, 1], "data": data, "protocol": {}})
    assert found == loud == ("not a result" in text)
    assert text.startswith(f"{scale.capitalize()} scale") and "2 seeds" in text
    assert all(about["description"] in text and about["completeness"] in text for about in data)


def test_one_stamp_says_what_many_tables_are_and_nothing_of_seeds_where_there_are_none():
    first = {"scale": "paper", "seeds": [0, 1], "data": [DIGITS], "protocol": {}}
    assert "seed" not in stamps.stamp(first | {"seeds": []})[0]
    assert stamps.stamp_of_all({"a": first, "b": first}) == stamps.stamp(first)
    both = stamps.stamp_of_all({"a": first, "b": first | {"data": [LETTERS, DIGITS]}})
    assert both == stamps.stamp(first | {"data": [DIGITS, LETTERS]})
    text, loud = stamps.stamp_of_all({"a": first, "b": first | {"seeds": [5], "scale": "smoke"}})
    assert loud and text.startswith("a: Paper scale | 2 seeds") and "|| b: Smoke scale, not a result | 1 seed" in text


def test_a_few_seeds_of_a_scale_are_said_to_be_a_few():
    few = {"scale": "paper", "seeds": [0, 1, 2], "data": [], "protocol": {}, "planned_seeds": 25}
    assert "| 3 of 25 seeds |" in stamps.stamp(few)[0]
    for planned in (0, 3, 2):  # 0: it depends on none; fewer: more were run than the protocol has
        assert "| 3 seeds |" in stamps.stamp(few | {"planned_seeds": planned})[0]
    assert stamps.stamp_of_all({"a": few, "b": few | {"planned_seeds": 3}})[0].startswith(
        "a: Paper scale | 3 of 25 seeds"
    )


@pytest.mark.parametrize(
    ("departures", "said"),
    [
        ({}, ""),
        ({"images.sequences": (13, 1000)}, ", but images.sequences 13 of 1,000"),
        ({"vision.sets": (["a", "b"], ["a", "b", "c"])}, ", but vision.sets 2 of 3"),
        ({"t.hidden": ([8], [9]), "t.a": (True, False), "t.b": (2, 1)},
         ", but t.hidden [8] in place of [9], t.a True in place of False, t.b 2 in place of 1"),
        ({f"t.{key}": (1, 2) for key in "abcd"}, ", but 4 settings"),
    ],
)  # fmt: skip
def test_a_run_cut_short_or_with_other_settings_is_not_its_scale(departures, said):
    whole = {"scale": "paper", "seeds": [0], "data": [DIGITS], "protocol": {}}
    run = whole | {"departures": departures}
    assert stamps.stamp(run) == (f"Paper scale{said} | 1 seed | data: Digits (complete)", False)
    assert stamps.stamp_of_all({"a": run, "b": run}) == stamps.stamp(run)
    apart = f"a: {stamps.stamp(whole)[0]} || b: {stamps.stamp(run)[0]}"
    assert stamps.stamp_of_all({"a": whole, "b": run})[0] == (apart if said else stamps.stamp(whole)[0])
