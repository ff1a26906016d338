"""Tables of many jobs become one, their provenance is merged, and what does not belong together is named."""

from __future__ import annotations

import json

import pytest

from common import collect, protocol, records

DIGITS = {"name": "digits", "description": "Digits", "completeness": "complete"}
LETTERS = {"name": "letters", "description": "Letters, test part only", "completeness": "partial"}


def part(folder, name, seeds, **changes):
    """Write a table and its provenance and return the table's path."""
    path = folder / f"{name}.csv"
    records.write_table(path, [{"seed": seed, "recall": seed / 10} for seed in seeds])
    given = {"paper": "a_paper", "stage": "train", "scale": "desk", "protocol": {"steps": 3}, "data": [DIGITS]}
    with records.provenance(path.with_suffix(".json"), seeds=seeds, device="cpu", **(given | changes)):
        pass
    return path


def edit(path, **changes):
    path = path.with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_rows_in_order_and_provenance_merged(tmp_path):
    first = part(tmp_path, "seeds2-3", [2, 3], data=[DIGITS, LETTERS])
    second = part(tmp_path, "seeds0-1", [0, 1])
    third = part(tmp_path, "other", [1, 4])
    for path, seconds, commit in ((first, 1.5, "a"), (second, 2.25, "b"), (third, 4, "a")):
        edit(path, wall_seconds=seconds, cpu_seconds=2 * seconds, git={"commit": commit, "dirty": False}, device="cpu")
    table, merged = collect.collect([first, second, third])
    assert table["seed"].tolist() == [2, 3, 0, 1, 1, 4]
    assert table["recall"].tolist() == [0.2, 0.3, 0.0, 0.1, 0.1, 0.4]
    assert merged.pop("versions") == [records.read_provenance(first.with_suffix(".json"))["versions"]]
    assert merged == {
        "paper": "a_paper",
        "stage": "train",
        "scale": "desk",
        "seeds": [0, 1, 2, 3, 4],
        "data": [DIGITS, LETTERS],
        "devices": ["cpu"],
        "commits": [{"commit": "a", "dirty": False}, {"commit": "b", "dirty": False}],
        "protocol_digests": [protocol.digest({"steps": 3})],
        "protocol": {"steps": 3},
        "wall_seconds": 7.75,
        "cpu_seconds": 15.5,
        "parts": 3,
    }


def test_a_gathered_table_grows_by_later_parts_as_if_all_had_been_there_at_once(tmp_path, monkeypatch):
    parts = [part(tmp_path, "a", [0]), part(tmp_path, "b", [1], protocol={"steps": 4}), part(tmp_path, "c", [2])]
    for path, commit in zip(parts, "aba", strict=True):
        edit(path, git={"commit": commit, "dirty": False})
    kept = tmp_path / "kept.csv"
    collect.write(kept, *collect.collect(parts[:2]))
    monkeypatch.setattr("sys.argv", ["collect", "--out", str(kept), str(kept), str(parts[2])])
    collect.main()
    table, merged = collect.collect(parts)
    assert records.read_tables(kept).equals(table)
    assert records.read_provenance(kept.with_suffix(".json")) == merged


def test_what_was_measured_is_kept_of_a_single_part_alone(tmp_path):
    first, second = part(tmp_path, "a", [0]), part(tmp_path, "b", [1])
    for path, count in ((first, 3), (second, 4)):
        edit(path, measured={"count": count})
    assert collect.collect([first])[1]["measured"] == {"count": 3}
    assert "measured" not in collect.collect([first, second])[1]


def test_different_protocols_are_both_named_and_neither_is_given(tmp_path):
    parts = [part(tmp_path, "a", [0]), part(tmp_path, "b", [1], protocol={"steps": 4})]
    _, merged = collect.collect(parts)
    assert merged["protocol_digests"] == [protocol.digest({"steps": 3}), protocol.digest({"steps": 4})]
    assert "protocol" not in merged
    assert "runs of 2 different protocols" in collect.stamp(merged)[0]


