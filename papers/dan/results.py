"""The paper's collected tables: how each is read, and one value per seed out of them for figures, claims and numbers.

Losses are mean squared errors. Whatever was not run is empty, so that a claim about it is "not run".
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas

from common.results import stats
from common.results.readers import Tables, chosen, of_arrays, plain
from papers.dan.protocol import DIGITS, SHARING, TASKS

Runs = dict[int, float]  # by seed

READERS = {
    "meta": plain(["sharing", "n_channels", "seed", "sequence", "updates", "loss"]),
    "stages": plain(["network", "seed", "function", "after", "task", "loss", "variance"]),
    "curves": plain(["network", "seed", "update", "quantity", "mean", "sd", "functions"]),
    "predictions": plain(["seed", "function", "after", "x", "target", "prediction"]),
    "image_meta": plain(["condition", "seed", "sequence", "updates", "loss"]),
    "image_errors": plain(["condition", "seed", "step", "digit", "loss"]),
    "image_grids": of_arrays(("original", "first", "half", "all")),
    "diagram": plain(["kind", "layer", "node", "target_layer", "target", "channel", "value"]),
}

N_CHANNELS = 40  # of the paper, but for its sweep
VARIANCE_FLOOR = 0.01  # for targets that are almost constant
LAST = 0.1  # share of meta-training that is its end; as much is its start


def ratio(a: Runs, b: Runs) -> Runs:
    """Return a as a multiple of b for every seed that both have; empty if they share none."""
    return {seed: a[seed] / b[seed] for seed in a if seed in b}


def geometric(ratios: Runs) -> stats.Summary:
    """Return the summary of ratios on the log scale, turned back: geometric mean, SD and SEM as factors, 95% interval.

    Ratios of losses span orders of magnitude: on the raw scale one seed outweighs the others, and intervals reach
    below 0.
    """
    own = stats.summary(map(math.log, ratios.values()))
    return stats.Summary(own.n, *map(math.exp, own[1:]))


def functions(tables: Tables) -> int:
    """Return on how many held-out functions networks were deployed."""
    return tables["stages"]["function"].nunique()


def total(tables: Tables, network: str, after: int = TASKS) -> Runs:
    """Return the mean loss of all five sub-tasks after so many of them, over all functions."""
    return _by_seed(_deployed(tables, network, after), "loss")


def total_ratio(tables: Tables, network: str) -> Runs:
    """Return the total loss after all sub-tasks as a multiple of that before the first."""
    return ratio(total(tables, network), total(tables, network, after=0))


def memory(tables: Tables, network: str, after: int = TASKS) -> Runs:
    """Return the memory loss after so many sub-tasks: the mean loss of those learned, over all functions."""
    rows = _deployed(tables, network, after)
    return _by_seed(rows[rows["task"] <= after], "loss")


def memory_at_borders(tables: Tables, network: str) -> dict[int, list[float]]:
    """Return the memory losses at the borders between sub-tasks: after the first to the last but one."""
    losses = [memory(tables, network, after) for after in range(1, TASKS)]
    return {seed: [loss[seed] for loss in losses] for seed in losses[0]}


def normalised_memory(tables: Tables, network: str) -> Runs:
    """Return the final memory loss in units of the target's variance, the median over functions."""
    return _normalised(_deployed(tables, network, TASKS))


def unseen(tables: Tables, network: str) -> Runs:
    """Return the loss on sub-tasks 2 to 5 right before each is learned, in the same units: of the best constant it is 1."""
    rows = _deployed(tables, network)
    return _normalised(rows[(rows["task"] > 1) & (rows["after"] == rows["task"] - 1)])


def shared_channels(tables: Tables) -> int:
    """Return the n_channels with which all ways of sharing were meta-trained; the paper's if there is none."""
    rows = tables["meta"]
    of_each = [set(rows.loc[rows["sharing"] == sharing, "n_channels"].astype(int)) for sharing in SHARING]
    return max(set.intersection(*of_each), default=N_CHANNELS)


def swept_channels(tables: Tables) -> list[int]:
    """Return the numbers of channels that were tried with one phenotype, the least first."""
    rows = tables["meta"]
    return sorted({int(channels) for channels in rows.loc[rows["sharing"] == "network", "n_channels"]})


def meta_trained(tables: Tables, sharing: str, n_channels: int) -> Runs:
    """Return the memory loss at the end of meta-training: its mean over the last tenth of the sequences."""
    return _by_seed(_last(_log(tables, sharing, n_channels)), "loss")


def first_meta_trained(tables: Tables, sharing: str, n_channels: int) -> Runs:
    """Return the memory loss at the start of meta-training: its mean over the first tenth of the sequences."""
    log = _log(tables, sharing, n_channels)
    return _by_seed(log[log["sequence"] <= LAST * log["sequence"].max()], "loss")


