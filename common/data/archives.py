"""Readers of the official files: each turns the files of one data set into prepared arrays (images, labels, names).

torchvision reads MNIST's format, CIFAR and SVHN, lists a user's ImageNet, and resizes. It is imported where a file is
read: that takes seconds, and most runs find their data prepared. Two archives are read here. torchvision has no class
for Tiny-ImageNet. Its Omniglot needs 32,460 files on the disk, and numbers the characters in the order of the disk.
"""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from common.data import load
from common.data.catalog import DataError, entry, reason
from common.data.content import Arrays

SIDE = 28  # ImageNet pictures are kept at SIDE x SIDE pixels
UNREADABLE = (*load.UNREADABLE, AssertionError, tarfile.TarError, pickle.UnpicklingError, Image.DecompressionBombError)
LAYOUTS = "class folders in it, in train/ (val/, test/) or in Data/CLS-LOC/train/; or images/ with train.csv, val.csv, test.csv"


def read_archives(name: str, files: list[Path]) -> Arrays:
    """Return the prepared arrays of one data set.

    files: its official files, in the catalogue's order.
    Raises DataError, naming the files, if one is damaged, holds something else, or cannot be unpacked.
    """
    listed = ", ".join(map(str, files))
    try:
        for file in files:
            _check_size(file, entry(name).most_bytes)
        arrays = READERS[name](*files)
    except UNREADABLE as error:
        if isinstance(error, OSError) and error.errno:  # the system's word, not the file's
            raise DataError(
                f"cannot unpack {listed} ({reason(error)}): free some space, or set TMPDIR to another folder"
            ) from error
        raise DataError(f"cannot read {listed} ({reason(error)}): delete the damaged file and run again") from error
    return {key: np.ascontiguousarray(array) for key, array in arrays.items()}


def _check_size(file: Path, most_bytes: int) -> None:
    """Raise ValueError if a packed file would unpack to more bytes, without unpacking more than these."""
    size = 0
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            size = sum(member.file_size for member in archive.infolist())
    elif _is_packed(file):
        with gzip.open(file) as stream:
            while size <= most_bytes and (chunk := stream.read(1 << 20)):
                size += len(chunk)
    if size > most_bytes:
        raise ValueError(f"{file.name} unpacks to more than {most_bytes:,} bytes")


def _is_packed(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def _mnist(*files: Path) -> Arrays:
    from torchvision.datasets import MNIST

    arrays: Arrays = {}
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder, "MNIST", "raw")
        raw.mkdir(parents=True)
        for file in files:
            unpacked = raw / file.name.removesuffix(".gz").replace(".idx", "-idx")
            with (gzip.open if _is_packed(file) else open)(file, "rb") as stream:
                unpacked.write_bytes(stream.read())
        for split in ("train", "test"):
            data = MNIST(folder, train=split == "train")
            arrays |= {f"{split}_images": data.data.numpy(), f"{split}_labels": data.targets.numpy()}
    return arrays


def _unpack(archive: tarfile.TarFile, folder: str) -> None:
    """Unpack files and folders, and raise ValueError for anything else, or a name that leads out of the folder.

    The filter that does this in tarfile came with Python 3.11.4, and Debian 12 has 3.11.2.
    """
    for member in archive:
        path = PurePosixPath(member.name)
        if not (member.isfile() or member.isdir()) or path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{member.name!r} in it is no file of a data set")
        archive.extract(member, folder)


def _cifar(kind: str, file: Path) -> Arrays:
    from torchvision import datasets

    arrays: Arrays = {}
    with tempfile.TemporaryDirectory() as folder, tarfile.open(file) as archive:
        _unpack(archive, folder)
        for split in ("train", "test"):
            data = getattr(datasets, kind)(folder, train=split == "train")  # checks each pickle before it loads
            arrays |= {f"{split}_images": data.data, f"{split}_labels": np.array(data.targets)}
    return arrays | {"class_names": np.array(data.classes)}


def _svhn(*files: Path) -> Arrays:
    from torchvision.datasets import SVHN

    arrays: Arrays = {}
    for split, file in zip(("train", "test"), files, strict=True):
        data = SVHN(file.parent, split)
        arrays |= {f"{split}_images": data.data.transpose(0, 2, 3, 1), f"{split}_labels": data.labels}
    return arrays


def _omniglot(*files: Path) -> Arrays:
    """All drawings of each split, ordered by alphabet, character and drawer: 0709_01.png is by drawer 0."""
    arrays: Arrays = {}
    for split, file in zip(("background", "evaluation"), files, strict=True):
        with zipfile.ZipFile(file) as archive:
            members = sorted(PurePosixPath(name) for name in archive.namelist() if name.endswith(".png"))
            drawings = [member for member in members if member.parts[0] != "__MACOSX"]
            images = np.stack([np.asarray(_open(archive, str(drawing)).convert("L")) for drawing in drawings])
        characters = sorted({drawing.parts[1:3] for drawing in drawings})
        labels = {character: label for label, character in enumerate(characters)}
        arrays |= {
            f"{split}_images": images,
            f"{split}_labels": np.array([labels[drawing.parts[1:3]] for drawing in drawings]),
            f"{split}_drawers": np.array([int(drawing.stem.split("_")[1]) - 1 for drawing in drawings], np.uint8),
            f"{split}_alphabets": np.array([alphabet for alphabet, _ in characters]),
            f"{split}_characters": np.array([character for _, character in characters]),
        }
    return arrays


