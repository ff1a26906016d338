"""Figures 1 and 2 as simulations: descents on small losses, without and with consolidation, and SI's surrogate loss.

    python -m papers.synaptic_intelligence.landscapes --scale paper --out landscapes.csv

Writes every surface, curve and path that the two figures show (.csv) and its record (.json). It needs no data set,
draws nothing at random, and is the same at every scale.
"""

from __future__ import annotations

import itertools

import pandas
import torch
from torch import Tensor

from common.results import tables
from common.running import stage
from papers.synaptic_intelligence.runs import REGISTER
from papers.synaptic_intelligence.theory import Descent, Loss, normalised, path_integral

# The paper's figures are schematic and give no formula: these values are ours, chosen to show what the captions say.
# Figure 1. Task 1 is a bent valley along theta1, so that theta2 matters more; task 2 is a valley across it.
VALLEY_CURVATURE, VALLEY_BEND, VALLEY_VERTEX = 1.5, -0.08, (-0.8, 0.2)
VALLEY_SLOPE, VALLEY_MINIMUM = 0.05, -0.9  # how the bottom of the valley rises to both sides, and from where
TASK2_MINIMUM, TASK2_CURVATURES, TASK2_TILT = (0.9, -1.5), (1.0, 0.1), -0.3
FIG1_START = (-2.0, 1.7)
FIG1_STEP, FIG1_STEPS = 0.01, (4000, 3000)  # of tasks 1 and 2: long enough to come to rest
FIG1_WINDOW, FIG1_GRID = ((-2.6, 2.6), (-2.1, 2.1)), (66, 54)  # theta1, theta2
# Figure 2. A wide basin with a shoulder and a narrow bottom, so that its curvature there says little of the way down.
BASIN_CURVATURE, BASIN_MINIMUM, WELL_DEPTH, WELL_WIDTH = 0.25, 0.4, 0.9, 0.5  # the well is narrowest at 0
FIG2_START, FIG2_STEP, FIG2_STEPS = -2.2, 0.005, 4000
FIG2_WINDOW, FIG2_GRID = (-3.0, 3.0), 241
STRENGTH = 1.0  # c: old and new tasks count alike
DAMPING = 0.0  # xi: no parameter stands still here, and without damping the surrogate matches exactly
SPACING = 0.02  # of the recorded points of a path: a step is recorded once the path is that much longer


def task1_loss(theta: Tensor) -> Tensor:
    """Figure 1, task 1; theta: [..., 2]."""
    along, height = theta[..., 0], theta[..., 1] - VALLEY_VERTEX[1]
    off_bottom = height - VALLEY_BEND * (along - VALLEY_VERTEX[0]) ** 2
    return VALLEY_CURVATURE * off_bottom**2 + VALLEY_SLOPE * (along - VALLEY_MINIMUM) ** 2


def task2_loss(theta: Tensor) -> Tensor:
    """Figure 1, task 2; theta: [..., 2]."""
    across, along = theta[..., 0] - TASK2_MINIMUM[0], theta[..., 1] - TASK2_MINIMUM[1]
    return TASK2_CURVATURES[0] * (across + TASK2_TILT * along) ** 2 + TASK2_CURVATURES[1] * along**2


def basin_loss(theta: Tensor) -> Tensor:
    """Figure 2, task 1; theta: [..., 1]."""
    theta = theta[..., 0]
    return BASIN_CURVATURE * (theta - BASIN_MINIMUM) ** 2 + WELL_DEPTH * (
        1 - torch.exp(-(theta**2) / (2 * WELL_WIDTH**2))
    )


def surrogate(descent: Descent) -> Loss:
    """Return the surrogate loss of Eq. 4: c sum_k Omega_k (theta~_k - theta_k)^2, theta~ the end of the descent."""
    strength = STRENGTH * normalised(descent.importance, descent.movement, DAMPING)
    return lambda theta: (strength * (descent.end - theta) ** 2).sum(-1)


