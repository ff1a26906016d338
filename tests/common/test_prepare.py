"""Preparing data sets: every source, what is recognised, and one clear message for each bad input."""

from __future__ import annotations

import dataclasses
import errno
import gzip
import io
import json
import os
import pickle
import re
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from common import archives, prepare
from common.archives import read_archives, read_imagenet_folder
from common.catalog import DataError, SplitFacts, Variant, catalog, entry
from common.load import load
from common.prepare import fingerprint, main, smoke

REAL = os.environ.get("DATA_MIRROR")
needs_mirror = pytest.mark.skipif(not REAL, reason="DATA_MIRROR is not set: no real data at hand")


@pytest.fixture(autouse=True)
def no_ambient_sources(monkeypatch):
    monkeypatch.delenv("DATA_MIRROR", raising=False)
    monkeypatch.delenv("IMAGENET_FOLDER", raising=False)


def digits(seed: int, count: int = 20) -> tuple[np.ndarray, np.ndarray]:
    images = np.random.default_rng(seed).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return images, np.arange(count, dtype=np.uint8) % 10


def small_mnist(tmp_path, monkeypatch, **changes):
    """A catalogue whose MNIST has 20 + 10 random images, and a mirror that holds them, with `changes` to its arrays."""
    arrays = {}
    for seed, (split, count) in enumerate({"train": 20, "test": 10}.items()):
        arrays[f"{split}_images"], arrays[f"{split}_labels"] = digits(seed, count)
    known = {s: SplitFacts(n, fingerprint(*digits(i, n))) for i, (s, n) in enumerate({"train": 20, "test": 10}.items())}
    facts = dataclasses.replace(
        entry("mnist"),
        variants=(
            Variant("complete", "small MNIST", known),
            Variant("partial", "small MNIST, test part only", {"test": known["test"]}),
        ),
        smoke={split: dataclasses.replace(p, per_class=1) for split, p in entry("mnist").smoke.items()},
    )
    monkeypatch.setattr(prepare, "entry", lambda name: facts)
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    arrays = {key: array for key, array in (arrays | changes).items() if array is not None}
    np.savez(mirror / "mnist.npz", **arrays)
    return mirror


def nothing_left(root) -> bool:
    return not [path for path in root.rglob("*") if path.is_file()]


def test_mirror_to_prepared_file(tmp_path, monkeypatch):
    mirror = small_mnist(tmp_path, monkeypatch)
    path = prepare.prepare("mnist", root=tmp_path / "data", mirror=mirror)
    data = load(path)
    assert path == tmp_path / "data" / "prepared" / "mnist.npz"
    assert (data.about["source"], data.about["completeness"], data.stamp) == ("mirror", "complete", "small MNIST")
    assert data.splits["train"].labels.dtype == np.int64
    assert np.array_equal(data.splits["test"].images, digits(1, 10)[0])
    assert data.about["splits"]["test"] == {"count": 10, "classes": 10, "fingerprint": fingerprint(*digits(1, 10))}
    (mirror / "mnist.npz").unlink()
    assert prepare.prepare("mnist", root=tmp_path / "data", mirror=mirror) == path  # prepared once is enough


def test_fingerprint_ignores_order_but_not_content():
    images, labels = digits(0)
    assert fingerprint(images[::-1], labels[::-1]) == fingerprint(images, labels)
    assert fingerprint(images, labels[::-1]) != fingerprint(images, labels)
    assert fingerprint(images ^ 1, labels) != fingerprint(images, labels)


def test_part_of_a_set_is_recognised(tmp_path, monkeypatch):
    mirror = small_mnist(tmp_path, monkeypatch, train_images=None, train_labels=None)
    data = load(prepare.prepare("mnist", root=tmp_path / "data", mirror=mirror))
    assert (data.about["completeness"], data.stamp) == ("partial", "small MNIST, test part only")
    assert list(data.splits) == ["test"]


