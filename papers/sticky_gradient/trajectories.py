"""How single weights move under the full method (Figure 1a): a hundred of them, followed through all tasks.

    python -m papers.sticky_gradient.trajectories --scale smoke --data data/smoke/mnist.npz --out trajectories.csv

Few weights ever reach the attractor (2 in 10,000 at paper scale), and late. So one network is trained twice, in the same
way: first to see where its weights end, then to follow some of them. Half of those are among the weights that end near
the attractor, as far as there are any, and half among the others.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from common.data.load import load
from common.learning.continual import Learner, Observer, learn
from common.learning.randomness import generator
from common.results import tables
from common.running import stage
from common.running.protocols import Settings
from papers.sticky_gradient import data
from papers.sticky_gradient.readings import FULL, Reading, reading
from papers.sticky_gradient.train import job_of, learner, options, schedule

SHOWN = 100  # weights
LOOKS = 30  # at them, in each task
NEAR = 0.02  # of the attractor
SEED = 0


class Followed(Observer):
    """Notes the weights at some places of `weights_of`: at the start, every so many steps, and at the end of each task.

    places: int64 [n]; every: steps between two looks; learning: the learner as it starts.
    """

    def __init__(self, places: Tensor, every: int, learning: Learner) -> None:
        self.places, self.every, self.steps = places, every, 0
        self.looks = [(1, 0, weights_of(learning)[places].tolist())]  # task from 1, steps so far, weights

    def after_step(self, task: int, learner: Learner) -> None:
        """Look at the weights if it is time."""
        self.steps += 1
        if self.steps % self.every == 0:
            self._look(task, learner)

    def before_end_of_task(self, task: int, learner: Learner) -> None:
        """Look at the weights unless that was just done."""
        if self.looks[-1][1] != self.steps:
            self._look(task, learner)

    def _look(self, task: int, learner: Learner) -> None:
        self.looks.append((task + 1, self.steps, weights_of(learner)[self.places].tolist()))

    def table(self) -> list[dict]:
        """Return one row per weight and look."""
        return [
            {"weight": weight, "step": step, "task": task, "value": round(value, 6)}  # to be drawn
            for task, step, values in self.looks
            for weight, value in enumerate(values)
        ]


def weights_of(learner: Learner) -> Tensor:
    """Return the weights (not the biases) of both layers of the one replica, [n]."""
    return torch.cat([parameter.detach().flatten() for parameter in learner.parameters[::2]])


def follow(settings: Settings, choices: Reading, path: str, device: torch.device) -> tuple[list[dict], dict]:
    """Train seed 0 on all tasks, twice; return the table, and how many weights of how many ended near the attractor.

    settings: the training and attractor of the protocol; choices: the reading; path: of the prepared MNIST.
    """
    training, attractor = settings.training, settings.attractor
    stream, _ = data.stream(path, training.tasks, choices, [SEED], device)

    def trained(observer: Observer | None, learning: Learner) -> Learner:
        learn(learning, stream, schedule(training), [SEED], "trajectories", splits=(), observer=observer)
        return learning

    def fresh() -> Learner:
        return learner(training, FULL, attractor, choices, [SEED], device)

    final = weights_of(trained(None, fresh()))
    near = (final - attractor.a1).abs() < NEAR
    order = torch.randperm(len(final), generator=generator(SEED, "followed weights")).to(device)
    trapped = order[near[order]][: SHOWN // 2]
    places = torch.cat([trapped, order[~near[order]][: SHOWN - len(trapped)]])
    steps = training.epochs * math.ceil(len(stream.tasks[0][0].train) / training.batch)
    again = fresh()
    followed = Followed(places, max(1, steps // LOOKS), again)
    trained(followed, again)
    return followed.table(), {"weights": len(final), "ended_near": int(near.sum())}


def main() -> None:
    arguments = options(__doc__).parse_args()
    job, name = job_of("trajectories", arguments)
    with job.record(arguments.out, data=[load(arguments.data).about], seeds=[SEED]) as measured:
        table, counts = follow(job.settings, reading(name), arguments.data, job.device)
        measured |= {"reading": name, **counts}
        tables.write(arguments.out, table)


if __name__ == "__main__":
    stage.run(main)
