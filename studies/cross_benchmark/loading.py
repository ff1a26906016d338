"""Find a method by its name, or load it from a file of the user's own, which is tried on a small network first."""

from __future__ import annotations

import contextlib
import hashlib
import math
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import numpy
import torch
from torch import Tensor

from common.learning.consolidation import Consolidation
from common.learning.continual import Learner, Update
from common.learning.images import Images
from common.learning.optimizers import Sgd
from common.learning.randomness import generator
from common.learning.replicas import Mlp
from common.learning.stream_data import Stream, TaskExamples
from common.learning.streams import permuted
from common.running.stage import TrainingError
from studies.cross_benchmark.methods import METHODS, RATE, Method, Slow
from studies.cross_benchmark.protocol import CLASSES, OPTIMIZERS, PIXELS, Design, Settings, Training

SMALL = Training(hidden=(3,), tasks=2, epochs=1, batch=5, importance_images=5, xi=0.1)
IMAGES, SEEDS = 10, (0, 1)


def method(text: str) -> Method:
    """Return the method of this name, or out of this file. Raises ValueError if there is none, or if it fails."""
    Design((text,), OPTIMIZERS, seeds=1)  # refuses what is no method
    return METHODS[text] if text in METHODS else _own(Path(text))


def _own(file: Path) -> Method:
    """Load the user's method. Raises ValueError for a file that does not define what a method needs, or fails when tried.

    The digest is of the very text that runs, whatever becomes of the file, or of Python's copy of an earlier one.
    """
    module = ModuleType(f"own.{file.stem}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module  # where dataclasses look their module up
    try:
        text = file.read_bytes()
        exec(compile(text, str(file), "exec"), vars(module))  # noqa: S102 - what the user asked for
        searched, make = dict(module.SEARCHED), module.consolidation
    except (Exception, SystemExit) as error:
        raise ValueError(f"{file} cannot be loaded: {_reason(file, error)}") from error
    for name, bounds in searched.items():
        if not isinstance(name, str) or name == RATE:
            raise ValueError(f"{file}: SEARCHED takes names of arguments, not {name!r}; the {RATE} is searched anyway")
        fine = (
            isinstance(bounds, list | tuple)
            and len(bounds) == 2
            and all(isinstance(end, int | float) for end in bounds)
        )
        if not (fine and 0 < bounds[0] < bounds[1] < math.inf):
            raise ValueError(f"{file}: SEARCHED[{name!r}] must be a range such as (0.001, 10.0), not {bounds!r}")

    def consolidation(slow: Slow, settings: Settings, /, **hyperparameters: float) -> Consolidation:
        return make(slow, **hyperparameters)

    own = Method(consolidation, searched, digest=hashlib.sha256(text).hexdigest())
    try:
        _try(own)
    except (Exception, SystemExit) as error:
        raise ValueError(f"{file} fails on a small network: {_reason(file, error)}") from error
    return own


class _Strict(Sgd):
    """Gradient descent that refuses gradients of another shape than their tensors', which would be stretched to it."""

    def step_and_change(self, gradients: Sequence[Tensor], space: list[Tensor]) -> tuple[list[Tensor], float]:
        given, wanted = ([tuple(tensor.shape) for tensor in tensors] for tensors in (gradients, self.tensors))
        if given != wanted:
            raise ValueError(f"the optimizer's step got gradients of shapes {given} for parameters of shapes {wanted}")
        return super().step_and_change(gradients, space)


def _try(own: Method) -> None:
    """Train two seeds of a small network on two tasks, with the middle of each range, and ask for the state."""
    runs = [permuted(IMAGES, IMAGES, PIXELS, SMALL.tasks, generator(seed, "permutations")) for seed in SEEDS]
    pixels = numpy.arange(IMAGES * PIXELS, dtype=numpy.uint8).reshape(IMAGES, PIXELS)
    images = Images(pixels, numpy.arange(IMAGES) % CLASSES, torch.device("cpu"), flat=True)
    stream = Stream(images, images, [list(replicas) for replicas in zip(*runs, strict=True)])
    network = Mlp((PIXELS, *SMALL.hidden, CLASSES))
    parameters = network.initial(SEEDS)
    made = own.make(parameters, SMALL, **{name: math.sqrt(low * high) for name, (low, high) in own.searched.items()})
    if not isinstance(made, Consolidation):
        raise TypeError(f"consolidation must return a Consolidation, not {type(made).__name__}")
    learner = Learner(network, parameters, lambda tensors: _Strict(tensors, 0.01), made)
    for task in range(SMALL.tasks):
        update = Update(learner, stream, task)
        for part in update.start_epoch(0, SEEDS).split(SMALL.batch, dim=1):
            update(part)
        made.end_task(parameters, network.logits, TaskExamples(stream, task, SEEDS))
    learner.state_dict()


@contextlib.contextmanager
def told(text: str) -> Iterator[None]:
    """Raise TrainingError, with the line, in place of an error in the user's file; text: a method's name, or this file."""
    try:
        yield
    except (Exception, SystemExit) as error:
        if text in METHODS or not _lines(Path(text), error):
            raise
        raise TrainingError(f"{text} fails in training: {_reason(Path(text), error)}") from error


def _lines(file: Path, error: BaseException) -> list[str]:
    """Return the lines of the file that the error went through."""
    return [
        f"line {frame.lineno}, in {frame.name}: "
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).resolve() == file.resolve()
    ]


def _reason(file: Path, error: BaseException) -> str:
    """Return in one line what went wrong, and in which line of the file, if it went through it."""
    lines = _lines(file, error)
    return f"{lines[-1] if lines else ''}{type(error).__name__}: {' '.join(str(error).split())}"
