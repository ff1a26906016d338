"""The networks: published sizes, and the batched forward pass against one image at a time, written out plainly."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from common.learning.randomness import generator
from common.running.protocols import ProtocolError
from papers.tsar.model import LAYERS, build
from papers.tsar.network import max_pool
from tests.papers.tsar.small import PAPER, WIDTHS, double, images_and_labels

CONDITIONS = ["grow", "sculpt", "bias3", "reservoir0", "oml", "anml", "no_regulation", "scratch"]


def test_published_parameter_counts():
    with torch.device("meta"):  # shapes without 2.4 GB of numbers
        network = build("grow", PAPER.network, torch.Generator("cpu").manual_seed(0))
    assert sum(tensor.numel() for tensor in network.fast.values()) == 342_824
    assert sum(t.numel() for name, t in network.slow.items() if name.startswith("p")) == 670_464
    assert sum(t.numel() for t in network.state_dict().values()) - 342_824 == 589_941_328
    assert [size * (1728 + 1) for size in network.mask_sizes] == [5_228_496, 195_197_184, 195_197_184, 193_648_000]


def test_sizes_of_the_other_networks():
    oml = build("oml", PAPER.network, torch.Generator().manual_seed(0))
    assert oml.fast["f1.weight"].shape == (1024, 2304) and oml.fast["f2.weight"].shape == (1000, 1024)
    anml = build("anml", PAPER.network, torch.Generator().manual_seed(0))
    assert anml.slow["gate.weight"].shape == (2304, 1008) and anml.fast["cp.weight"].shape == (1000, 2304)
    images = torch.randn(2, 3, 28, 28)
    for network in (oml, anml):
        assert network.logits(network.fast, network.context(images)).shape == (2, 1000)


@pytest.mark.parametrize("bias", ["grow", "sculpt"])
def test_masks_start_around_the_initial_bias(bias):
    network = build(bias, dataclasses.replace(WIDTHS, regulator_channels=24), torch.Generator().manual_seed(1))
    _, *masks = network.context(images_and_labels(8)[0].float())
    logits = torch.logit(torch.cat(masks, dim=1).detach().double())
    assert logits.mean() == pytest.approx(-8.0 if bias == "grow" else 0.0, abs=0.3)
    assert 0.3 < logits.std() < 2.0  # Kaiming on the encoding: noise of about unit size around the bias


def one_image(fast, mask_of, image):
    """The forward rule, layer by layer and image by image, with the biases that normalisation takes out again."""
    x = image
    for layer in ("c1", "c2", "c3"):
        weight = fast[f"{layer}.weight"]
        x = F.conv2d(x, mask_of[layer].view_as(weight) * weight, fast[f"{layer}.bias"])
        mean, variance = x.mean((2, 3), keepdim=True), x.var((2, 3), correction=0, keepdim=True)
        x = (x - mean) / torch.sqrt(variance + 1e-5)
        x = F.relu(x * fast[f"{layer}.scale"].view(-1, 1, 1) + fast[f"{layer}.shift"].view(-1, 1, 1))
        x = F.max_pool2d(x, 2)
    return (mask_of["cp"].view_as(fast["cp.weight"]) * fast["cp.weight"]) @ x.flatten() + fast["cp.bias"]


@pytest.mark.parametrize("side", [3, 11, 26])
def test_max_pool_is_torchs_to_the_last_bit(side):
    """With ties, as constant backgrounds have them; and the gradient of a gradient."""
    x = torch.randint(0, 4, (5, 3, side, side), generator=generator(0, "x")).double().requires_grad_()
    g = torch.randn(5, 3, side // 2, side // 2, generator=generator(0, "g"), dtype=torch.double, requires_grad=True)
    outcomes = []
    for pool in (max_pool, lambda x: F.max_pool2d(x, 2)):
        (gradient,) = torch.autograd.grad(y := pool(x), x, g, create_graph=True)
        outcomes.append((y, gradient, *torch.autograd.grad((gradient**2).sum(), g)))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*outcomes))


@pytest.mark.parametrize("condition", ["grow", "sculpt"])
def test_batched_forward_equals_one_image_at_a_time(condition):
    network = double(build(condition, WIDTHS, torch.Generator().manual_seed(2)))
    for layer in ("c1", "c2", "c3"):
        network.fast[f"{layer}.bias"].data.normal_()
    images, _ = images_and_labels(5)
    context = network.context(images)
    logits = network.logits(network.fast, context)
    for i in range(len(images)):
        masks = {layer: mask[i] for layer, mask in zip(LAYERS, context[1:], strict=True)}
        torch.testing.assert_close(logits[i], one_image(network.fast, masks, images[i : i + 1]), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_an_image_does_not_depend_on_its_neighbours(condition):
    network = double(build(condition, WIDTHS, torch.Generator().manual_seed(3)))
    images, _ = images_and_labels(4)
    together = network.logits(network.fast, network.context(images))
    alone = network.logits(network.fast, network.context(images[2:3]))
    torch.testing.assert_close(together[2:3], alone, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_reset_for_transfer_touches_only_the_last_layer(condition):
    network = build(condition, WIDTHS, torch.Generator().manual_seed(4))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.fast[f"{network.last_layer}.bias"].data.fill_(5.0)
    network.reset_for_transfer(torch.Generator().manual_seed(9), -2.0)
    after = network.state_dict()
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    expected = {f"fast.{network.last_layer}.weight"}
    if network.output is not None:
        expected |= {"output.weight", "slow.output.bias"}
        kept = slice(0, -network.mask_sizes[-1])
        assert torch.equal(before["output.weight"][kept], after["output.weight"][kept])
        assert torch.equal(before["slow.output.bias"][kept], after["slow.output.bias"][kept])
        assert (after["slow.output.bias"][-network.mask_sizes[-1] :] == -2.0).all()
    assert changed == expected
    assert (after[f"fast.{network.last_layer}.bias"] == 0).all()


@pytest.mark.parametrize("condition", CONDITIONS)
def test_reset_class_touches_one_row(condition):
    network = build(condition, WIDTHS, torch.Generator().manual_seed(4))
    before = network.fast[f"{network.last_layer}.weight"].detach().clone()
    network.reset_class(7, torch.Generator().manual_seed(9))
    changed = (network.fast[f"{network.last_layer}.weight"] != before).any(1)
    assert changed.nonzero().flatten().tolist() == [7]


def test_unknown_condition_is_refused():
    with pytest.raises(ProtocolError, match="unknown condition 'growth'; known are grow, sculpt, bias<b>"):
        build("growth", WIDTHS, torch.Generator())
