"""What is noted of a run is what its network says, and the summary is that of the statistics."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from common.learning.randomness import generator
from papers.tsar import activity
from papers.tsar.model import build
from papers.tsar.observe import Activity, Probes, Window, mean_masks
from papers.tsar.results import ACTIVITY
from tests.papers.tsar.small import SMOKE

CLASSES, PER_CLASS, WIDTHS = 24, 3, SMOKE.network
SETTINGS = dataclasses.replace(SMOKE.analysis, images_in_window=10)


@pytest.fixture(scope="module")
def observed():
    """A network whose fast weights change at every step, its images, and what was noted."""
    network = build("sculpt", WIDTHS, generator(0, "network"))
    images = torch.randn(CLASSES * PER_CLASS, 3, 28, 28, generator=generator(0, "images"))
    labels = torch.arange(CLASSES).flip(0).repeat_interleave(PER_CLASS)
    noted = Activity(network, labels, CLASSES, PER_CLASS, SETTINGS, np.random.default_rng(0))
    masks, synaptic = [], []
    for step in range(len(images)):
        context = network.context(images[step : step + 1])
        noted.before(step, lambda part: network.context(images[part]))
        masks.append([mask[0].detach().numpy() for mask in context[1:]])
        weights = network.fast["c3.weight"].detach().flatten()
        synaptic.append((context[3][0].detach() * weights).numpy())
        with torch.no_grad():
            network.fast["c3.weight"].mul_(0.99)
        noted.after(step, lambda part: network.context(images[part]))
    return network, images, noted, masks, np.array(synaptic)


def test_masks_are_noted_before_each_update(observed):
    _, _, noted, masks, synaptic = observed
    for place, name in enumerate(("c1", "c2", "c3")):
        np.testing.assert_allclose(noted.masks[name], [own[place] for own in masks], rtol=1e-3, atol=1e-7)
    rows = np.array([own[3].reshape(WIDTHS.outputs, -1)[:CLASSES] for own in masks])
    np.testing.assert_allclose(noted.cp_masks, rows, rtol=1e-3, atol=1e-7)
    first, window = noted.window.first, noted.window.summary()
    expected = synaptic[first : first + 10, noted.window.synapses.numpy()].T
    np.testing.assert_allclose(window["synaptic_activity"], expected, rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(window["mean_masks"], [own[2].mean() for own in masks], rtol=1e-5)


def test_the_summary_is_that_of_the_statistics(observed):
    network, images, noted, _, _ = observed
    found = noted.summary(images)
    assert set(found) == set(ACTIVITY)
    np.testing.assert_array_equal(found["rank_rank_c2"], activity.rank_rank(noted.masks["c2"], PER_CLASS))
    weights = network.fast["cp.weight"].detach()[:CLASSES].numpy()
    order = np.arange(CLASSES)[::-1]
    within, _ = activity.class_windows(noted.cp_masks, weights, PER_CLASS, order=order)
    np.testing.assert_array_equal(found["within_class"], within)
    assert found["bursts_c3"].shape == (3, len(images)) and found["embedding"].shape == (len(images), 2)


class Counter:
    """Answers an image with its own logits, to which every update adds."""

    def __init__(self, logits):
        self.fast, self.all = {}, logits

    def logits(self, fast, context):
        return context[0]

    def context(self, part):
        return (self.all[part].clone(),)


def test_probes_tell_what_each_update_changes():
    """Two classes of three images. The updates of class 1 forget, one by one, the images of class 0, and learn its own."""
    labels = torch.tensor([0, 0, 0, 1, 1, 1])
    network = Counter(torch.tensor([[4.0, 0.0]] * 3 + [[0.0, 0.0]] * 3))
    probes = Probes(network, labels, 3, 8, np.random.default_rng(0))
    for step in range(6):
        own = network.context(slice(step, step + 1))
        probes.before(step, network.context, own)
        if step >= 3:
            network.all[5 - step] = torch.tensor([0.0, 4.0])
            network.all[step, 1] = 1.0
        probes.after(step, network.context)
    found = probes.summary()
    np.testing.assert_allclose(found["recall_changes"], [np.nan] * 3 + [-1 / 3] * 3, atol=1e-6)
    gain = 1 / (1 + np.exp(-1)) - 0.5
    np.testing.assert_allclose(found["probability_changes"], [0] * 3 + [gain] * 3, atol=1e-6)


def test_probed_images_are_earlier_ones_few_and_the_same_within_a_class():
    labels = torch.arange(10).repeat_interleave(3)
    network = Counter(torch.zeros(30, 10))
    probes, seen = Probes(network, labels, 3, 4, np.random.default_rng(0)), []
    for step in range(30):
        probes.before(step, network.context, network.context(slice(step, step + 1)))
        assert probes.places[-1] == step
        seen.append(probes.places[:-1].tolist())
        probes.after(step, network.context)
    assert [len(earlier) for earlier in seen[::3]] == [0, 3, *[4] * 8]
    assert all(
        max(earlier, default=-1) < step - step % 3 and len({*earlier}) == len(earlier)
        for step, earlier in enumerate(seen)
    )
    assert seen[::3] == seen[1::3] == seen[2::3] and seen[6] != seen[9]


def test_mean_masks_are_those_of_the_network_as_it_is(imagenet):
    network = build("sculpt", WIDTHS, generator(0, "network"))
    indices = torch.tensor([[3, 700, 12], [5, 6, 7]])
    with torch.no_grad():
        masks = network.context(imagenet.batch(indices.flatten())[0])[3]
    np.testing.assert_allclose(mean_masks(network, imagenet, indices), masks.mean(1).view(2, 3), rtol=1e-5)


def test_a_window_is_drawn_by_its_seed_alone():
    network = build("grow", WIDTHS, generator(0, "network"))
    one, same, other = (Window(network, 72, SETTINGS, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert torch.equal(one.synapses, same.synapses) and one.first == same.first
    assert not torch.equal(one.synapses, other.synapses)
