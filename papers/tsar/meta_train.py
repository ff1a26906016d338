"""Meta-learning on Omniglot: trains the models of one condition, one after the other, and saves them.

    python -m papers.tsar.meta_train --scale smoke --condition grow --meta-learning-set rich --iterations 12 --seeds 0-1 \\
        --omniglot data/smoke/omniglot.npz --out grow.pt

Writes the models (.pt), a log (.csv: the mean outer loss, and percentiles of C3 regulation) and the record (.json).
"""

from __future__ import annotations

import math
import time

import numpy as np
import torch
from torch import Tensor

from common.learning.randomness import generator
from common.results import environment, tables
from common.running import stage
from common.running.checkpoints import Checkpoint
from common.running.progress import Progress
from common.running.protocols import Settings
from papers.tsar import data, saved_models
from papers.tsar.data import DatasetOnDevice
from papers.tsar.method import Optimizer, meta_gradient, replay_on
from papers.tsar.model import LAYERS, Tsar, build
from papers.tsar.protocol import DRAWINGS, META_LEARNING_SETS, MetaLearning, Protocol
from papers.tsar.runs import REGISTER

PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)
STOPPED = 75  # exit status of a run that was to stop and is to go on (EX_TEMPFAIL)


def meta_classes(meta_learning_set: str, settings: MetaLearning, available: int, seed: int) -> Tensor:
    """Return the Omniglot classes a model meets in meta-learning: the first `rich_classes`, or a random few of them.

    available: how many there are. Raises TrainingError if these are too few.
    """
    if settings.rich_classes > available:
        raise stage.TrainingError(
            f"the protocol wants {settings.rich_classes} Omniglot classes, but the data set has {available}"
        )
    if meta_learning_set == "rich":
        return torch.arange(settings.rich_classes)
    order = torch.randperm(settings.rich_classes, generator=generator(seed, "scarce classes"))
    return order[: settings.scarce_classes].sort().values


class MetaLearner:
    """One model's meta-learning, resumable after any iteration.

    settings: with the sections network and meta_learning.
    """

    def __init__(
        self, condition: str, meta_learning_set: str, seed: int, images: DatasetOnDevice, settings: Protocol | Settings
    ) -> None:
        self.settings: MetaLearning = settings.meta_learning
        self.condition, self.meta_learning_set, self.seed, self.images = condition, meta_learning_set, seed, images
        self.network = build(condition, settings.network, generator(seed, "network")).to(images.pixels.device)
        own = "oml_" if condition == "oml" else ""
        self.rates = (f"{own}inner_learning_rate", f"{own}outer_learning_rate")  # names of settings
        self.inner_learning_rate, outer_learning_rate = (getattr(self.settings, name) for name in self.rates)
        self.optimizer = Optimizer(self.network, self.network.parameters(), outer_learning_rate)
        self.classes = meta_classes(meta_learning_set, self.settings, int(images.labels.max()) + 1, seed)
        by_label = torch.argsort(images.labels.cpu(), stable=True).view(-1, DRAWINGS)
        self.drawings = by_label[self.classes]  # [classes, drawings] indices into images
        self.random = generator(seed, "meta-learning")
        self.replay = replay_on(images.pixels.device)
        self.iteration = 0
        self.losses: list[Tensor] = []
        self.log: list[dict] = []
        self.saving: float | None = None  # seconds that a save takes, once that is known

    def step(self) -> None:
        """Make one meta-iteration: redraw a class's output, learn its images, and update by the meta-gradient."""
        settings, random = self.settings, self.random
        row = int(torch.randint(len(self.classes), (1,), generator=random))
        self.network.reset_class(int(self.classes[row]), random)
        inner = self.drawings[row, torch.randperm(DRAWINGS, generator=random)[: settings.inner_images]]
        outer = self.drawings.flatten()[
            torch.randperm(self.drawings.numel(), generator=random)[: settings.outer_images]
        ]
        indices = torch.cat([inner, outer]).to(self.images.pixels.device)
        self.losses.append(self.replay(self.update, indices).clone())
        self.iteration += 1
        if self.iteration % settings.log_every == 0:
            self.log_loss()
        if isinstance(self.network, Tsar) and self.iteration % settings.percentile_every == 0:
            self.log_percentiles(self.network)

    def update(self, indices: Tensor) -> Tensor:
        """Update by the meta-gradient of the images with these indices, the inner loop's first, and return the outer loss."""
        loss = meta_gradient(
            self.network,
            *self.images.batch(indices),
            inner_images=self.settings.inner_images,
            inner_learning_rate=self.inner_learning_rate,
            second_order=self.condition in self.settings.second_order,
            repeat_first=self.settings.repeat_first_image,
        )
        self.optimizer.step()
        return loss

    def log_value(self, quantity: str, value: float) -> None:
        """Note a value of the present iteration."""
        self.log.append({"seed": self.seed, "iteration": self.iteration, "quantity": quantity, "value": value})

    def log_loss(self) -> None:
        """Note the mean outer loss since the last time. Raises TrainingError if it is not finite."""
        mean = float(torch.stack(self.losses).mean())
        self.losses.clear()
        if not np.isfinite(mean):
            raise stage.TrainingError(
                f"the outer loss of {self.condition}, seed {self.seed}, is {mean} within the {self.settings.log_every} "
                f"iterations before {self.iteration}; lower meta_learning.{self.rates[0]} or {self.rates[1]}"
            )
        self.log_value("outer loss", mean)

    @torch.no_grad()
    def log_percentiles(self, network: Tsar) -> None:
        """Note percentiles of the C3 masks over one image of each of many classes (Figure 4 A, B)."""
        random = generator(self.seed, "percentiles")
        rows = torch.randperm(len(self.classes), generator=random)[: self.settings.percentile_classes]
        images, _ = self.images.batch(self.drawings[rows, torch.randint(DRAWINGS, (len(rows),), generator=random)])
        masks = torch.cat([network.context(chunk)[1 + LAYERS.index("c3")] for chunk in images.split(32)])
        for q, value in zip(PERCENTILES, np.percentile(masks.cpu().numpy(), PERCENTILES, overwrite_input=True)):
            self.log_value(f"C3 regulation, percentile {q:g}", float(value))

    def state_dict(self) -> dict:
        """Return all that a resumed run needs."""
        return {
            "iteration": self.iteration,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": self.random.get_state(),
            "losses": [float(loss) for loss in self.losses],
            "log": self.log,
            "saving": self.saving,
        }

    def load_state_dict(self, state: dict) -> None:
        """Go on from what `state_dict` returned."""
        self.iteration, self.log, self.saving = state["iteration"], state["log"], state["saving"]
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.random.set_state(state["random"])
        self.losses = [torch.tensor(loss, device=self.images.pixels.device) for loss in state["losses"]]


