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

RUN = {"experiment": "regression", "sharing": "network", "condition": "memory"}
SETTINGS = protocols.as_dict(SMOKE.regression)
ORIGIN = RUN | {"settings": SETTINGS, "data": []}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.pt"


def load(path, seeds, settings=SMOKE.regression, **more):
    return phenotypes.load(path, seeds, settings, **more)


def test_phenotypes_are_read_as_they_were_written(path):
    phi = random_phenotypes(build(SMOKE.regression, "network"), [0, 1])
    last = {seed: [tensor[seed] for tensor in phi] for seed in (0, 1)}
    by_seed = {seed: [torch.stack([3 * tensor, tensor]) for tensor in last[seed]] for seed in last}
    phenotypes.save(path, ORIGIN, by_seed)
    loaded, origin = load(path, [1], **RUN)
    assert list(loaded) == [1] and equal(loaded[1], last[1]) and origin == ORIGIN
    slower = dataclasses.replace(SMOKE.regression, theta_rate=1e-5, theta_optimizer="adam")
    assert equal(load(path, [0], slower)[0][0], last[0])  # which deployment may have otherwise
    torch.testing.assert_close(load(path, [0], averaged=2)[0][0], [2 * tensor for tensor in last[0]])
    with pytest.raises(TrainingError, match="the last 2 phenotypes .* mean of 3 is to be deployed: lower averaged"):
        load(path, [0], averaged=3)
    with pytest.raises(TrainingError, match="holds the seeds 0, 1, but 2 was asked for"):
        load(path, [1, 2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"experiment": "images"}, "experiment = images, but regression"),
        ({"sharing": "none"}, "sharing = none, but network"),
        ({"condition": "both"}, "condition = both, but memory"),
        ({"settings": SETTINGS | {"through_step": True}}, "through_step = True, but False"),
    ],
)
def test_phenotypes_that_were_trained_otherwise_are_not_deployed(path, changes, message):
    phenotypes.save(path, ORIGIN | changes, {0: [torch.zeros(1)]})
    with pytest.raises(TrainingError, match=rf"a\.pt was meta-trained with {message} is to be deployed"):
        load(path, [0], **RUN)


def test_a_file_that_does_not_say_what_it_holds_is_refused_in_a_sentence(path):
    with pytest.raises(TrainingError, match=r"a\.pt does not exist: papers\.dan\.meta_train writes it"):
        load(path, [0])
    torch.save({"origin": ORIGIN, "phenotypes": {}}, path)  # as they once were
    for _ in range(2):
        with pytest.raises(TrainingError, match="is damaged, or old and does not say what .*meta_train again"):
            load(path, [0])
        path.write_bytes(b"not a file of torch")


def test_seeds_that_diverged_are_named_with_their_run(path):
    origin, one = ORIGIN | {"diverged": {"1": "sequence 5", "3": "sequence 2"}}, [torch.zeros(1, 1)]
    phenotypes.save(path, origin, {0: one, 2: one})
    loaded, origin = load(path, [0, 1])
    assert list(loaded) == [0]
    assert phenotypes.diverged(origin, [0, 1]) == [RUN | {"n_channels": 8, "seed": 1, "at": "sequence 5"}]
    with pytest.raises(TrainingError, match="all seeds that were asked for diverged in meta-training"):
        load(path, [1, 3])
