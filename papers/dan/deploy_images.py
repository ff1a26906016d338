"""Deployment on MNIST: an autoencoder of DANs learns the digits 0 to 9 in order, five images each, and revisits none.

    python -m papers.dan.deploy_images --scale smoke --condition both --seeds 0-1 --phenotypes phenotypes.pt \\
        --mnist data/smoke/mnist.npz --errors errors.csv --grids grids.npz

Writes the reconstruction error of every digit on the way (.csv), the pictures of Figure 2 (.npz), and a record beside each.
The condition "random" takes phenotypes that were never trained. A seed that diverges, in meta-training or here, is left out
of both and named in their records.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import numpy
import pandas
import torch
from torch import Tensor

from common.learning.replicas import stack
from common.results import arrays, tables
from common.results.arrays import Arrays
from common.running import stage
from papers.dan import data, phenotypes
from papers.dan.method import learn_sequence
from papers.dan.model import DanNetwork, build, initial_synapses, random_phenotypes
from papers.dan.protocol import IMAGE_CONDITIONS, Autoencoding
from papers.dan.runs import REGISTER
from papers.dan.sequences import Batch


class Reconstructions:
    """Errors and pictures of a deployment, one model per seed; batch: all digits in sequence."""

    def __init__(self, settings: Autoencoding, condition: str, seeds: list[int], batch: Batch) -> None:
        self.settings, self.condition, self.seeds, self.batch = settings, condition, seeds, batch
        steps = settings.steps_per_task
        self.measured = {0, 1, *range(steps, settings.tasks * steps + 1, steps)}
        # Figure 2: after one step on the 0s, after half of the digits, after all.
        self.pictured = {1: "first", settings.tasks // 2 * steps: "half", settings.tasks * steps: "all"}
        self.errors: list[dict] = []
        self.grids: dict[str, numpy.ndarray] = {}  # name of the picture -> [seeds, digits, side, side]
        self._picture("original", batch.targets)

    @torch.no_grad()
    def observe(self, network: DanNetwork, theta: list[Tensor], phi: list[Tensor], step: int) -> None:
        """Measure after so many gradient steps."""
        if step not in self.measured:
            return
        outputs = network(theta, phi, self.batch.inputs)
        errors = (outputs - self.batch.targets).square().mean(2).unflatten(1, (self.settings.tasks, -1)).mean(2)
        for seed, row in zip(self.seeds, errors.tolist(), strict=True):
            self.errors += [
                {"condition": self.condition, "seed": seed, "step": step, "digit": digit, "loss": loss}
                for digit, loss in enumerate(row)
            ]
        if step in self.pictured:
            self._picture(self.pictured[step], outputs)

    def diverged(self) -> dict[int, int]:
        """Return the first step after which a seed's error was measured as not finite, for the seeds where one was."""
        return {row["seed"]: row["step"] for row in reversed(self.errors) if not math.isfinite(row["loss"])}

    def pictures(self, without: Iterable[int]) -> Arrays:
        """Return the pictures of all seeds but some."""
        chosen = [place for place, seed in enumerate(self.seeds) if seed not in without]
        runs = pandas.DataFrame({"condition": self.condition, "seed": [self.seeds[place] for place in chosen]})
        return Arrays(runs, {name: pixels[chosen] for name, pixels in self.grids.items()})

    def _picture(self, shown: str, images: Tensor) -> None:
        """Note the first image of every digit, to three decimals; shown: what the picture is of."""
        side = data.side(self.settings)
        first = images[:, :: self.settings.images_per_task].unflatten(2, (side, side))
        self.grids[shown] = first.double().cpu().numpy().round(3)


def main() -> None:
    parser = stage.parser(__doc__, "seeds")
    parser.add_argument("--condition", choices=IMAGE_CONDITIONS, required=True)
    parser.add_argument("--phenotypes", type=Path, help="what papers.dan.meta_train wrote (.pt); not for random")
    parser.add_argument("--mnist", required=True, help="prepared data set (.npz)")
    parser.add_argument("--errors", type=stage.written(".csv"), required=True, help="a table to write (.csv)")
    parser.add_argument("--grids", type=stage.written(".npz"), required=True, help="arrays to write (.npz)")
    arguments = parser.parse_args()
    condition, seeds = arguments.condition, arguments.seeds
    if (condition == "random") == bool(arguments.phenotypes):
        parser.error("--phenotypes goes with the conditions both and memory, and with these only")
    job = stage.Job(REGISTER, "deploy_images", arguments, of={"condition": condition, "seeds": seeds})
    settings: Autoencoding = job.settings.images
    network = build(settings, "layer")
    origin, diverged, abouts = None, [], []
    if arguments.phenotypes:
        expected = {"experiment": "images", "sharing": "layer", "condition": condition}
        trained, origin = phenotypes.load(arguments.phenotypes, seeds, settings, **expected)
        diverged = phenotypes.diverged(origin, seeds)
        seeds, phi, abouts = list(trained), stack(trained.values()), origin["data"]
    else:
        phi = random_phenotypes(network, seeds)
    batch, shown = data.mnist(arguments.mnist, settings, seeds)
    theta = [tensor.to(job.device) for tensor in initial_synapses(network, seeds)]
    phi = [tensor.to(job.device) for tensor in phi]
    seen = Reconstructions(settings, condition, seeds, batch.to(job.device))

    def observe(step: int) -> None:
        seen.observe(network, theta, phi, step)

    with job.record(arguments.errors, shown + abouts, arguments.seeds, others=[arguments.grids]) as measured:
        measured |= {"condition": condition, "meta_training": origin, "diverged": diverged}
        learn_sequence(network, theta, phi, seen.batch, settings, plastic=False, observe=observe)
        steps = seen.diverged()
        if len(steps) == len(seeds):
            raise stage.TrainingError(
                f"the errors of all seeds are not finite by step {max(steps.values())}; lower theta_rate"
            )
        run = {"experiment": "images", "condition": condition}
        diverged += [run | {"seed": seed, "at": f"step {step} of deployment"} for seed, step in steps.items()]
        tables.write(arguments.errors, [row for row in seen.errors if row["seed"] not in steps])
        arrays.write(arguments.grids, seen.pictures(without=steps))


if __name__ == "__main__":
    stage.run(main)
