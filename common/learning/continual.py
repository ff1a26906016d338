"""The continual training loop: task after task, several replicas at once, and the accuracy matrix it fills."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from common.learning.consolidation import Consolidation, Optimizer
from common.learning.cuda_graph import Replay
from common.learning.images import Images
from common.learning.randomness import generator
from common.learning.replicas import Network, masked
from common.learning.stream_data import Stream, TaskExamples, order, outputs, permutations
from common.running.checkpoints import Checkpoint
from common.running.progress import Progress
from common.running.stage import TrainingError

EVALUATED_AT_ONCE = 2000  # images per replica; bounds memory, changes no number


class Observer:
    """What looks at a run while it goes on, such as at importances before they are reset; by itself at nothing."""

    def after_step(self, task: int, learner: Learner) -> None:
        """Called after every update of the parameters."""

    def before_end_of_task(self, task: int, learner: Learner) -> None:
        """Called after a task's last step, before the consolidation takes account of the task."""

    def state_dict(self) -> dict:
        """What a resumed run needs of what was seen."""
        return {}

    def load_state_dict(self, state: dict) -> None:
        """Take up again what `state_dict` returned."""


@dataclass(frozen=True)
class Schedule:
    """How long and in which steps each task trains."""

    epochs: int
    batch: int
    reset_optimizer: bool  # at the start of every task
    reset_network: bool = False  # likewise: training from scratch
    reset_moments: bool = False  # likewise: the optimizer forgets all gradients, but not how many updates there were


@dataclass
class Learner:
    """What learns: a network with its parameters [R, ...], an optimizer over them, and a consolidation.

    make_optimizer: parameters -> optimizer; matrices: accuracy [R, n_tasks, n_evaluated] by split, row = after which task,
    column = on which task; may_diverge: whether a seed whose loss or parameters are no longer finite is left behind, which
    is then what the run has shown, or an error; diverged: where that was, by seed.
    """

    network: Network
    parameters: list[Tensor]
    make_optimizer: Callable[[list[Tensor]], Optimizer]
    consolidation: Consolidation
    optimizer: Optimizer = field(init=False)
    matrices: dict[str, Tensor] = field(default_factory=dict)
    may_diverge: bool = False
    diverged: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for parameter in self.parameters:
            parameter.requires_grad_()
        self.optimizer = self.make_optimizer(self.parameters)

    def state_dict(self) -> dict:
        return {
            "parameters": self.parameters,
            "optimizer": self.optimizer.state_dict(),
            "consolidation": self.consolidation.state_dict(),
            "matrices": self.matrices,
            "diverged": self.diverged,
        }

    def load_state_dict(self, state: dict) -> None:
        with torch.no_grad():
            for own, saved in zip(self.parameters, state["parameters"], strict=True):
                own.copy_(saved)
        self.optimizer.load_state_dict(state["optimizer"])
        self.consolidation.load_state_dict(state["consolidation"])
        self.matrices = state["matrices"]
        self.diverged = state["diverged"]


def rows(condition: str, seeds: Sequence[int], matrices: Mapping[str, Tensor], tasks: int) -> list[dict]:
    """Return accuracy matrices as a tidy table: one row per seed, split, task trained last and task evaluated, from 1.

    matrices: as `learn` returns them, [R, n_trained, tasks]; where fewer tasks are trained than evaluated, as in joint
    training, the last one trained counts as the last of all. What was not evaluated (NaN) has no row; a run that diverged
    has one without accuracy after the first task that it did not finish.
    """
    table = []
    for split, matrix in matrices.items():
        for seed, run in zip(seeds, matrix.tolist(), strict=True):
            for after, accuracies in enumerate(run, start=tasks - len(run) + 1):
                measured = {task: value for task, value in enumerate(accuracies, start=1) if not math.isnan(value)}
                for task, accuracy in (measured or {1: math.nan}).items():
                    row = {"condition": condition, "seed": seed, "split": split, "after_task": after, "task": task}
                    table.append(row | {"accuracy": accuracy})
                if not measured:
                    break
    return table


