"""Constructed tables of results: what runs would write, with losses of our choice."""

from __future__ import annotations

import functools
import json
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy
import pandas

from common.results import records, reported
from papers.dan import collected, conditions
from papers.dan.protocol import DIGITS, TASKS

REPORTED_PATH = Path(conditions.__file__).with_name("reported.csv")
REPORTED = reported.read(REPORTED_PATH)
MNIST = {"name": "mnist", "description": "MNIST", "completeness": "complete"}
PROVENANCE = {
    "scale": "paper",
    "seeds": [0, 1, 2],
    "data": [MNIST],
    "protocol_digests": ["a"],
    "protocol": {},
    "parts": 1,
}
CHANNELS = (1, 5, 10, 20, 40)
UPDATES_PER_TASK = 100
SHOWN = ("original", "first", "half", "all")


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


class Images(NamedTuple):
    """Mean squared errors of the images."""

    start: float  # before any training
    first: float  # after the first step
    learned: float  # of a digit just learned
    forgotten: float  # added with each further digit
    transfer: float  # taken off unseen digits with each digit


RECONSTRUCTED = {
    "both": Images(0.12, 0.1, 0.008, 0.0005, 0.006),
    "memory": Images(0.12, 0.1, 0.01, 0.001, -0.002),
    "random": Images(0.12, 0.11, 0.03, 0.008, -0.004),
}


def wobble(*where):
    """A factor near 1 that differs from place to place: from seed to seed, from one condition to the next."""
    return 1 + 0.01 * (sum(where) % 3 - 1)


def meta(seeds=3, sequences=40, every=1, updates=500, changes=None):
    """The log of meta-training; changes: other final losses by (sharing, n_channels), None to leave one out.

    Losses decay to their level at a pace of their own: the lower the level, the faster. Functions differ: sequences are
    noisy, but alike for all of one seed.
    """
    done = numpy.arange(every, sequences + 1, every)
    parts = []
    for index, ((sharing, channels), level) in enumerate((TRAINED | (changes or {})).items()):
        if level is None:
            continue
        for seed in range(seeds):
            noise = numpy.exp(numpy.random.default_rng(seed).normal(0, 0.2, len(done)))
            curve = level + (1.5 - level) * numpy.exp(-done / (0.2 * sequences * level))
            part = {"sharing": sharing, "n_channels": channels, "seed": seed, "sequence": done}
            part |= {"updates": updates * done, "loss": wobble(seed, index) * noise * curve}
            parts.append(pandas.DataFrame(part))
    return joined("meta", parts)


def deployed(level, time, task):
    """The loss on a sub-task (1 to 5) after a time in sub-tasks (0 to 5), in units of the target's variance."""
    before = level.unseen * (1 + level.drift * min(time, task - 1))
    if time <= task - 1:
        return before
    if time < task:  # from one to the other, evenly in the logarithm
        return before ** (task - time) * level.learned ** (time - task + 1)
    return level.learned + level.forgotten * (time - task)


def variances(functions):
    """Variances of the held-out functions' targets; the first is almost constant."""
    return numpy.array([0.002, *numpy.linspace(0.5, 4, functions - 1)])


def stages(seeds=3, functions=50, changes=None):
    """Losses at the borders of sub-tasks; changes: other levels by network, None to leave it out."""
    spread = variances(functions)
    parts = []
    for index, (network, level) in enumerate((DEPLOYED | (changes or {})).items()):
        if level is None:
            continue
        for seed in range(seeds):
            for after in range(TASKS + 1):
                for task in range(1, TASKS + 1):
                    loss = wobble(seed, index) * deployed(level, after, task) * spread
                    part = {"network": network, "seed": seed, "function": range(functions), "after": after}
                    parts.append(pandas.DataFrame(part | {"task": task, "loss": loss, "variance": spread}))
    return joined("stages", parts)


def curves(seeds=3, functions=50, every=10, changes=None):
    """The course of the same losses; changes: other levels by network, None to leave it out."""
    spread = variances(functions)
    rows = []
    for index, (network, level) in enumerate((DEPLOYED | (changes or {})).items()):
        if level is None:
            continue
        for seed in range(seeds):
            for update in range(0, TASKS * UPDATES_PER_TASK + 1, every):
                time = update / UPDATES_PER_TASK
                losses = [deployed(level, time, task) for task in range(1, TASKS + 1)]
                begun = losses[: int(numpy.ceil(time))]
                for quantity, found in (("total", losses), ("memory", begun)):
                    if found:
                        of_functions = wobble(seed, index) * numpy.mean(found) * spread
                        row = {"network": network, "seed": seed, "update": update, "quantity": quantity}
                        row |= {"mean": of_functions.mean(), "sd": of_functions.std(ddof=1), "functions": functions}
                        rows.append(row)
    return joined("curves", [pandas.DataFrame(rows)])


def predictions(seeds=3, functions=4, points=101, error=0.1):
    """Predictions that fit what was learned but for a constant error, and go on as they ended beyond it."""
    source = numpy.random.default_rng(4)
    x = numpy.linspace(-5, 5, points)
    parts = []
    for function in range(functions):
        amplitudes, speeds = source.uniform(0, 2, (2, 1)), source.uniform(0, numpy.pi / 3, (2, 1))
        target = (amplitudes * numpy.sin(speeds * x + source.uniform(-5, 5, (2, 1)))).sum(0)
        for seed in range(seeds):
            for after in range(1, TASKS + 1):
                fit = numpy.interp(numpy.minimum(x, -5 + 2 * after), x, target) + error * (seed - 1)
                part = {"seed": seed, "function": function, "after": after, "x": x, "target": target}
                parts.append(pandas.DataFrame(part | {"prediction": fit}))
    return joined("predictions", parts)


