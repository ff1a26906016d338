"""Readers of the official files: each turns the files of one data set into prepared arrays (images, labels, names)."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import zipfile
import zlib
from collections import defaultdict
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, UnidentifiedImageError

from common.catalog import DataError

Arrays = dict[str, np.ndarray]
SIDE = 28  # ImageNet pictures are kept at SIDE x SIDE pixels
UNREADABLE = (
    *(OSError, EOFError, KeyError, ValueError, IndexError, NotImplementedError),
    *(zlib.error, zipfile.BadZipFile, tarfile.TarError, pickle.UnpicklingError, UnidentifiedImageError),
)


def read_archives(name: str, files: list[Path]) -> Arrays:
    """Prepared arrays of one data set from its official files, in the catalogue's order.

    Raises DataError, naming the files, if one is truncated or holds something else.
    """
    try:
        return READERS[name](*files)
    except UNREADABLE as error:
        listed = ", ".join(map(str, files))
        raise DataError(f"cannot read {listed} ({error!r}): delete the damaged file and run again") from error


def _mnist_like(train_images: Path, train_labels: Path, test_images: Path, test_labels: Path) -> Arrays:
    return {
        "train_images": _idx(train_images),
        "train_labels": _idx(train_labels).astype(np.int64),
        "test_images": _idx(test_images),
        "test_labels": _idx(test_labels).astype(np.int64),
    }


def _idx(path: Path) -> np.ndarray:
    """An IDX file: two zero bytes, type 8 (byte), number of axes, each axis as a big-endian int32, the data."""
    content = gzip.decompress(path.read_bytes())
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"{path.name} is no IDX file of bytes")
    axes = content[3]
    shape = np.frombuffer(content, ">i4", axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape).copy()


def _cifar10(archive: Path) -> Arrays:
    return _cifar(
        archive, [f"data_batch_{i}" for i in range(1, 6)], "test_batch", b"labels", "batches.meta", "label_names"
    )


def _cifar100(archive: Path) -> Arrays:
    return _cifar(archive, ["train"], "test", b"fine_labels", "meta", "fine_label_names")


def _cifar(archive: Path, train: list[str], test: str, label_key: bytes, meta: str, names_key: str) -> Arrays:
    pickles = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            stem = PurePosixPath(member.name).name
            if stem in {*train, test, meta}:
                pickles[stem] = pickle.load(tar.extractfile(member), encoding="bytes")
    arrays = {"class_names": np.array([name.decode() for name in pickles[meta][names_key.encode()]])}
    for split, stems in {"train": train, "test": [test]}.items():
        pixels = np.concatenate([pickles[stem][b"data"] for stem in stems])
        arrays[f"{split}_images"] = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).copy()
        arrays[f"{split}_labels"] = np.concatenate([pickles[stem][label_key] for stem in stems]).astype(np.int64)
    return arrays


def _svhn(train: Path, test: Path) -> Arrays:
    from scipy.io import loadmat

    arrays = {}
    for split, path in {"train": train, "test": test}.items():
        content = loadmat(path)
        arrays[f"{split}_images"] = content["X"].transpose(3, 0, 1, 2).copy()
        arrays[f"{split}_labels"] = content["y"].ravel().astype(np.int64) % 10  # the files call the digit 0 "10"
    return arrays


def _omniglot(background: Path, evaluation: Path) -> Arrays:
    arrays = {}
    for split, path in {"background": background, "evaluation": evaluation}.items():
        with zipfile.ZipFile(path) as archive:
            drawings = defaultdict(list)  # (alphabet, character) -> members; one folder each
            for member in sorted(archive.namelist()):
                if member.endswith(".png") and "__MACOSX" not in member:
                    drawings[PurePosixPath(member).parts[-3:-1]].append(member)
            characters = sorted(drawings)
            members = [(label, member) for label, key in enumerate(characters) for member in drawings[key]]
            arrays[f"{split}_images"] = np.stack([_grey(archive.read(member)) for _, member in members])
        arrays[f"{split}_labels"] = np.array([label for label, _ in members], np.int64)
        drawers = [
            int(PurePosixPath(member).stem.split("_")[1]) - 1 for _, member in members
        ]  # 0709_01.png is drawer 0
        arrays[f"{split}_drawers"] = np.array(drawers, np.uint8)
        arrays[f"{split}_alphabets"] = np.array([alphabet for alphabet, _ in characters])
        arrays[f"{split}_characters"] = np.array([character for _, character in characters])
    return arrays


def _grey(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"))


def _tiny_imagenet(path: Path, classes: int = 100) -> Arrays:
    """The first 100 classes by WordNet id: 500 training images each, and the 50 validation images as test images."""
    with zipfile.ZipFile(path) as archive:
        ids = sorted(archive.read("tiny-imagenet-200/wnids.txt").decode().split())[:classes]
        members = {"train": defaultdict(list), "test": defaultdict(list)}
        for member in sorted(archive.namelist()):
            parts = PurePosixPath(member).parts
            if parts[1:2] == ("train",) and member.endswith(".JPEG"):
                members["train"][parts[2]].append(member)
        for line in archive.read("tiny-imagenet-200/val/val_annotations.txt").decode().splitlines():
            file, class_id = line.split("\t")[:2]
            members["test"][class_id].append(f"tiny-imagenet-200/val/images/{file}")
        arrays = {"wnids": np.array(ids)}
        for split, by_class in members.items():
            pictures = [_picture(io.BytesIO(archive.read(member))) for i in ids for member in by_class[i]]
            arrays[f"{split}_images"] = np.stack(pictures)
            arrays[f"{split}_labels"] = np.repeat(np.arange(len(ids)), [len(by_class[i]) for i in ids])
    return arrays


def _picture(source) -> np.ndarray:
    """A picture as [28, 28, 3] bytes; Pillow's bilinear filter is antialiased."""
    return np.asarray(Image.open(source).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def read_imagenet_folder(
    folder: Path, class_ids: tuple[str, ...], train: int = 500, test: int = 100
) -> tuple[Arrays, str]:
    """Arrays and a description from a folder (or its `train` folder) with one folder of pictures per WordNet id.

    Takes `class_ids` (those of mini-ImageNet) if all are there, else the first as many ids in sorted order; of each the
    first `train` + `test` pictures by name.  Raises DataError, naming the class, if one is missing or too small.
    """
    folder = folder / "train" if (folder / "train").is_dir() else folder
    if not folder.is_dir():
        raise DataError(f"imagenet_folder {folder} is not a folder: give the one that holds a folder per WordNet id")
    found = sorted(path.name for path in folder.iterdir() if path.is_dir())
    missing = sorted(set(class_ids) - set(found))
    if missing and len(found) <= len(class_ids):
        raise DataError(
            f"imagenet_folder {folder} has {len(found)} class folders; {len(missing)} of the {len(class_ids)} classes "
            f"of mini-ImageNet are missing: {', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}"
        )
    chosen = found[: len(class_ids)] if missing else sorted(class_ids)
    kind = (
        "the first 100 classes by WordNet id, not mini-ImageNet's," if missing else "the 100 classes of mini-ImageNet"
    )
    arrays = {"wnids": np.array(chosen)}
    images = {"train": [], "test": []}
    for done, class_id in enumerate(chosen, start=1):
        pictures = sorted(
            path for path in (folder / class_id).iterdir() if path.suffix.lower() in (".jpeg", ".jpg", ".png")
        )
        if len(pictures) < train + test:
            raise DataError(f"class {class_id} in {folder} has {len(pictures)} pictures; {train + test} are needed")
        for split, paths in {"train": pictures[:train], "test": pictures[train : train + test]}.items():
            images[split].extend(_checked_picture(path) for path in paths)
        print(f"imagenet: {done} of {len(chosen)} classes read", flush=True)
    for split, per_class in {"train": train, "test": test}.items():
        arrays[f"{split}_images"] = np.stack(images[split])
        arrays[f"{split}_labels"] = np.repeat(np.arange(len(chosen)), per_class)
    return arrays, f"ImageNet: {kind} x {train + test} at 28x28"


def _checked_picture(path: Path) -> np.ndarray:
    try:
        return _picture(path)
    except UNREADABLE as error:
        raise DataError(f"cannot read the picture {path} ({error}): replace or remove it and run again") from error


READERS = {
    "mnist": _mnist_like,
    "fashion_mnist": _mnist_like,
    "notmnist": _mnist_like,
    "omniglot": _omniglot,
    "cifar10": _cifar10,
    "cifar100": _cifar100,
    "svhn": _svhn,
    "imagenet": _tiny_imagenet,
}
