"""Prepared files come back as they were written, and damaged ones are named with the command that makes them."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import zipfile

import numpy as np
import pytest

from common.data import content
from common.data import load as loading
from common.data.catalog import DataError, SplitFacts, Variant, entry
from common.data.content import describe_splits, fingerprint
from common.data.load import load


def written(path, changes=None, **about):
    """A prepared file of four images a split, that tells the truth of itself but for `about`; changes: to its arrays."""
    images = np.random.default_rng(0).integers(0, 256, (8, 28, 28), dtype=np.uint8)
    arrays = {"train_images": images[:4], "test_images": images[4:], "class_names": np.array(["a", "b", "c", "d"])}
    arrays |= {f"{split}_labels": np.arange(4) for split in ("train", "test")}
    splits = describe_splits(entry("mnist"), arrays, path)
    about = {"name": "mnist", "completeness": "subset", "description": "eight digits", "splits": splits} | about
    arrays = {key: array for key, array in (arrays | (changes or {})).items() if array is not None}
    path.parent.mkdir(exist_ok=True)
    np.savez(path, about=np.array(json.dumps(about)), **arrays)
    return path


@pytest.fixture
def prepared(tmp_path):
    return written(tmp_path / "smoke" / "mnist.npz")


def test_splits_extras_and_stamp(prepared):
    data = load(prepared)
    assert (data.name, data.about["description"], list(data.splits)) == ("mnist", "eight digits", ["train", "test"])
    assert data.splits["train"].images.dtype == np.uint8 and data.splits["train"].images.shape == (4, 28, 28)
    assert data.splits["train"].labels.tolist() == [0, 1, 2, 3]
    assert list(data.extras) == ["class_names"]


NOISE = np.random.default_rng(1).integers(0, 256, (4, 28, 28), dtype=np.uint8)
CHANGED = {  # arrays that a subset has not, and what is said of them
    "other images": ({"train_images": NOISE}, "does not hold what it says of itself"),
    "other labels": ({"train_labels": np.arange(4)[::-1]}, "does not hold what it says of itself"),
    "fewer images": ({"train_images": NOISE[:2], "train_labels": np.arange(2)}, "does not hold what it says of itself"),
    "labels of bytes": ({"train_labels": np.arange(4, dtype=np.uint8)}, "does not hold .* with labels as int64"),
    "fewer labels": ({"train_labels": np.arange(3)}, "train needs one integer label for each of its 4 images"),
    "label 37": ({"train_labels": np.array([0, 1, 2, 37])}, "train labels are from 0 to 37, expected 0 to 9"),
    "float images": ({"train_images": NOISE / 255}, "train images are float64"),
    "NaN pixels": ({"train_images": np.full((4, 28, 28), np.nan)}, "train images are float64"),
    "14x14 images": ({"train_images": NOISE[:, ::2, ::2]}, r"uint8 \(4, 14, 14\), expected uint8 \(n, 28, 28\)"),
    "no test split": (
        {"test_images": None, "test_labels": None},
        "says 'eight digits', 'subset', but has 4 train images",
    ),
    "no images": (
        {"train_images": None, "test_images": None},
        "the arrays of MNIST must be called train_images, train",
    ),
}


@pytest.mark.parametrize("stand_in", [False, True])
@pytest.mark.parametrize("changes, message", CHANGED.values(), ids=CHANGED)
def test_a_file_that_holds_something_else_is_refused(tmp_path, changes, message, stand_in):
    """A stand-in too, which may say nothing of its splits but for their names: then only its form is checked."""
    about = {"completeness": "stand-in", "splits": {"train": None, "test": None}} if stand_in else {}
    path = written(tmp_path / "smoke" / "mnist.npz", changes, **about)
    if stand_in and message.endswith("says of itself"):
        assert load(path).splits["train"].images.dtype == np.uint8
        return
    message = message.replace("'subset'", "'stand-in'") if stand_in else message
    with pytest.raises(
        DataError, match=f"smoke/mnist.npz.*{message}.*or delete it and make it again with: snakemake"
    ) as caught:
        load(path)
    assert "\n" not in str(caught.value)


UNTRUE = {
    "complete": ({"completeness": "complete"}, "is not MNIST: it has 4 train, 4 test images, expected 60000 train"),
    "partial": ({"completeness": "partial"}, "is not MNIST: it has 4 train, 4 test images"),
    "stand-in": ({"completeness": "stand-in"}, "'stand-in', but has 4 train, 4 test images"),
    "a subset": ({}, "'subset', but has 4 train, 4 test images"),
    "unheard of": ({"completeness": "whole"}, "'whole', but has"),
    "no word": ({"completeness": None}, "'None', but has"),
    "another set": ({"name": "fashion_mnist"}, "holds Fashion-MNIST, not mnist"),
    "no set": ({"name": "tiny"}, "unknown data set 'tiny'"),
    "a list": ({"splits": ["train", "test"]}, "is no prepared data set"),
}


@pytest.mark.parametrize("about, message", UNTRUE.values(), ids=UNTRUE)
def test_a_prepared_file_is_not_trusted(tmp_path, about, message):
    with pytest.raises(DataError, match=f"{message}.*delete it and make it again with: .*common.data.prepare mnist"):
        load(written(tmp_path / "prepared" / "mnist.npz", **about))


@pytest.mark.parametrize("changes", [{}, {"completeness": "complete"}, {"description": "MNIST"}, {"source": "nowhere"}])
def test_a_part_must_say_that_it_is_one(tmp_path, monkeypatch, changes):
    facts = entry("mnist")
    part = Variant("partial", "MNIST, eight digits", dict.fromkeys(facts.classes, SplitFacts(4, None)))
    monkeypatch.setattr(
        loading, "entry", lambda name: dataclasses.replace(facts, variants=(part,), classes={"train": 4, "test": 4})
    )
    about = {"completeness": "partial", "description": "MNIST, eight digits", "source": "mirror"} | changes
    path = written(tmp_path / "prepared" / "mnist.npz", **about)
    if not {"completeness", "description"} & set(changes):
        assert load(path).about["completeness"] == "partial"
        return
    with pytest.raises(DataError, match="but has 4 train, 4 test images of MNIST"):
        load(path)


@pytest.fixture
def counted(monkeypatch):
    """The fingerprints that are computed, while files count as settled at once."""
    computed = []
    monkeypatch.setattr(loading, "SETTLED", -(10**12))
    monkeypatch.setattr(content, "fingerprint", lambda *arrays: computed.append(1) or fingerprint(*arrays))
    return computed


def test_fingerprints_are_computed_once_and_again_when_the_file_changed(prepared, counted):
    for _ in range(3):
        load(prepared)
    assert len(counted) == 2  # of two splits
    status = prepared.stat()
    content = bytearray(prepared.read_bytes())
    written(prepared, {"train_images": NOISE})
    assert prepared.stat().st_size == len(content)
    os.utime(prepared, ns=(status.st_atime_ns, status.st_mtime_ns))  # as if nothing had been
    with pytest.raises(DataError, match="does not hold what it says of itself"):
        load(prepared)
    prepared.write_bytes(content)
    os.utime(prepared, ns=(status.st_atime_ns, status.st_mtime_ns))
    counted.clear()
    load(prepared)
    assert len(counted) == 2


def test_nothing_is_noted_of_a_file_that_may_just_be_changing(prepared):
    load(prepared)
    assert [path.name for path in prepared.parent.iterdir()] == ["mnist.npz"]


def test_it_loads_where_nothing_can_be_noted_or_the_note_is_damaged(prepared, counted, monkeypatch):
    load(prepared)
    (note := prepared.with_name(".mnist.npz.checked")).write_bytes(b"\xff")
    load(prepared)
    assert len(counted) == 4
    note.unlink()

    def read_only(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(loading, "atomic_write", read_only)
    for _ in range(2):
        load(prepared)
    assert len(counted) == 8 and not note.exists()


def test_what_is_no_set_of_arrays_is_one_line_without_numpys_advice(tmp_path):
    objects, text, bomb = (tmp_path / f"{name}.npz" for name in ("objects", "text", "bomb"))
    np.savez(objects, train_images=np.array([None]), about="{}")
    text.write_text("no archive")
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w") as stream:
        for _ in range(1500):
            stream.write(bytes(10**6))
    for path, reason in (
        (objects, "Python objects"),
        (text, "Python objects"),
        (bomb, "unpacks to 1,500,000,000 bytes"),
    ):
        with pytest.raises(DataError, match=f"{path} is .*{reason}.*; give a prepared file") as caught:
            load(path)
        assert "pickle" not in str(caught.value) and "\n" not in str(caught.value)
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(DataError, match="folder.npz cannot be read .Is a directory.: allow it, or give a prepared"):
        load(tmp_path / "folder.npz")


def test_missing_file_names_the_command(tmp_path):
    with pytest.raises(DataError, match=r"no data set at .*python -m common.data.prepare mnist\)"):
        load(tmp_path / "prepared" / "mnist.npz")
    with pytest.raises(DataError, match=r"python -m common.data.prepare mnist --smoke\)"):
        load(tmp_path / "smoke" / "mnist.npz")


@pytest.mark.parametrize("keep", [0, 100, 0.9])
def test_truncated_file(prepared, keep):
    content = prepared.read_bytes()
    prepared.write_bytes(content[: int(keep * len(content)) if keep < 1 else keep])
    with pytest.raises(DataError, match=r"mnist.npz is truncated .*delete it and make it again with: snakemake"):
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
