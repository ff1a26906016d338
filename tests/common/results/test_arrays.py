"""Arrays of runs come back as they were written, joined in order, and what is not such a file is named."""

from __future__ import annotations

import numpy
import pytest

from common.results import arrays, collect, records
from common.results.readers import Tables, of_arrays


def some(seeds, condition="grow", size=3):
    runs = [{"seed": seed, "condition": condition} for seed in seeds]
    return arrays.of_runs(runs, [{"counts": numpy.arange(size) + seed, "mean": seed / 2} for seed in seeds])


def write(path, content):
    """Write arrays with a record beside them and return their path."""
    about = {"paper": "a_paper", "stage": "walk", "scale": "smoke", "seeds": content.runs["seed"].tolist()}
    about |= {"protocol": {}, "protocol_digest": "0", "code": "a"}
    with records.record(path.with_suffix(".json"), about, [], device="cpu"):
        arrays.write(path, content)
    return path


def test_arrays_come_back_by_the_names_of_their_runs(tmp_path):
    path = write(tmp_path / "walks.npz", some([4, 2]))
    read = of_arrays(["counts"]).read(path)
    assert read.runs["seed"].tolist() == [4, 2] and read.runs["condition"].tolist() == ["grow", "grow"]
    assert read.of("counts", seed=2).tolist() == [[2, 3, 4]]
    assert read.of("mean", condition="grow").tolist() == [2, 1]
    assert read.of("counts", condition="sculpt").shape == (0, 3)


def test_arrays_of_many_jobs_become_one_file_that_grows(tmp_path, monkeypatch):
    one, two = write(tmp_path / "a.npz", some([0, 1])), write(tmp_path / "b.npz", some([7], "sculpt"))
    kept = tmp_path / "kept.npz"
    for parts in ([one], [kept, two]):
        monkeypatch.setattr("sys.argv", ["collect", "--out", str(kept), *map(str, parts)])
        collect.main()
    read = arrays.read(kept)
    assert read.runs.to_numpy().tolist() == [[0, "grow"], [1, "grow"], [7, "sculpt"]]
    assert read.values["counts"].tolist() == [[0, 1, 2], [1, 2, 3], [7, 8, 9]]
    assert records.read(kept.with_suffix(".json"))["seeds"] == [0, 1, 7]
    other = write(tmp_path / "c.npz", some([8], size=4))
    with pytest.raises(ValueError, match=r"c\.npz holds other arrays than .*a\.npz"):
        collect.collect([one, other])


def test_arrays_that_were_not_run_are_of_no_run():
    tables = Tables({}, {}, {"walks": of_arrays(["counts"])})
    assert "walks" not in tables and len(tables["walks"].of("counts", seed=0)) == 0


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "does not exist: run the stage"),
        (lambda path: path.write_bytes(path.read_bytes()[:-30]), "cannot be read"),
        (lambda path: path.write_bytes(b""), "cannot be read"),
        (lambda path: numpy.savez(path, objects=numpy.array([None])), "cannot be read"),
        (lambda path: numpy.savez(path, **{"run.seed": [1, 2]}, counts=[1]), "does not hold one entry a run"),
        (lambda path: numpy.savez(path, **{"run.seed": [1]}, mean=[1]), "has no array counts"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, damage, said):
    path = write(tmp_path / "walks.npz", some([0]))
    damage(path)
    with pytest.raises((ValueError, FileNotFoundError), match=rf"walks\.npz.*{said}"):
        arrays.read(path, ["counts"])


def test_runs_of_different_arrays_and_none_at_all_are_refused(tmp_path):
    with pytest.raises(ValueError, match="different arrays"):
        arrays.of_runs([{"seed": 0}, {"seed": 1}], [{"counts": 1}, {"other": 1}])
    with pytest.raises(ValueError, match="there are no runs"):
        arrays.write(tmp_path / "walks.npz", arrays.Arrays(some([0]).runs.iloc[:0], {}))
