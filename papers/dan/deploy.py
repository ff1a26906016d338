"""Deployment on held-out functions: phenotypes stay fixed (or not), synapses learn five sub-tasks one after the other.

    python -m papers.dan.deploy --scale smoke --seeds 0-2 --phenotypes phenotypes.pt \\
        --stages stages.csv --curves curves.csv --predictions predictions.csv

Writes, for the six networks of Figure 4, the loss on every sub-task after each of them (stages) and the mean losses on the
way (curves), for net0 also what it predicts (Figure 3), and a record (.json) beside each table.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from common.learning.randomness import generator
from common.results import tables
from common.running import stage
from common.running.progress import Progress
from papers.dan import phenotypes, sequences
from papers.dan.method import learn_sequence
from papers.dan.model import DanNetwork, build, initial_synapses, random_phenotypes
from papers.dan.protocol import NETWORKS, Design, Regression
from papers.dan.runs import REGISTER
from papers.dan.sequences import Functions

POINTS = 101  # of the domain, in Figure 3


def significant(value: float) -> float:
    """Return a value to the six digits that a float32 has, so that tables stay small."""
    return float(f"{value:.6g}")


class HeldOut:
    """The same functions and samples for all networks and seeds, and the points that losses are measured on."""

    def __init__(self, settings: Regression, design: Design, device: torch.device) -> None:
        self.settings, self.design = settings, design
        sources = [generator(number, "held-out function") for number in range(design.functions)]
        self.functions: Functions = sequences.draw_functions(settings, sources)
        self.batch = sequences.regression(settings, self.functions, sources).to(device)
        width = 2 * settings.domain / settings.tasks
        within = (torch.arange(design.grid_per_task) + 0.5) / design.grid_per_task * width
        x = (sequences.windows(settings).unsqueeze(-1) + within).flatten().expand(design.functions, -1)
        y = self.functions(x)
        self.variances = y.var(1).tolist()
        self.grid, self.targets = x.unsqueeze(-1).to(device), y.to(device)

    def losses(self, network: DanNetwork, theta: list[Tensor], phi: list[Tensor]) -> Tensor:
        """Return the mean squared error of each function on each sub-task [functions, tasks], on a grid in its window."""
        errors = (network(theta, phi, self.grid)[..., 0] - self.targets).square()
        return errors.unflatten(1, (self.settings.tasks, -1)).mean(2).cpu()


class Measured:
    """The tables of a deployment, row by row."""

    def __init__(self, held_out: HeldOut) -> None:
        self.held_out = held_out
        self.stages: list[dict] = []
        self.curves: list[dict] = []
        self.predictions: list[dict] = []

    @torch.no_grad()
    def observe(self, network: DanNetwork, theta: list[Tensor], phi: list[Tensor], run: dict, update: int) -> None:
        """Measure a network after so many updates; run: what tells its rows from others."""
        settings, design = self.held_out.settings, self.held_out.design
        after, partial = divmod(update, settings.steps_per_task)
        if update % design.evaluate_every and partial:
            return
        losses = self.held_out.losses(network, theta, phi)
        if not losses.isfinite().all():
            raise stage.TrainingError(
                f"a loss of {run['network']}, seed {run['seed']}, is not finite after {update} updates; lower theta_rate"
            )
        # of each sub-task; the memory loss is over all samples so far (Section 5), few of which are of one just begun
        seen = (update / settings.steps_per_task - torch.arange(settings.tasks)).clamp(0, 1)
        for quantity, weights in (("total", torch.ones(settings.tasks)), ("memory", seen)):
            if weights.any():
                of_functions = losses @ weights / weights.sum()
                spread = {"mean": of_functions.mean(), "sd": of_functions.std()}
                row = run | {"update": update, "quantity": quantity}
                row |= {name: significant(value.item()) for name, value in spread.items()}
                self.curves.append(row | {"functions": len(of_functions)})
        if not partial:
            for number, row in enumerate(losses.tolist()):
                variance = {"variance": significant(self.held_out.variances[number])}
                self.stages += [
                    run | {"function": number, "after": after, "task": task, "loss": significant(loss)} | variance
                    for task, loss in enumerate(row, start=1)
                ]
            if run["network"] == "net0" and after:
                self._predict(network, theta, phi, run["seed"], after)

    def _predict(self, network: DanNetwork, theta: list[Tensor], phi: list[Tensor], seed: int, after: int) -> None:
        """Note the predictions of a network after so many sub-tasks, on POINTS points of the domain."""
        settings, held_out = self.held_out.settings, self.held_out
        x = torch.linspace(-settings.domain, settings.domain, POINTS).expand(held_out.design.functions, -1)
        targets, outputs = held_out.functions(x), network(theta, phi, x.unsqueeze(-1).to(theta[0].device))[..., 0]
        for number in range(held_out.design.shown_functions):
            place = {"seed": seed, "function": number, "after": after}
            values = zip(x[number].tolist(), targets[number].tolist(), outputs[number].tolist(), strict=True)
            self.predictions += [
                place | {"x": significant(at), "target": significant(target), "prediction": significant(predicted)}
                for at, target, predicted in values
            ]


def deploy(settings: Regression, trained: dict[int, list[Tensor]], measured: Measured, device: torch.device) -> None:
    """All six networks, with the synapses and phenotypes of every seed; trained: the meta-trained phenotypes, by seed."""
    progress = Progress("deployment", len(trained) * len(NETWORKS))
    for seed, phi in trained.items():
        for name in NETWORKS:
            deploy_one(settings, name, seed, phi, measured, device)
            progress.advance()


def deploy_one(
    settings: Regression, name: str, seed: int, trained: list[Tensor], measured: Measured, device: torch.device
) -> None:
    """A network of Figure 4 on all held-out functions at once, each with theta (and phi, where plastic) of its own."""
    deployed, count = NETWORKS[name], measured.held_out.design.functions
    network = build(settings, deployed.sharing)
    start = [tensor[None] for tensor in trained] if deployed.meta_trained else random_phenotypes(network, [seed])
    theta, phi = (
        [tensor.repeat_interleave(count, 0).to(device) for tensor in tensors]
        for tensors in (initial_synapses(network, [seed]), start)
    )
    run = {"network": name, "seed": seed}

    def observe(update: int) -> None:
        measured.observe(network, theta, phi, run, update)

    learn_sequence(network, theta, phi, measured.held_out.batch, settings, deployed.plastic, observe)


def main() -> None:
    parser = stage.parser(__doc__, "seeds")
    parser.add_argument("--phenotypes", type=Path, required=True, help="what papers.dan.meta_train wrote (.pt)")
    for table in ("stages", "curves", "predictions"):
        parser.add_argument(f"--{table}", type=stage.written(".csv"), required=True, help="a table to write (.csv)")
    arguments = parser.parse_args()
    seeds = arguments.seeds
    job = stage.Job(REGISTER, "deploy", arguments, of={"seeds": seeds})
    settings, design = job.settings.regression, job.settings.design
    expected = {"experiment": "regression", "sharing": "network"}
    trained, origin = phenotypes.load(arguments.phenotypes, seeds, settings, design.averaged, **expected)
    others = [arguments.curves, arguments.predictions]
    with job.record(arguments.stages, data=[], seeds=seeds, others=others) as record:
        record |= {"meta_training": origin, "diverged": phenotypes.diverged(origin, seeds)}
        measured = Measured(HeldOut(settings, design, job.device))
        deploy(settings, trained, measured, job.device)
        for table in ("stages", "curves", "predictions"):
            tables.write(getattr(arguments, table), getattr(measured, table))


if __name__ == "__main__":
    stage.run(main)