def train(
    learner: MetaLearner, iterations: int, states: dict[str, dict], checkpoint: Checkpoint | None, end: float = math.inf
) -> None:
    """Meta-learn up to `iterations`, on from the state of the learner's seed, which it leaves in `states`.

    states: of the job's seeds that have begun, as the checkpoint holds them; end: the `time.monotonic()` before which to
    return, with time left for two saves. How long one takes is measured after the first iteration. Raises TrainingError
    for a state that is further on.
    """
    key = str(learner.seed)
    if key in states:
        if (reached := states[key]["iteration"]) > iterations:
            raise stage.TrainingError(f"the checkpoint is {reached} iterations on: ask for that or more, or delete it")
        learner.load_state_dict(states.pop(key))  # and free it: at full width it takes 7 GB
    label = f"{learner.condition} {learner.meta_learning_set} seed {key}"
    progress = Progress(label, iterations, learner.iteration)
    while learner.iteration < iterations and (learner.saving is None or time.monotonic() + 2 * learner.saving < end):
        learner.step()
        loss = next((row["value"] for row in reversed(learner.log) if row["quantity"] == "outer loss"), float("nan"))
        progress.advance(f"outer loss {loss:.3f}")
        if checkpoint is not None and (checkpoint.due() or (learner.saving is None and end < math.inf)):
            started = time.monotonic()
            checkpoint.save(states | {key: learner.state_dict()})
            learner.saving = time.monotonic() - started
    states[key] = learner.state_dict()


def main() -> None:
    parser = stage.parser(__doc__)
    parser.add_argument("--condition", required=True, help="such as grow, sculpt, oml or bias4")
    parser.add_argument("--meta-learning-set", choices=META_LEARNING_SETS, required=True)
    parser.add_argument("--iterations", type=int, required=True, help="meta-iterations; published: 25000")
    parser.add_argument("--seeds", type=stage.seed_range, required=True, help="a range such as 0-4")
    parser.add_argument("--omniglot", required=True, help="prepared data set (.npz)")
    parser.add_argument("--out", type=stage.written(".pt"), required=True, help="the models (.pt)")
    parser.add_argument(
        "--checkpoint", type=stage.written(), help="where to keep the state, so that a killed run can go on"
    )
    parser.add_argument("--keep-checkpoint", action="store_true", help="at the end, so that a longer run can go on")
    parser.add_argument("--stop-after", type=float, default=math.inf, help="seconds, then save, and end with status 75")
    arguments = parser.parse_args()
    end = time.monotonic() + arguments.stop_after
    if arguments.stop_after < math.inf and arguments.checkpoint is None:
        parser.error("--stop-after: needs --checkpoint, from which the same command goes on")
    names = {"condition": arguments.condition, "meta_learning_set": arguments.meta_learning_set}
    # The job is the same whatever it ends with: a longer run goes on from the checkpoint of a shorter one.
    job = stage.Job(REGISTER, "meta_train", arguments, of=names | {"seeds": arguments.seeds})
    if arguments.iterations < job.settings.meta_learning.log_every:
        parser.error("--iterations: fewer than meta_learning.log_every, so nothing would be logged")
    images = data.omniglot(arguments.omniglot, job.device)
    interval = 600 if arguments.scale == "paper" else 120  # a full-width state is 7 GB
    checkpoint = job.checkpoint(arguments.checkpoint, data=[images.about], interval_seconds=interval)
    with job.record(arguments.out, data=[images.about], seeds=arguments.seeds) as measured:
        states = (checkpoint.load() if checkpoint is not None else None) or {}
        measured["resumed"] = bool(states)  # times are then of the last part alone
        for seed in arguments.seeds:
            learner = MetaLearner(**names, seed=seed, images=images, settings=job.settings)
            train(learner, arguments.iterations, states, checkpoint, end)
            if checkpoint is not None and learner.iteration < arguments.iterations:
                checkpoint.save(states)
                print(
                    f"stopped at iteration {learner.iteration} of {arguments.iterations}; {environment.peak_memory()}"
                )
                raise SystemExit(STOPPED)
        if checkpoint is not None and arguments.keep_checkpoint:
            checkpoint.save(states)
        log = [names | row for state in states.values() for row in state["log"]]
        tables.write(arguments.out.with_suffix(".csv"), log)
        origin = saved_models.origin_of(**names, iterations=arguments.iterations, settings=job.settings)
        saved_models.save(arguments.out, origin, {seed: state["network"] for seed, state in states.items()})
        measured["parameters"] = sum(tensor.numel() for tensor in states[str(arguments.seeds[0])]["network"].values())
    if checkpoint is not None and not arguments.keep_checkpoint:
        checkpoint.delete()


if __name__ == "__main__":
    stage.run(main)