BAD_ARRAYS = {
    "other content": (
        {"train_images": digits(7)[0]},
        "fingerprint of its train part [0-9a-f]{64}, expected [0-9a-f]{64}",
    ),
    "other count": ({"test_images": digits(1, 9)[0], "test_labels": digits(1, 9)[1]}, "it has 20 train, 9 test images"),
    "label too large": ({"train_labels": np.arange(20)}, "train labels are from 0 to 19, expected 0 to 9"),
    "negative label": ({"train_labels": np.arange(20) % 10 - 1}, "train labels are from -1 to 8, expected 0 to 9"),
    "labels missing": ({"train_labels": None}, "train needs one integer label for each of its 20 images"),
    "float images": ({"train_images": digits(0)[0] / 255}, r"train images are float64 \(20, 28, 28\), expected uint8"),
    "wrong shape": ({"train_images": np.zeros((20, 32, 32), np.uint8)}, r"train images are uint8 \(20, 32, 32\)"),
    "unknown split": ({"extra_images": digits(0)[0]}, "splits are .*extra.*; MNIST has"),
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
    "code, message", [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "cannot write .* --root")]
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
    with pytest.raises(DataError, match="cannot write .*choose another data folder with --root"):
        prepare.prepare("mnist", root=tmp_path / "data", mirror=mirror)


