"""Prepared files come back as they were written, and damaged ones are named with the command that makes them."""

from __future__ import annotations

import contextlib
import json
import zipfile

import numpy as np
import pytest

from common.data.catalog import DataError
from common.data.load import load


@pytest.fixture
def prepared(tmp_path):
    path = tmp_path / "smoke" / "tiny.npz"
    path.parent.mkdir()
    about = {"name": "tiny", "description": "four dots", "splits": {"train": {"count": 4}}}
    np.savez(
        path,
        train_images=np.arange(16, dtype=np.uint8).reshape(4, 2, 2),
        train_labels=np.arange(4),
        class_names=np.array(["a", "b", "c", "d"]),
        about=np.array(json.dumps(about)),
    )
    return path


def test_splits_extras_and_stamp(prepared):
    data = load(prepared)
    assert (data.name, data.about["description"], list(data.splits)) == ("tiny", "four dots", ["train"])
    assert data.splits["train"].images.dtype == np.uint8 and data.splits["train"].images[3, 1, 1] == 15
    assert data.splits["train"].labels.tolist() == [0, 1, 2, 3]
    assert list(data.extras) == ["class_names"]


def test_missing_file_names_the_command(tmp_path):
    with pytest.raises(DataError, match=r"no data set at .*python -m common.data.prepare mnist\)"):
        load(tmp_path / "prepared" / "mnist.npz")
    with pytest.raises(DataError, match=r"python -m common.data.prepare mnist --smoke\)"):
        load(tmp_path / "smoke" / "mnist.npz")


@pytest.mark.parametrize("keep", [0, 100, 0.9])
def test_truncated_file(prepared, keep):
    content = prepared.read_bytes()
    prepared.write_bytes(content[: int(keep * len(content)) if keep < 1 else keep])
    with pytest.raises(DataError, match=r"tiny.npz is truncated .*delete it and make it again with: snakemake"):
        load(prepared)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damage_anywhere_is_one_kind_of_error(prepared, method):
    """Every fourth byte of the file, one at a time: what can be read nevertheless is what was written."""
    whole = load(prepared)
    with np.load(prepared) as archive:
        arrays = dict(archive)
    (np.savez_compressed if method == zipfile.ZIP_DEFLATED else np.savez)(prepared, **arrays)
    content, refused = prepared.read_bytes(), 0
    for place in range(0, len(content), 4):
        prepared.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            assert np.array_equal(load(prepared).splits["train"].images, whole.splits["train"].images)
        except DataError as error:
            assert "delete it and make it again with" in str(error)
            refused += 1
    assert refused > len(content) // 10


def test_damaged_header_of_a_large_array_is_the_same_kind_of_error(prepared):
    """Of an array larger than the first read of the archive the header is taken in before any check of its contents."""
    with np.load(prepared) as archive:
        arrays = dict(archive) | {"train_images": np.zeros((600, 28, 28), np.uint8)}
    np.savez(prepared, **arrays)
    content = prepared.read_bytes()
    start = content.index(b"{", content.index(b"train_images.npy"))
    end = content.index(b"}", start)
    for place in range(start, end + 1):
        for changed in (ord("{"), ord("'"), ord("b"), 0xFF):
            prepared.write_bytes(content[:place] + bytes([changed]) + content[place + 1 :])
            with contextlib.suppress(DataError):
                load(prepared)