def learn(
    learner: Learner,
    stream: Stream,
    schedule: Schedule,
    seeds: Sequence[int],
    label: str,
    checkpoint: Checkpoint | None = None,
    splits: Sequence[str] = ("test",),
    observer: Observer | None = None,
    evaluated: Literal["all", "seen", "last"] = "all",
) -> dict[str, Tensor]:
    """Train on all tasks in turn and return the accuracy matrices by split: [R, n_tasks, n_evaluated] (float64, CPU).

    Batches cover the task's images in a new random order each epoch, which depends on seed, task and epoch alone; the
    last batch may be smaller. splits: which of "test" and "train" to evaluate; evaluated: "all" tasks after each task, or
    those "seen" so far, which is all that forgetting depends on, or all after the "last" one alone. Other entries stay NaN.
    Raises TrainingError naming seed and task if a loss or a parameter is not finite; a learner that may diverge goes on
    with its other seeds, and the entries of that one are NaN from that task on.
    """
    n_tasks = len(stream.tasks)
    if not learner.matrices:
        shape = (len(seeds), n_tasks, len(stream.evaluated))
        learner.matrices = {split: torch.full(shape, math.nan, dtype=torch.float64) for split in splits}
    first_task, first_epoch = _resume(learner, checkpoint, observer)
    steps = [math.ceil(len(stream.tasks[task][0].train) / schedule.batch) for task in range(n_tasks)]
    done = schedule.epochs * sum(steps[:first_task]) + first_epoch * (steps[first_task] if first_task < n_tasks else 0)
    progress = Progress(label, schedule.epochs * sum(steps), done=done)
    for task in range(first_task, n_tasks):
        if first_epoch == 0:
            _start_task(learner, schedule, seeds, task)
        update = Update(learner, stream, task)
        for epoch in range(first_epoch, schedule.epochs):
            train_epoch(update, epoch, schedule.batch, seeds, progress, observer)
            if len(learner.diverged) == len(seeds):
                return learner.matrices
            if checkpoint is not None and checkpoint.due():
                _save(learner, checkpoint, observer, task, epoch + 1)
        for parameter in learner.parameters:
            finite = parameter.detach().flatten(1).isfinite().all(1)
            _note_diverged(learner, seeds, finite, f"task {task + 1}", label, "network")
        if observer is not None:
            observer.before_end_of_task(task, learner)
        learner.consolidation.end_task(learner.parameters, learner.network.logits, TaskExamples(stream, task, seeds))
        finite = torch.tensor([seed not in learner.diverged for seed in seeds])
        for split, matrix in learner.matrices.items():
            later = n_tasks - task - 1
            known = len(stream.evaluated) - (later if evaluated == "seen" else 0)
            if evaluated != "last" or not later:
                matrix[finite, task, :known] = evaluate(learner, stream, split, known)[finite]
        if checkpoint is not None:
            _save(learner, checkpoint, observer, task + 1, 0)
        first_epoch = 0
    return learner.matrices


class Update:
    """A learner's update by a batch of one task: called with indices of its images [R, B], it returns the losses [R].

    On a GPU it is recorded once and replayed (`cuda_graph.Replay`), unless units drop out or not `replayed`; so it is made
    anew for every task, whose penalty may differ, and for every optimizer.
    """

    def __init__(self, learner: Learner, stream: Stream, task: int, replayed: bool = True) -> None:
        self.learner, self.stream, self.task = learner, stream, task
        self.device = learner.parameters[0].device
        self.orders = permutations(stream.tasks[task], self.device)
        self.active = outputs(stream.tasks[task], self.device)
        self.noise: list[torch.Generator] = []
        replayed = replayed and self.device.type == "cuda" and not learner.network.drops_out
        self._replay = Replay() if replayed else None

    def start_epoch(self, epoch: int, seeds: Sequence[int]) -> Tensor:
        """The order of the images in an epoch, and generators for what drops out in it."""
        self.noise = [generator(seed, "dropout", self.task, epoch) for seed in seeds]
        if self.device.type != "cpu":
            self.noise = [torch.Generator(self.device).manual_seed(source.initial_seed()) for source in self.noise]
        return order(self.stream, self.task, seeds, "order", epoch)

    def __call__(self, indices: Tensor) -> Tensor:
        return self._as_written(indices) if self._replay is None else self._replay(self._as_written, indices)

    def _as_written(self, indices: Tensor) -> Tensor:
        learner = self.learner
        inputs, labels = self.stream.train.batch(indices, self.orders)
        losses, gradients = learner.network.gradients(learner.parameters, inputs, labels, self.active, self.noise)
        learner.consolidation.step(learner.parameters, gradients, learner.optimizer)
        return losses


