"""What is measured while classes are learned, on networks of which all answers are known."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F

from papers.tsar import sequence
from papers.tsar.data import DatasetOnDevice
from papers.tsar.model import build
from papers.tsar.network import Network
from tests.papers.tsar.conftest import CPU
from tests.papers.tsar.small import SMOKE, WIDTHS

OUTPUTS, CLASSES, IMAGES = 11, 10, 20
SETTINGS = dataclasses.replace(SMOKE.transfer, classes=CLASSES, images_per_class=IMAGES, recall_after=(1, 5, CLASSES))
ENDLESS = 100.0  # a logit beside which others do not count


class Known(Network):
    """Answers as `answer` says, from its last layer's bias and the label, which is each image's first pixel."""

    last_layer = "cp"

    def __init__(self):
        super().__init__({"cp.weight": torch.zeros(OUTPUTS, 1), "cp.bias": torch.zeros(OUTPUTS)}, {})

    def context(self, images):
        return (images[:, 0, 0, :1],)

    def features(self, fast, context):
        return context[0]

    def predict(self, fast, features, context):
        return self.answer(fast["cp.bias"], F.one_hot(features[:, 0].long(), OUTPUTS).float())


class Plastic(Known):
    """Knows the class it was shown last, whatever it sees, and no other: it forgets all."""

    def answer(self, bias, label):
        return bias.expand(len(label), -1)


class Rigid(Known):
    """Never learns: always the same answer, which is none of the classes."""

    def answer(self, bias, label):
        return ENDLESS * F.one_hot(torch.full((len(label),), OUTPUTS - 1), OUTPUTS) + 0 * bias


class Perfect(Known):
    """Knows every image from the start."""

    def answer(self, bias, label):
        return ENDLESS * label + 0 * bias


@pytest.fixture
def images():
    """Fifty images of each class; all their pixels are their label."""
    labels = torch.arange(CLASSES).repeat_interleave(50)
    pixels = labels.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 28, 28)
    return DatasetOnDevice(pixels, labels, torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1), {})


def learn(network, images, rate=1.0, diagnose=True, settings=SETTINGS, seed=0, **more):
    order = sequence.drawn(images, settings, seed, torch.arange(len(images.labels)))
    return sequence.learn_in_sequence(
        network, images, order, settings.recall_after, settings.regulation_bias, rate, seed, "test", diagnose, **more
    )


def by_class(measured, quantity):
    """A quantity's values, which must be there after every class."""
    found = {learned: value for learned, name, value in measured.diagnostics if name == quantity}
    assert list(found) == list(range(1, CLASSES + 1))
    return list(found.values())


def test_a_network_that_forgets_all_knows_the_last_class_alone(images):
    measured = learn(Plastic(), images)
    assert by_class(measured, "recall of the class") == [1.0] * CLASSES
    assert measured.curve == [(1, 1.0), (5, 1 / 5), (CLASSES, 1 / CLASSES)]
    assert list(measured.final.values()) == [0.0] * (CLASSES - 1) + [1.0]


def test_a_network_that_never_learns_recalls_nothing(images):
    measured = learn(Rigid(), images)
    assert by_class(measured, "recall of the class") == [0.0] * CLASSES
    assert measured.curve == [(1, 0.0), (5, 0.0), (CLASSES, 0.0)]
    assert list(measured.final.values()) == [0.0] * CLASSES
    assert by_class(measured, "loss") == pytest.approx([ENDLESS] * CLASSES)


def test_a_perfect_network_recalls_everything(images):
    measured = learn(Perfect(), images)
    assert by_class(measured, "recall of the class") == [1.0] * CLASSES
    assert measured.curve == [(1, 1.0), (5, 1.0), (CLASSES, 1.0)]
    assert list(measured.final.values()) == [1.0] * CLASSES
    assert sorted(measured.final) == list(range(CLASSES))
    assert list(measured.final) == by_class(measured, "feature") != sorted(measured.final)  # each in its own place
    assert by_class(measured, "loss") == pytest.approx([0.0] * CLASSES, abs=1e-6)


def test_loss_is_the_mean_over_images_before_their_updates(images, monkeypatch):
    losses = iter(range(CLASSES * IMAGES))
    monkeypatch.setattr(sequence, "transfer_step", lambda *_: torch.tensor(float(next(losses))))
    expected = [IMAGES * place + (IMAGES - 1) / 2 for place in range(CLASSES)]
    assert by_class(learn(Rigid(), images), "loss") == expected


@pytest.mark.parametrize(("shifts", "active"), [((-1.0, -1.0, -1.0), 0.0), ((2.0, -1.0, -1.0), 1 / 3)])
def test_masks_features_and_active_encodings_of_a_regulator_that_is_blind(images, shifts, active):
    """Encodings and features are what the last normalisations' shifts make them; masks are those of a fixed map."""
    network = build("reservoir0", WIDTHS, torch.Generator().manual_seed(0))
    with torch.no_grad():
        for scale in (network.slow["p3.scale"], network.fast["c3.scale"]):
            scale.zero_()
        network.slow["p3.shift"].copy_(torch.tensor(shifts))
        network.fast["c3.shift"].copy_(torch.tensor([0.5, 0.25, -3.0, 0.0]))
    measured = learn(network, images, rate=1e-12)
    assert by_class(measured, "active encodings") == pytest.approx([active] * CLASSES)
    assert by_class(measured, "feature") == pytest.approx([0.75 / 4] * CLASSES)
    encoding = torch.tensor(shifts).clamp(min=0).repeat_interleave(9)
    to_cp = network.layer("cp")
    masks = torch.sigmoid(network.output.weight[to_cp] @ encoding + SETTINGS.regulation_bias)
    assert by_class(measured, "CP mask") == pytest.approx([float(masks.mean())] * CLASSES)
    if not active:
        assert masks == pytest.approx(1 / (1 + math.exp(-SETTINGS.regulation_bias)))


