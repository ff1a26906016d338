"""Meta-learning on Omniglot: trains the models of one treatment and condition, one after the other, and saves them.

    python -m papers.tsar.meta_train --scale smoke --treatment grow --condition rich --seeds 0-1 \\
        --omniglot data/smoke/omniglot.npz --out grow.pt --checkpoint grow.ckpt

Writes the models (.pt), a log (.csv: the mean outer loss, and percentiles of C3 regulation) and the provenance (.json).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from common import device, protocol, records, stage
from common.checkpoint import Checkpoint
from common.progress import Progress
from common.randomness import generator
from common.workflow import ROOT
from papers.tsar import data, models, runs
from papers.tsar.method import Optimizer, meta_gradient
from papers.tsar.model import Tsar, build
from papers.tsar.protocol import DRAWINGS, PROTOCOL, MetaLearning, Protocol

CODE = [ROOT / file for file in runs.CODE["meta_train"]]
PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)


def meta_classes(condition: str, settings: MetaLearning, available: int, seed: int) -> Tensor:
    """The Omniglot classes a model meets in meta-learning: the first `rich_classes`, or a random few of them."""
    if settings.rich_classes > available:
        raise stage.TrainingError(
            f"the protocol wants {settings.rich_classes} Omniglot classes, but the data set has {available}"
        )
    if condition == "rich":
        return torch.arange(settings.rich_classes)
    order = torch.randperm(settings.rich_classes, generator=generator(seed, "scarce classes"))
    return order[: settings.scarce_classes].sort().values


class MetaLearner:
    """One model's meta-learning, resumable after any iteration."""

    def __init__(self, treatment: str, condition: str, seed: int, images: data.Images, plan: Protocol):
        self.settings = plan.meta_learning
        self.treatment, self.condition, self.seed, self.images = treatment, condition, seed, images
        self.network = build(treatment, plan.network, generator(seed, "network")).to(images.pixels.device)
        own = "oml_" if treatment == "oml" else ""
        self.rates = (f"{own}inner_learning_rate", f"{own}outer_learning_rate")  # names of settings
        self.inner_learning_rate, outer_learning_rate = (getattr(self.settings, name) for name in self.rates)
        self.optimizer = Optimizer(self.network, self.network.parameters(), outer_learning_rate)
        self.classes = meta_classes(condition, self.settings, int(images.labels.max()) + 1, seed)
        by_label = torch.argsort(images.labels.cpu(), stable=True).view(-1, DRAWINGS)
        self.drawings = by_label[self.classes]  # [classes, drawings] indices into images
        self.random = generator(seed, "meta-learning")
        self.iteration = 0
        self.losses: list[Tensor] = []
        self.rows: list[dict] = []

    def step(self) -> None:
        """One meta-iteration: steps 1 to 4 of the sheet's section 3."""
        settings, random = self.settings, self.random
        row = int(torch.randint(len(self.classes), (1,), generator=random))
        self.network.reset_class(int(self.classes[row]), random)
        inner = self.drawings[row, torch.randperm(DRAWINGS, generator=random)[: settings.inner_images]]
        outer = self.drawings.flatten()[
            torch.randperm(self.drawings.numel(), generator=random)[: settings.outer_images]
        ]
        loss = meta_gradient(
            self.network,
            *self.images.batch(torch.cat([inner, outer])),
            inner_images=settings.inner_images,
            inner_learning_rate=self.inner_learning_rate,
            second_order=self.treatment in settings.second_order,
            repeat_first=settings.repeat_first_image,
        )
        self.optimizer.step()
        self.losses.append(loss)
        self.iteration += 1
        if self.iteration % settings.log_every == 0:
            self.log_loss()
        if isinstance(self.network, Tsar) and self.iteration % settings.percentile_every == 0:
            self.log_percentiles()

    def record(self, quantity: str, value: float) -> None:
        self.rows.append({"seed": self.seed, "iteration": self.iteration, "quantity": quantity, "value": value})

    def log_loss(self) -> None:
        mean = float(torch.stack(self.losses).mean())
        self.losses.clear()
        if not np.isfinite(mean):
            raise stage.TrainingError(
                f"the outer loss of {self.treatment}, seed {self.seed}, is {mean} within the {self.settings.log_every} "
                f"iterations before {self.iteration}; lower meta_learning.{self.rates[0]} or {self.rates[1]}"
            )
        self.record("outer loss", mean)

    @torch.no_grad()
    def log_percentiles(self) -> None:
        """Percentiles of the C3 masks over one image of each of many classes (Figure 4 A, B)."""
        random = generator(self.seed, "percentiles")
        rows = torch.randperm(len(self.classes), generator=random)[: self.settings.percentile_classes]
        images, _ = self.images.batch(self.drawings[rows, torch.randint(DRAWINGS, (len(rows),), generator=random)])
        c3 = self.network.layer("c3")
        masks = torch.cat([self.network.context(chunk)[1][:, c3] for chunk in images.split(32)])
        for q, value in zip(PERCENTILES, np.percentile(masks.cpu().numpy(), PERCENTILES, overwrite_input=True)):
            self.record(f"C3 regulation, percentile {q:g}", float(value))

    def state_dict(self) -> dict:
        return {
            "iteration": self.iteration,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": self.random.get_state(),
            "losses": [float(loss) for loss in self.losses],
            "rows": self.rows,
        }

    def load_state_dict(self, state: dict) -> None:
        self.iteration, self.rows = state["iteration"], state["rows"]
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.random.set_state(state["random"])
        self.losses = [torch.tensor(loss, device=self.images.pixels.device) for loss in state["losses"]]


