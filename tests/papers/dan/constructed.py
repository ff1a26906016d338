"""Constructed tables of results: what runs would write, with losses of our choice."""

from __future__ import annotations

import dataclasses
import functools
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy
import pandas
import torch

from common.results import arrays, reported
from common.results.readers import Tables
from papers.dan import diagram as figure_1
from papers.dan import results
from papers.dan.protocol import DIGITS, TASKS
from papers.dan.results import READERS
from tests.papers.dan.small import SMOKE

REPORTED = reported.read(Path(results.__file__).with_name("reported.csv"))
MNIST = {"name": "mnist", "description": "MNIST", "completeness": "complete"}
RECORD = {"scale": "paper", "seeds": [0, 1, 2], "data": [MNIST], "protocol": {}}
CHANNELS = (1, 5, 10, 20, 40)
SIDE = 6  # of the pictures, in pixels


class Level(NamedTuple):
    """Losses in deployment, in units of the target's variance."""

    learned: float  # on a sub-task just learned
    forgotten: float  # added with each further sub-task
    unseen: float  # before it is learned
    drift: float = 0.05  # relative change of that with each other sub-task


DEPLOYED = {
    "net0": Level(0.02, 0.003, 1.2),
    "net1": Level(0.02, 0.01, 1.2),
    "net2": Level(0.1, 0.1, 1.6),
    "net3": Level(0.05, 0.08, 1.6),
    "net4": Level(0.15, 0.1, 1.8),
    "net5": Level(0.05, 0.15, 1.8),
}
# Memory loss that meta-training comes down to.
TRAINED = dict(zip([("network", channels) for channels in CHANNELS], (0.9, 0.6, 0.4, 0.3, 0.2)))
TRAINED |= {("layer", 40): 0.3, ("none", 40): 0.5}


class Errors(NamedTuple):
    """Mean squared errors of the images."""

    start: float  # before any training
    first: float  # after the first step
    learned: float  # of a digit just learned
    forgotten: float  # added with each further digit
    transfer: float  # taken off unseen digits with each digit


RECONSTRUCTED = {
    "both": Errors(0.12, 0.1, 0.008, 0.0005, 0.006),
    "memory": Errors(0.12, 0.1, 0.01, 0.001, -0.002),
    "random": Errors(0.12, 0.11, 0.03, 0.008, -0.004),
}


def wobble(*places):
    """A factor near 1 that differs from place to place: from seed to seed, from one condition to the next."""
    return 1 + 0.01 * (sum(places) % 3 - 1)


def runs(levels, changes, seeds):
    """Each condition's place, name and level, with each seed; changes: other levels, None to leave a condition out."""
    for place, (name, level) in enumerate((levels | (changes or {})).items()):
        if level is not None:
            yield from ((place, name, level, seed) for seed in range(seeds))


def joined(name, parts):
    """One table of parts, each of columns and numbers, with the columns that it has on disk."""
    return pandas.concat(map(pandas.DataFrame, parts), ignore_index=True)[READERS[name].columns]


def meta(seeds=3, sequences=40, changes=None):
    """The log of meta-training; changes: other final losses by (sharing, n_channels).

    Losses decay to their level at a pace of their own: the lower the level, the faster. Functions differ: sequences are
    noisy, but alike for all of one seed.
    """
    done = numpy.arange(1, sequences + 1)
    parts = []
    for place, (sharing, channels), level, seed in runs(TRAINED, changes, seeds):
        noise = numpy.exp(numpy.random.default_rng(seed).normal(0, 0.2, len(done)))
        curve = level + (1.5 - level) * numpy.exp(-done / (0.2 * sequences * level))
        part = {"sharing": sharing, "n_channels": channels, "seed": seed, "sequence": done, "updates": 500 * done}
        parts.append(part | {"loss": wobble(seed, place) * noise * curve})
    return joined("meta", parts)


def deployed(level, after, task):
    """The loss on a sub-task (1 to 5) after so many of them, in units of the target's variance."""
    if after < task:
        return level.unseen * (1 + level.drift * after)
    return level.learned + level.forgotten * (after - task)


