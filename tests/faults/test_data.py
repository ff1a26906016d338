"""Prepared files, mirrors and folders of pictures that hold something else than they should."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.data import prepare
from common.data.catalog import catalog, entry
from common.data.load import load
from tests.faults.conftest import Fault

SETS = list(catalog())
Arrays = dict[str, Any]


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory):
    """Arrays of a few images of each set, with what the file says of itself."""
    root, found = tmp_path_factory.mktemp("data"), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATA_MIRROR", raising=False)
        for name in SETS:
            with np.load(prepare.smoke(name, root=root)) as file:
                found[name] = {key: array[:40] if array.ndim else array for key, array in file.items()}
    return found


def renamed(arrays: Arrays, names: dict[str, str]) -> Arrays:
    """Arrays with parts of their names replaced."""
    for old, new in names.items():
        arrays = {key.replace(old, new): array for key, array in arrays.items()}
    return arrays


def changed(arrays: Arrays, split: str) -> dict[str, Arrays]:
    """What may be wrong with the arrays of a set, each time in one split."""
    images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
    other = images[:, ::2, ::2]

    def with_images(changed: np.ndarray) -> Arrays:
        return arrays | {f"{split}_images": changed}

    def with_labels(changed: np.ndarray) -> Arrays:
        return arrays | {f"{split}_labels": changed}

    return {
        "smaller images": with_images(other),
        "flat images": with_images(images.reshape(len(images), -1)),
        "images with one more axis": with_images(images[..., None]),
        "images of floats": with_images(images / 255),
        "NaN pixels": with_images(np.full(images.shape, np.nan, np.float32)),
        "signed pixels": with_images(images.astype(np.int8)),
        "wide pixels": with_images(images.astype(np.uint16)),
        "no images": with_images(images[:0]),
        "one image": with_images(images[0]),
        "fewer images than labels": with_images(images[:-1]),
        "no labels": {key: array for key, array in arrays.items() if key != f"{split}_labels"},
        "fewer labels": with_labels(labels[:-1]),
        "a label too high": with_labels(np.where(np.arange(len(labels)) == 3, 9999, labels)),
        "a label below zero": with_labels(labels - 1 - labels.min()),
        "labels of floats": with_labels(labels + 0.5),
        "NaN labels": with_labels(np.full(len(labels), np.nan)),
        "labels of text": with_labels(labels.astype(str)),
        "one-hot labels": with_labels(np.eye(labels.max() + 1, dtype=np.int64)[labels]),
        "no split": {key: array for key, array in arrays.items() if not key.startswith(split)},
        "Keras's names": renamed(arrays, {f"{split}_images": f"x_{split}", f"{split}_labels": f"y_{split}"}),
        "Hugging Face's names": renamed(arrays, {f"{split}_images": "image", f"{split}_labels": "label"}),
        "nothing": {},
    }


@pytest.mark.parametrize("name", SETS)
def test_a_prepared_file_that_holds_something_else_is_refused_when_it_is_loaded(tmp_path, all_refused, stand_ins, name):
    """As a stand-in for the smoke scale, and posing as the complete set."""
    arrays = dict(stand_ins[name])
    about = json.loads(str(arrays.pop("about")))
    (folder := tmp_path / "smoke").mkdir()

    def act(content: Arrays, said: dict) -> None:
        np.savez(folder / f"{name}.npz", about=np.array(json.dumps(said)), **content)
        load(folder / f"{name}.npz")

    says, splits = (f"smoke/{name}.npz",), list(entry(name).classes)
    loose = about | {"splits": dict.fromkeys(about["splits"])}  # says nothing of its content
    faults = [
        Fault(f"{split}: {fault}", partial(act, content, loose), says)
        for split in splits[:: max(1, len(splits) - 1)]
        for fault, content in changed(arrays, split).items()
    ]
    posing = {
        "complete": {"completeness": "complete", "description": entry(name).title, "source": "download"},
        "partial": {"completeness": "partial"},
        "whole": {"completeness": "whole"},
        "another set": {"name": next(other for other in SETS if other != name)},
        "no set": {"name": "no_such_set"},
        "no splits": {"splits": {}},
        "other splits": {"splits": {"holdout": None}},
        "other counts": {"splits": {split: {"count": 3} for split in about["splits"]}},
        "a list": {"splits": ["train"]},
    }
    faults += [Fault(fault, partial(act, arrays, loose | other), says) for fault, other in posing.items()]
    all_refused(faults)


def damage(path: Path) -> dict[str, bytes]:
    """What a file may become on its way."""
    whole = path.read_bytes()
    damaged = {
        "0 bytes": b"",
        "truncated": whole[: len(whole) * 9 // 10],
        "a beginning": whole[:100],
        "text": b"<html>404 Not Found</html>",
        "zeros": bytes(len(whole)),
        "a picture": b"\x89PNG\r\n\x1a\n" + whole,
        "UTF-16": "images".encode("utf-16"),
        "cut at the front": whole[50:],
    }
    return {fault: content for fault, content in damaged.items() if content != whole}


@pytest.mark.parametrize("name", SETS)
def test_a_damaged_file_is_refused_when_it_is_loaded_and_in_a_mirror(tmp_path, all_refused, stand_ins, name):
    whole = tmp_path / "whole.npz"
    np.savez(whole, **stand_ins[name])
    faults = []
    for number, (fault, content) in enumerate(damage(whole).items()):
        for place, act in (
            (tmp_path / f"{number}/prepared/{name}.npz", load),
            (tmp_path / f"{number}/smoke/{name}.npz", load),
            (tmp_path / f"{number}/mirror/{entry(name).mirror_names[0]}.npz", None),
        ):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            doing = partial(act, place) if act else partial(prepared_from, place.parent, name)
            faults.append(Fault(f"{fault} {place.parent.name}", doing, (str(place),)))
    objects, folder = tmp_path / "prepared" / f"{name}.npz", tmp_path / "smoke" / f"{name}.npz"
    folder.mkdir(parents=True)
    objects.parent.mkdir()
    np.savez(objects, train_images=np.array([None, {}]), about="{}")
    posing, absent = tmp_path / "posing" / "prepared" / f"{name}.npz", tmp_path / "absent" / f"{name}.npz"
    posing.parent.mkdir(parents=True)
    np.savez(posing, **stand_ins[name])  # a stand-in
    all_refused(
        [
            *faults,
            *(Fault(path.parent.name, partial(load, path), (str(path),)) for path in (objects, folder, posing, absent)),
        ]
    )


def prepared_from(mirror: Path, name: str) -> None:
    prepare.main([name, "--root", str(mirror.parent / "data"), "--mirror", str(mirror)])


@pytest.mark.parametrize("name", SETS)
def test_a_mirror_that_holds_something_else_is_refused_when_it_is_read(tmp_path, all_refused, stand_ins, name):
    """Through the command, which prints the error itself."""
    arrays = {key: array for key, array in stand_ins[name].items() if key != "about"}
    path = tmp_path / f"{entry(name).mirror_names[0]}.npz"

    def act(content: Arrays) -> None:
        np.savez(path, **content)
        prepared_from(tmp_path, name)

    split = list(entry(name).classes)[-1]
    faults = [Fault(fault, partial(act, content), (str(path),)) for fault, content in changed(arrays, split).items()]
    all_refused([*faults, Fault("too few images", partial(act, arrays), (str(path),))])
    assert not (tmp_path.parent / "data").exists()


FOLDERS = {  # of ImageNet
    "nothing": (),
    "a class": ("n01532829/a.jpg",),
    "pictures alone": ("a.jpg", "b.jpg"),
    "empty classes": tuple(f"n{number:08}/" for number in range(100)),
    "too few pictures": tuple(f"n{number:08}/a.jpg" for number in range(101)),
    "tables alone": ("images/", "train.csv"),
}


@pytest.mark.parametrize("fault", FOLDERS)
def test_a_folder_that_is_no_imagenet_is_refused(tmp_path, all_refused, fault):
    (folder := tmp_path / "imagenet").mkdir()
    for name in FOLDERS[fault]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).mkdir(exist_ok=True) if name.endswith("/") else (folder / name).write_bytes(b"no picture")
    arguments = ["imagenet", "--root", str(tmp_path), "--imagenet-folder"]
    all_refused(
        [
            Fault(fault, partial(prepare.main, [*arguments, str(folder)]), (str(folder),)),
            Fault("gone", partial(prepare.main, [*arguments, f"{folder}s"]), (f"{folder}s", "imagenet_folder")),
            Fault("a file", partial(prepare.main, [*arguments, __file__]), (__file__, "imagenet_folder")),
            Fault(
                "no mirror", partial(prepare.main, ["mnist", "--mirror", f"{folder}s"]), (f"{folder}s", "data_mirror")
            ),
            Fault("no set", partial(prepare.main, ["minst"]), ("'minst'", "mnist")),
        ]
    )