def train(learner: MetaLearner, checkpoint: Checkpoint, finished: dict) -> None:
    """Runs a learner to its last iteration.  `finished` (the batch's earlier models) is kept in the checkpoint too."""
    settings = learner.settings
    progress = Progress(
        f"{learner.treatment} {learner.condition} seed {learner.seed}", settings.iterations, learner.iteration
    )
    while learner.iteration < settings.iterations:
        learner.step()
        loss = next((row["value"] for row in reversed(learner.rows) if row["quantity"] == "outer loss"), float("nan"))
        progress.advance(f"outer loss {loss:.3f}")
        if checkpoint.due():
            checkpoint.save({"finished": finished, "seed": learner.seed, "learner": learner.state_dict()})


def main() -> None:
    options = stage.parser(__doc__)
    options.add_argument("--treatment", required=True)
    options.add_argument("--condition", choices=("rich", "scarce"), required=True)
    options.add_argument("--seeds", type=stage.seed_range, required=True, help="a range such as 0-4")
    options.add_argument("--omniglot", required=True, help="prepared data set (.npz)")
    options.add_argument("--out", type=Path, required=True, help="the models (.pt)")
    options.add_argument("--checkpoint", type=Path, required=True)
    arguments = options.parse_args()
    plan = protocol.read(PROTOCOL, Protocol, arguments.scale, arguments.set)
    where = device.select(arguments.device, matmul_precision=arguments.matmul_precision)
    images = data.omniglot(arguments.omniglot, where)

    settings = {"network": protocol.as_dict(plan.network), "meta_learning": protocol.as_dict(plan.meta_learning)}
    key = f"{protocol.digest(settings)} {records.code_hash(*CODE)} {arguments.treatment} {arguments.condition} {arguments.seeds}"
    # A full-width state is 7 GB: rarer checkpoints there.
    checkpoint = Checkpoint(arguments.checkpoint, key, interval_seconds=600 if arguments.scale == "paper" else 120)
    with records.provenance(
        arguments.out.with_suffix(".json"),
        paper="tsar",
        stage="meta_train",
        scale=arguments.scale,
        seeds=arguments.seeds,
        protocol=settings,
        data=[images.about],
        device=where,
    ) as measured:
        state = checkpoint.load() or {"finished": {}, "seed": None}
        finished = state["finished"]
        for seed in arguments.seeds:
            if str(seed) in finished:
                continue
            learner = MetaLearner(arguments.treatment, arguments.condition, seed, images, plan)
            if state["seed"] == seed:
                learner.load_state_dict(state["learner"])
            train(learner, checkpoint, finished)
            # on the CPU, or at full width a GPU would fill with models that are done
            model = {name: tensor.cpu() for name, tensor in learner.network.state_dict().items()}
            finished[str(seed)] = {"model": model, "rows": learner.rows}
            del learner
        run = {"treatment": arguments.treatment, "condition": arguments.condition}
        rows = [run | row for one in finished.values() for row in one["rows"]]
        records.write_table(arguments.out.with_suffix(".csv"), rows)
        by_seed = {seed: one["model"] for seed, one in finished.items()}
        models.save(arguments.out, arguments.treatment, arguments.condition, plan, by_seed)
        measured["parameters"] = sum(tensor.numel() for tensor in finished[str(arguments.seeds[0])]["model"].values())
    checkpoint.delete()


if __name__ == "__main__":
    stage.run(main)
