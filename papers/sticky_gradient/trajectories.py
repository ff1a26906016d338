"""How single weights move under the full method (Figure 1a): a hundred of them, followed through all tasks.

    python -m papers.sticky_gradient.trajectories --scale smoke --data data/smoke/mnist.npz --out trajectories.csv

Few weights ever reach the attractor (2 in 10,000 at paper scale), and late.  So one network is trained twice, in the same
way: first to see where its weights end, then to follow half of those shown among the ones that end near the attractor,
as far as there are any, and half among the others.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from common import device, protocol, records, stage
from common.continual import Learner, Observer, learn
from common.load import load
from common.randomness import generator
from papers.sticky_gradient import data
from papers.sticky_gradient.protocol import PROTOCOL, Protocol
from papers.sticky_gradient.readings import FULL, reading
from papers.sticky_gradient.train import learner, options, schedule

SHOWN = 100  # weights
LOOKS = 30  # at them, in each task
NEAR = 0.02  # of the attractor
SEED = 0


class Followed(Observer):
    """Notes the weights at some places of `weights_of` at the start, every so many steps, and at the end of each task."""

    def __init__(self, places: Tensor, every: int, learning: Learner) -> None:
        self.places, self.every, self.steps = places, every, 0
        self.looks = [(1, 0, weights_of(learning)[places].tolist())]  # task from 1, steps so far, weights

    def after_step(self, task: int, learner: Learner) -> None:
        self.steps += 1
        if self.steps % self.every == 0:
            self._look(task, learner)

    def before_end_of_task(self, task: int, learner: Learner) -> None:
        if self.looks[-1][1] != self.steps:
            self._look(task, learner)

    def _look(self, task: int, learner: Learner) -> None:
        self.looks.append((task + 1, self.steps, weights_of(learner)[self.places].tolist()))

    def table(self) -> list[dict]:
        """One row per weight and look."""
        return [
            {"weight": weight, "step": step, "task": task, "value": round(value, 6)}  # to be drawn
            for task, step, values in self.looks
            for weight, value in enumerate(values)
        ]


def weights_of(learner: Learner) -> Tensor:
    """The weights (not the biases) of both layers of the one replica, [n]."""
    return torch.cat([parameter.detach().flatten() for parameter in learner.parameters[::2]])


def follow(plan: Protocol, name: str, path: str, where: torch.device) -> tuple[list[dict], dict]:
    """Train seed 0 on all tasks, twice; returns the table, and how many weights of how many ended near the attractor."""
    choices = reading(name)
    stream, _ = data.stream(path, plan.training.tasks, choices, [SEED], where)

    def trained(observer: Observer | None, learning: Learner) -> Learner:
        learn(learning, stream, schedule(plan.training), [SEED], "trajectories", splits=(), observer=observer)
        return learning

    def fresh() -> Learner:
        return learner(plan.training, FULL, plan.attractor, choices, [SEED], where)

    final = weights_of(trained(None, fresh()))
    near = (final - plan.attractor.a1).abs() < NEAR
    order = torch.randperm(len(final), generator=generator(SEED, "followed weights")).to(where)
    trapped = order[near[order]][: SHOWN // 2]
    places = torch.cat([trapped, order[~near[order]][: SHOWN - len(trapped)]])
    steps = plan.training.epochs * math.ceil(len(stream.tasks[0][0].train) / plan.training.batch)
    again = fresh()
    followed = Followed(places, max(1, steps // LOOKS), again)
    trained(followed, again)
    return followed.table(), {"weights": len(final), "ended_near": int(near.sum())}


def main() -> None:
    arguments = options(__doc__).parse_args()
    plan = protocol.read(PROTOCOL, Protocol, arguments.scale, arguments.set)
    name = arguments.reading or plan.design.reading
    where = device.select(arguments.device, matmul_precision=arguments.matmul_precision, wide=True)
    about = load(arguments.data).about
    with records.provenance(
        arguments.out.with_suffix(".json"),
        paper="sticky_gradient",
        stage="trajectories",
        scale=arguments.scale,
        seeds=[SEED],
        protocol={"training": protocol.as_dict(plan.training), "reading": name},
        data=[about],
        device=where,
    ) as measured:
        table, counts = follow(plan, name, arguments.data, where)
        measured.update(counts)
        records.write_table(arguments.out, table)


if __name__ == "__main__":
    stage.run(main)
