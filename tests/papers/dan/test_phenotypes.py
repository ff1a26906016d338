"""Phenotypes on disk are read as they were written, and no others than those that are to be deployed."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from common.running import protocols
from common.running.stage import TrainingError
from papers.dan import phenotypes
from papers.dan.model import build, random_phenotypes
from tests.papers.dan.small import SMOKE, equal

ORIGIN = {"experiment": "regression", "sharing": "network", "condition": "memory"}
ORIGIN |= {"settings": protocols.as_dict(SMOKE.regression), "data": []}


def test_phenotypes_are_read_as_they_were_written(tmp_path):
    phi = random_phenotypes(build(SMOKE.regression, "network"), [0, 1])
    last = {seed: [tensor[seed] for tensor in phi] for seed in (0, 1)}
    by_seed = {seed: [torch.stack([3 * tensor, tensor]) for tensor in last[seed]] for seed in last}
    path = tmp_path / "a.pt"
    phenotypes.save(path, ORIGIN, by_seed)
    loaded, origin = phenotypes.load(path, [1], SMOKE.regression, experiment="regression", sharing="network")
    assert list(loaded) == [1] and equal(loaded[1], last[1]) and origin == ORIGIN
    slower = dataclasses.replace(SMOKE.regression, theta_rate=1e-5, theta_optimizer="adam")
    assert equal(phenotypes.load(path, [0], slower)[0][0], last[0])  # which deployment may have otherwise
    mean = phenotypes.load(path, [0], SMOKE.regression, averaged=2)[0][0]
    torch.testing.assert_close(mean, [2 * tensor for tensor in last[0]])
    with pytest.raises(TrainingError, match="the last 2 phenotypes .* mean of 3 is to be deployed: lower averaged"):
        phenotypes.load(path, [0], SMOKE.regression, averaged=3)
    with pytest.raises(TrainingError, match="holds the seeds 0, 1, but 2 was asked for"):
        phenotypes.load(path, [1, 2], SMOKE.regression)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"experiment": "images"}, "experiment = images, but regression"),
        ({"sharing": "none"}, "sharing = none, but network"),
        ({"condition": "both"}, "condition = both, but memory"),
        ({"settings": ORIGIN["settings"] | {"n_channels": 5}}, "n_channels = 5, but 8"),
        ({"settings": ORIGIN["settings"] | {"sequences": 1}}, "sequences = 1, but 3"),
        ({"settings": ORIGIN["settings"] | {"through_step": True}}, "through_step = True, but False"),
    ],
)
def test_phenotypes_that_were_trained_otherwise_are_not_deployed(tmp_path, changes, message):
    path = tmp_path / "a.pt"
    phenotypes.save(path, ORIGIN | changes, {0: [torch.zeros(1)]})
    expected = {key: ORIGIN[key] for key in ("experiment", "sharing", "condition")}
    with pytest.raises(TrainingError, match=rf"a\.pt was meta-trained with {message} is to be deployed"):
        phenotypes.load(path, [0], SMOKE.regression, **expected)


def test_a_file_that_does_not_say_what_it_holds_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "a.pt"
    with pytest.raises(TrainingError, match=r"a\.pt does not exist: papers\.dan\.meta_train writes it"):
        phenotypes.load(path, [0], SMOKE.regression)
    for old in ({"0": [torch.zeros(1)]}, {"origin": ORIGIN, "phenotypes": {}}):  # as they once were
        torch.save(old, path)
        with pytest.raises(TrainingError, match="what it was meta-trained with: run .*meta_train again"):
            phenotypes.load(path, [0], SMOKE.regression)
    path.write_bytes(b"not a file of torch")
    with pytest.raises(TrainingError, match="is damaged, or old"):
        phenotypes.load(path, [0], SMOKE.regression)


def test_seeds_that_diverged_are_named_with_their_run(tmp_path):
    path, origin = tmp_path / "a.pt", ORIGIN | {"diverged": {"1": "sequence 5", "3": "sequence 2"}}
    phenotypes.save(path, origin, {0: [torch.zeros(1, 1)], 2: [torch.zeros(1, 1)]})
    loaded, origin = phenotypes.load(path, [0, 1], SMOKE.regression)
    assert list(loaded) == [0]
    run = {"experiment": "regression", "sharing": "network", "condition": "memory", "n_channels": 8}
    assert phenotypes.diverged(origin, [0, 1]) == [run | {"seed": 1, "at": "sequence 5"}]
    with pytest.raises(TrainingError, match="all seeds that were asked for diverged in meta-training"):
        phenotypes.load(path, [1, 3], SMOKE.regression)