def stages(seeds=3, functions=50, changes=None):
    """Losses at the borders of sub-tasks; the first function is almost constant; changes: other levels by network."""
    variance = numpy.array([0.002, *numpy.linspace(0.5, 4, functions - 1)])
    parts = []
    for place, network, level, seed in runs(DEPLOYED, changes, seeds):
        for after, task in product(range(TASKS + 1), range(1, TASKS + 1)):
            loss = wobble(seed, place) * deployed(level, after, task) * variance
            part = {"network": network, "seed": seed, "function": range(functions), "after": after, "task": task}
            parts.append(part | {"loss": loss, "variance": variance})
    return joined("stages", parts)


def curves(seeds=3):
    """Losses that fall with every update; before the first there is nothing to remember."""
    parts = []
    for place, network, level, seed in runs(DEPLOYED, None, seeds):
        for quantity, first in (("total", 0), ("memory", 50)):
            update = numpy.arange(first, 501, 50)
            mean = wobble(seed, place) * level.unseen * numpy.exp(-update / 200)
            part = {"network": network, "seed": seed, "update": update, "quantity": quantity}
            parts.append(part | {"mean": mean, "sd": 0.5 * mean, "functions": 50})
    return joined("curves", parts)


def predictions(seeds=3):
    """Predictions that fit what was learned but for a constant error of 0.1, and go on as they ended beyond it."""
    x, parts = numpy.linspace(-5, 5, 101), []
    for function, seed, after in product(range(4), range(seeds), range(1, TASKS + 1)):
        target = numpy.sin(x + function) + function
        fit = numpy.interp(numpy.minimum(x, -5 + 2 * after), x, target) + 0.1 * (seed - 1)
        part = {"seed": seed, "function": function, "after": after, "x": x, "target": target, "prediction": fit}
        parts.append(part)
    return joined("predictions", parts)


def reconstructed(level, done, digit):
    """The error of a digit after a number of digits learned, at least one step."""
    if digit < done:
        return level.learned + level.forgotten * (done - 1 - digit)
    return level.first - level.transfer * done


def image_errors(seeds=3, steps=60, changes=None):
    """Errors of the images, with so many steps per digit; changes: other levels by condition."""
    parts = []
    for place, condition, level, seed in runs(RECONSTRUCTED, changes, seeds):
        for digit in range(DIGITS):
            losses = {0: level.start, 1: level.first}
            losses |= {done * steps: reconstructed(level, done, digit) for done in range(1, DIGITS + 1)}
            loss = [wobble(seed, place, step) * loss for step, loss in losses.items()]
            parts.append({"condition": condition, "seed": seed, "digit": digit, "step": list(losses), "loss": loss})
    return joined("image_errors", parts)


def image_grids(seeds=3, chosen=tuple(RECONSTRUCTED)):
    """Noise in the place of digits and of what is made of them, but at the end, when that is near the original."""
    noted, made = [], list(product(chosen, range(seeds)))
    for _, seed in made:
        noise = numpy.random.default_rng(seed).uniform(size=(4, DIGITS, SIDE, SIDE))
        pictures = dict(zip(("original", "first", "half", "all"), noise, strict=True))
        noted.append(pictures | {"all": 0.9 * pictures["original"] + 0.1 * pictures["all"]})
    return arrays.of_runs([{"condition": condition, "seed": seed} for condition, seed in made], noted)


def image_meta(seeds=3):
    """The log of the images' meta-training."""
    done = numpy.arange(1, 41)
    parts = []
    for _, condition, level, seed in runs({"both": 0.03, "memory": 0.02}, None, seeds):
        part = {"condition": condition, "seed": seed, "sequence": done, "updates": 600 * done}
        parts.append(part | {"loss": wobble(seed) * (level + (0.1 - level) * numpy.exp(-done / 8))})
    return joined("image_meta", parts)


def diagram():
    """A network of 2 inputs, 3 DANs and 1 DAN, with random weights."""
    untrained = figure_1.learned(dataclasses.replace(SMOKE.diagram, steps=0))
    return pandas.DataFrame(figure_1.rows(*untrained, torch.tensor(figure_1.EXAMPLE)))


def tables(record=RECORD, **run):
    """These tables, by name, and no others; record: of each."""
    return Tables(run, dict.fromkeys(run, record), READERS)


def everything(seeds=3, record=RECORD, **changes):
    """All tables, as the paper claims them; changes: other tables, by name."""
    return tables(record, **(_as_claimed(seeds) | changes))


@functools.cache
def _as_claimed(seeds):
    made = (meta, stages, curves, predictions, image_meta, image_errors, image_grids)
    return {"diagram": diagram(), **{make.__name__: make(seeds) for make in made}}