def reconstructed(level, done, digit):
    """The error of a digit after a number of digits learned, at least one step."""
    if digit < done:
        return level.learned + level.forgotten * (done - 1 - digit)
    return level.first - level.transfer * done


def image_errors(seeds=3, steps=60, changes=None):
    """Errors of the images, with so many steps per digit; changes: other levels by condition, None to leave it out."""
    rows = []
    for index, (condition, level) in enumerate((RECONSTRUCTED | (changes or {})).items()):
        if level is None:
            continue
        for seed in range(seeds):
            for digit in range(DIGITS):
                losses = {0: level.start, 1: level.first}
                losses |= {done * steps: reconstructed(level, done, digit) for done in range(1, DIGITS + 1)}
                rows += [
                    {"condition": condition, "seed": seed, "step": step, "digit": digit}
                    | {"loss": wobble(seed, index, step) * loss}
                    for step, loss in losses.items()
                ]
    return joined("image_errors", [pandas.DataFrame(rows)])


def image_grids(seeds=3, side=14, chosen=tuple(RECONSTRUCTED)):
    """Pictures of polygons' outlines in the place of digits; what is not learned is a blur with noise."""
    y, x = (numpy.indices((side, side)) - (side - 1) / 2) / (side / 2)
    angle, radius = numpy.arctan2(y, x), numpy.hypot(y, x)
    rows, columns = numpy.indices((side, side)).reshape(2, -1)
    blur = numpy.exp(-((radius / 0.6) ** 2)) / 2
    parts = []
    for condition in chosen:
        for seed in range(seeds):
            source = numpy.random.default_rng(seed)
            for shown in SHOWN:
                for digit in range(DIGITS):
                    outline = 0.6 + 0.25 * numpy.cos(digit * angle)
                    picture = numpy.exp(-(((radius - outline) / 0.15) ** 2))
                    learned = {"first": 0, "half": DIGITS // 2, "all": DIGITS}.get(shown, DIGITS)
                    if digit >= learned:
                        picture = blur + source.normal(0, 0.1, picture.shape)
                    elif shown != "original":
                        picture = 0.9 * picture + source.normal(0, 0.03, picture.shape)
                    part = {"condition": condition, "seed": seed, "shown": shown, "digit": digit}
                    part |= {"row": rows, "column": columns, "value": picture.ravel()}
                    parts.append(pandas.DataFrame(part))
    return joined("image_grids", parts)


def image_meta(seeds=3, sequences=40, every=1, updates=600, levels=None):
    """The log of the images' meta-training; levels: final losses by condition."""
    done = numpy.arange(every, sequences + 1, every)
    parts = [
        pandas.DataFrame(
            {"condition": condition, "seed": seed, "sequence": done, "updates": updates * done}
            | {"loss": wobble(seed) * (level + (0.1 - level) * numpy.exp(-done / (0.2 * sequences)))}
        )
        for condition, level in (levels or {"both": 0.03, "memory": 0.02}).items()
        for seed in range(seeds)
    ]
    return joined("image_meta", parts)


def diagram(channels=3):
    """A network of 2 inputs, 3 DANs and 1 DAN, with random weights."""
    source = numpy.random.default_rng(6)
    rows = []
    nodes = (2, 3, 1)
    for layer, (many, further) in enumerate(pairwise(nodes)):
        rows += [
            ("synapse", layer, node, layer + 1, target, channel, source.normal())
            for node in range(many)
            for target in range(further)
            for channel in range(channels)
        ]
    rows += [
        ("node", layer, node, -1, -1, -1, source.uniform(-1, 1))
        for layer, many in enumerate(nodes)
        for node in range(many)
    ]
    sizes = (channels, 15, 8, 1)
    rows += [
        ("phenotype", layer, row, -1, column, -1, source.normal())
        for layer, (many, further) in enumerate(pairwise(sizes))
        for row in range(many)
        for column in range(further)
    ]
    return joined("diagram", [pandas.DataFrame(rows, columns=collected.READERS["diagram"].columns)])


def joined(name, parts):
    """One table with the columns that it has on disk."""
    columns = collected.READERS[name].columns
    return pandas.concat(parts, ignore_index=True)[columns] if parts else pandas.DataFrame(columns=columns)


def everything(seeds=3, **changes):
    """All tables, as the paper claims them; changes: other tables, by name."""
    return _as_claimed(seeds) | changes


@functools.cache
def _as_claimed(seeds):
    return {
        "meta": meta(seeds),
        "stages": stages(seeds),
        "curves": curves(seeds),
        "predictions": predictions(seeds),
        "image_errors": image_errors(seeds),
        "image_grids": image_grids(seeds),
        "image_meta": image_meta(seeds),
        "diagram": diagram(),
    }


def write(folder, name, rows, provenance=PROVENANCE):
    """Write a table and its provenance as the stages do; returns the table's path."""
    records.write_table(folder / f"{name}.csv", rows)
    (folder / f"{name}.json").write_text(json.dumps(provenance))
    return folder / f"{name}.csv"
