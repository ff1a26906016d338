"""The equations of Section 4 against simulated descents: eq. 11 and what follows from it, and the sum of eq. 3."""

from __future__ import annotations

import itertools

import pytest
import torch

from common.running import stage
from papers.synaptic_intelligence import simulations, theory

START = torch.tensor([1.0, -0.5, 0.8, 0.3, -1.2], dtype=torch.float64)


def descend(hessian, step=0.004, steps=4000):
    return theory.path_integral(itertools.repeat(simulations.quadratic(hessian), steps), START, step)


@pytest.fixture(scope="module")
def measured():
    """What the claims rest on, of one seed: value by quantity."""
    return {row["quantity"]: row["value"] for row in simulations.measure(0)}


def test_path_integral_on_a_quadratic_is_the_diagonal_of_eq_11():
    hessian = simulations.random_hessian(0)
    expected = theory.importance_matrix(hessian, START).diagonal()
    coarse, fine = (descend(hessian, step, steps).importance for step, steps in ((0.02, 800), (0.004, 4000)))
    assert torch.allclose(fine, expected, rtol=0.01)
    # What remains is the size of the steps: five times smaller steps, five times closer.
    assert torch.linalg.norm(coarse - expected) / torch.linalg.norm(fine - expected) == pytest.approx(5, rel=0.1)


def test_eq_11_has_the_energy_as_its_trace_and_is_not_the_hessian_in_general():
    hessian = simulations.random_hessian(1)
    matrix = theory.importance_matrix(hessian, START)
    assert matrix.trace() == pytest.approx(float(simulations.quadratic(hessian)(START)), rel=1e-12)
    by_each = theory.normalised(matrix.diagonal(), START)
    assert not torch.allclose(by_each, hessian.diagonal() / 2, rtol=0.1)


@pytest.mark.parametrize("hessian", [simulations.random_hessian(2), torch.diag(START.abs())], ids=["any", "diagonal"])
def test_eq_11_holds_off_the_diagonal_too(hessian):
    simulated = theory.mean_path_integral_matrix(hessian, START[None], step=0.002, steps=8000)
    expected = theory.importance_matrix(hessian, START)
    assert torch.linalg.norm(simulated - expected) < 0.005 * torch.linalg.norm(expected)


@pytest.mark.parametrize("hessian", [[[1.0, 0.5], [0.4, 1.0]], [[1.0, 0.0], [0.0, -1.0]]])
def test_eq_11_refuses_what_is_no_hessian_at_a_minimum(hessian):
    with pytest.raises(ValueError, match="symmetric and have no negative eigenvalue"):
        theory.importance_matrix(torch.tensor(hessian, dtype=torch.float64), START[:2])


def test_diagonal_case_has_the_factor_one_half_and_eq_4_then_gives_back_the_error():
    """Eq. 13, corrected: Q_ii = (1/2) (d^i)^2 H_ii. As printed it lacks the factor 1/2."""
    diagonal = torch.tensor([2.0, 0.5, 1.0, 0.0, 0.7], dtype=torch.float64)
    exact = START**2 * diagonal / 2
    assert torch.allclose(theory.importance_matrix(torch.diag(diagonal), START).diagonal(), exact, atol=1e-14)
    assert torch.allclose(descend(torch.diag(diagonal)).importance, exact, rtol=0.005)
    assert torch.allclose(theory.normalised(exact, START), diagonal / 2, atol=1e-14)
    elsewhere = torch.linspace(-1, 2, 5, dtype=torch.float64)
    surrogate = (theory.normalised(exact, START) * elsewhere**2).sum()
    assert surrogate == pytest.approx(float(simulations.quadratic(torch.diag(diagonal))(elsewhere)))


def test_rank_one_case_is_exact_and_its_movement_lies_along_the_eigenvector():
    """Eq. 14: Q = (1/2) (d^1)^2 H for H = eigenvalue u u^T, with u of length 1 and d^1 = u . displacement."""
    direction = torch.tensor([0.5, -0.1, 0.3, 0.7, 0.2], dtype=torch.float64)
    direction = direction / torch.linalg.norm(direction)
    hessian = 1.3 * torch.outer(direction, direction)
    exact = (START @ direction) ** 2 / 2 * hessian
    assert torch.allclose(theory.importance_matrix(hessian, START), exact, atol=1e-14)
    descent = descend(hessian)
    assert torch.allclose(descent.importance, exact.diagonal(), rtol=0.005)
    assert torch.allclose(descent.movement, -(START @ direction) * direction, atol=1e-6)
    # Divided by each parameter's own movement (Eq. 5), all are half the eigenvalue; by the whole movement, half of H.
    assert torch.allclose(
        theory.normalised(descent.importance, descent.movement), torch.tensor(0.65).double(), rtol=0.005
    )
    whole = descent.importance / (descent.movement @ descent.movement)
    assert torch.allclose(whole, hessian.diagonal() / 2, rtol=0.005)


def test_damping_bounds_the_strength_of_a_parameter_that_did_not_move():
    strength = theory.normalised(torch.tensor([1.0, 0.0]), torch.tensor([2.0, 0.0]), damping=0.1)
    assert strength.tolist() == pytest.approx([1 / 4.1, 0])


def test_penalty_moves_the_parameters_but_is_not_in_the_gradient():
    pull, start = torch.tensor([3.0, 2.0], dtype=torch.float64), torch.tensor([1.0, 2.0], dtype=torch.float64)
    descent = theory.path_integral([lambda p: p[1]], start, 0.1, penalty=lambda p: pull @ p)
    assert descent.movement.tolist() == pytest.approx([-0.3, -0.3])
    assert descent.importance.tolist() == pytest.approx([0, 0.3])  # the first moved, but not by the loss


def test_divergence_is_an_error():
    with pytest.raises(stage.TrainingError, match="step 10 diverges"):
        theory.path_integral(itertools.repeat(simulations.quadratic(simulations.random_hessian(0)), 400), START, 10)


def test_importances_sum_to_the_loss_drop_and_with_mini_batches_to_more(measured):
    def excess(of):
        return measured[f"{of}, excess over the loss drop"]

    assert abs(excess("quadratic")) < 0.02 and abs(excess("small network")) < 0.02
    assert excess("mini-batches") > 0.5
    assert excess("full batch at that step") < 0.05  # it is not the size of the step


def test_mean_over_random_starts_is_half_the_variance_times_the_hessian(measured):
    assert measured["random starts"] >= 2000
    assert measured["relative Frobenius error"] < 0.05
    hessian = simulations.random_hessian(3)  # starts three times as far away have nine times the variance
    further = theory.importance_matrix(hessian, 3 * START)
    torch.testing.assert_close(further, 9 * theory.importance_matrix(hessian, START))
    torch.testing.assert_close(theory.mean_importance_matrix(hessian, 9.0), 4.5 * hessian)


def test_special_cases_are_proportional_to_the_hessian(measured):
    for case in ("diagonal", "rank one"):
        assert measured[f"{case}, correlation"] > 0.999
        assert measured[f"{case}, constant"] == pytest.approx(0.5)
    for which in ("smallest", "largest"):
        assert measured[f"rank one, by Eq. 5, {which} / eigenvalue"] == pytest.approx(0.5)
