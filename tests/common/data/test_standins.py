"""Stand-ins have the smoke subset's shape, are the same at each call, and can be learned."""

from __future__ import annotations

import numpy as np
import pytest

from common.data.catalog import catalog, entry
from common.data.standins import make


@pytest.mark.parametrize("name", list(catalog()))
def test_size_type_and_determinism(name):
    facts = entry(name)
    arrays, again = make(facts), make(facts)
    for split, portion in facts.smoke.items():
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        assert images.dtype == np.uint8 and images.shape == (portion.classes * portion.per_class, *facts.shape)
        assert np.bincount(labels).tolist() == [portion.per_class] * portion.classes
        assert len({image.tobytes() for image in images}) > 0.9 * len(images)
        assert images.reshape(len(images), -1).std(axis=1).min() > 1
    assert all(np.array_equal(arrays[key], again[key]) for key in arrays)


@pytest.mark.parametrize("name, least", [("mnist", 0.5), ("notmnist", 0.5), ("cifar10", 0.5), ("imagenet", 0.2)])
def test_classes_can_be_told_apart(name, least):
    """Nearest class mean is far above chance (10 or 1 percent)."""
    arrays = make(entry(name))
    images, labels = ([arrays[f"{split}_{kind}"] for split in ("train", "test")] for kind in ("images", "labels"))
    train, test = (of_split.reshape(len(of_split), -1) / 255 for of_split in images)
    means = np.stack([train[labels[0] == label].mean(axis=0) for label in range(labels[0].max() + 1)])
    nearest = (np.square(means).sum(axis=1) - 2 * test @ means.T).argmin(axis=1)
    assert (nearest == labels[1]).mean() > least


def test_omniglot_is_ink_on_paper_with_names():
    arrays = make(entry("omniglot"))
    assert set(np.unique(arrays["background_images"])) == {0, 255}
    assert 0.005 < (arrays["background_images"] == 0).mean() < 0.2
    assert arrays["evaluation_drawers"][:20].tolist() == list(range(20))
    assert len(arrays["evaluation_alphabets"]) == len(arrays["evaluation_characters"]) == 40
