"""Preparing data sets: every source, what is recognised, and one clear message for each bad input."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from common.data import plain_yaml, prepare
from common.data.archives import read_imagenet_folder
from common.data.catalog import DataError, entry
from common.data.content import fingerprint
from common.data.load import load
from common.data.prepare import main, smoke
from common.running import configuration
from common.running.code import ROOT
from tests.common.data.official import picture_folder
from tests.common.data.small_mnist import catalogue, digits, nothing_left, small_mnist

REAL = os.environ.get("DATA_MIRROR")
needs_mirror = pytest.mark.skipif(not REAL, reason="DATA_MIRROR is not set: no real data at hand")


@pytest.fixture(autouse=True)
def no_ambient_sources(monkeypatch):
    monkeypatch.delenv("DATA_MIRROR", raising=False)
    monkeypatch.delenv("IMAGENET_FOLDER", raising=False)


def test_mirror_to_prepared_file(tmp_path, monkeypatch):
    mirror = small_mnist(tmp_path, monkeypatch)
    path = prepare.prepare("mnist", root=tmp_path / "data", mirror=mirror)
    data = load(path)
    assert path == tmp_path / "data" / "prepared" / "mnist.npz"
    assert (data.about["source"], data.about["completeness"], data.about["description"]) == (
        "mirror",
        "complete",
        "small MNIST",
    )
    assert data.splits["train"].labels.dtype == np.int64
    assert np.array_equal(data.splits["test"].images, digits(1, 10)[0])
    assert data.about["splits"]["test"] == {"count": 10, "classes": 10, "fingerprint": fingerprint(*digits(1, 10))}
    (mirror / "mnist.npz").unlink()
    assert prepare.prepare("mnist", root=tmp_path / "data", mirror=mirror) == path  # prepared once is enough


def test_part_of_a_set_is_recognised_and_is_too_little_for_smoke(tmp_path, monkeypatch):
    mirror = small_mnist(tmp_path, monkeypatch, train_images=None, train_labels=None)
    data = load(prepare.prepare("mnist", root=tmp_path / "data", mirror=mirror))
    assert (data.about["completeness"], data.about["description"]) == ("partial", "small MNIST, test part only")
    assert list(data.splits) == ["test"]
    assert load(smoke("mnist", root=tmp_path, mirror=mirror)).about["completeness"] == "stand-in"


HEX = "[0-9a-f]{64}"
BAD_ARRAYS = {
    "other content": ({"train_images": digits(7)[0]}, f"fingerprint of its train part {HEX}, expected {HEX}"),
    "other count": ({"test_images": digits(1, 9)[0], "test_labels": digits(1, 9)[1]}, "it has 20 train, 9 test images"),
    "label too large": ({"train_labels": np.arange(20)}, "train labels are from 0 to 19, expected 0 to 9"),
    "negative label": ({"train_labels": np.arange(20) % 10 - 1}, "train labels are from -1 to 8, expected 0 to 9"),
    "labels missing": ({"train_labels": None}, "train needs one integer label for each of its 20 images"),
    "float images": (
        {"train_images": digits(0)[0].astype(np.float16)},
        r"train images are float16 \(20, 28, 28\), expected uint8 \(n, 28, 28\)",
    ),
    "wrong shape": ({"train_images": np.zeros((20, 32, 32), np.uint8)}, r"train images are uint8 \(20, 32, 32\)"),
    "unknown split": (
        {"extra_images": digits(0)[0]},
        "splits are .*extra.*; the arrays of MNIST must be called train_im",
    ),
    "Keras's names": (
        {"train_images": None, "test_images": None, "x_train": digits(0)[0], "y_train": digits(0)[1]},
        "x_train, y_train; .*must be called train_images, train_labels, test_images, test_labels. Rename them",
    ),
    "a bomb": ({"train_images": np.zeros((10**4, 28, 28), np.uint8)}, "unpacks to [0-9,]+ bytes, more than the 94,080"),
    "objects": ({"train_images": np.array([None])}, "it holds Python objects"),
}


@pytest.mark.parametrize("changes, message", BAD_ARRAYS.values(), ids=BAD_ARRAYS.keys())
def test_bad_mirror_is_refused(tmp_path, monkeypatch, changes, message):
    mirror = small_mnist(tmp_path, monkeypatch, **changes)
    with pytest.raises(DataError, match=f"mirror/mnist.npz.*{message}"):
        prepare.prepare("mnist", root=tmp_path / "data", mirror=mirror)
    assert nothing_left(tmp_path / "data")


def test_truncated_mirror_file(tmp_path, monkeypatch):
    file = small_mnist(tmp_path, monkeypatch) / "mnist.npz"
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(DataError, match="mnist.npz is truncated .*replace it in the mirror"):
        prepare.prepare("mnist", root=tmp_path / "data", mirror=file.parent)
    assert nothing_left(tmp_path / "data")


def test_mirror_that_is_not_there(tmp_path):
    for make in (prepare.prepare, smoke):
        with pytest.raises(DataError, match="nowhere is not a folder: correct data_mirror"):
            make("mnist", root=tmp_path, mirror=tmp_path / "nowhere")


@pytest.mark.parametrize(
    "code, message",
    [(errno.ENOSPC, "cannot write mnist.npz .*No space left"), (errno.EACCES, "Permission denied.*: nothing")],
)
def test_disk_full_or_unwritable_folder(tmp_path, monkeypatch, code, message):
    mirror = small_mnist(tmp_path, monkeypatch)

    def half_written(stream, **arrays):
        stream.write(b"half")
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(prepare.np, "savez", half_written)
    with pytest.raises(DataError, match=message):
        prepare.prepare("mnist", root=tmp_path / "data", mirror=mirror)
    assert nothing_left(tmp_path / "data")


def test_file_in_place_of_the_data_folder(tmp_path, monkeypatch):
    mirror = small_mnist(tmp_path, monkeypatch)
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(DataError, match=f"cannot write mnist.npz in the folder {tmp_path}/data/prepared"):
        prepare.prepare("mnist", root=tmp_path / "data", mirror=mirror)


def test_command_line_ends_with_one_line_and_no_traceback(tmp_path):
    with pytest.raises(SystemExit, match=r"^error: unknown data set 'mnits': did you mean 'mnist'\?"):
        main(["mnits", "--root", str(tmp_path)])


@pytest.mark.parametrize("damaged, message", [(True, "truncated"), (False, "no prepared data set .KeyError: 'about'")])
@pytest.mark.parametrize("smoke_too", [[], ["--smoke"]])
def test_command_line_names_a_prepared_file_that_cannot_be_read(tmp_path, damaged, message, smoke_too):
    path = tmp_path / "prepared" / "mnist.npz"
    path.parent.mkdir()
    np.savez(path, train_images=digits(0)[0])
    if damaged:
        path.write_bytes(path.read_bytes()[:5000])
    advice = "delete it and make it again with: .*common.data.prepare mnist"
    with pytest.raises(SystemExit, match=f"^error: {path} is {message}.*; {advice}") as end:
        main(["mnist", *smoke_too, "--root", str(tmp_path)])
    assert "\n" not in end.value.code


# smoke


def test_smoke_takes_a_subset_of_the_mirror(tmp_path, monkeypatch, capsys):
    mirror = small_mnist(tmp_path, monkeypatch)
    main(["mnist", "--smoke", "--root", str(tmp_path), "--mirror", str(mirror)])
    data = load(tmp_path / "smoke" / "mnist.npz")
    assert (data.about["completeness"], data.about["description"]) == ("subset", "small MNIST, tiny subset")
    assert data.splits["train"].labels.tolist() == list(range(10))
    assert np.array_equal(data.splits["train"].images, digits(0)[0][:10])
    assert "small MNIST, tiny subset (subset, from mirror)" in capsys.readouterr().out


def test_smoke_prefers_what_is_prepared(tmp_path, monkeypatch):
    mirror = small_mnist(tmp_path, monkeypatch)
    prepare.prepare("mnist", root=tmp_path, mirror=mirror)
    (mirror / "mnist.npz").unlink()
    assert load(smoke("mnist", root=tmp_path, mirror=mirror)).about["completeness"] == "subset"


def test_smoke_without_data_is_a_stand_in_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "download", lambda *_: pytest.fail("smoke must not download"))
    data = load(smoke("omniglot", root=tmp_path))
    assert (data.about["source"], data.about["completeness"]) == ("stand-in", "stand-in")
    assert data.about["description"] == "stand-in strokes for Omniglot"
    assert set(data.about) == {"name", "source", "completeness", "description", "splits"}
    assert data.about["splits"]["background"]["count"] == 2000
    assert data.splits["evaluation"].images.shape == (800, 105, 105)


# a user's own ImageNet


def test_imagenet_folder_goes_before_the_download(tmp_path, monkeypatch):
    facts = dataclasses.replace(entry("imagenet"), class_ids=("n01", "n02"), classes={"train": 2, "test": 2})
    catalogue(monkeypatch, facts)
    monkeypatch.setattr(prepare, "read_imagenet_folder", lambda *_: read_imagenet_folder(*_, train=2, test=1))
    picture_folder(tmp_path / "imagenet", ["n01", "n02"])
    monkeypatch.setenv("HOME", str(tmp_path))
    data = load(prepare.prepare("imagenet", root=tmp_path / "data", imagenet_folder="~/imagenet"))
    assert data.about["source"] == "folder" and "mini-ImageNet" in data.about["description"]
    with pytest.raises(DataError, match="gone is not a folder: correct imagenet_folder or IMAGENET_FOLDER"):
        prepare.prepare("imagenet", root=tmp_path / "other", imagenet_folder=tmp_path / "gone")
    assert prepare.prepare("imagenet", root=tmp_path / "data", imagenet_folder="~/imagenet").exists()


@pytest.mark.parametrize("source", ["mirror", "download"])
def test_images_of_another_source_do_not_stand_in_for_the_users_folder(tmp_path, monkeypatch, source):
    (path := tmp_path / "data/prepared/imagenet.npz").parent.mkdir(parents=True)
    np.savez(path, about=json.dumps({"name": "imagenet", "source": source}))
    (folder := tmp_path / "imagenet").mkdir()
    said = f"imagenet.npz was made from a {source}, not from {folder}: delete it to take your images"
    with pytest.raises(DataError, match=said):
        prepare.prepare("imagenet", root=tmp_path / "data", imagenet_folder=folder)
    monkeypatch.chdir(tmp_path)
    good = plain_yaml.read(ROOT / "config.yaml")
    with pytest.raises(configuration.ConfigError, match=said):
        configuration.check_config(good | {"imagenet_folder": str(folder)})
    assert prepare.prepare("imagenet", root=tmp_path / "data") == path
    configuration.check_config(good)


# real data


STAMPS = {
    "mnist": "MNIST",
    "notmnist": "notMNIST, test part only",
    "imagenet": "ImageNet: 100 classes of Tiny-ImageNet at 28x28 (reduced)",
}


@needs_mirror
@pytest.mark.parametrize("name", STAMPS)
def test_real_sets_are_recognised(tmp_path, name):
    data = load(prepare.prepare(name, root=tmp_path, mirror=REAL))
    assert (data.about["source"], data.about["description"]) == ("mirror", STAMPS[name])
    assert data.about["completeness"] == ("complete" if name == "mnist" else "partial")


@needs_mirror
def test_real_omniglot_smoke(tmp_path):
    """The fingerprint of the whole set is checked before the subset is taken."""
    data = load(smoke("omniglot", root=tmp_path, mirror=REAL))
    assert data.about["description"] == "Omniglot, tiny subset"
    assert data.splits["background"].images.shape == (2000, 105, 105)
    assert np.bincount(data.splits["evaluation"].labels).tolist() == [20] * 40
    assert data.extras["background_drawers"][:20].tolist() == list(range(20))
    assert len(set(data.extras["background_alphabets"])) > 20  # spread over the alphabets


def test_torch_is_imported_only_to_read_official_files(tmp_path):
    check = "import sys; from common.data.prepare import main; main(sys.argv[1:]); sys.exit('torch' in sys.modules)"
    command = [sys.executable, "-c", check, "fashion_mnist", "--smoke", "--root", str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == 0
