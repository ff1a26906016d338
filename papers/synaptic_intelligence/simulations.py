"""The claims of Sections 3 and 4 put to the test by simulation: quadratic errors, and a small network.

    python -m papers.synaptic_intelligence.simulations --scale paper --seeds 0-9 --out theory.csv

Writes one row per claim, quantity and seed (.csv) and its record (.json). It needs no data set and has one scale.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from common.learning.randomness import generator
from common.results import tables
from common.running import stage
from papers.synaptic_intelligence.runs import REGISTER
from papers.synaptic_intelligence.theory import (
    Descent,
    Loss,
    importance_matrix,
    mean_importance_matrix,
    mean_path_integral_matrix,
    normalised,
    path_integral,
)

# The simulations are ours: the paper gives none. Steps are small beside 1 / curvature, so that sums approach integrals.
PARAMETERS = 5
CURVATURES = (0.5, 2.0)  # range of the Hessian's eigenvalues
STARTS = 20_000  # the average's error falls as sqrt((PARAMETERS + 1) / STARTS): 2%
SMALL_STEP, STEPS = 0.01, 1500
EXAMPLES, LAYERS = 240, (10, 16, 3)  # a task for a small network: Gaussian inputs, classes drawn by a linear map
MINI_BATCH, LARGE_STEP, LARGE_STEPS = 32, 0.1, 300


def quadratic(hessian: Tensor) -> Loss:
    """Eq. 6 with its minimum at the origin: E(theta) = (1/2) theta^T H theta."""
    return lambda parameters: parameters @ hessian @ parameters / 2


class SmallNetwork:
    """A tanh network with one hidden layer as a loss of its flat float64 parameters, on a task drawn for a seed."""

    def __init__(self, seed: int) -> None:
        noise = generator(seed, "network")
        self.inputs = torch.randn(EXAMPLES, LAYERS[0], generator=noise, dtype=torch.float64)
        teacher = torch.randn(LAYERS[0], LAYERS[2], generator=noise, dtype=torch.float64)
        self.labels = (self.inputs @ teacher).argmax(1)
        self.shapes = [(LAYERS[0], LAYERS[1]), (LAYERS[1],), (LAYERS[1], LAYERS[2]), (LAYERS[2],)]
        weights = [torch.randn(shape, generator=noise, dtype=torch.float64) * shape[0] ** -0.5 for shape in self.shapes]
        self.start = torch.cat([part.flatten() if part.dim() == 2 else part.new_zeros(len(part)) for part in weights])

    def loss(self, parameters: Tensor, examples: Tensor | slice = slice(None)) -> Tensor:
        """The mean cross-entropy of the given examples (default: all)."""
        sizes = [torch.Size(shape).numel() for shape in self.shapes]
        first, bias, second, offset = (
            part.view(shape) for part, shape in zip(parameters.split(sizes), self.shapes, strict=True)
        )
        hidden = torch.tanh(self.inputs[examples] @ first + bias)
        return functional.cross_entropy(hidden @ second + offset, self.labels[examples])

    def mini_batch_losses(self, seed: int) -> Iterable[Loss]:
        """The loss of one random mini-batch after the other, without end."""
        noise = generator(seed, "mini-batches")
        while True:
            examples = torch.randint(EXAMPLES, (MINI_BATCH,), generator=noise)
            yield partial(self.loss, examples=examples)


def random_hessian(seed: int) -> Tensor:
    """A random Hessian [PARAMETERS, PARAMETERS]: eigenvalues uniform in CURVATURES, eigenvectors in any direction."""
    noise = generator(seed, "hessian")
    low, high = CURVATURES
    eigenvalues = low + (high - low) * torch.rand(PARAMETERS, generator=noise, dtype=torch.float64)
    basis, _ = torch.linalg.qr(torch.randn(PARAMETERS, PARAMETERS, generator=noise, dtype=torch.float64))
    hessian = basis * eigenvalues @ basis.T
    return (hessian + hessian.T) / 2


def excess(descent: Descent, loss: Loss) -> float:
    """(sum_k omega_k - drop) / drop, where drop is by how much the loss fell from the start to the end."""
    drop = loss(descent.path[0]) - loss(descent.end)
    return float(descent.importance.sum() / drop - 1)


def loss_drop_rows(seed: int) -> list[tuple[int, str, float]]:
    """Claims 21 and 24: what full-batch and mini-batch path integrals make of the drop of the loss."""
    error, network = quadratic(random_hessian(seed)), SmallNetwork(seed)
    start = torch.randn(PARAMETERS, generator=generator(seed, "start"), dtype=torch.float64)
    small = [path_integral(itertools.repeat(error, STEPS), start, SMALL_STEP)]
    small.append(path_integral(itertools.repeat(network.loss, STEPS), network.start, SMALL_STEP))
    batches = itertools.islice(network.mini_batch_losses(seed), LARGE_STEPS)
    noisy = path_integral(batches, network.start, LARGE_STEP)
    noiseless = path_integral(itertools.repeat(network.loss, LARGE_STEPS), network.start, LARGE_STEP)
    return [
        (21, "quadratic, excess over the loss drop", excess(small[0], error)),
        (21, "small network, excess over the loss drop", excess(small[1], network.loss)),
        (24, "mini-batches, excess over the loss drop", excess(noisy, network.loss)),
        (24, "full batch at that step, excess over the loss drop", excess(noiseless, network.loss)),
    ]


def averaged_matrix_rows(seed: int) -> list[tuple[int, str, float]]:
    """Claim 22: how far the mean over random starts of the simulated matrix is from half the variance times H."""
    hessian = random_hessian(seed)
    starts = torch.randn(STARTS, PARAMETERS, generator=generator(seed, "starts"), dtype=torch.float64)
    expected = mean_importance_matrix(hessian, variance=1.0)
    error = torch.linalg.norm(mean_path_integral_matrix(hessian, starts, SMALL_STEP, STEPS) - expected)
    return [(22, "random starts", STARTS), (22, "relative Frobenius error", float(error / torch.linalg.norm(expected)))]


def special_case_rows(seed: int) -> list[tuple[int, str, float]]:
    """Claim 23: normalised importances of Eq. 11 against the Hessian's diagonal, where it is diagonal or has rank one.

    A diagonal Hessian gives H_kk / 2 with the normalisation of Eq. 5. A Hessian of rank one does so only if omega is
    divided by the squared length of the whole movement: by Eq. 5, with Delta_k = -d^1 u_k, each is l^1 / 2.
    """
    noise = generator(seed, "special cases")
    diagonal, start, direction = torch.randn(3, PARAMETERS, generator=noise, dtype=torch.float64)
    diagonal, direction = diagonal.abs(), direction / torch.linalg.norm(direction)
    of_rank_one = diagonal[0] * torch.outer(direction, direction)
    by_diagonal = normalised(importance_matrix(torch.diag(diagonal), start).diagonal(), start)
    importance, movement = importance_matrix(of_rank_one, start).diagonal(), (start @ direction) * direction
    by_rank_one, by_each = importance / (movement @ movement), normalised(importance, movement)
    return [
        (23, "diagonal, correlation", _correlation(by_diagonal, diagonal)),
        (23, "diagonal, constant", _constant(by_diagonal, diagonal)),
        (23, "rank one, correlation", _correlation(by_rank_one, of_rank_one.diagonal())),
        (23, "rank one, constant", _constant(by_rank_one, of_rank_one.diagonal())),
        (23, "rank one, by Eq. 5, smallest / eigenvalue", float(by_each.min() / diagonal[0])),
        (23, "rank one, by Eq. 5, largest / eigenvalue", float(by_each.max() / diagonal[0])),
    ]


def _correlation(a: Tensor, b: Tensor) -> float:
    return float(torch.corrcoef(torch.stack([a, b]))[0, 1])


def _constant(a: Tensor, b: Tensor) -> float:
    """The constant that times b comes closest to a, in the least squares."""
    return float(a @ b / (b @ b))


def measure(seed: int) -> list[dict]:
    """Return the numbers behind claims 21 to 24 for one seed: rows of claim, quantity, seed and value."""
    rows = [*loss_drop_rows(seed), *averaged_matrix_rows(seed), *special_case_rows(seed)]
    return [
        {"claim": f"synaptic_intelligence-{claim}", "quantity": quantity, "seed": seed, "value": value}
        for claim, quantity, value in rows
    ]


def main() -> None:
    parser = stage.parser(__doc__, "seeds", "out")
    arguments = parser.parse_args()
    job = stage.Job(REGISTER, "simulations", arguments, of={"seeds": arguments.seeds}, device="cpu")
    with job.record(arguments.out, data=[], seeds=arguments.seeds, title="theory"):
        tables.write(arguments.out, [row for seed in arguments.seeds for row in measure(seed)])


if __name__ == "__main__":
    stage.run(main)
