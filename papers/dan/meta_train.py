"""Meta-train phenotypes (Algorithm 1) on functions or on Omniglot, for a batch of seeds.

    python -m papers.dan.meta_train --scale smoke --experiment regression --seeds 0-2 --out phenotypes.pt

Writes the last phenotypes by seed, with what they were trained with (.pt), the mean meta-loss of every sequence (.csv)
and the record (.json). A seed whose meta-loss is no longer finite is left out of all and named there.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from common.learning.optimizers import Adam, Sgd
from common.learning.replicas import Generators
from common.results import tables
from common.running import protocols, stage
from common.running.checkpoints import Checkpoint
from common.running.progress import Progress
from papers.dan import data, phenotypes, sequences
from papers.dan.method import (
    OPTIMIZERS,
    Examples,
    for_population,
    gradients_through_step,
    learn_task,
    phenotype_gradients,
)
from papers.dan.model import DanNetwork, build, initial_synapses, random_phenotypes
from papers.dan.protocol import SHARING, TERMS, Autoencoding, MetaTraining, Regression
from papers.dan.runs import REGISTER

Draw = Callable[[Generators], sequences.Batch]


class MetaLearner:
    """The phenotypes of a batch of R seeds in meta-training; resumable between two sequences.

    terms: of the meta-loss, a key of `protocol.TERMS`; draw: one sequence for each generator.
    `rows`: each seed's mean meta-loss of every sequence; `diverged`: where the meta-loss of a seed was first not finite.
    Such a seed is left behind. Raises TrainingError when none is left.
    """

    def __init__(
        self,
        network: DanNetwork,
        settings: MetaTraining,
        seeds: Sequence[int],
        terms: str,
        draw: Draw,
        device: torch.device,
    ) -> None:
        self.network, self.settings, self.seeds, self.terms, self.draw = network, settings, seeds, terms, draw
        self.device = device
        self.start = [tensor.to(device) for tensor in initial_synapses(network, seeds, settings.population)]
        self.phi = [tensor.to(device) for tensor in random_phenotypes(network, seeds)]
        self.optimizer = OPTIMIZERS[settings.phi_optimizer](self.phi, settings.phi_rate)
        self.sources = sequences.generators(seeds, settings.population, "meta-training")
        self.done = self.updates = 0
        self.latest: list[list[Tensor]] = []  # phi after each of the last sequences
        self.rows: list[dict] = []
        self.diverged: dict[int, str] = {}

    def sequence(self) -> None:
        """Lines 5 to 19 of Algorithm 1: a new sequence for every model, learned from theta_0."""
        batch = self.draw(self.sources).to(self.device)
        steps = len(batch.shown)
        uniform = sequences.uniform_numbers(steps, self.settings.meta_batch, self.sources).to(self.device)
        theta = [tensor.clone() for tensor in self.start]
        optimizer = OPTIMIZERS[self.settings.theta_optimizer](theta, self.settings.theta_rate)
        total, updates = torch.zeros(len(self.seeds), device=self.device), 0
        for step in range(steps):
            meta = batch.meta(step, uniform[step], self.terms)
            losses = self._step(theta, optimizer, batch.at(step), meta)
            if losses is not None:
                total += losses
                updates += 1
        self.done, self.updates = self.done + 1, self.updates + updates
        self.latest = [*self.latest[1 - phenotypes.KEPT :], [tensor.clone() for tensor in self.phi]]
        self._note((total / updates).tolist())

    def phenotypes(self) -> dict[int, list[Tensor]]:
        """Return the last phenotypes [n, ...] of each seed that has not diverged."""
        kept = [torch.stack(tensors, 1) for tensors in zip(*self.latest)]  # [R, n, ...]
        by_seed = {seed: [tensor[place] for tensor in kept] for place, seed in enumerate(self.seeds)}
        return {seed: phi for seed, phi in by_seed.items() if seed not in self.diverged}

    def _step(
        self, theta: list[Tensor], optimizer: Adam | Sgd, shown: Examples, meta: Examples | None
    ) -> Tensor | None:
        """Lines 9 to 16: a step of theta, in place, then one of phi. Returns the meta-loss [R], if there is one."""
        members = self.settings.population
        if meta is None or not self.settings.through_step:
            learn_task(self.network, theta, for_population(self.phi, members), shown, optimizer)
            if meta is None:
                return None
            losses, gradients = phenotype_gradients(self.network, theta, self.phi, members, meta)
        else:
            steps, losses, gradients = gradients_through_step(
                self.network, theta, self.phi, members, self.settings.theta_rate, shown, meta
            )
            optimizer.step(steps)
        self.optimizer.step(gradients)
        return losses

    def _note(self, means: list[float]) -> None:
        """Note the mean meta-loss [R] of the sequence just learned."""
        for seed, mean in zip(self.seeds, means, strict=True):
            if seed in self.diverged:
                continue
            if math.isfinite(mean):
                self.rows.append({"seed": seed, "sequence": self.done, "updates": self.updates, "loss": mean})
                continue
            self.diverged[seed] = f"sequence {self.done}"
            what = f"the meta-loss of seed {seed} is {mean} in sequence {self.done}"
            if len(self.diverged) == len(self.seeds):
                raise stage.TrainingError(f"{what}, and no seed is left; lower theta_rate or phi_rate")
            print(f"{what}; it is left out", file=sys.stderr)

    def state_dict(self) -> dict:
        return {
            "phi": self.phi,
            "optimizer": self.optimizer.state_dict(),
            "sources": [source.get_state() for source in self.sources],
            "done": self.done,
            "updates": self.updates,
            "latest": self.latest,
            "rows": self.rows,
            "diverged": self.diverged,
        }

    def load_state_dict(self, state: dict) -> None:
        for own, saved in zip(self.phi, state["phi"], strict=True):
            own.copy_(saved)
        self.optimizer.load_state_dict(state["optimizer"])
        for source, saved in zip(self.sources, state["sources"], strict=True):
            source.set_state(saved)
        self.done, self.updates, self.rows = state["done"], state["updates"], state["rows"]
        self.diverged = state["diverged"]
        self.latest = [[tensor.to(self.device) for tensor in phi] for phi in state["latest"]]


def train(learner: MetaLearner, label: str, checkpoint: Checkpoint | None) -> None:
    """Run a learner to its last sequence, on from where the checkpoint is. Raises TrainingError if that is further on."""
    if checkpoint is not None and (state := checkpoint.load()) is not None:
        if state["done"] > learner.settings.sequences:
            raise stage.TrainingError(
                f"{checkpoint.path} is {state['done']} sequences on, past the {learner.settings.sequences} asked for; ask for"
                " as many, or delete it"
            )
        learner.load_state_dict(state)
    progress = Progress(label, learner.settings.sequences, learner.done)
    while learner.done < learner.settings.sequences:
        learner.sequence()
        progress.advance(f"meta-loss {learner.rows[-1]['loss']:.3g}")
        if checkpoint is not None and checkpoint.due():
            checkpoint.save(learner.state_dict())


def main() -> None:
    parser = stage.parser(__doc__, "seeds", "checkpoint")
    parser.add_argument("--experiment", choices=("regression", "images"), required=True)
    parser.add_argument("--sharing", choices=SHARING, help="of phenotypes (default: network; layer for images)")
    parser.add_argument("--channels", type=int, help="n_channels, in place of the protocol's")
    parser.add_argument("--terms", choices=TERMS, help="of the meta-loss (default: memory; both for images)")
    parser.add_argument("--omniglot", help="prepared data set (.npz), for images")
    parser.add_argument("--out", type=stage.written(".pt"), required=True, help="the phenotypes (.pt)")
    arguments = parser.parse_args()
    experiment, seeds, out = arguments.experiment, arguments.seeds, arguments.out
    of_functions = experiment == "regression"
    if not of_functions and not arguments.omniglot:
        parser.error("the images experiment needs --omniglot")
    sharing = arguments.sharing or ("network" if of_functions else "layer")
    terms = arguments.terms or ("memory" if of_functions else "both")
    job = stage.Job(REGISTER, "meta_train", arguments, of={"experiment": experiment, "seeds": seeds})
    settings: Regression | Autoencoding = job.settings[experiment]
    if arguments.channels is not None:
        try:
            settings = dataclasses.replace(settings, n_channels=arguments.channels)
        except ValueError as error:
            parser.error(f"--channels: {error}")
    abouts: list[dict] = []
    if isinstance(settings, Regression):
        draw: Draw = data.functions(settings)
    else:
        draw, abouts = data.omniglot(arguments.omniglot, settings)
    run: dict[str, Any] = {"sharing": sharing, "n_channels": settings.n_channels, "condition": terms}
    # Which sequence is the last changes none before it: a run can be stopped, looked at, and go on.
    checkpoint = job.checkpoint(arguments.checkpoint, data=abouts, without=[f"{experiment}.sequences"], **run)
    with job.record(out, abouts, seeds, f"meta_train {experiment}", checkpoint=checkpoint) as measured:
        measured |= run
        learner = MetaLearner(build(settings, sharing), settings, seeds, terms, draw, job.device)
        train(learner, f"{experiment} {sharing} {settings.n_channels} {terms}", checkpoint)
        origin = {"experiment": experiment, "sharing": sharing, "condition": terms}
        origin |= {"settings": protocols.as_dict(settings), "data": abouts}
        if learner.diverged:
            origin["diverged"] = {str(seed): point for seed, point in learner.diverged.items()}
        measured["diverged"] = phenotypes.diverged(origin, seeds)
        rows = [run | row for row in learner.rows if row["seed"] not in learner.diverged]
        tables.write(out.with_suffix(".csv"), rows)
        phenotypes.save(out, origin, learner.phenotypes())


if __name__ == "__main__":
    stage.run(main)
