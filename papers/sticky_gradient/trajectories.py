"""How single weights move under the full method (Figure 1a): some hundred of them, followed through the first tasks.

    python -m papers.sticky_gradient.trajectories --scale smoke --data data/smoke/mnist.npz --out trajectories.csv

The weights are drawn at random from the first layer, half of them among those that end near the attractor, as far as
there are any.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from common import device, protocol, records, stage
from common.consolidation import Optimizer
from common.continual import learn
from common.load import load
from common.randomness import generator
from papers.sticky_gradient import data
from papers.sticky_gradient.method import StickyGradient
from papers.sticky_gradient.protocol import PROTOCOL, Protocol, reading
from papers.sticky_gradient.train import learner, options, schedule

CANDIDATES, SHOWN = 20_000, 200  # weights that are followed, and those that are kept
EVERY = 20  # steps between two looks at them
TASKS = 3
NEAR = 0.02  # of the attractor
SEED = 0


class Followed(StickyGradient):
    """The sticky gradient, which also notes some of the first layer's weights every so many steps."""

    def follow(self, places: Tensor) -> None:
        """Note the weights at these places of the flattened first matrix."""
        self.places, self.steps, self.tasks_at, self.values = places, [], [], []
        self.count = 0

    @torch.no_grad()
    def step(self, parameters: Sequence[Tensor], gradients: list[Tensor], optimizer: Optimizer) -> None:
        if self.count % EVERY == 0:
            self.steps.append(self.count)
            self.tasks_at.append(self.tasks + 1)
            self.values.append(parameters[0].detach().flatten()[self.places].cpu())
        self.count += 1
        super().step(parameters, gradients, optimizer)


def follow(plan: Protocol, name: str, path: str, where: torch.device) -> Followed:
    """Train seed 0 on the first tasks; returns the rule with what it noted."""
    choices = reading(name)
    stream, _ = data.stream(path, min(TASKS, plan.training.tasks), choices, [SEED], where)
    learning = learner(plan.training, "sticky-l1-smart", plan.attractor, choices, [SEED], where)
    rule = Followed(learning.parameters, plan.attractor, choices, attracted=True, l1=True)
    n_weights = learning.parameters[0].numel()
    places = torch.randperm(n_weights, generator=generator(SEED, "followed weights"))[:CANDIDATES]
    rule.follow(places.to(where))
    learning.consolidation = rule
    learn(learning, stream, schedule(plan.training), [SEED], "trajectories")
    return rule


def shown(rule: Followed, a1: float) -> list[dict]:
    """One row per weight and look: half of the weights from those that end near a1, the others from the rest."""
    values = torch.stack(rule.values)
    near = ((values[-1] - a1).abs() < NEAR).nonzero()[:, 0][: SHOWN // 2]
    others = ((values[-1] - a1).abs() >= NEAR).nonzero()[:, 0][: SHOWN - len(near)]
    return [
        {"weight": weight, "step": step, "task": task, "value": float(values[look, place])}
        for weight, place in enumerate([*near.tolist(), *others.tolist()])
        for look, (step, task) in enumerate(zip(rule.steps, rule.tasks_at, strict=True))
    ]


def main() -> None:
    arguments = options(__doc__).parse_args()
    plan = protocol.read(PROTOCOL, Protocol, arguments.scale, arguments.set)
    name = arguments.reading or plan.design.reading
    where = device.select(arguments.device, matmul_precision=arguments.matmul_precision)
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
    ):
        rule = follow(plan, name, arguments.data, where)
        records.write_table(arguments.out, shown(rule, plan.attractor.a1))


if __name__ == "__main__":
    stage.run(main)
