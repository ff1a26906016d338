"""Algorithm 1's gradients: against finite differences, and with a population against its models one by one."""

from __future__ import annotations

import pytest
import torch

from papers.dan import method
from papers.dan.model import SHARING
from tests.papers.dan.small import REGRESSION, batch, network


def check_numerically(function, tensors, gradients):
    """Whether these are the gradients of a scalar function of tensors, by central differences."""
    step = 1e-6
    for place, gradient in enumerate(gradients):
        found = torch.zeros_like(gradient)
        for index in range(gradient.numel()):
            sides = []
            for sign in (1, -1):
                moved = [tensor.clone() for tensor in tensors]
                moved[place].view(-1)[index] += sign * step
                sides.append(function(moved).item())
            found.view(-1)[index] = (sides[0] - sides[1]) / (2 * step)
        torch.testing.assert_close(gradient, found, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize("sharing", SHARING)
def test_the_phenotypes_gradient_is_that_of_finite_differences(sharing):
    built, theta, phi = network(sharing=sharing)
    examples = batch(REGRESSION)
    loss, gradients = method.phenotype_gradients(built, theta, phi, 1, examples)
    torch.testing.assert_close(loss, method.losses(built, theta, phi, examples))
    check_numerically(lambda moved: method.losses(built, theta, moved, examples), phi, gradients)


@pytest.mark.parametrize("sharing", SHARING)
def test_the_gradient_through_a_step_is_that_of_finite_differences(sharing):
    """Of L_G(theta - rate grad L_i(theta, phi), phi) as a function of phi, and not of phi's second appearance alone."""
    built, theta, phi = network(sharing=sharing)
    shown, examples, rate = batch(REGRESSION, size=1), batch(REGRESSION), 0.1
    steps, loss, gradients = method.gradients_through_step(built, theta, phi, 1, rate, shown, examples)
    torch.testing.assert_close(steps, method.task_gradients(built, theta, phi, shown))

    def moved(phi):
        found = method.task_gradients(built, theta, phi, shown)
        return [tensor - rate * step for tensor, step in zip(theta, found, strict=True)]

    at_fixed, fixed = method.phenotype_gradients(built, moved(phi), phi, 1, examples)
    torch.testing.assert_close(loss, at_fixed)
    check_numerically(lambda changed: method.losses(built, moved(changed), changed, examples), phi, gradients)
    for gradient, other in zip(gradients, fixed, strict=True):
        assert (gradient - other).abs().max() > 1e-3 * gradient.abs().max()


def test_the_synapses_gradient_is_that_of_finite_differences():
    built, theta, phi = network()
    examples = batch(REGRESSION)
    gradients = method.task_gradients(built, theta, phi, examples, plastic=True)
    assert len(gradients) == len(theta) + len(phi)
    torch.testing.assert_close(gradients[: len(theta)], method.task_gradients(built, theta, phi, examples))
    check_numerically(lambda moved: method.losses(built, moved, phi, examples), theta, gradients[: len(theta)])


def at_fixed(built, theta, phi, members, shown, examples):
    return method.phenotype_gradients(built, theta, phi, members, examples)


def through_step(built, theta, phi, members, shown, examples):
    return method.gradients_through_step(built, theta, phi, members, 0.1, shown, examples)[1:]


@pytest.mark.parametrize("meta_gradients", [at_fixed, through_step])
def test_a_populations_gradient_is_the_mean_over_its_models(meta_gradients):
    """Two seeds of three models each, as six in a row, against each model by itself."""
    built, theta, _ = network(models=6)
    _, _, phi = network(models=2)
    shown, examples = batch(REGRESSION, models=6, size=1), batch(REGRESSION, models=6)
    losses, gradients = meta_gradients(built, theta, phi, 3, shown, examples)
    for seed in range(2):
        own, found = [tensor[seed : seed + 1] for tensor in phi], []
        for model in range(3 * seed, 3 * seed + 3):
            inner, *batches = ([tensor[model : model + 1] for tensor in of] for of in (theta, shown, examples))
            found.append(meta_gradients(built, inner, own, 1, *batches))
        assert losses[seed].item() == pytest.approx(sum(loss.item() for loss, _ in found) / 3)
        mean = [torch.stack(tensors).mean(0) for tensors in zip(*(gradient for _, gradient in found))]
        torch.testing.assert_close([tensor[seed : seed + 1] for tensor in gradients], mean)


def test_no_gradient_leaves_a_graph_or_moves_anything():
    built, theta, phi = network()
    examples, before = batch(REGRESSION), [tensor.clone() for tensor in [*theta, *phi]]
    found = [*method.task_gradients(built, theta, phi, examples)]
    found += method.phenotype_gradients(built, theta, phi, 1, examples)[1]
    steps, loss, gradients = method.gradients_through_step(built, theta, phi, 1, 0.1, examples, examples)
    found += [*steps, loss, *gradients]
    assert not any(tensor.requires_grad for tensor in [*found, *theta, *phi])
    assert all(map(torch.equal, [*theta, *phi], before))
