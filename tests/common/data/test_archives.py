"""Official files, written from known images, come back as those images."""

from __future__ import annotations

import gzip
import importlib
import os
import pickle
import re
import shutil
import tarfile
import tempfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from common.data.archives import READERS, SIDE, _picture, read_archives, read_imagenet_folder
from common.data.catalog import DataError, catalog, entry
from common.data.standins import KINDS
from tests.common.data.official import WRITERS, known_images, picture_folder, write, write_tar


@pytest.fixture
def any_content(monkeypatch):
    """torchvision checks sums, which only the official content has: here a file need only exist."""
    for module in ("cifar", "svhn"):
        check = f"torchvision.datasets.{module}.check_integrity"
        monkeypatch.setattr(check, lambda path, *_: os.path.isfile(path))


@pytest.fixture
def temporary_folder(tmp_path, monkeypatch):
    importlib.import_module("torchvision.datasets")  # which makes a temporary folder for itself
    (folder := tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_every_data_set_has_a_reader_a_writer_and_a_stand_in():
    assert set(READERS) == set(WRITERS) == set(KINDS) == set(catalog())


@pytest.mark.parametrize("name", WRITERS)
def test_arrays_are_what_was_written(tmp_path, name, any_content, temporary_folder):
    files, written = write(name, tmp_path)
    arrays = read_archives(name, files)
    assert set(arrays) == set(written)
    for key, array in arrays.items():
        np.testing.assert_array_equal(array, written[key], err_msg=key)
        assert array.flags.c_contiguous
        assert array.dtype == (np.uint8 if key.endswith(("_images", "_drawers")) else written[key].dtype)
    assert not list(temporary_folder.iterdir())


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("keep", [0, 0.5, 0.95])
def test_truncated_files_are_named(tmp_path, name, keep, temporary_folder):
    files, _ = write(name, tmp_path)
    for file in files:
        file.write_bytes(file.read_bytes()[: int(keep * file.stat().st_size)])
    with pytest.raises(DataError, match=f"^cannot read {re.escape(str(files[0]))}.*: delete the damaged file"):
        read_archives(name, files)
    assert not list(temporary_folder.iterdir())


def test_a_file_of_another_format_is_named(tmp_path):
    files, _ = write("mnist", tmp_path)
    files[0].write_bytes(gzip.compress(b"\0\0\x0d\x03" + bytes(100)))
    with pytest.raises(DataError, match=r"cannot read .*train-images-idx3-ubyte\.gz"):
        read_archives("mnist", files)


def test_a_pickle_that_is_not_the_official_one_is_never_loaded(tmp_path):
    class Malicious:
        def __reduce__(self):
            return (open, (str(tmp_path / "harm"), "w"))

    names = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch", "batches.meta"]
    write_tar(tmp_path / "c.tar.gz", {f"cifar-10-batches-py/{name}": pickle.dumps(Malicious()) for name in names})
    with pytest.raises(DataError, match=r"cannot read .*c\.tar\.gz .*Dataset not found or corrupted"):
        read_archives("cifar10", [tmp_path / "c.tar.gz"])
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    "name, kind", [("../harm", tarfile.REGTYPE), ("{}/harm", tarfile.REGTYPE), ("link", tarfile.SYMTYPE)]
)
def test_nothing_is_unpacked_outside_of_its_folder(tmp_path, name, kind):
    member = tarfile.TarInfo(name.format(tmp_path))
    member.type, member.linkname = kind, str(tmp_path)
    with tarfile.open(tmp_path / "c.tar.gz", "w:gz") as archive:
        archive.addfile(member)
    with pytest.raises(DataError, match=r"cannot read .*c\.tar\.gz .*is no file of a data set"):
        read_archives("cifar10", [tmp_path / "c.tar.gz"])
    assert os.listdir(tmp_path) == ["c.tar.gz"]


@pytest.mark.parametrize("name", ["mnist", "cifar10", "omniglot"])
def test_a_bomb_is_not_unpacked(tmp_path, name):
    files, _ = write(name, tmp_path)
    zeros, millions = bytes(10**6), entry(name).most_bytes // 10**6 + 1
    if name == "omniglot":
        with zipfile.ZipFile(files[0], "a", zipfile.ZIP_DEFLATED) as archive, archive.open("a.png", "w") as stream:
            for _ in range(millions):
                stream.write(zeros)
    else:  # a file of packed parts is one too
        files[0].write_bytes(gzip.compress(zeros) * millions)
    with pytest.raises(
        DataError, match=f"{files[0].name} unpacks to more than [0-9,]+ bytes.*: delete the damaged file"
    ):
        read_archives(name, files)


def test_no_room_to_unpack_is_not_blamed_on_the_file(tmp_path, monkeypatch):
    files, _ = write("mnist", tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"cannot unpack .*nowhere.*: free some space, or set TMPDIR"):
        read_archives("mnist", files)


@pytest.mark.parametrize("size", [(64, 64), (500, 375), (28, 28), (20, 31), (28, 90)])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "RGBA", "P"])
def test_pictures_are_resized_as_pillow_resizes(size, mode):
    picture = Image.fromarray(known_images("cifar100")[0]).resize(size, Image.Resampling.BICUBIC).convert(mode)
    resized = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(_picture(picture), np.asarray(resized))


