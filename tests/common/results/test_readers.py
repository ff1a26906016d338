"""Tables are read by name, come out without rows where nothing was run, and are refused where they do not fit."""

from __future__ import annotations

import json
import math

import pandas
import pytest

from common.results import readers, tables
from common.results.readers import Reader, Tables

READERS = {
    "runs": readers.plain(["seed", "accuracy"]),
    "doubled": Reader(lambda path: 2 * tables.read(path, ["value"]), ["value"]),
}
RUNS = pandas.DataFrame({"accuracy": [0.5, 0.75], "seed": [0, 1], "note": ["", "slow"]})
VALUES = pandas.DataFrame({"value": [1, 2]})
RECORD = {"paper": "a_paper", "stage": "train", "scale": "desk", "seeds": [0, 1], "data": [], "device": "cpu"}
RECORD |= {"versions": {}, "git": {}, "protocol": {}, "protocol_digest": "a", "wall_seconds": 1, "cpu_seconds": 1}
MERGED = {"paper": "a_paper", "stage": "train", "data": [], "scale": "desk", "seeds": [4], "parts": 3}


def write(folder, name, rows, record=MERGED):
    tables.write(folder / f"{name}.csv", rows)
    (folder / f"{name}.json").write_text(json.dumps(record))
    return folder / f"{name}.csv"


def test_each_table_is_read_by_the_reader_of_its_name(tmp_path):
    paths = [write(tmp_path, "doubled", VALUES), write(tmp_path, "runs", RUNS, RECORD | {"scale": "paper"})]
    run = readers.read(paths, READERS, settings="what may be read")
    assert run["doubled"]["value"].tolist() == [2, 4]
    pandas.testing.assert_frame_equal(run["runs"], RUNS[["seed", "accuracy"]])
    assert run.records["doubled"] == MERGED  # merged before
    assert run.records["runs"]["parts"] == 1 and run.records["runs"]["protocol_digests"] == ["a"]
    assert run.scales == {"doubled": "desk", "runs": "paper"} and run.settings == "what may be read"


def test_a_table_that_was_not_run_has_columns_and_no_rows():
    run = Tables({"runs": RUNS}, {}, READERS)
    assert run["runs"] is RUNS and "runs" in run and not run.is_empty
    assert run["doubled"].empty and run["doubled"].columns.tolist() == ["value"] and "doubled" not in run
    with pytest.raises(KeyError, match="run"):
        run["run"]
    assert readers.read([], READERS).is_empty


def test_tables_may_stand_for_others():
    run = Tables({"runs": RUNS, "doubled": VALUES}, {"runs": MERGED}, READERS, "settings").only({"doubled": VALUES[:1]})
    assert "runs" not in run and len(run["doubled"]) == 1 and run["runs"].empty
    assert run.records == {"runs": MERGED} and run.settings == "settings"
    assert run.only({}).is_empty


def test_runs_that_diverged_are_known_by_what_their_record_says():
    listed = [{"condition": name, "eta": 0.5, "seed": seed, "at": f"task {seed}"} for name in "ab" for seed in (1, 4)]
    run = Tables({}, {"runs": MERGED | {"diverged": listed}, "doubled": MERGED}, READERS)
    assert run.diverged("runs", condition="a") == {1: "task 1", 4: "task 4"}
    assert run.diverged("runs", condition="a", eta=0.25) == run.diverged("runs", condition="c") == {}
    assert run.diverged("doubled") == run.diverged("never run") == {}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (RUNS[["seed"]], r"runs\.csv has no column accuracy"),
        (RUNS.assign(accuracy=[0.5, math.nan]), "column accuracy holds values that are missing or not finite"),
        (RUNS.assign(accuracy=[0.5, math.inf]), "column accuracy holds values that are missing or not finite"),
    ],
)
def test_a_plain_table_is_complete_and_finite(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message):
        readers.read([write(tmp_path, "runs", rows)], READERS)


ABLATION = pandas.DataFrame({"condition": ["si", "ewc"], "seed": [0, 0], "accuracy": [0.5, math.nan], "c": [0.1, 1.0]})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ABLATION, None),
        (ABLATION.assign(seed=[0, math.nan]), "column seed holds values that are missing"),
        (ABLATION.assign(condition="mas"), "unknown condition 'mas'; known are si, ewc"),
        (ABLATION.assign(accuracy=1.5), "accuracy must lie between 0 and 1"),
        (ABLATION.assign(c=[0.1, 0]), "c must lie above 0"),
        (ABLATION.assign(condition="si"), "two rows have the same condition, seed"),
    ],
)
def test_a_table_is_checked_as_its_reader_says(tmp_path, rows, message):
    checks = {"known": {"condition": ("si", "ewc")}, "between": {"accuracy": (0, 1)}, "positive": ["c"]}
    reader = readers.plain(list(ABLATION), optional=["accuracy"], unique=["condition", "seed"], **checks)
    path = write(tmp_path, "ablation", rows)
    if message is None:
        pandas.testing.assert_frame_equal(reader.read(path), ABLATION)
        assert readers.chosen(reader.read(path), condition="ewc", seed=0).index.tolist() == [1]
    else:
        with pytest.raises(ValueError, match=message):
            reader.read(path)


def test_tables_that_do_not_belong_together_or_have_no_record_are_refused(tmp_path):
    first = write(tmp_path, "runs", RUNS)
    with pytest.raises(ValueError, match=r"walks\.csv: no table of this name is known; known are runs, doubled"):
        readers.read([write(tmp_path, "walks", RUNS)], READERS)
    with pytest.raises(ValueError, match="given before"):
        readers.read([first, first], READERS)
    first.with_suffix(".json").unlink()
    with pytest.raises(FileNotFoundError, match=r"runs\.json"):
        readers.read([first], READERS)