def test_images_that_are_held_out_come_from_the_same_classes_and_are_others(images):
    pool = torch.arange(len(images.labels))
    learned, held_out = sequence.drawn(images, SETTINGS, 0, pool, held_out=7).split(IMAGES, dim=1)
    assert torch.equal(learned, sequence.drawn(images, SETTINGS, 0, pool))
    assert held_out.shape == (CLASSES, 7) and not torch.isin(held_out, learned).any()
    assert torch.equal(images.labels[held_out], images.labels[learned][:, :7])


class Memory(Known):
    """Knows the images whose second pixel is 1, and no others."""

    def context(self, images):
        return (images[:, 0, 0, :2],)

    def answer(self, bias, label):
        raise NotImplementedError

    def predict(self, fast, features, context):
        known = ENDLESS * F.one_hot(features[:, 0].long(), OUTPUTS).float()
        other = ENDLESS * F.one_hot(torch.full((len(known),), OUTPUTS - 1), OUTPUTS)
        return torch.where(features[:, 1:] == 1, known, other) + 0 * fast["cp.bias"]


def test_accuracy_on_held_out_images_is_of_the_classes_learned_so_far(images):
    order, held_out = sequence.drawn(images, SETTINGS, 0, torch.arange(500), held_out=4).split(IMAGES, dim=1)
    images.pixels.data = images.pixels.clone()
    images.pixels[:, :, 0, 1] = 0
    images.pixels[order.flatten(), :, 0, 1] = 1  # what is learned is known
    images.pixels[held_out[0], :, 0, 1] = images.pixels[held_out[3, 0], :, 0, 1] = 1
    measured = sequence.learn_in_sequence(
        Memory(), images, order, SETTINGS.recall_after, -2.0, 1.0, 0, "test", held_out=held_out
    )
    assert measured.curve == [(1, 1.0), (5, 1.0), (CLASSES, 1.0)]
    found = [(1, "held-out accuracy", 1.0), (5, "held-out accuracy", 5 / 20), (CLASSES, "held-out accuracy", 5 / 40)]
    assert measured.diagnostics == found


def test_maps_that_are_fixed_do_not_learn_and_all_else_does(imagenet):
    network = sequence.fresh("grow", SMOKE.network, 0, None, CPU)
    network.fixed_maps = ("c1", "c2", "c3")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    few = dataclasses.replace(SMOKE.transfer, classes=3, recall_after=(3,))
    learn(network, imagenet, 1e-3, settings=few)
    after, to_cp = network.state_dict(), network.layer("cp")
    for name in ("output.weight", "slow.output.bias"):
        assert torch.equal(after[name][: to_cp.start], before[name][: to_cp.start])
        assert not torch.equal(after[name][to_cp], before[name][to_cp])
    assert all(not torch.equal(after[f"fast.c{layer}.weight"], before[f"fast.c{layer}.weight"]) for layer in (1, 2, 3))


@pytest.mark.parametrize("condition", ["scratch", "oml", "anml", "no_regulation"])
def test_networks_without_a_regulator_have_no_masks_and_no_encodings(imagenet, condition):
    measured = learn(sequence.fresh(condition, SMOKE.network, 0, None, CPU), imagenet)
    assert {name for _, name, _ in measured.diagnostics} == {"recall of the class", "feature", "loss"}


def test_measuring_more_changes_nothing(imagenet):
    bare, full = (sequence.fresh("grow", SMOKE.network, 0, None, CPU) for _ in range(2))
    less, more = learn(bare, imagenet, 1e-3, diagnose=False), learn(full, imagenet, 1e-3)
    assert (less.curve, less.final, less.diagnostics) == (more.curve, more.final, [])
    assert all(torch.equal(tensor, full.state_dict()[name]) for name, tensor in bare.state_dict().items())
    assert more.curve[0][1] == by_class(more, "recall of the class")[0]
    assert more.curve[-1][1] == pytest.approx(sum(more.final.values()) / CLASSES)


def test_scratch_learns_a_class_and_forgets_it_as_its_seed_says(imagenet):
    ten = dataclasses.replace(SMOKE.transfer, classes=10, images_per_class=9, recall_after=(1, 10))

    def curve(seed):
        network = sequence.fresh("scratch", SMOKE.network, 0, None, CPU)
        return learn(network, imagenet, 1e-2, settings=ten, seed=seed).curve

    (one, first), (last, end) = curve(0)
    assert (one, last) == (1, 10) and first > 0.5 > end
    assert curve(0) == curve(0) != curve(1)