# a user's own ImageNet


@pytest.mark.parametrize("below", ["", "train"])
def test_imagenet_folder(tmp_path, below):
    picture_folder(tmp_path / below, ["n01", "n02", "n03"])
    arrays, description = read_imagenet_folder(tmp_path, ("n01", "n03"), train=2, test=1)
    assert description == "ImageNet: the 100 classes of mini-ImageNet x 3 at 28x28"
    assert arrays["wnids"].tolist() == ["n01", "n03"]
    assert arrays["train_labels"].tolist() == [0, 0, 1, 1] and arrays["test_labels"].tolist() == [0, 1]
    assert np.allclose(arrays["train_images"][:, 0, 0, 0], [0, 20, 120, 140], atol=3)
    assert np.allclose(arrays["test_images"][:, 0, 0, 0], [40, 160], atol=3)


LAYOUTS = {
    "mini-ImageNet in parts": {"train": ["n01"], "val": ["n02"], "test": ["n03"]},
    "all in train, other pictures in val": {"train": ["n01", "n02", "n03"], "val": ["n01", "images"]},
    "ILSVRC": {"Data/CLS-LOC/train": ["n01", "n02", "n03"], "Data/CLS-LOC/test": [], "Annotations": ["n09"]},
    "ILSVRC with its root": {"ILSVRC/Data/CLS-LOC/train": ["n01", "n02", "n03"]},
}


@pytest.mark.parametrize("layout", [*LAYOUTS.values(), None], ids=[*LAYOUTS, "listed in tables"])
def test_imagenet_is_read_as_it_is_found(tmp_path, layout):
    classes = ("n01", "n02", "n03")
    plain, _ = read_imagenet_folder(picture_folder(tmp_path / "plain", classes), classes, train=2, test=1)
    found = tmp_path / "found"
    for below, of_part in (layout or {}).items():
        (found / below).mkdir(parents=True)
        for class_id in of_part:
            shutil.copytree(tmp_path / "plain" / (class_id if class_id in classes else "n01"), found / below / class_id)
    for part, class_id in zip(("train", "val", "test"), classes, strict=True) if layout is None else ():
        (found / "images").mkdir(parents=True, exist_ok=True)
        names = [f"{class_id}0000{i}.jpg" for i in range(3)]
        for i, name in enumerate(names):
            shutil.copy(tmp_path / "plain" / class_id / f"{i}.JPEG", found / "images" / name)
        (found / f"{part}.csv").write_text("filename,label\n" + "".join(f"{name},{class_id}\n" for name in names[::-1]))
    arrays, description = read_imagenet_folder(found, classes, train=2, test=1)
    assert description == "ImageNet: the 100 classes of mini-ImageNet x 3 at 28x28"
    for key in plain:
        np.testing.assert_array_equal(arrays[key], plain[key], err_msg=key)


def test_the_layout_wanted_is_named(tmp_path):
    (tmp_path / "mini-imagenet-cache-train.pkl").touch()
    with pytest.raises(
        DataError, match=r"has 0 class folders; .* missing: n01\. Add them. Wanted are class folders .*train.csv"
    ):
        read_imagenet_folder(tmp_path, ("n01",), 2, 1)


def test_a_picture_of_400_megapixels_ends_in_one_line(tmp_path):
    picture = picture_folder(tmp_path, ["n01"]) / "n01" / "0.JPEG"
    Image.new("1", (20_000, 20_000)).save(picture, "png")
    with pytest.raises(
        DataError, match="cannot read the picture .*n01/0.JPEG .*400000000 pixels.*: replace it"
    ) as caught:
        read_imagenet_folder(tmp_path, ("n01",), 2, 1)
    assert "\n" not in str(caught.value)


def test_imagenet_folder_with_other_classes_says_so(tmp_path):
    arrays, description = read_imagenet_folder(picture_folder(tmp_path, ["n05", "n04", "n06"]), ("n01", "n02"), 2, 1)
    assert arrays["wnids"].tolist() == ["n04", "n05"]
    assert "not mini-ImageNet's" in description


def test_an_imagenet_folder_that_is_not_whole_is_refused(tmp_path):
    def refused(message):
        with pytest.raises(DataError, match=message):
            read_imagenet_folder(tmp_path / "own", ("n01", "n02"), train=2, test=1)

    picture = picture_folder(tmp_path / "own", ["n01", "n02"]) / "n02" / "1.JPEG"
    picture.write_bytes(picture.read_bytes()[:100])
    refused("cannot read the picture .*n02/1.JPEG .*: replace it, as the class has no other, and run again")
    (further := picture.with_name("3.JPEG")).write_bytes(picture.with_name("0.JPEG").read_bytes())
    refused("cannot read the picture .*n02/1.JPEG .*: replace or remove it, and run again")
    further.unlink()
    picture.unlink()
    refused("n02 has 2 pictures: add some, 3 are needed")
    for other in picture.parent.glob("*.JPEG"):
        other.unlink()
    refused("n02 has 0 pictures: add some, 3 are needed")
    shutil.rmtree(picture.parent)
    refused("has 1 class folders; 1 of the 2 classes of mini-ImageNet are missing: n02")
