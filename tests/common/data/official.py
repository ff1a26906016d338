"""Writers of official files, in their formats, from known images: real ones where a mirror is at hand."""

from __future__ import annotations

import functools
import gzip
import io
import os
import pickle
import struct
import tarfile
import zipfile
from typing import ClassVar

import numpy as np
from PIL import Image

from common.data.catalog import entry, mirror_file

REAL = os.environ.get("DATA_MIRROR")


@functools.cache
def known_images(name: str) -> np.ndarray:
    """Twenty images of the set's shape: real ones where the mirror has them, else noise."""
    if REAL and (file := mirror_file(name, REAL)):
        with np.load(file) as archive:
            return archive[f"{list(entry(name).classes)[-1]}_images"][:20].copy()
    noise = np.random.default_rng(0).integers(0, 256, (20, *entry(name).shape), dtype=np.uint8)
    return (noise > 127) * np.uint8(255) if name == "omniglot" else noise


def two_splits(name: str) -> dict[str, np.ndarray]:
    """Fifteen training and five test images, with labels from 0 to 9."""
    images, labels = known_images(name), np.arange(20) % 10
    train = {"train_images": images[:15], "train_labels": labels[:15]}
    return train | {"test_images": images[15:], "test_labels": labels[15:]}


def write_mnist(name, files):
    arrays = two_splits(name)
    for file, array in zip(files, arrays.values(), strict=True):
        write_idx(file, array)
    return arrays


def write_idx(file, array: np.ndarray):
    header = b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">i4").tobytes()
    file.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes(), 1))


class Python2(pickle._Pickler):
    """Pickles as Python 2 wrote them, which has one kind of string, with the modules of the numpy of that time."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_string(self, value):
        content = value.encode("latin1") if isinstance(value, str) else value
        self.write(pickle.BINSTRING + struct.pack("<i", len(content)) + content)

    dispatch[str] = dispatch[bytes] = save_string

    @classmethod
    def dumps(cls, value) -> bytes:
        stream = io.BytesIO()
        cls(stream, protocol=2).dump(value)
        return stream.getvalue().replace(b"numpy._core", b"numpy.core")


def write_tar(file, contents: dict[str, bytes]):
    with tarfile.open(file, "w:gz") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def write_cifar(name, files):
    arrays, ten = two_splits(name), name == "cifar10"
    key, folder = ("labels", "cifar-10-batches-py") if ten else ("fine_labels", "cifar-100-python")

    def batch(split, rows):
        pixels = np.ascontiguousarray(arrays[f"{split}_images"][rows].transpose(0, 3, 1, 2))
        return {"data": pixels.reshape(len(pixels), -1), key: arrays[f"{split}_labels"][rows].tolist()}

    train = {f"data_batch_{i + 1}": slice(3 * i, 3 * i + 3) for i in range(5)} if ten else {"train": slice(15)}
    contents = {stem: batch("train", rows) for stem, rows in train.items()}
    contents["test_batch" if ten else "test"] = batch("test", slice(5))
    contents["batches.meta" if ten else "meta"] = {"label_names" if ten else "fine_label_names": ["apple", "bear"]}
    write_tar(files[0], {f"{folder}/{stem}": Python2.dumps(value) for stem, value in contents.items()})
    return arrays | {"class_names": np.array(["apple", "bear"])}


def write_svhn(name, files):
    from scipy.io import savemat

    arrays = two_splits(name)
    for split, file in zip(("train", "test"), files, strict=True):
        labels = arrays[f"{split}_labels"]
        digits = np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]
        savemat(file, {"X": arrays[f"{split}_images"].transpose(1, 2, 3, 0), "y": digits})
    return arrays


def encoded(image: np.ndarray, kind: str, mode: str = "RGB") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).convert(mode).save(stream, kind)
    return stream.getvalue()


def write_omniglot(name, files):
    arrays, images = {}, known_images(name)[:4]
    names = ["Zulu/character01/0003_02", "Alpha/character02/0002_01", "Alpha/character01/0001_01"]
    names += ["Zulu/character01/0003_01"]
    for split, file in zip(("background", "evaluation"), files, strict=True):
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(f"__MACOSX/images_{split}/Alpha/character01/._0001_01.png", b"no picture")
            for drawing, image in zip(names, images, strict=True):
                archive.writestr(f"images_{split}/{drawing}.png", encoded(image, "png", "1"))
        arrays |= {
            f"{split}_images": images[[2, 1, 3, 0]],
            f"{split}_labels": np.array([0, 1, 2, 2]),
            f"{split}_drawers": np.array([0, 0, 0, 1]),
            f"{split}_alphabets": np.array(["Alpha", "Alpha", "Zulu"]),
            f"{split}_characters": np.array(["character01", "character02", "character01"]),
        }
    return arrays


def enlarged(image: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((64, 64), Image.Resampling.BICUBIC))


def small(picture: bytes) -> np.ndarray:
    """What a picture is to become: 28 x 28, by Pillow's antialiased bilinear filter."""
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB").resize((28, 28), Image.Resampling.BILINEAR))


