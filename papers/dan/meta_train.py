"""Meta-train phenotypes (Algorithm 1) on functions or on Omniglot, for a batch of seeds.

    python -m papers.dan.meta_train --scale smoke --experiment regression --seeds 0-2 --out phenotypes.pt

Writes the last phenotypes by seed, with what they were trained with (.pt), the mean meta-loss of every sequence (.csv)
and the provenance (.json). A seed whose meta-loss is no longer finite is left out of all and named there.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from common import checkpoint, device, protocol, records, stage
from common.optimizers import Adam, Sgd
from common.progress import Progress
from common.replicas import Generators
from papers.dan import data, phenotypes, sequences
from papers.dan.method import (
    OPTIMIZERS,
    for_population,
    gradients_through_step,
    learn_task,
    phenotype_gradients,
)
from papers.dan.model import DanNetwork, build, initial_synapses, random_phenotypes
from papers.dan.protocol import PROTOCOL, SHARING, Images, MetaTraining, Protocol, Regression
from papers.dan.runs import CODE

Draw = Callable[[Generators], sequences.Batch]
Examples = tuple[Tensor, Tensor]  # inputs and targets of every model


class MetaLearner:
    """The phenotypes of a batch of seeds in meta-training; resumable between two sequences.

    draw: one sequence for each generator; terms: of the meta-loss, a key of `sequences.TERMS`. diverged: where the
    meta-loss of a seed was first not finite; such a seed is left behind. Raises TrainingError when none is left.
    """

    def __init__(
        self,
        network: DanNetwork,
        settings: MetaTraining,
        seeds: Sequence[int],
        terms: str,
        draw: Draw,
        where: torch.device,
    ) -> None:
        self.network, self.settings, self.seeds, self.terms, self.draw = network, settings, seeds, terms, draw
        self.where = where
        self.start = [tensor.to(where) for tensor in initial_synapses(network, seeds, settings.population)]
        self.phi = [tensor.to(where) for tensor in random_phenotypes(network, seeds)]
        self.optimizer = OPTIMIZERS[settings.phi_optimizer](self.phi, settings.phi_rate)
        self.sources = sequences.generators(seeds, settings.population, "meta-training")
        self.done = self.updates = 0
        self.latest: list[list[Tensor]] = []  # phi after each of the last sequences
        self.rows: list[dict] = []
        self.diverged: dict[int, str] = {}

    def sequence(self) -> None:
        """Lines 5 to 19 of Algorithm 1: a new sequence for every model, learned from theta_0."""
        batch = self.draw(self.sources).to(self.where)
        steps = len(batch.shown)
        uniform = sequences.uniform_numbers(steps, self.settings.meta_batch, self.sources).to(self.where)
        theta = [tensor.clone() for tensor in self.start]
        optimizer = OPTIMIZERS[self.settings.theta_optimizer](theta, self.settings.theta_rate)
        total, updates = torch.zeros(len(self.seeds), device=self.where), 0
        for step in range(steps):
            meta = batch.meta(step, uniform[step], self.terms)
            losses = self._step(theta, optimizer, batch.at(step), meta)
            if losses is not None:
                total += losses
                updates += 1
        self.done, self.updates = self.done + 1, self.updates + updates
        self.latest = [*self.latest[1 - phenotypes.KEPT :], [tensor.clone() for tensor in self.phi]]
        self._note((total / updates).tolist())

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
        for seed, mean in zip(self.seeds, means, strict=True):
            if seed in self.diverged:
                continue
            if math.isfinite(mean):
                self.rows.append({"seed": seed, "sequence": self.done, "updates": self.updates, "loss": mean})
                continue
            self.diverged[seed] = f"sequence {self.done}"
            found = f"the meta-loss of seed {seed} is {mean} in sequence {self.done}"
            if len(self.diverged) == len(self.seeds):
                raise stage.TrainingError(f"{found}, and no seed is left; lower theta_rate or phi_rate")
            print(f"{found}; it is left out", file=sys.stderr)

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
        self.latest = [[tensor.to(self.where) for tensor in phi] for phi in state["latest"]]


def train(learner: MetaLearner, label: str, saved: checkpoint.Checkpoint | None) -> None:
    """Run a learner to its last sequence, on from where the checkpoint is. Raises TrainingError if that is further on."""
    if saved is not None and (state := saved.load()) is not None:
        if state["done"] > learner.settings.sequences:
            raise stage.TrainingError(
                f"{saved.path} is {state['done']} sequences on, past the {learner.settings.sequences} asked for; ask for as"
                " many, or delete it"
            )
        learner.load_state_dict(state)
    progress = Progress(label, learner.settings.sequences, learner.done)
    while learner.done < learner.settings.sequences:
        learner.sequence()
        progress.advance(f"meta-loss {learner.rows[-1]['loss']:.3g}")
        if saved is not None and saved.due():
            saved.save(learner.state_dict())


def main() -> None:
    parser = stage.parser(__doc__)
    parser.add_argument("--experiment", choices=("regression", "images"), required=True)
    parser.add_argument("--sharing", choices=SHARING, help="of phenotypes (default: network; layer for images)")
    parser.add_argument("--channels", type=int, help="n_channels, in place of the protocol's")
    parser.add_argument("--terms", choices=sequences.TERMS, help="of the meta-loss (default: memory; both for images)")
    parser.add_argument("--seeds", type=stage.seed_range, required=True, help="a range such as 0-4")
    parser.add_argument("--omniglot", help="prepared data set (.npz), for images")
    parser.add_argument("--out", type=Path, required=True, help="the phenotypes (.pt)")
    parser.add_argument("--checkpoint", type=Path, help="where to keep the state, so that a killed run can go on")
    arguments = parser.parse_args()
    plan = protocol.read(PROTOCOL, Protocol, arguments.scale, arguments.set)
    settings: Regression | Images = getattr(plan, arguments.experiment)
    if arguments.channels is not None:
        try:
            settings = dataclasses.replace(settings, n_channels=arguments.channels)
        except ValueError as error:
            parser.error(f"--channels: {error}")
    of_functions = isinstance(settings, Regression)
    sharing = arguments.sharing or ("network" if of_functions else "layer")
    terms = arguments.terms or ("memory" if of_functions else "both")
    if not of_functions and not arguments.omniglot:
        parser.error("the images experiment needs --omniglot")
    where = device.select(arguments.device, matmul_precision=arguments.matmul_precision)
    abouts: list[dict] = []
    if isinstance(settings, Regression):
        draw: Draw = data.functions(settings)
    else:
        draw, abouts = data.omniglot(arguments.omniglot, settings)
    network = build(settings, sharing)
    run = {"sharing": sharing, "n_channels": settings.n_channels, "condition": terms}
    # which sequence is the last changes none before it: a run can be stopped, looked at, and go on
    of_sequences = {name: value for name, value in protocol.as_dict(settings).items() if name != "sequences"}
    key = run | {"settings": of_sequences, "seeds": arguments.seeds, "data": abouts}
    saved = checkpoint.of_run(arguments.checkpoint, key, CODE["meta_train"])
    with records.provenance(
        arguments.out.with_suffix(".json"),
        paper="dan",
        stage=f"meta_train {arguments.experiment}",
        scale=arguments.scale,
        seeds=arguments.seeds,
        protocol={arguments.experiment: protocol.as_dict(getattr(plan, arguments.experiment))},
        data=abouts,
        device=where,
    ) as measured:
        measured |= run
        learner = MetaLearner(network, settings, arguments.seeds, terms, draw, where)
        train(learner, f"{arguments.experiment} {sharing} {settings.n_channels} {terms}", saved)
        origin = {"experiment": arguments.experiment, "sharing": sharing, "condition": terms}
        origin |= {"settings": protocol.as_dict(settings), "data": abouts}
        if learner.diverged:
            origin["diverged"] = {str(seed): place for seed, place in learner.diverged.items()}
        measured["diverged"] = phenotypes.diverged(origin, arguments.seeds)
        rows = [run | row for row in learner.rows if row["seed"] not in learner.diverged]
        records.write_table(arguments.out.with_suffix(".csv"), rows)
        kept = [torch.stack(tensors, 1) for tensors in zip(*learner.latest)]  # [R, n, ...]
        by_seed = {seed: [tensor[r] for tensor in kept] for r, seed in enumerate(arguments.seeds)}
        by_seed = {seed: phi for seed, phi in by_seed.items() if seed not in learner.diverged}
        phenotypes.save(arguments.out, origin, by_seed)
    if saved is not None:
        saved.delete()


if __name__ == "__main__":
    stage.run(main)