def test_runs_that_diverged_are_named_in_the_stamp(tmp_path):
    paths = [part(tmp_path, "a", [0]), part(tmp_path, "b", [1]), part(tmp_path, "c", [2])]
    assert "diverged" not in collect.collect(paths)[1]
    for path, run in zip(paths, ("si, seed 0 (task 2)", "si, seed 1 (task 1)")):
        edit(path, diverged=[run])
    _, merged = collect.collect(paths)
    assert merged["diverged"] == ["si, seed 0 (task 2)", "si, seed 1 (task 1)"]
    sentence = "left out as if not run, since diverged: si, seed 0 (task 2); si, seed 1 (task 1)"
    assert collect.stamp(merged)[0].endswith(f" | {sentence}")
    collect.write(tmp_path / "kept.csv", *collect.collect(paths))
    (tmp_path / "later").mkdir()
    grown = collect.collect([tmp_path / "kept.csv", part(tmp_path / "later", "d", [3])])[1]
    assert grown["diverged"] == merged["diverged"]
    many = collect.stamp(merged | {"diverged": [f"si, seed {seed}" for seed in range(4)]})[0]
    assert many.endswith("left out as if not run, since diverged: 4 runs")


@pytest.mark.parametrize(("key", "value"), [("paper", "other"), ("stage", "tune"), ("scale", "smoke")])
def test_what_does_not_belong_together_is_refused(tmp_path, key, value):
    parts = [part(tmp_path, "a", [0]), part(tmp_path, "b", [1], **{key: value})]
    with pytest.raises(ValueError, match=rf"the {key} of .*b\.json is '{value}'"):
        collect.collect(parts)


def test_missing_files_are_named(tmp_path):
    whole, lone = part(tmp_path, "whole", [0]), part(tmp_path, "lone", [1])
    lone.with_suffix(".json").unlink()
    with pytest.raises(FileNotFoundError, match=r"lone\.json"):
        collect.collect([whole, lone])
    with pytest.raises(FileNotFoundError, match=r"absent\.csv"):
        collect.collect([whole, tmp_path / "absent.csv"])


def test_incomplete_provenance_is_named(tmp_path):
    path = part(tmp_path, "a", [0])
    record = records.read_provenance(path.with_suffix(".json"))
    del record["seeds"]
    path.with_suffix(".json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"a\.json has no entry 'seeds'"):
        collect.collect([path])


def test_a_table_given_twice_or_with_other_columns_is_refused(tmp_path):
    first, second = part(tmp_path, "a", [0]), part(tmp_path, "b", [1])
    with pytest.raises(ValueError, match=r"given twice: .*a\.csv"):
        collect.collect([first, second, first])
    records.write_table(second, [{"seed": 1, "accuracy": 0.5}])
    with pytest.raises(ValueError, match=r"b\.csv has the columns seed, accuracy"):
        collect.collect([first, second])


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
    text, found = collect.stamp({"scale": scale, "seeds": [0, 1], "data": data, "protocol_digests": ["a"]})
    assert found == loud
    assert ("not a result" in text) == loud
    assert text.startswith(f"{scale.capitalize()} scale")
    assert "2 seeds" in text
    for about in data:
        assert about["description"] in text
        assert about["completeness"] in text


def test_what_depends_on_no_seed_says_nothing_of_seeds():
    text, _ = collect.stamp({"scale": "paper", "seeds": [], "data": [DIGITS], "protocol_digests": ["a"]})
    assert "seed" not in text


def test_one_stamp_says_what_many_tables_are():
    first = {"scale": "paper", "seeds": [0, 1], "data": [DIGITS], "protocol_digests": ["a"]}
    assert collect.stamp_of_all({"a": first, "b": first}) == collect.stamp(first)
    text, loud = collect.stamp_of_all({"a": first, "b": first | {"seeds": [5], "scale": "smoke"}})
    assert loud
    assert text.startswith("a: Paper scale | 2 seeds") and "|| b: Smoke scale, not a result | 1 seed" in text


def test_the_command_line_writes_table_and_provenance(tmp_path, monkeypatch):
    parts = [part(tmp_path, "a", [0]), part(tmp_path, "b", [1])]
    out = tmp_path / "all" / "transfer.csv"
    monkeypatch.setattr("sys.argv", ["collect", "--out", str(out), *map(str, parts)])
    collect.main()
    assert records.read_tables(out)["seed"].tolist() == [0, 1]
    assert records.read_provenance(out.with_suffix(".json"))["parts"] == 2