def consecutive_tasks() -> dict[str, Descent]:
    """Return Figure 1's descents: task 1, then task 2 from its end, plain and with the surrogate of task 1 added."""
    start = torch.tensor(FIG1_START, dtype=torch.float64)
    learned = path_integral(itertools.repeat(task1_loss, FIG1_STEPS[0]), start, FIG1_STEP)
    plain, consolidated = (
        path_integral(itertools.repeat(task2_loss, FIG1_STEPS[1]), learned.end, FIG1_STEP, penalty)
        for penalty in (None, surrogate(learned))
    )
    return {"task 1": learned, "task 2, plain": plain, "task 2, consolidated": consolidated}


def fig1_table() -> pandas.DataFrame:
    """Return Figure 1's rows: both losses on a grid of points ("surface"), and along the three paths."""
    axes = [
        torch.linspace(*window, points, dtype=torch.float64)
        for window, points in zip(FIG1_WINDOW, FIG1_GRID, strict=True)
    ]
    grid = torch.cartesian_prod(*axes)
    parts = [_rows("fig1", "surface", grid, task1_loss(grid), task2_loss(grid))]
    for series, descent in consecutive_tasks().items():
        steps, path = _thinned(descent)
        parts.append(_rows("fig1", series, path, task1_loss(path), task2_loss(path), steps))
    return pandas.concat(parts, ignore_index=True)


def fig2_table() -> pandas.DataFrame:
    """Return Figure 2's rows: the loss, the way down, and two parabolas at its end, the surrogate and the Hessian's."""
    start = torch.tensor([FIG2_START], dtype=torch.float64)
    descent = path_integral(itertools.repeat(basin_loss, FIG2_STEPS), start, FIG2_STEP)
    bottom = basin_loss(descent.end)
    curvature = torch.autograd.functional.hessian(basin_loss, descent.end)[0, 0]
    theta = torch.linspace(*FIG2_WINDOW, FIG2_GRID, dtype=torch.float64)[:, None]
    steps, path = _thinned(descent)
    curves = {
        "loss": basin_loss(theta),
        "surrogate": bottom + surrogate(descent)(theta),
        "hessian": bottom + curvature * (theta - descent.end)[:, 0] ** 2 / 2,
    }
    parts = [_rows("fig2", series, theta, values) for series, values in curves.items()]
    return pandas.concat([*parts, _rows("fig2", "descent", path, basin_loss(path), steps=steps)], ignore_index=True)


def _thinned(descent: Descent) -> tuple[Tensor, Tensor]:
    """Return the steps that are recorded, the first and last among them, and the parameters there."""
    length = torch.linalg.norm(descent.path.diff(dim=0), dim=1).cumsum(0)
    begun = (length / SPACING).int()  # stretches of SPACING, after each step
    steps = torch.cat([torch.zeros(1), begun.diff().nonzero()[:, 0] + 2, torch.tensor([len(length)])]).int().unique()
    return steps, descent.path[steps]


def _rows(
    figure: str, series: str, theta: Tensor, loss1: Tensor, loss2: Tensor | None = None, steps: Tensor | None = None
) -> pandas.DataFrame:
    """Return one row per point of theta [n, 1 or 2]; what a series has not is missing."""
    columns = {"step": steps, "theta1": theta[:, 0], "theta2": theta[:, 1] if theta.shape[1] > 1 else None}
    columns |= {"loss1": loss1, "loss2": loss2}
    missing = torch.full((len(theta),), torch.nan, dtype=torch.float64)
    values = {name: (missing if column is None else column).double().numpy() for name, column in columns.items()}
    return pandas.DataFrame({"figure": figure, "series": series, **values})


def main() -> None:
    parser = stage.parser(__doc__, "out")
    arguments = parser.parse_args()
    job = stage.Job(REGISTER, "landscapes", arguments, of={}, device="cpu")
    with job.record(arguments.out, data=[], seeds=[]):
        tables.write(arguments.out, pandas.concat([fig1_table(), fig2_table()], ignore_index=True))


if __name__ == "__main__":
    stage.run(main)
