"""Variants of transfer: which images each may draw, and at smoke scale what is changed and what is not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from common.results import tables
from papers.tsar import data, results, sequence, variants
from papers.tsar.protocol import VARIANTS
from tests.papers.tsar.small import SMOKE

FEW = dataclasses.replace(SMOKE.transfer, classes=21, recall_after=(10, 21))
IMAGES = torch.arange(20).view(2, 10)  # of two classes
MEANS = torch.stack([torch.arange(10.0), torch.arange(10.0).flip(0)])


@pytest.mark.parametrize(
    ("variant", "first", "second"),
    [
        ("diminishing", [0, 1, 2, 3, 4], [15, 16, 17, 18, 19]),
        ("enhancing", [5, 6, 7, 8, 9], [10, 11, 12, 13, 14]),
        ("mixed", [0, 1, 2, 8, 9], [10, 11, 17, 18, 19]),
        ("cp_only", [*range(10)], [*range(10, 20)]),
    ],
)
def test_a_variant_draws_the_images_at_either_end_of_each_class(variant, first, second):
    assert sorted(variants.pool_of(variant, IMAGES, MEANS, 5).tolist()) == first + second


@pytest.mark.slow
def test_all_variants_of_two_seeds(call, meta_learn, stand_ins, imagenet, tmp_path):
    """A seed alone gives what it gives among others; regulation is fixed where only CP's learns, and nowhere else."""
    meta_learn(tmp_path / "grow.pt", "0-1")
    names = {"condition": "grow", "meta_learning_set": "rich", "iterations": 12, "dataset": "imagenet"}
    tables.write(tmp_path / "tune.csv", [names | {"seed": 1000, "learning_rate": 1e-3, "mean_recall": 0.5}])

    def run(seeds, folder):
        given = ("--condition", "grow", "--meta-learning-set", "rich", "--iterations", 12, "--seeds", seeds)
        given += ("--images", stand_ins / "imagenet.npz", "--models", tmp_path / "grow.pt")
        paths = {"variants": "v.csv", "variant_activity": "a.npz", "image_masks": "m.npz"}
        paths = {name: tmp_path / f"{folder}_{file}" for name, file in paths.items()}
        given += ("--set", "transfer.classes=21", "--set", "transfer.recall_after=[10, 21]")
        files = ("--out", paths["variants"], "--activity", paths["variant_activity"])
        call(variants, *given, *files, "--image-masks", paths["image_masks"], "--tuning", tmp_path / "tune.csv")
        return {name: results.READERS[name].read(path) for name, path in paths.items()}

    both, alone = run("0-1", "both"), run("1", "alone")
    table = both["variants"]
    assert table.groupby(["seed", "variant"]).classes.apply(list).tolist() == [[10, 21]] * 8
    assert table[table.seed == 1].recall.tolist() == alone["variants"].recall.tolist()
    for name in ("variant_activity", "image_masks"):
        for key, values in alone[name].values.items():
            np.testing.assert_array_equal(both[name].of(key, seed=1), values)
    assert both["variant_activity"].runs["variant"].tolist() == [*VARIANTS] * 2
    pool = data.tuning_pool(imagenet.labels, tuning=False)
    images = data.by_class(imagenet.labels, pool, FEW.classes)
    before = torch.zeros(len(imagenet.labels))
    before[images.flatten()] = torch.from_numpy(both["image_masks"].of("mean_masks", seed=0)[0]).flatten()
    noted = both["variant_activity"]
    means = {name: noted.of("mean_masks", seed=0, variant=name)[0] for name in VARIANTS}
    for variant in VARIANTS:
        allowed = variants.pool_of(variant, images, before[images], FEW.images_per_class)
        order = sequence.drawn(imagenet, FEW, 0, allowed).flatten()
        assert np.allclose(means[variant][0], before[order[0]], rtol=1e-4)  # nothing was learned before the first image
        assert np.allclose(means[variant], before[order], rtol=1e-4) == (variant == "cp_only")


def test_what_has_no_regulator_is_refused(call, tmp_path, capsys):
    files = ("--out", tmp_path / "v.csv", "--activity", tmp_path / "a.npz", "--image-masks", tmp_path / "m.npz")
    given = ("--condition", "oml", "--meta-learning-set", "rich", "--iterations", 12, "--seeds", "0")
    with pytest.raises(SystemExit):
        call(variants, *given, "--images", "none.npz", "--tuning", "none.csv", *files)
    assert "oml has no regulator, so there are no variants" in capsys.readouterr().err