def area(tables: Tables, sharing: str, n_channels: int) -> Runs:
    """Return the area under the curve of meta-training: the mean memory loss over all sequences."""
    return _by_seed(_log(tables, sharing, n_channels), "loss")


def images_meta_trained(tables: Tables, condition: str) -> Runs:
    """Return the images' meta-loss at the end of meta-training: its mean over the last tenth of the sequences."""
    return _by_seed(_last(chosen(tables["image_meta"], condition=condition)), "loss")


def image_error(tables: Tables, condition: str, learned: int, digits: Iterable[int] = range(DIGITS)) -> Runs:
    """Return the mean error of the images of these digits after so many digits were learned."""
    rows = _of_images(tables, condition)
    return _by_seed(rows[(rows["learned"] == learned) & rows["digit"].isin(list(digits))], "loss")


def image_error_after_first_step(tables: Tables, condition: str) -> Runs:
    """Return the mean error of all images after the first step, on the images of digit 0."""
    return _by_seed(chosen(_of_images(tables, condition), step=1), "loss")


def mean_image_ratio(tables: Tables, condition: str) -> Runs:
    """Return the error after all digits as a multiple of that of the mean image, both on the first image of each digit.

    No single picture does better on all of them than their mean: only below 1 are digits told apart.
    """
    grids = tables["image_grids"]
    originals, outputs = (grids.of(name, condition=condition) for name in ("original", "all"))
    if not len(originals):
        return {}
    means = originals.mean(1, keepdims=True)
    of_network, of_mean = (((originals - image) ** 2).mean((1, 2, 3)) for image in (outputs, means))
    seeds = chosen(grids.runs, condition=condition)["seed"]
    return dict(zip(seeds.tolist(), (of_network / of_mean).tolist(), strict=True))


def backward_transfer(tables: Tables, condition: str) -> Runs:
    """Return the mean over digits 0 to 8 of the error after all minus that right after learning it: forgetting if > 0.

    The last digit is left out: its two errors are the same.
    """
    return _mean_change(tables, condition, [(digit, digit + 1, DIGITS) for digit in range(DIGITS - 1)])


def forward_transfer(tables: Tables, condition: str) -> Runs:
    """Return the mean over digits 1 to 9 of the error right before learning it minus that before any training."""
    return _mean_change(tables, condition, [(digit, 0, digit) for digit in range(1, DIGITS)])


def digit0_retained(tables: Tables, condition: str) -> Runs:
    """Return the error of digit 0 at the end, as a multiple of that right after learning it."""
    return ratio(image_error(tables, condition, DIGITS, [0]), image_error(tables, condition, 1, [0]))


def _deployed(tables: Tables, network: str, after: int | None = None) -> pandas.DataFrame:
    """Return the losses of a network in deployment, after so many sub-tasks or all of them."""
    rows = chosen(tables["stages"], network=network)
    return rows if after is None else chosen(rows, after=after)


def _normalised(rows: pandas.DataFrame) -> Runs:
    """Return the median over functions of their mean loss in units of the target's variance, at least 0.01, by seed."""
    means = rows.groupby(["seed", "function"], as_index=False)[["loss", "variance"]].mean()
    means["loss"] /= means["variance"].clip(lower=VARIANCE_FLOOR)
    return {int(seed): float(median) for seed, median in means.groupby("seed")["loss"].median().items()}


def _log(tables: Tables, sharing: str, n_channels: int) -> pandas.DataFrame:
    """Return the losses of the meta-training with this sharing and number of channels."""
    return chosen(tables["meta"], sharing=sharing, n_channels=n_channels)


def _last(log: pandas.DataFrame) -> pandas.DataFrame:
    """Return the rows of the last tenth of the sequences."""
    return log[log["sequence"] > (1 - LAST) * log["sequence"].max()]


def _of_images(tables: Tables, condition: str) -> pandas.DataFrame:
    """Return the errors with a column `learned`: digits learned so far, a fraction within one."""
    rows = chosen(tables["image_errors"], condition=condition)
    return rows.assign(learned=rows["step"] * DIGITS / rows["step"].max())


def _mean_change(tables: Tables, condition: str, changes: list[tuple[int, int, int]]) -> Runs:
    """Return the mean change of errors; changes: digit, from how many digits learned, to how many."""
    rows = _of_images(tables, condition)
    means = {}
    for seed, of_seed in rows.groupby("seed"):
        losses = of_seed.set_index(["digit", "learned"])["loss"]
        total = float(sum(losses[digit, to] - losses[digit, start] for digit, start, to in changes))
        means[int(seed)] = total / len(changes)
    return means


def _by_seed(rows: pandas.DataFrame, column: str) -> Runs:
    """Return the mean of a column, by seed."""
    return {int(seed): float(mean) for seed, mean in rows.groupby("seed")[column].mean().items()}
