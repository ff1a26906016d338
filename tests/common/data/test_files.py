"""A file is whole or absent, whatever interrupts its writing."""

from __future__ import annotations

import stat

import numpy
import pytest

from common.data.files import atomic_write, remove_unfinished


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
