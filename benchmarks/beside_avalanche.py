"""Speed of the continual loop beside Avalanche 0.6.0, method by method, on one network and equal images.

    pip install avalanche-lib==0.6.0            beside the pinned requirements, better in an environment of its own
    python -m benchmarks.continual avalanche

Timed is an epoch of the second task, with its batches and the penalty, without what follows a task. Avalanche gets tensors in
memory, and has no metrics or logs to keep.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import torch

from benchmarks.continual import (
    BATCH,
    EXAMPLES,
    LEARNING_RATE,
    SIZES,
    TRAIN_IMAGES,
    TUNING,
    Speed,
    method_loops,
    random_images,
    seconds,
)
from common.learning.images import Images
from common.learning.randomness import generator

TASKS = 2
STRATEGIES: dict[str, tuple[str, dict[str, Any]]] = {  # ours -> theirs, with the penalty's options
    TUNING: ("Naive", {}),
    "SI": ("SynapticIntelligence", {"si_lambda": 0.1}),
    "EWC": ("EWC", {"ewc_lambda": 100.0, "mode": "online", "decay_factor": 1.0}),
    "MAS": ("MAS", {"lambda_reg": 0.1}),
}


def tasks(images: Images, count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return so many permuted images of each task as float32 tensors, with their labels."""
    found = []
    for task in range(TASKS):
        source = generator(task, "images of Avalanche's tasks")
        rows, order = (torch.randperm(n, generator=source) for n in (len(images), images.pixels.shape[1]))
        pixels, labels = images.pixels.cpu()[rows[:count]], images.labels.cpu()[rows[:count]]
        found.append((pixels[:, order].float().div_(255), labels))
    return found


def their_loops(images: Images, steps: int, device: torch.device) -> dict[str, Callable[[], tuple[float, float]]]:
    """Return what trains the second task for an epoch by each of Avalanche's strategies, and says in how many seconds."""
    from avalanche.benchmarks import tensors_benchmark
    from avalanche.models import SimpleMLP
    from avalanche.training import supervised
    from avalanche.training.plugins import EvaluationPlugin, SupervisedPlugin

    class Clock(SupervisedPlugin):
        """Takes the time of an epoch."""

        def before_training_epoch(self, strategy: Any, *_: Any, **__: Any) -> None:
            self.started = time.process_time(), time.perf_counter()

        def after_training_epoch(self, strategy: Any, *_: Any, **__: Any) -> None:
            self.spent = time.process_time() - self.started[0], time.perf_counter() - self.started[1]

    shown = tensors_benchmark(tasks(images, EXAMPLES), tasks(images, BATCH), task_labels=[0] * TASKS)
    longer = tensors_benchmark(tasks(images, steps * BATCH), tasks(images, BATCH), task_labels=[0] * TASKS)

    def loop(kind: str, options: dict[str, Any]) -> Callable[[], tuple[float, float]]:
        n_in, hidden, *_, outputs = SIZES
        model = SimpleMLP(outputs, n_in, hidden, len(SIZES) - 2, drop_rate=0.0)
        optimizer, clock = torch.optim.SGD(model.parameters(), LEARNING_RATE), Clock()
        strategy = getattr(supervised, kind)(
            model=model,
            optimizer=optimizer,
            criterion=torch.nn.CrossEntropyLoss(),
            train_mb_size=BATCH,
            device=device,
            plugins=[clock],
            evaluator=EvaluationPlugin(),
            **options,
        )
        strategy.train(shown.train_stream[0])

        def epoch() -> tuple[float, float]:
            strategy.train(longer.train_stream[1])
            return clock.spent

        return epoch

    return {name: loop(*theirs) for name, theirs in STRATEGIES.items()}


def beside(steps: int, repeats: int, device: torch.device) -> list[str]:
    """Return a line for each method: steps per CPU second of both, and how many times as fast ours are."""
    images = random_images(TRAIN_IMAGES, device)
    try:
        theirs = their_loops(images, steps, device)
    except ImportError as error:
        sys.exit(f"error: {error}: pip install avalanche-lib==0.6.0")
    ours = {loop.name: partial(seconds, loop.work, device) for loop in method_loops(images, 1, steps, device)}
    speeds = {(name, who): Speed([], []) for name in STRATEGIES for who in ("ours", "theirs")}
    for repeat in range(repeats + 1):  # the first to warm up
        for (name, who), speed in speeds.items():
            cpu, wall = (ours if who == "ours" else theirs)[name]()
            if repeat:
                speed.cpu.append(steps / cpu)
                speed.wall.append(steps / wall)
    lines = [f"{'steps per CPU s':16}{'ours':>8}{'Avalanche':>11}   speed by CPU time (by the wall)"]
    for name in STRATEGIES:
        own, other = speeds[name, "ours"], speeds[name, "theirs"]
        cpu, wall = own.relative_to(other)
        lines.append(f"{name:16}{median(own.cpu):8.0f}{median(other.cpu):11.0f}   {cpu:.1f} ({wall:.1f})")
    return lines
