"""Tables of many jobs become one, their records are merged, and what does not belong together is named."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest

from common.results import collect, readers, records, stamps, tables
from common.running import command_line, protocols
from common.running.code import ROOT

DIGITS = {"name": "digits", "description": "Digits", "completeness": "complete"}
LETTERS = {"name": "letters", "description": "Letters, test part only", "completeness": "partial"}
SETTINGS = {"training": {"steps": 3}}
OTHERS = {"training": {"steps": 4}}


def part(folder, name, seeds, **changes):
    """Write a table and its record and return the table's path."""
    path = folder / f"{name}.csv"
    tables.write(path, [{"seed": seed, "recall": seed / 10} for seed in seeds])
    given = {"paper": "a_paper", "stage": "train", "scale": "desk", "protocol": SETTINGS, "data": [DIGITS]} | changes
    given |= {"protocol_digest": protocols.digest(given["protocol"]), "code": "a"}
    data, about = given.pop("data"), given | {"seeds": list(seeds)}
    with records.record(path.with_suffix(".json"), about, data, device="cpu"):
        pass
    return path


def edit(path, **changes):
    path = path.with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_rows_in_order_and_records_merged(tmp_path):
    first = part(tmp_path, "seeds2-3", [2, 3], data=[DIGITS, LETTERS])
    second = part(tmp_path, "seeds0-1", [0, 1])
    third = part(tmp_path, "other", [1, 4])
    for path, seconds, commit in ((first, 1.5, "a"), (second, 2.25, "b"), (third, 4, "a")):
        edit(path, wall_seconds=seconds, cpu_seconds=2 * seconds, git={"commit": commit, "dirty": False}, device="cpu")
    table, merged = collect.collect([first, second, third])
    assert table["seed"].tolist() == [2, 3, 0, 1, 1, 4]
    assert table["recall"].tolist() == [0.2, 0.3, 0.0, 0.1, 0.1, 0.4]
    assert merged.pop("versions") == [records.read(first.with_suffix(".json"))["versions"]]
    expected = {"paper": "a_paper", "stage": "train", "scale": "desk", "seeds": [0, 1, 2, 3, 4], "parts": 3}
    expected |= {"data": [DIGITS, LETTERS], "devices": ["cpu"], "wall_seconds": 7.75, "cpu_seconds": 15.5}
    expected |= {"protocol_digests": [protocols.digest(SETTINGS)], "protocol": SETTINGS}
    assert merged == expected | {"commits": [{"commit": commit, "dirty": False} for commit in "ab"]}


def test_a_gathered_table_grows_by_later_parts_as_if_all_had_been_there_at_once(tmp_path, monkeypatch):
    parts = [part(tmp_path, "a", [0]), part(tmp_path, "b", [1], protocol=OTHERS), part(tmp_path, "c", [2])]
    for path, commit in zip(parts, "aba", strict=True):
        edit(path, git={"commit": commit, "dirty": False})
    kept = tmp_path / "new" / "kept.csv"
    collect.write(kept, *collect.collect(parts[:2]))
    monkeypatch.setattr("sys.argv", ["collect", "--out", str(kept), str(kept), str(parts[2])])
    collect.main()
    table, merged = collect.collect(parts)
    assert tables.read(kept).equals(table)
    record = records.read(kept.with_suffix(".json"))
    assert record.pop("sha256").keys() == {".csv"} and record == merged


def test_what_was_measured_is_kept_of_a_single_part_alone(tmp_path):
    first, second = part(tmp_path, "a", [0]), part(tmp_path, "b", [1])
    for path, count in ((first, 3), (second, 4)):
        edit(path, measured={"count": count})
    assert collect.collect([first])[1]["measured"] == {"count": 3}
    assert "measured" not in collect.collect([first, second])[1]


def test_the_protocol_is_all_that_the_parts_read_unless_a_setting_has_two_values(tmp_path):
    """Jobs of one table may read different parts of the protocol. Different protocols are both named, neither is given."""
    wider = {"training": {"steps": 3, "rate": 0.5}, "design": {"reading": "sum"}}
    for other, given in ((wider, wider), (OTHERS, "neither")):
        _, merged = collect.collect([part(tmp_path, "a", [0]), part(tmp_path, "b", [1], protocol=other)])
        assert merged["protocol_digests"] == [protocols.digest(SETTINGS), protocols.digest(other)]
        assert merged.get("protocol", "neither") == given
        stamp = stamps.stamp(merged)[0]
        assert ("runs of 2 different protocols" in stamp) == ("different protocols" in stamp) == (given == "neither")


def diverged(seed, **run):
    return {"benchmark": "permuted", "condition": "si", **run, "seed": seed, "at": f"task {seed + 1}"}


