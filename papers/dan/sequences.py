"""Sequences of sub-tasks: functions learned window by window (Section 4.1), images learned class by class (Section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from common.learning.randomness import generator
from common.learning.replicas import Generators
from papers.dan.protocol import TERMS, Autoencoding, Regression


@dataclass(frozen=True)
class Batch:
    """One sequence for each of K models: all samples in the order of the sub-tasks, and what a step shows of them.

    inputs [K, S, n], targets [K, S, m]; step t shows the samples shown[t], the last of which is number seen[t] - 1.
    """

    inputs: Tensor
    targets: Tensor
    shown: list[slice]
    seen: list[int]

    def to(self, device: torch.device) -> Batch:
        return Batch(self.inputs.to(device), self.targets.to(device), self.shown, self.seen)

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        """Return inputs and targets [K, B, ...] of a gradient step."""
        return self.inputs[:, self.shown[step]], self.targets[:, self.shown[step]]

    def meta(self, step: int, uniform: Tensor, terms: str) -> tuple[Tensor, Tensor] | None:
        """Return a random batch from what was seen so far (memory), from what was not (transfer), or from both.

        uniform: numbers from [0, 1), [K, meta_batch]; terms: a key of TERMS. None where there is nothing to draw from: after
        the last sub-task nothing is left for the transfer loss alone.
        """
        memory, transfer = TERMS[terms]
        low = 0 if memory else self.seen[step]
        high = self.inputs.shape[1] if transfer else self.seen[step]
        if low == high:
            return None
        chosen = low + (uniform * (high - low)).long().unsqueeze(-1)
        inputs, targets = (
            samples.gather(1, chosen.expand(-1, -1, samples.shape[-1])) for samples in (self.inputs, self.targets)
        )
        return inputs, targets


@dataclass(frozen=True)
class Functions:
    """Target functions y(x) = a_0 sin(rho_0 x + phi_0) + a_1 sin(rho_1 x + phi_1), one for each of K models.

    Amplitudes a, frequencies rho (the paper's "phases") and offsets phi (its "x-offsets") [K, 2].
    """

    amplitudes: Tensor
    frequencies: Tensor
    offsets: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Return the functions' values: x [K, N] -> y [K, N]."""
        waves = torch.sin(self.frequencies.unsqueeze(1) * x.unsqueeze(-1) + self.offsets.unsqueeze(1))
        return (self.amplitudes.unsqueeze(1) * waves).sum(-1)


def draw_functions(settings: Regression, sources: Generators) -> Functions:
    """Return one function per generator: a from (0, 2), rho from (0, pi / 3), offset from [-5, 5], all uniform."""
    uniform = torch.stack([torch.rand(3, 2, generator=source) for source in sources])
    amplitudes, frequencies, offsets = uniform.unbind(1)
    return Functions(
        settings.amplitude * amplitudes, settings.frequency * frequencies, settings.offset * (2 * offsets - 1)
    )


def windows(settings: Regression) -> Tensor:
    """Return where the sub-tasks begin [tasks]: the domain [-5, 5] cut into equal parts."""
    return torch.linspace(-settings.domain, settings.domain, settings.tasks + 1)[:-1]


def regression(settings: Regression, functions: Functions, sources: Generators) -> Batch:
    """Return fresh samples, uniform in the window of each sub-task, each shown once."""
    samples, width = settings.steps_per_task, 2 * settings.domain / settings.tasks
    uniform = torch.stack([torch.rand(settings.tasks, samples, generator=source) for source in sources])
    x = (windows(settings).unsqueeze(-1) + width * uniform).flatten(1)
    steps = range(settings.tasks * samples)
    return Batch(x.unsqueeze(-1), functions(x).unsqueeze(-1), [slice(t, t + 1) for t in steps], [t + 1 for t in steps])


def image_sequence(settings: Autoencoding, pixels: Tensor) -> Batch:
    """Return images in sequence: every step shows all images of its class, and the target is the input.

    pixels: [K, tasks, images_per_task, n], from 0 to 1.
    """
    steps, count = settings.steps_per_task, settings.images_per_task
    tasks = range(settings.tasks)
    shown = [slice(task * count, (task + 1) * count) for task in tasks for _ in range(steps)]
    flat = pixels.flatten(1, 2)
    return Batch(flat, flat, shown, [part.stop for part in shown])


def draw_images(images: Tensor, by_class: Tensor, settings: Autoencoding, sources: Generators) -> Tensor:
    """Return images of random classes, [K, tasks, images_per_task, n], for K generators.

    images: [N, n]; by_class: which of them are of each class, [classes, images of each].
    """
    chosen = []
    for source in sources:
        classes = torch.randperm(len(by_class), generator=source)[: settings.tasks]
        within = [torch.randperm(by_class.shape[1], generator=source)[: settings.images_per_task] for _ in classes]
        chosen.append(by_class[classes.unsqueeze(-1), torch.stack(within)])
    return images[torch.stack(chosen)]


def uniform_numbers(steps: int, size: int, sources: Generators) -> Tensor:
    """Return numbers from [0, 1) for the meta-batches of a sequence: [steps, K, size]."""
    return torch.stack([torch.rand(steps, size, generator=source) for source in sources], dim=1)


def generators(seeds: Sequence[int], population: int, purpose: str) -> list[torch.Generator]:
    """Return a generator for each member of each seed's population, in the order of the models."""
    return [generator(seed, purpose, member) for seed in seeds for member in range(population)]