def test_command_line_prints_one_line_and_no_traceback(tmp_path, capsys):
    assert main(["mnits", "--root", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: unknown data set 'mnits': did you mean 'mnist'?")


@pytest.mark.parametrize("damaged, message", [(True, "truncated"), (False, "no prepared data set .KeyError.'about'")])
@pytest.mark.parametrize("smoke_too", [[], ["--smoke"]])
def test_command_line_names_a_prepared_file_that_cannot_be_read(tmp_path, capsys, damaged, message, smoke_too):
    path = tmp_path / "prepared" / "mnist.npz"
    path.parent.mkdir()
    np.savez(path, train_images=digits(0)[0])
    if damaged:
        path.write_bytes(path.read_bytes()[:5000])
    assert main(["mnist", *smoke_too, "--root", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(f"^error: {path} is {message}.*; delete it and make it again with: .*common.prepare mnist", line)


# smoke


def test_smoke_takes_a_subset_of_the_mirror(tmp_path, monkeypatch, capsys):
    mirror = small_mnist(tmp_path, monkeypatch)
    assert main(["mnist", "--smoke", "--root", str(tmp_path), "--mirror", str(mirror)]) == 0
    data = load(tmp_path / "smoke" / "mnist.npz")
    assert (data.about["completeness"], data.stamp) == ("subset", "small MNIST, tiny subset")
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
    assert data.stamp == "stand-in strokes for Omniglot"
    assert data.about["splits"]["background"]["count"] == 2000
    assert data.splits["evaluation"].images.shape == (800, 105, 105)


def test_smoke_with_only_a_part_is_a_stand_in(tmp_path, monkeypatch):
    mirror = small_mnist(tmp_path, monkeypatch, train_images=None, train_labels=None)
    assert load(smoke("mnist", root=tmp_path, mirror=mirror)).about["completeness"] == "stand-in"


# official files


def idx(array: np.ndarray) -> bytes:
    header = b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">i4").tobytes()
    return gzip.compress(header + array.tobytes())


def raw_mnist(root):
    folder = root / "raw" / "mnist"
    folder.mkdir(parents=True)
    parts = [part for seed, count in ((0, 20), (1, 10)) for part in digits(seed, count)]
    for archive, part in zip(entry("mnist").archives, parts, strict=True):
        (folder / archive.file).write_bytes(idx(part))
    return folder


def without_checksums(monkeypatch):
    facts = prepare.entry("mnist")
    plain = tuple(dataclasses.replace(archive, checksum=None, size=None) for archive in facts.archives)
    monkeypatch.setattr(prepare, "entry", lambda name: dataclasses.replace(facts, archives=plain))


def test_official_files_put_by_hand(tmp_path, monkeypatch):
    small_mnist(tmp_path, monkeypatch)
    without_checksums(monkeypatch)
    raw_mnist(tmp_path / "data")
    data = load(prepare.prepare("mnist", root=tmp_path / "data"))
    assert (data.about["source"], data.about["completeness"]) == ("download", "complete")
    assert np.array_equal(data.splits["train"].images, digits(0)[0])


def test_truncated_archive(tmp_path, monkeypatch):
    small_mnist(tmp_path, monkeypatch)
    without_checksums(monkeypatch)
    file = raw_mnist(tmp_path / "data") / "train-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(DataError, match="cannot read .*train-images-idx3-ubyte.gz.*delete the damaged file"):
        prepare.prepare("mnist", root=tmp_path / "data")
    assert not (tmp_path / "data" / "prepared").exists()


def test_no_network_names_file_checksum_and_place(tmp_path, monkeypatch):
    small_mnist(tmp_path, monkeypatch)
    facts = prepare.entry("mnist")
    dead = tuple(dataclasses.replace(archive, urls=("http://127.0.0.1:9/x",)) for archive in facts.archives)
    monkeypatch.setattr(prepare, "entry", lambda name: dataclasses.replace(facts, archives=dead))
    with pytest.raises(DataError) as caught:
        prepare.prepare("mnist", root=tmp_path / "data")
    place = tmp_path / "data" / "raw" / "mnist" / "train-images-idx3-ubyte.gz"
    assert f"put the file at {place} by hand (expected: md5:f68b3c2dcbeaaa9fbdd348bbdeb94873" in str(caught.value)
    assert nothing_left(tmp_path / "data")


def png(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).convert("1").save(stream, "png")
    return stream.getvalue()


def test_omniglot_zip(tmp_path):
    drawings = (np.random.default_rng(0).random((4, 105, 105)) > 0.5) * np.uint8(255)
    names = [
        "Zulu/character01/0003_02",
        "Alpha/character02/0002_01",
        "Alpha/character01/0001_01",
        "Zulu/character01/0003_01",
    ]
    for part in ("background", "evaluation"):
        with zipfile.ZipFile(tmp_path / f"images_{part}.zip", "w") as archive:
            for name, drawing in zip(names, drawings, strict=True):
                archive.writestr(f"images_{part}/{name}.png", png(drawing))
    arrays = read_archives("omniglot", [tmp_path / "images_background.zip", tmp_path / "images_evaluation.zip"])
    assert np.array_equal(arrays["background_images"], drawings[[2, 1, 3, 0]])
    assert arrays["background_labels"].tolist() == [0, 1, 2, 2]
    assert arrays["background_drawers"].tolist() == [0, 0, 0, 1]
    assert arrays["evaluation_alphabets"].tolist() == ["Alpha", "Alpha", "Zulu"]
    assert arrays["evaluation_characters"].tolist() == ["character01", "character02", "character01"]


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_tar(tmp_path, name):
    images = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
    ten = name == "cifar10"
    train = [f"data_batch_{i}" for i in range(1, 6)] if ten else ["train"]
    key, meta, names = (
        (b"labels", "batches.meta", b"label_names") if ten else (b"fine_labels", "meta", b"fine_label_names")
    )
    content = {
        meta: {names: [b"apple", b"bear"]},
        ("test_batch" if ten else "test"): _cifar_batch(images[5:], [5], key),
    }
    for stem, rows in zip(train, np.array_split(np.arange(5), len(train)), strict=True):
        content[stem] = _cifar_batch(images[rows], rows.tolist(), key)
    with tarfile.open(tmp_path / "c.tar.gz", "w:gz") as tar:
        for stem, value in content.items():
            data = pickle.dumps(value)
            member = tarfile.TarInfo(f"folder/{stem}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    arrays = read_archives(name, [tmp_path / "c.tar.gz"])
    assert np.array_equal(arrays["train_images"], images[:5]) and np.array_equal(arrays["test_images"], images[5:])
    assert arrays["train_labels"].tolist() == [0, 1, 2, 3, 4] and arrays["test_labels"].tolist() == [5]
    assert arrays["class_names"].tolist() == ["apple", "bear"]


def _cifar_batch(images: np.ndarray, labels: list[int], key: bytes) -> dict:
    return {b"data": images.transpose(0, 3, 1, 2).reshape(len(images), -1), key: labels}


def test_svhn_mat(tmp_path):
    from scipy.io import savemat

    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    for part in ("train", "test"):
        savemat(tmp_path / f"{part}.mat", {"X": images.transpose(1, 2, 3, 0), "y": np.array([[10], [1], [9]])})
    arrays = read_archives("svhn", [tmp_path / "train.mat", tmp_path / "test.mat"])
    assert np.array_equal(arrays["train_images"], images)
    assert arrays["test_labels"].tolist() == [0, 1, 9]


def jpeg(colour: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 64), (colour, 0, 0)).save(stream, "jpeg")
    return stream.getvalue()


def test_tiny_imagenet_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "tiny.zip", "w") as archive:
        archive.writestr("tiny-imagenet-200/wnids.txt", "n02\nn01\n")
        for class_id, colour in (("n01", 50), ("n02", 200)):
            archive.writestr(f"tiny-imagenet-200/train/{class_id}/images/{class_id}_0.JPEG", jpeg(colour))
            archive.writestr(f"tiny-imagenet-200/val/images/val_{colour}.JPEG", jpeg(colour))
        archive.writestr("tiny-imagenet-200/val/val_annotations.txt", "val_200.JPEG\tn02\t0\nval_50.JPEG\tn01\t0\n")
    arrays = read_archives("imagenet", [tmp_path / "tiny.zip"])
    assert arrays["train_images"].shape == (2, 28, 28, 3)
    assert arrays["wnids"].tolist() == ["n01", "n02"]
    for split in ("train", "test"):
        assert arrays[f"{split}_labels"].tolist() == [0, 1]
        assert np.allclose(arrays[f"{split}_images"][:, 0, 0, 0], [50, 200], atol=3)


# a user's own ImageNet


def picture_folder(folder, classes, per_class=3):
    for i, class_id in enumerate(classes):
        (folder / class_id).mkdir(parents=True)
        for j in range(per_class):
            (folder / class_id / f"{j}.JPEG").write_bytes(jpeg(60 * i + 20 * j))
    return folder


@pytest.mark.parametrize("below", ["", "train"])
def test_imagenet_folder(tmp_path, below):
    picture_folder(tmp_path / below, ["n01", "n02", "n03"])
    arrays, description = read_imagenet_folder(tmp_path, ("n01", "n03"), train=2, test=1)
    assert description == "ImageNet: the 100 classes of mini-ImageNet x 3 at 28x28"
    assert arrays["train_labels"].tolist() == [0, 0, 1, 1] and arrays["test_labels"].tolist() == [0, 1]
    assert np.allclose(arrays["train_images"][:, 0, 0, 0], [0, 20, 120, 140], atol=3)
    assert np.allclose(arrays["test_images"][:, 0, 0, 0], [40, 160], atol=3)


def test_imagenet_folder_with_other_classes_says_so(tmp_path):
    arrays, description = read_imagenet_folder(picture_folder(tmp_path, ["n05", "n04", "n06"]), ("n01", "n02"), 2, 1)
    assert arrays["wnids"].tolist() == ["n04", "n05"]
    assert "not mini-ImageNet's" in description


def test_imagenet_folder_goes_before_the_download(tmp_path, monkeypatch):
    facts = dataclasses.replace(entry("imagenet"), class_ids=("n01", "n02"), classes={"train": 2, "test": 2})
    monkeypatch.setattr(prepare, "entry", lambda name: facts)
    monkeypatch.setattr(prepare, "read_imagenet_folder", lambda *_: read_imagenet_folder(*_, train=2, test=1))
    folder = picture_folder(tmp_path / "imagenet", ["n01", "n02"])
    data = load(prepare.prepare("imagenet", root=tmp_path / "data", imagenet_folder=folder))
    assert data.about["source"] == "folder" and "mini-ImageNet" in data.stamp


def test_mini_imagenet_folder_with_a_missing_class(tmp_path):
    with pytest.raises(DataError, match="has 1 class folders; 1 of the 2 classes of mini-ImageNet are missing: n02"):
        read_imagenet_folder(picture_folder(tmp_path, ["n01"]), ("n01", "n02"), train=2, test=1)


def test_mini_imagenet_folder_with_a_short_class(tmp_path):
    folder = picture_folder(tmp_path, ["n01", "n02"])
    (folder / "n02" / "1.JPEG").unlink()
    with pytest.raises(DataError, match="class n02 in .* has 2 pictures; 3 are needed"):
        read_imagenet_folder(folder, ("n01", "n02"), train=2, test=1)


def test_imagenet_folder_with_a_damaged_picture(tmp_path):
    folder = picture_folder(tmp_path, ["n01"])
    (folder / "n01" / "1.JPEG").write_bytes(jpeg(1)[:100])
    with pytest.raises(DataError, match="cannot read the picture .*n01/1.JPEG"):
        read_imagenet_folder(folder, ("n01",), train=2, test=1)


def test_imagenet_folder_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="is not a folder"):
        read_imagenet_folder(tmp_path / "nowhere", ("n01",))


def test_own_imagenet_in_a_mirror_is_accepted_and_described(tmp_path):
    arrays = {}
    for split, count in {"train": 200, "test": 100}.items():
        arrays[f"{split}_images"] = np.random.default_rng(0).integers(0, 256, (count, 28, 28, 3), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.arange(count) % 100
    np.savez(tmp_path / "mini_imagenet.npz", **arrays)
    data = load(prepare.prepare("imagenet", root=tmp_path, mirror=tmp_path))
    assert data.stamp == "ImageNet: the user's own 100 classes at 28x28"
    arrays["train_labels"] %= 99
    np.savez(tmp_path / "mini_imagenet.npz", **arrays)
    (tmp_path / "prepared" / "imagenet.npz").unlink()
    with pytest.raises(DataError, match="the train images show 99 classes, expected 100"):
        prepare.prepare("imagenet", root=tmp_path, mirror=tmp_path)


def test_damaged_known_imagenet_is_not_taken_for_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "fingerprint", lambda *_: "0" * 64)
    arrays = {}
    for split, count in {"train": 25000, "test": 5000}.items():
        arrays[f"{split}_images"] = np.zeros((count, 28, 28, 3), np.uint8)
        arrays[f"{split}_labels"] = np.arange(count) % 100
    with pytest.raises(
        DataError, match="x.npz is not ImageNet: 100 classes of Tiny-ImageNet .*: fingerprint of its train"
    ):
        prepare.describe(entry("imagenet"), arrays, "x.npz")


# real data


@needs_mirror
@pytest.mark.parametrize(
    "name, completeness, stamp",
    [
        ("mnist", "complete", "MNIST"),
        ("notmnist", "partial", "notMNIST, test part only"),
        ("imagenet", "partial", "ImageNet: 100 classes of Tiny-ImageNet at 28x28 (reduced)"),
    ],
)
def test_real_sets_are_recognised(tmp_path, name, completeness, stamp):
    data = load(prepare.prepare(name, root=tmp_path, mirror=REAL))
    assert (data.about["source"], data.about["completeness"], data.stamp) == ("mirror", completeness, stamp)


@needs_mirror
def test_real_omniglot_smoke(tmp_path):
    """The fingerprint of the whole set is checked before the subset is taken."""
    data = load(smoke("omniglot", root=tmp_path, mirror=REAL))
    assert data.stamp == "Omniglot, tiny subset"
    assert data.splits["background"].images.shape == (2000, 105, 105)
    assert np.bincount(data.splits["evaluation"].labels).tolist() == [20] * 40
    assert data.extras["background_drawers"][:20].tolist() == list(range(20))
    assert len(set(data.extras["background_alphabets"])) > 20  # spread over the alphabets


def test_every_data_set_has_a_reader():
    assert set(archives.READERS) == set(catalog())


def test_about_is_plain_json(tmp_path):
    with np.load(smoke("fashion_mnist", root=tmp_path)) as archive:
        about = json.loads(str(archive["about"]))
    assert set(about) == {"name", "source", "completeness", "description", "splits"}


def test_cifar_lies_in_the_same_order_whatever_its_source(tmp_path):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (30, 2, 2, 3), dtype=np.uint8)
    arrays = {"train_images": images, "train_labels": np.arange(30) % 10, "train_names": np.arange(30)}
    rows = generator.permutation(30)
    shuffled = {key: array[rows] for key, array in arrays.items()}
    one, other = (prepare._ordered(entry("cifar10"), given) for given in (arrays, shuffled))
    for key in arrays:
        np.testing.assert_array_equal(one[key], other[key])
    assert (one["train_names"] != arrays["train_names"]).any()
    assert prepare._ordered(entry("mnist"), arrays) is arrays