def test_runs_that_diverged_are_named_in_the_stamp(tmp_path):
    paths = [part(tmp_path, "a", [0]), part(tmp_path, "b", [1]), part(tmp_path, "c", [2])]
    assert "diverged" not in collect.collect(paths)[1]
    edit(paths[0], diverged=[diverged(1, eta=0.001)])
    edit(paths[1], diverged=[diverged(0)])
    _, merged = collect.collect(paths)
    assert merged["diverged"] == [diverged(1, eta=0.001), diverged(0)]
    names = "permuted si, eta 0.001, seed 1 (task 2); permuted si, seed 0 (task 1)"
    assert stamps.stamp(merged)[0].endswith(f" | diverged: {names}")
    collect.write(tmp_path / "kept.csv", *collect.collect(paths))
    (tmp_path / "later").mkdir()
    grown = collect.collect([tmp_path / "kept.csv", part(tmp_path / "later", "d", [3])])[1]
    assert grown["diverged"] == merged["diverged"]
    many = stamps.stamp(merged | {"diverged": [diverged(seed) for seed in range(4)]})[0]
    assert many.endswith(" | diverged: 4 runs")


@pytest.mark.parametrize(("key", "value"), [("paper", "other"), ("stage", "tune"), ("scale", "smoke")])
def test_what_does_not_belong_together_is_refused(tmp_path, key, value):
    parts = [part(tmp_path, "a", [0]), part(tmp_path, "b", [1], **{key: value})]
    with pytest.raises(ValueError, match=rf"the {key} of .*b\.json is '{value}'"):
        collect.collect(parts)


def test_missing_files_and_entries_are_named(tmp_path):
    whole, lone = part(tmp_path, "whole", [0]), part(tmp_path, "lone", [1])
    lone.with_suffix(".json").unlink()
    with pytest.raises(FileNotFoundError, match=r"lone\.json"):
        collect.collect([whole, lone])
    with pytest.raises(FileNotFoundError, match=r"absent\.csv"):
        collect.collect([whole, tmp_path / "absent.csv"])
    record = records.read(whole.with_suffix(".json"))
    del record["seeds"]
    whole.with_suffix(".json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"whole\.json has no entry 'seeds'"):
        collect.collect([whole])


def test_a_table_given_twice_or_with_other_columns_is_refused(tmp_path):
    first, second = part(tmp_path, "a", [0]), part(tmp_path, "b", [1])
    with pytest.raises(ValueError, match=r"given twice: .*a\.csv"):
        collect.collect([first, second, first])
    tables.write(second, [{"seed": 1, "accuracy": 0.5}])
    edit(second, sha256={})
    with pytest.raises(ValueError, match=r"b\.csv has the columns seed, accuracy"):
        collect.collect([first, second])


@pytest.mark.parametrize(
    "changed",
    [lambda text: text.replace("0.3", "0.9"), lambda text: text[:-2], lambda text: "", lambda text: text + "4,1\n"],
)
def test_a_table_that_was_changed_after_it_was_written_is_refused_by_name(tmp_path, changed):
    """Whether it is collected, read by a figure or by a stage. Without a checksum, as older results are, it is taken."""
    path, reader = part(tmp_path, "runs", [2, 3]), {"runs": readers.plain(["seed", "recall"])}
    before = path.read_text()
    path.write_text(changed(before))
    for read in (collect.collect, tables.read, lambda paths: readers.read(paths, reader)):
        with pytest.raises(
            ValueError, match=r"runs\.csv was changed after it was written: run its stage again, or take"
        ):
            read([path])
    path.write_text(before)
    assert len(readers.read([path], reader)["runs"]) == len(collect.collect([path])[0]) == 2
    path.write_text(before + "4,0.4\n")
    edit(path, sha256={})
    assert len(readers.read([path], reader)["runs"]) == 3


KEPT = sorted(path for path in ROOT.glob("papers/*/recorded/**/*") if path.suffix in records.TABLES)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: str(path.relative_to(ROOT / "papers")))
def test_every_kept_table_has_its_checksum_and_an_edited_one_is_refused(tmp_path, path):
    record = records.read(path.with_suffix(".json"))
    assert record["sha256"] == {path.suffix: hashlib.sha256(path.read_bytes()).hexdigest()}
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / path.name).write_bytes(content)
    shutil.copy(path.with_suffix(".json"), tmp_path)
    with pytest.raises(ValueError, match=f"{path.name} was changed after it was written"):
        records.read_merged((tmp_path / path.name).with_suffix(".json"))


def run(monkeypatch, capsys, *arguments):
    """Call the command and return what it says as it ends."""
    monkeypatch.setattr("sys.argv", ["collect", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        command_line.run(collect.main)
    assert end.value.code
    return capsys.readouterr().err


def test_what_would_overwrite_a_record_or_cannot_be_written_is_refused_in_one_line(tmp_path, monkeypatch, capsys):
    one = part(tmp_path, "a", [0])
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    refused = {
        tmp_path / "all.json": "must end in .csv or .npz",
        folder: "is a folder: name a file in it",
        one / "all.csv": f"nothing can be written in {one}",
        tmp_path / "all.npz": "give --out the ending of the parts",
    }
    before = {path.name for path in tmp_path.iterdir()}
    for out, message in refused.items():
        assert message in run(monkeypatch, capsys, "--out", out, one).splitlines()[-1]
    message = run(monkeypatch, capsys, "--out", tmp_path / "all.csv", one, one.with_suffix(".json"))
    assert (
        message
        == f"error: collect: {one.with_suffix('.json')} is no table like the first: give CSV files alone, or NPZ files alone\n"
    )
    assert run(monkeypatch, capsys, "--out", tmp_path / "all.csv", tmp_path / "b.csv").count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == before