def write_tiny_imagenet(name, files):
    grey = {0: "L"}  # some of its pictures are
    pictures = [encoded(enlarged(image), "jpeg", grey.get(i, "RGB")) for i, image in enumerate(known_images(name)[:8])]
    with zipfile.ZipFile(files[0], "w") as archive:
        archive.writestr("tiny-imagenet-200/wnids.txt", "n02\nn01\n")
        for class_id, first in (("n02", 0), ("n01", 2)):
            archive.writestr(f"tiny-imagenet-200/train/{class_id}/{class_id}_boxes.txt", "a box")
            for i in range(2):
                member = f"tiny-imagenet-200/train/{class_id}/images/{class_id}_{i}.JPEG"
                archive.writestr(member, pictures[first + i])
        for i in range(4):
            archive.writestr(f"tiny-imagenet-200/val/images/val_{i}.JPEG", pictures[4 + i])
        notes = [f"val_{i}.JPEG\t{class_id}\t0\t0" for i, class_id in ((3, "n02"), (1, "n01"), (2, "n02"), (0, "n01"))]
        archive.writestr("tiny-imagenet-200/val/val_annotations.txt", "\n".join(notes) + "\n")
    return {
        "wnids": np.array(["n01", "n02"]),
        "train_images": np.stack([small(pictures[i]) for i in (2, 3, 0, 1)]),
        "train_labels": np.array([0, 0, 1, 1]),
        "test_images": np.stack([small(pictures[4 + i]) for i in (1, 0, 3, 2)]),  # as the annotations list them
        "test_labels": np.array([0, 0, 1, 1]),
    }


WRITERS = {
    "mnist": write_mnist,
    "fashion_mnist": write_mnist,
    "notmnist": write_mnist,
    "omniglot": write_omniglot,
    "cifar10": write_cifar,
    "cifar100": write_cifar,
    "svhn": write_svhn,
    "imagenet": write_tiny_imagenet,
}


def write(name: str, folder) -> tuple[list, dict[str, np.ndarray]]:
    """Write a small version of the set's official files; return their paths and the arrays that they hold."""
    files = [folder / archive.file for archive in entry(name).archives]
    return files, WRITERS[name](name, files)


def picture_folder(folder, classes, per_class=3):
    """Pictures of one colour: its red is 60 for each class before, and 20 for each picture before in the class."""
    for i, class_id in enumerate(classes):
        (folder / class_id).mkdir(parents=True)
        (folder / class_id / "notes.txt").write_text("no picture")
        for j in range(per_class):
            colour = np.full((64, 64, 3), (60 * i + 20 * j, 0, 0), np.uint8)
            (folder / class_id / f"{j}.JPEG").write_bytes(encoded(colour, "jpeg"))
    return folder