def train_epoch(
    update: Update, epoch: int, batch: int, seeds: Sequence[int], progress: Progress, observer: Observer | None = None
) -> None:
    """One pass over a task's training images."""
    learner, task = update.learner, update.task
    for part in update.start_epoch(epoch, seeds).split(batch, dim=1):
        losses = update(part)
        if observer is not None:
            observer.after_step(task, learner)
        progress.advance()
    # once an epoch: asking at every step would stall a GPU
    where = f"task {task + 1}, epoch {epoch + 1}"
    _note_diverged(learner, seeds, losses.isfinite(), where, progress.label, "loss", f" (step {progress.done})")


@torch.no_grad()
def evaluate(learner: Learner, stream: Stream, split: str, tasks: int | None = None) -> Tensor:
    """Accuracy on every task, or the first `tasks`, with that task's outputs: float64 [R, n_tasks], on the CPU."""
    images: Images = getattr(stream, split)
    device = images.labels.device
    columns = []
    for replicas in stream.evaluated[:tasks]:
        orders, active = permutations(replicas, device), outputs(replicas, device)
        indices = torch.stack([getattr(own, split) for own in replicas]).to(device)
        right = []
        for part in indices.split(EVALUATED_AT_ONCE, dim=1):
            inputs, labels = images.batch(part, orders)
            answers = masked(learner.network.logits(learner.parameters, inputs), active).argmax(-1)
            right.append(answers == labels)
        columns.append(torch.cat(right, dim=1).double().mean(1).cpu())
    return torch.stack(columns, dim=1)


def _note_diverged(
    learner: Learner, seeds: Sequence[int], finite: Tensor, where: str, label: str, what: str, step: str = ""
) -> None:
    """Note the seeds that are not `finite` [R] and were so far; raises TrainingError if the learner may not diverge."""
    if finite.all():
        return
    for seed, fine in zip(seeds, finite.tolist(), strict=True):
        if not fine and not learner.may_diverge:
            raise TrainingError(
                f"{label}: the {what} of seed {seed} is not finite in {where}{step}; lower the learning rate or the strength "
                "of consolidation"
            )
        if not fine and seed not in learner.diverged:
            learner.diverged[seed] = where
            print(f"{label}: the {what} of seed {seed} is not finite in {where}{step}; it is left out", file=sys.stderr)


def _start_task(learner: Learner, schedule: Schedule, seeds: Sequence[int], task: int) -> None:
    if schedule.reset_network and task > 0:
        fresh = learner.network.initial(seeds, f"initialisation for task {task + 1}")
        with torch.no_grad():
            for own, new in zip(learner.parameters, fresh, strict=True):
                own.copy_(new)
    if schedule.reset_optimizer:
        learner.optimizer = learner.make_optimizer(learner.parameters)
    if schedule.reset_moments:
        learner.optimizer.reset_moments()


def _save(learner: Learner, checkpoint: Checkpoint, observer: Observer | None, task: int, epoch: int) -> None:
    """Save the state before `epoch` of `task`; random numbers depend on these two alone and need no saving."""
    state = {"task": task, "epoch": epoch, "learner": learner.state_dict()}
    checkpoint.save(state | ({} if observer is None else {"observer": observer.state_dict()}))


def _resume(learner: Learner, checkpoint: Checkpoint | None, observer: Observer | None) -> tuple[int, int]:
    """Load the checkpoint, if there is one, and return the task and epoch to go on with."""
    state = checkpoint.load() if checkpoint is not None else None
    if state is None:
        return 0, 0
    learner.load_state_dict(state["learner"])
    if observer is not None:
        observer.load_state_dict(state["observer"])
    return state["task"], state["epoch"]