def _tiny_imagenet(file: Path, classes: int = 100) -> Arrays:
    """The first 100 classes by WordNet id: 500 training images each, and the 50 validation images as test images."""
    with zipfile.ZipFile(file) as archive:
        ids = sorted(archive.read("tiny-imagenet-200/wnids.txt").decode().split())[:classes]
        members = [PurePosixPath(name) for name in sorted(archive.namelist()) if name.endswith(".JPEG")]
        notes = archive.read("tiny-imagenet-200/val/val_annotations.txt").decode().splitlines()
        files = [note.split("\t")[:2] for note in notes]
        splits = {  # pairs of class and member
            "train": [(member.parts[2], str(member)) for member in members if member.parts[1] == "train"],
            "test": [(class_id, f"tiny-imagenet-200/val/images/{name}") for name, class_id in files],
        }
        arrays = {"wnids": np.array(ids)}
        labels = {class_id: label for label, class_id in enumerate(ids)}
        for split, pairs in splits.items():
            chosen = [(labels[class_id], member) for class_id, member in pairs if class_id in labels]
            chosen.sort(key=lambda pair: pair[0])  # by class, and within a class as they came
            arrays[f"{split}_images"] = np.stack([_picture(_open(archive, member)) for _, member in chosen])
            arrays[f"{split}_labels"] = np.array([label for label, _ in chosen])
    return arrays


def _open(archive: zipfile.ZipFile, member: str) -> Image.Image:
    return Image.open(io.BytesIO(archive.read(member)))


def read_imagenet_folder(
    folder: Path, class_ids: tuple[str, ...], train: int = 500, test: int = 100
) -> tuple[Arrays, str]:
    """Return the prepared arrays of a user's ImageNet or mini-ImageNet, and their description.

    folder: one of LAYOUTS.
    class_ids: those of mini-ImageNet. If one is missing, the folder's first classes are taken, as many.
    train, test: number of pictures of each class, the first ones by name.
    Raises DataError, naming the class or the picture, if a class is missing or too small, or a picture is damaged.
    """
    from torchvision.datasets.folder import IMG_EXTENSIONS

    classes = _classes(folder, len(class_ids))
    present = sorted(classes)
    missing = sorted(set(class_ids) - set(present))
    if missing and len(present) <= len(class_ids):
        raise DataError(
            f"imagenet_folder {folder} has {len(present)} class folders; {len(missing)} of the {len(class_ids)} classes "
            f"of mini-ImageNet are missing: {', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}. Add them. Wanted are {LAYOUTS}."
        )
    chosen, kind = sorted(class_ids), "the 100 classes of mini-ImageNet"
    if missing:
        chosen, kind = present[: len(class_ids)], "the first 100 classes by WordNet id, not mini-ImageNet's,"
    paths = [sorted(str(path) for path in classes[c] if path.suffix.lower() in IMG_EXTENSIONS) for c in chosen]
    for class_id, of_class in zip(chosen, paths, strict=True):
        if len(of_class) < train + test:
            raise DataError(f"{folder}: {class_id} has {len(of_class)} pictures: add some, {train + test} are needed")
    pictures = []  # of each class [train + test, SIDE, SIDE, 3]
    for done, of_class in enumerate(paths, start=1):
        remedy = "replace or remove it" if len(of_class) > train + test else "replace it, as the class has no other"
        pictures.append(np.stack([_checked_picture(path, remedy) for path in of_class[: train + test]]))
        print(f"imagenet: {done} of {len(chosen)} classes read", flush=True)
    return {
        "wnids": np.array(chosen),
        "train_images": np.concatenate([of_class[:train] for of_class in pictures]),
        "train_labels": np.arange(len(chosen)).repeat(train),
        "test_images": np.concatenate([of_class[train:] for of_class in pictures]),
        "test_labels": np.arange(len(chosen)).repeat(test),
    }, f"ImageNet: {kind} x {train + test} at 28x28"


def _classes(folder: Path, enough: int) -> dict[str, Iterable[Path]]:
    """The files of each class, of folders or as tables list them. val/ and test/ count if train/ has not enough classes."""
    parts = ("train", "val", "test")
    classes: dict[str, Any] = {}
    for table in (folder / f"{part}.csv" for part in parts if (folder / "images").is_dir()):
        for line in table.read_text(encoding="utf-8", errors="replace").splitlines()[1:] if table.is_file() else ():
            name, _, class_id = line.strip().partition(",")
            classes.setdefault(class_id, []).append(folder / "images" / name)
    roots = (folder / below for below in ("ILSVRC/Data/CLS-LOC", "Data/CLS-LOC") if (folder / below / "train").is_dir())
    root = next(roots, folder)
    for part in [root / part for part in parts if (root / part).is_dir()] or [root]:
        if len(classes) < enough:  # files are listed only once they are asked for
            classes = {path.name: path.rglob("*") for path in part.iterdir() if path.is_dir()} | classes
    return classes


def _picture(picture: Image.Image) -> np.ndarray:
    """The picture as uint8 [SIDE, SIDE, 3], resized bilinearly and antialiased."""
    from torchvision.transforms.functional import InterpolationMode, resize

    return np.asarray(resize(picture.convert("RGB"), [SIDE, SIDE], InterpolationMode.BILINEAR))


def _checked_picture(path: str, remedy: str) -> np.ndarray:
    try:
        return _picture(Image.open(path))
    except UNREADABLE as error:
        raise DataError(f"cannot read the picture {path} ({reason(error)}): {remedy}, and run again") from error


READERS: dict[str, Callable[..., Arrays]] = {
    "mnist": _mnist,
    "fashion_mnist": _mnist,
    "notmnist": _mnist,
    "omniglot": _omniglot,
    "cifar10": partial(_cifar, "CIFAR10"),
    "cifar100": partial(_cifar, "CIFAR100"),
    "svhn": _svhn,
    "imagenet": _tiny_imagenet,
}
