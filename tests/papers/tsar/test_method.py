"""The meta-gradient against plain loops and finite differences, who learns when, and recall counted by hand."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from papers.tsar import method
from papers.tsar.factored_linear import FactoredAdam
from papers.tsar.method import Optimizer, meta_gradient, recalled, transfer_context, transfer_step
from papers.tsar.model import build
from tests.papers.tsar.small import WIDTHS, double, images_and_labels
from tests.papers.tsar.test_model import CONDITIONS, one_image

SETTINGS = {"inner_images": 3, "inner_learning_rate": 0.1}


def batch():
    images, labels = images_and_labels(7)
    labels[:3] = 5
    return images, labels


def perceive(slow, image):
    x = image
    for layer in ("p1", "p2", "p3"):
        x = F.conv2d(x, slow[f"{layer}.weight"], slow[f"{layer}.bias"])
        mean, variance = x.mean((2, 3), keepdim=True), x.var((2, 3), correction=0, keepdim=True)
        x = (x - mean) / torch.sqrt(variance + 1e-5)
        x = F.relu(x * slow[f"{layer}.scale"].view(-1, 1, 1) + slow[f"{layer}.shift"].view(-1, 1, 1))
        x = x if layer == "p3" else F.max_pool2d(x, 2)
    return x.flatten()


def plain_meta_gradient(network, images, labels, second_order, repeat_first):
    """The authors' formulation: image after image, dense regulator weights, the loss differentiated as it stands."""
    fast = {name: tensor.detach().clone().requires_grad_() for name, tensor in network.fast.items()}
    slow = {name: tensor.detach().clone().requires_grad_() for name, tensor in network.slow.items()}
    output = network.output.weight.clone().requires_grad_()

    def loss(weights, i):
        masks = torch.sigmoid(output @ perceive(slow, images[i : i + 1]) + slow["output.bias"])
        layers = dict(zip(("c1", "c2", "c3", "cp"), masks.split(network.mask_sizes)))
        return F.cross_entropy(one_image(weights, layers, images[i : i + 1])[None], labels[i : i + 1])

    learned = dict(fast)
    for i in (0, 0, 1, 2) if repeat_first else (0, 1, 2):
        gradients = torch.autograd.grad(loss(learned, i), list(learned.values()), create_graph=True)
        if not second_order:
            gradients = [gradient.detach() for gradient in gradients]
        learned = {name: value - 0.1 * gradient for (name, value), gradient in zip(learned.items(), gradients)}
    total = sum(loss(learned, i) for i in range(len(images))) / len(images)
    total.backward()
    return total.detach(), {n: t.grad for n, t in fast.items()}, {n: t.grad for n, t in slow.items()}, output.grad


