"""What is noted of a run is what its network says, and the summary is that of the statistics."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from common.learning.randomness import generator
from papers.tsar import activity
from papers.tsar.model import build
from papers.tsar.observe import Activity
from papers.tsar.results import ACTIVITY
from tests.papers.tsar.small import SMOKE

CLASSES, PER_CLASS, WIDTHS = 24, 3, SMOKE.network
SETTINGS = dataclasses.replace(SMOKE.analysis, images_in_window=10)


@pytest.fixture(scope="module")
def observed():
    """A network whose fast weights change at every step, its images, and what was noted."""
    network = build("sculpt", WIDTHS, generator(0, "network"))
    images = torch.randn(CLASSES * PER_CLASS, 3, 28, 28, generator=generator(0, "images"))
    noted = Activity(network, CLASSES, PER_CLASS, SETTINGS, np.random.default_rng(0))
    masks, synaptic = [], []
    for step in range(len(images)):
        context = network.context(images[step : step + 1])
        noted(step, context)
        masks.append([mask[0].detach().numpy() for mask in context[1:]])
        weights = network.fast["c3.weight"].detach().flatten()
        synaptic.append((context[3][0].detach() * weights).numpy())
        with torch.no_grad():
            network.fast["c3.weight"].mul_(0.99)
    return network, images, noted, masks, np.array(synaptic)


def test_masks_are_noted_before_each_update(observed):
    _, _, noted, masks, synaptic = observed
    for place, name in enumerate(("c1", "c2", "c3")):
        np.testing.assert_allclose(noted.masks[name], [own[place] for own in masks], rtol=1e-3, atol=1e-7)
    rows = np.array([own[3].reshape(WIDTHS.outputs, -1)[:CLASSES] for own in masks])
    np.testing.assert_allclose(noted.cp_masks, rows, rtol=1e-3, atol=1e-7)
    window = synaptic[noted.first : noted.first + 10, noted.window.numpy()].T
    np.testing.assert_allclose(noted.synaptic, window, rtol=2e-3, atol=1e-6)


def test_the_summary_is_that_of_the_statistics(observed):
    network, images, noted, _, _ = observed
    labels = torch.arange(CLASSES).flip(0).repeat_interleave(PER_CLASS)
    found = noted.summary(images, labels, np.random.default_rng(0))
    assert set(found) == set(ACTIVITY)
    np.testing.assert_array_equal(found["rank_rank_c2"], activity.rank_rank(noted.masks["c2"], PER_CLASS))
    weights = network.fast["cp.weight"].detach()[:CLASSES].numpy()
    order = np.arange(CLASSES)[::-1]
    within, _ = activity.class_windows(noted.cp_masks, weights, PER_CLASS, order=order)
    np.testing.assert_array_equal(found["within_class"], within)
    assert found["bursts_c3"].shape == (3, len(images)) and found["embedding"].shape == (len(images), 2)
