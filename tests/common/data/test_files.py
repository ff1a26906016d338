"""A file is whole or absent, whatever interrupts its writing."""

from __future__ import annotations

import argparse
import stat
from pathlib import Path

import numpy
import pytest

from common.data import files
from common.data.files import Output, WriteError, atomic_write, check_outputs, remove_unfinished, written


def test_atomic_write_creates_folders_and_keeps_the_suffix(tmp_path):
    path = tmp_path / "new" / "folder" / "arrays.npz"
    with atomic_write(path) as temporary:
        assert temporary.parent == path.parent
        numpy.savez(temporary, values=numpy.arange(3))
        assert not path.exists()
    assert numpy.load(path)["values"].tolist() == [0, 1, 2]
    assert [file.name for file in path.parent.iterdir()] == ["arrays.npz"]


@pytest.mark.parametrize("interruption", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_write_leaves_the_old_file_alone(tmp_path, interruption):
    path = tmp_path / "result.txt"
    path.write_text("old")
    with pytest.raises(interruption), atomic_write(path) as temporary:
        temporary.write_text("half of the n")
        raise interruption
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["result.txt"]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"result\.txt"), atomic_write(tmp_path / "result.txt"):
        pass


def test_written_files_have_ordinary_permissions(tmp_path):
    with atomic_write(tmp_path / "written") as temporary:
        temporary.write_text("")
    (tmp_path / "plain").write_text("")
    assert stat.S_IMODE((tmp_path / "written").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_what_killed_writes_left_is_removed_and_nothing_else(tmp_path):
    finished, unfinished = tmp_path / "run[1].pt", tmp_path / ".run[1].0123abcd.pt"
    others = [tmp_path / ".run[2].0123abcd.pt", tmp_path / ".run[1].notes.pt", tmp_path / ".run[1].0123abcd.json"]
    for path in (finished, unfinished, *others):
        path.write_text("")
    remove_unfinished(finished)
    assert sorted(tmp_path.iterdir()) == sorted([finished, *others])
    check_outputs({"out": written(".pt")(str(finished))})  # with what is written beside
    assert sorted(tmp_path.iterdir()) == sorted([finished, *others[:2]])


@pytest.mark.parametrize("older", ["", "old"])
def test_a_write_that_fails_says_where_and_what_is_kept(tmp_path, older):
    path = tmp_path / "result.csv"
    if older:
        path.write_text(older)
    kept = "the file that was there before is kept" if older else "nothing of it is kept"
    message = rf"^cannot write result\.csv in the folder {tmp_path} \(No space left on device\): {kept}; make room"
    with pytest.raises(WriteError, match=message), atomic_write(path) as temporary:
        temporary.write_text("half")
        Path("/dev/full").write_text("the other half")  # does not name the file, as a full disk does not
    assert [file.read_text() for file in tmp_path.iterdir()] == ([older] if older else [])


def test_a_folder_that_cannot_be_made_is_named_and_another_files_error_is_left_alone(tmp_path):
    (tmp_path / "file").write_text("")
    message = rf"cannot write a\.csv in the folder {tmp_path}/file/deeper \("
    with pytest.raises(WriteError, match=message), atomic_write(tmp_path / "file" / "deeper" / "a.csv"):
        pytest.fail("the block must not begin")
    with pytest.raises(FileNotFoundError, match=r"absent\.txt"), atomic_write(tmp_path / "a.csv"):
        (tmp_path / "absent.txt").read_text()


# Paths on a command line


def outputs(folder, **given):
    """Check a command line's options; those whose names begin with "read" are read, and are there."""
    for name, path in given.items():
        if name.startswith("read"):
            (folder / path).write_text("")
        given[name] = (
            (str if name == "read_data" else Path)(folder / path) if name[:4] == "read" else Output(folder / path)
        )
    check_outputs(given | {"scale": "smoke", "set": [], "checkpoint": None})


@pytest.mark.parametrize(
    "given",
    [
        {"out": "a.csv", "final_recall": "a.csv"},
        {"out": "a.csv", "final_recall": "b/../a.csv"},
        {"out": "a.csv", "activity": "a.npz"},
        {"out": "a.csv", "kept": "a.json"},
        {"out": "a.pt", "kept": "a.csv"},
        {"out": "a.csv", "kept": "a.csv"},
        {"read_tuning": "t.csv", "out": "t.csv"},
        {"read_tuning": "t.csv", "activity": "t.npz"},
        {"read_data": "mnist.npz", "kept": "mnist.npz"},
        {"read_models": "m.pt", "out": "m.csv"},
    ],
)
def test_outputs_that_eat_each_other_or_an_input_are_refused_by_their_options(tmp_path, given):
    (tmp_path / "b").mkdir()
    first, second = given
    message = (
        f"--{second.replace('_', '-')} .* and --{first.replace('_', '-')} .* share .*: give one of them another name"
    )
    with pytest.raises(ValueError, match=message):
        outputs(tmp_path, **given)


def test_outputs_of_their_own_are_taken_wherever_they_can_be_made(tmp_path):
    outputs(tmp_path, out="new/folder/a.csv", final_recall="a.csv", kept="new/folder/a.ckpt", read_tuning="t.csv")
    assert not (tmp_path / "new").exists()


def test_a_place_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.csv").mkdir()
    for path, message in (
        ("file/a.csv", "nothing can be written in"),
        ("folder.csv", "is a folder: name a file in it"),
    ):
        with pytest.raises(WriteError, match=f"--out .*{message}"):
            outputs(tmp_path, out=path)
    monkeypatch.setattr(files.os, "access", lambda folder, mode: False)  # as on a disk that is read-only
    with pytest.raises(WriteError, match=f"--out .*nothing can be written in {tmp_path}; name another folder"):
        outputs(tmp_path, out="new/a.csv")


def test_an_output_has_the_suffix_that_it_is_written_with():
    assert written(".csv", ".npz")("a/b.npz") == Path("a/b.npz") and written()("state").name == "state"
    for text in ("all.json", "all", "all.csv.gz"):
        with pytest.raises(argparse.ArgumentTypeError, match=f"{text} must end in .csv or .npz"):
            written(".csv", ".npz")(text)