@pytest.mark.parametrize(("second_order", "repeat_first"), [(False, True), (True, True), (False, False)])
@pytest.mark.parametrize("condition", ["grow", "sculpt"])
def test_batched_meta_gradient_equals_plain_loops(condition, second_order, repeat_first):
    network = double(build(condition, WIDTHS, torch.Generator().manual_seed(0)))
    images, labels = batch()
    expected, fast, slow, output = plain_meta_gradient(network, images, labels, second_order, repeat_first)
    order = {"second_order": second_order, "repeat_first": repeat_first}
    loss = meta_gradient(network, images, labels, **order, **SETTINGS)
    torch.testing.assert_close(loss, expected, rtol=1e-9, atol=1e-12)
    ((g, x),) = network.output.factors
    torch.testing.assert_close(g.T @ x, output, rtol=1e-9, atol=1e-12)
    for name, gradient in (fast | slow).items():
        ours = (network.fast | network.slow)[name].grad
        # a bias before a normalisation has no gradient but for rounding; ours leaves it out altogether
        ours = torch.zeros_like(gradient) if ours is None else ours
        torch.testing.assert_close(ours, gradient, rtol=1e-9, atol=1e-12, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("condition", ["grow", "sculpt", "oml", "anml", "no_regulation"])
def test_second_order_meta_gradient_equals_finite_differences(condition):
    network = double(build(condition, WIDTHS, torch.Generator().manual_seed(1)))
    images, labels = batch()
    random = torch.Generator().manual_seed(5)
    tensors = [*network.fast.values(), *network.slow.values()]
    tensors += [] if network.output is None else [network.output.weight]
    direction = [torch.randn(t.shape, generator=random, dtype=t.dtype) for t in tensors]

    def loss_at(step):
        for tensor, way in zip(tensors, direction):
            tensor.data.add_(way, alpha=step)
        loss = meta_gradient(network, images, labels, second_order=True, repeat_first=True, **SETTINGS)
        for tensor, way in zip(tensors, direction):
            tensor.data.sub_(way, alpha=step)
        return loss

    difference = (loss_at(1e-6) - loss_at(-1e-6)) / 2e-6
    for tensor in tensors:
        tensor.grad = None
    if network.output is not None:
        network.output.factors.clear()
    meta_gradient(network, images, labels, second_order=True, repeat_first=True, **SETTINGS)
    gradients = [t.grad for t in tensors[: len(network.fast) + len(network.slow)]]
    gradients += [] if network.output is None else [g.T @ x for g, x in network.output.factors]
    slope = sum((g * way).sum() for g, way in zip(gradients, direction) if g is not None)
    torch.testing.assert_close(slope, difference, rtol=1e-5, atol=1e-8)


def snapshot(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def changed(network, before):
    return {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_meta_gradient_changes_nothing_and_reaches_everything_that_should_learn(condition):
    network = double(build(condition, WIDTHS, torch.Generator().manual_seed(0)))
    images, labels = batch()
    before = snapshot(network)
    optimizer = Optimizer(network, network.parameters(), 1e-3)
    meta_gradient(network, images, labels, second_order=False, repeat_first=True, **SETTINGS)
    assert changed(network, before) == set()  # the inner loop works on copies, and the regulator lies outside it
    optimizer.step()
    no_effect = {n for n in before if n.endswith(".bias") and n.split(".")[1][0] in "cpn" and n.split(".")[1] != "cp"}
    frozen = {n for n in before if condition.startswith("reservoir") and n.startswith(("slow", "output"))}
    assert changed(network, before) == set(before) - no_effect - frozen


@pytest.mark.parametrize(
    ("condition", "learning"),
    [
        ("grow", {"fast.c1", "fast.c2", "fast.c3", "fast.cp", "output.weight", "slow.output"}),
        ("reservoir0", {"fast.c1", "fast.c2", "fast.c3", "fast.cp"}),
        ("scratch", {"fast.c1", "fast.c2", "fast.c3", "fast.cp"}),
        ("oml", {"fast.f1", "fast.f2"}),
        ("anml", {"fast.cp"}),
        ("no_regulation", {"fast.cp"}),
    ],
)
def test_what_learns_under_transfer(condition, learning):
    network = double(build(condition, WIDTHS, torch.Generator().manual_seed(0)))
    images, labels = batch()
    before = snapshot(network)
    optimizer = Optimizer(network, network.transfer_parameters(), 1e-2)
    context = transfer_context(network, images)
    losses = [float(transfer_step(network, context(slice(0, 1)), labels[:1], optimizer)) for _ in range(20)]
    assert losses[-1] < losses[0]
    moved = changed(network, before)
    assert {name if name == "output.weight" else name.rsplit(".", 1)[0] for name in moved} == learning


def test_transfer_context_equals_the_context():
    for condition in CONDITIONS:
        network = double(build(condition, WIDTHS, torch.Generator().manual_seed(0)))
        images, _ = images_and_labels(6)
        for ours, theirs in zip(transfer_context(network, images)(slice(2, 4)), network.context(images[2:4])):
            torch.testing.assert_close(ours, theirs)


def test_transfer_steps_equal_dense_adam():
    """50 steps with the fused rank-one update end where torch.optim.Adam on a dense regulator ends."""
    images, labels = batch()
    fused = double(build("grow", WIDTHS, torch.Generator().manual_seed(0)))
    dense = double(build("grow", WIDTHS, torch.Generator().manual_seed(0)))
    weight = dense.output.weight.clone().requires_grad_()
    optimizer = Optimizer(fused, fused.transfer_parameters(), 1e-3)
    assert isinstance(optimizer.output_adam, FactoredAdam)
    reference = torch.optim.Adam([*dense.transfer_parameters(), weight], lr=1e-3)
    for step in range(50):
        one = slice(step % 7, step % 7 + 1)
        transfer_step(fused, fused.context(images[one]), labels[one], optimizer)
        encoding = dense.encode(images[one]).detach()
        masks = torch.sigmoid(F.linear(encoding, weight, dense.output.bias)).split(dense.mask_sizes, dim=1)
        reference.zero_grad()
        F.cross_entropy(dense.logits(dense.fast, (images[one], *masks)), labels[one]).backward()
        reference.step()
    torch.testing.assert_close(fused.output.weight, weight.detach(), rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize(("classes", "expected"), [(1, 3 / 4), (2, 4 / 8), (3, 4 / 12)])
def test_recall_is_over_all_images_of_the_classes_so_far(classes, expected):
    """Answers counted by hand: three classes of four images, of which 3, 1 and 0 are answered rightly."""
    right = torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=torch.bool)
    labels = torch.arange(3).repeat_interleave(4)
    logits = F.one_hot(torch.where(right.flatten(), labels, 7), 11).float()
    network = SimpleNamespace(output=None, fast={}, logits=lambda fast, context: context[0])
    found = recalled(network, lambda part: (logits[part],), labels[: 4 * classes])
    assert found.tolist() == right.flatten()[: 4 * classes].double().tolist()
    assert float(found.mean()) == pytest.approx(expected, abs=1e-15)


def test_recall_does_not_depend_on_how_many_images_are_evaluated_at_once(monkeypatch):
    network = build("sculpt", WIDTHS, torch.Generator().manual_seed(0))
    images, _ = images_and_labels(7)
    context = transfer_context(network, images.float())
    labels = network.logits(network.fast, context(slice(0, 7))).argmax(1)
    labels[:2] = (labels[:2] + 1) % 11
    assert recalled(network, context, labels).tolist() == [0, 0, 1, 1, 1, 1, 1]
    monkeypatch.setattr(method, "MASKS_AT_ONCE", 3 * len(network.output.bias))
    assert recalled(network, context, labels).tolist() == [0, 0, 1, 1, 1, 1, 1]
