"""Preparing a set from its official files: put by hand, of another form, or not to be had."""

from __future__ import annotations

import dataclasses
import gzip
import os

import numpy as np
import pytest

from common.data import prepare
from common.data.catalog import DataError
from common.data.load import load
from tests.common.data.official import write_idx
from tests.common.data.small_mnist import catalogue, digits, nothing_left, official_mnist, small_mnist

REAL = os.environ.get("DATA_MIRROR")


@pytest.fixture(autouse=True)
def no_ambient_sources(monkeypatch):
    monkeypatch.delenv("DATA_MIRROR", raising=False)
    monkeypatch.delenv("IMAGENET_FOLDER", raising=False)


def test_official_files_put_by_hand(tmp_path, monkeypatch):
    small_mnist(tmp_path, monkeypatch)
    official_mnist(tmp_path / "data", monkeypatch, [*digits(0, 20), *digits(1, 10)])
    data = load(prepare.prepare("mnist", root=tmp_path / "data"))
    assert (data.about["source"], data.about["completeness"]) == ("download", "complete")
    assert np.array_equal(data.splits["train"].images, digits(0)[0])


@pytest.mark.parametrize("put", ["packed anew", "unpacked", "as Windows unpacks"])
def test_official_files_of_another_form_are_told_by_their_content(tmp_path, monkeypatch, put):
    """With the checksums of the catalogue, which they have not."""
    small_mnist(tmp_path, monkeypatch)
    facts, arrays = prepare.entry("mnist"), [*digits(0, 20), *digits(1, 10)]
    folder = official_mnist(tmp_path / "data", monkeypatch, arrays)
    catalogue(monkeypatch, facts)
    if put != "packed anew":
        for path in list(folder.iterdir()):
            name = path.stem if put == "unpacked" else path.stem.replace("-idx", ".idx")
            path.with_name(name).write_bytes(gzip.decompress(path.read_bytes()))
            path.unlink()
    data = load(prepare.prepare("mnist", root=tmp_path / "data"))
    assert (data.about["completeness"], data.splits["test"].labels.tolist()) == ("complete", arrays[3].tolist())
    (tmp_path / "data" / "prepared" / "mnist.npz").unlink()
    damaged = min(folder.iterdir())  # images of the test part
    content = bytearray(gzip.decompress(damaged.read_bytes()) if put == "packed anew" else damaged.read_bytes())
    content[20] ^= 1
    damaged.write_bytes(gzip.compress(bytes(content)) if put == "packed anew" else bytes(content))
    with pytest.raises(DataError, match="raw/mnist is not small MNIST: fingerprint of its test part"):
        prepare.prepare("mnist", root=tmp_path / "data")


@pytest.mark.parametrize(
    "counts, message",
    [((20, 10), "it has 20 train, 10 test images"), ((60000, 10000), "fingerprint of its test part")],
    ids=["few images", "as many images"],
)
def test_files_without_a_checksum_are_told_by_their_content(tmp_path, counts, message):
    folder = tmp_path / "raw" / "notmnist"
    folder.mkdir(parents=True)
    for part, count in zip(("train", "t10k"), counts):
        images, labels = digits(0)
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", np.resize(images, (count, 28, 28)))
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", np.resize(labels, count))
    with pytest.raises(DataError, match=f"raw/notmnist is not notMNIST: {message}"):
        prepare.prepare("notmnist", root=tmp_path)


def test_no_network_names_file_checksum_and_place(tmp_path, monkeypatch):
    small_mnist(tmp_path, monkeypatch)
    facts = prepare.entry("mnist")
    dead = tuple(dataclasses.replace(archive, urls=("http://127.0.0.1:9/x",)) for archive in facts.archives)
    monkeypatch.setattr(prepare, "entry", lambda name: dataclasses.replace(facts, archives=dead))
    with pytest.raises(DataError) as caught:
        prepare.prepare("mnist", root=tmp_path / "data")
    place = tmp_path / "data" / "raw" / "mnist" / "train-images-idx3-ubyte.gz"
    assert f"put the file at {place} by hand (expected: sha256:440fcabf73cc546fa21475e81ea370265605f" in str(
        caught.value
    )
    assert nothing_left(tmp_path / "data")


@pytest.mark.skipif(not REAL, reason="DATA_MIRROR is not set: no real data at hand")
def test_real_mnist_from_its_official_files(tmp_path, monkeypatch):
    """All 70,000 images go through MNIST's format, and have the fingerprints of the catalogue."""
    with np.load(os.path.join(REAL, "mnist.npz")) as archive:
        arrays = [archive[f"{split}_{kind}"] for split in ("train", "test") for kind in ("images", "labels")]
    official_mnist(tmp_path, monkeypatch, arrays)
    data = load(prepare.prepare("mnist", root=tmp_path))
    assert (data.about["source"], data.about["completeness"], data.about["description"]) == (
        "download",
        "complete",
        "MNIST",
    )
    assert np.array_equal(data.splits["train"].images, arrays[0])
