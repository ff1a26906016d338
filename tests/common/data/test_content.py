"""What arrays hold is told from their content alone."""

from __future__ import annotations

import numpy as np
import pytest

from common.data import content
from common.data.catalog import DataError, entry
from common.data.content import describe, fingerprint, ordered


def test_fingerprint_ignores_order_but_not_content():
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    labels = np.arange(20) % 10
    assert fingerprint(images[::-1], labels[::-1]) == fingerprint(images, labels)
    assert fingerprint(images, labels[::-1]) != fingerprint(images, labels)
    assert fingerprint(images ^ 1, labels) != fingerprint(images, labels)


def own_imagenet(classes: int, train: int = 200, test: int = 100) -> dict[str, np.ndarray]:
    arrays = {}
    for split, count in {"train": train, "test": test}.items():
        arrays[f"{split}_images"] = np.random.default_rng(0).integers(0, 256, (count, 28, 28, 3), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.arange(count) % classes
    return arrays


def test_own_imagenet_is_accepted_and_described():
    about = describe(entry("imagenet"), own_imagenet(classes=100), "mini_imagenet.npz")
    assert about["description"] == "ImageNet: the user's own 100 classes at 28x28"
    with pytest.raises(DataError, match="mini_imagenet.npz: the train images show 99 classes, expected 100"):
        describe(entry("imagenet"), own_imagenet(classes=99), "mini_imagenet.npz")


def test_damaged_known_imagenet_is_not_taken_for_the_users_own(monkeypatch):
    monkeypatch.setattr(content, "fingerprint", lambda *_: "0" * 64)
    known = "x.npz is not ImageNet: 100 classes of Tiny-ImageNet .*: fingerprint of its train"
    with pytest.raises(DataError, match=known):
        describe(entry("imagenet"), own_imagenet(100, train=25_000, test=5_000), "x.npz")


def test_cifar_lies_in_the_same_order_whatever_its_source():
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (30, 2, 2, 3), dtype=np.uint8)
    arrays = {"train_images": images, "train_labels": np.arange(30) % 10, "train_names": np.arange(30)}
    rows = generator.permutation(30)
    shuffled = {key: array[rows] for key, array in arrays.items()}
    one, other = (ordered(entry("cifar10"), given) for given in (arrays, shuffled))
    for key in arrays:
        np.testing.assert_array_equal(one[key], other[key])
    assert (one["train_names"] != arrays["train_names"]).any()
    assert ordered(entry("mnist"), arrays) is arrays
