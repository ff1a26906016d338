"""Our numbers where the paper shows curves and pictures: it reports no numeric result, so ours have no verdict."""

from __future__ import annotations

from typing import NamedTuple

import pandas

from common.results import stats
from common.results.readers import Tables
from papers.dan import results
from papers.dan.claims import FIGURE3_FUNCTIONS, FIGURE4_FUNCTIONS, LATER_DIGITS
from papers.dan.conditions import IMAGES, NETWORKS, SHARING
from papers.dan.protocol import DIGITS, TASKS
from papers.dan.results import Runs

# The tables that the numbers and claims of an artifact rest on: often others than those that its figure draws.
ELSEWHERE = {
    "fig2": ("image_meta", "image_errors", "image_grids"),
    "fig3": ("stages",),
    "fig4": ("stages", "meta"),
    **dict.fromkeys(("fig4TL", "fig4TR"), ("stages",)),
    **dict.fromkeys(("fig4BL", "fig4BR"), ("meta",)),
}

MSE, RATIO = "MSE", "ratio"
ALL_DIGITS = "mean over 10 digits"
FIRST_TENTH, LAST_TENTH = "first tenth of the sequences", "last tenth of the sequences"
OF_VARIANCE = "memory loss / variance of the target"
OF_UNSEEN = "loss on sub-tasks 2 to 5, right before each is learned / variance of the target"
AGAINST_MEAN = "error after all digits / error of the mean image"
READ_AS = (
    "BWT > 0: forgetting; FWT < 0: transfer. Of ratios, also in claims: the geometric mean, and the SD as a factor"
)
NO_NUMBER, NOT_RUN = "no number reported", "not run"


class Number(NamedTuple):
    """A number of ours, by seed, and what it is."""

    artifact: str
    panel: str
    quantity: str
    method: str
    setting: str
    unit: str
    runs: Runs


def our_numbers(tables: Tables) -> pandas.DataFrame:
    """Return our numbers, one per row: mean, spread and 95% interval over seeds, or "not run" where we have none.

    Of ratios (unit: ratio) the mean is the geometric one, and SD and SEM are factors: see `results.geometric`.
    """
    numbers = _deployment(tables) + _meta_training(tables) + _images(tables)
    statistics = ["ours_mean", "ours_sd", "ours_sem", "ci_low", "ci_high", "ours_n", "verdict"]
    rows = [(*number[:-1], *_statistics(number.runs, number.unit)) for number in numbers]
    return pandas.DataFrame(rows, columns=[*Number._fields[:-1], *statistics])


def notes(tables: Tables, reported: pandas.DataFrame) -> list[str]:
    """Return what comparison.md says before our numbers: on how many functions networks were deployed, and how to read it."""
    needed = f"dan-01 and dan-02 need {FIGURE3_FUNCTIONS}, dan-03 to dan-06 need {FIGURE4_FUNCTIONS}, or else count as not run"
    return [
        f"- stages: {results.functions(tables)} held-out functions; {needed}.",
        "",
        f"The paper reports no numbers, only curves and pictures. Ours: {READ_AS}.",
    ]


def _deployment(tables: Tables) -> list[Number]:
    """Return the losses of Figures 3 and 4 (top): of all networks at the start and the end, of net0 on the way.

    Two ratios are claimed of net0 only, dan-02 and dan-03; those of the others show what they say of meta-training.
    """
    final, mean = "after 5 sub-tasks", "mean over functions"
    numbers = []
    for network, (label, *_) in NETWORKS.items():
        start, end = (results.total(tables, network, after) for after in (0, TASKS))
        share, fall = results.normalised_memory(tables, network), results.total_ratio(tables, network)
        unseen = results.unseen(tables, network)
        numbers += [
            Number("fig4", "TL", "total loss", label, f"before the first update, {mean}", MSE, start),
            Number("fig4", "TL", "total loss, at the end also memory loss", label, f"{final}, {mean}", MSE, end),
            Number("fig4", "TL", "total loss, end / start", label, mean, RATIO, fall),
            Number("fig3", "", OF_VARIANCE, label, f"{final}, median over functions", RATIO, share),
            Number("fig3", "", OF_UNSEEN, label, "median over functions", RATIO, unseen),
        ]
    label, borders = NETWORKS["net0"].label, results.memory_at_borders(tables, "net0")
    for name, extreme in (("largest", max), ("least", min)):
        runs = {seed: extreme(losses) for seed, losses in borders.items()}
        setting = f"after 1 to 4 sub-tasks, {mean}"
        numbers.append(Number("fig4", "TR", f"{name} memory loss at a border of sub-tasks", label, setting, MSE, runs))
    return numbers


def _meta_training(tables: Tables) -> list[Number]:
    """Return the memory losses of Figure 4 (bottom): by sharing and by n_channels."""
    shared = results.shared_channels(tables)
    compared = [("BL", sharing, shared, look.label, f"n_channels = {shared}") for sharing, look in SHARING.items()]
    for channels in results.swept_channels(tables) or [results.N_CHANNELS]:
        compared.append(("BR", "network", channels, f"n_channels = {channels}", "one phenotype"))
    quantities = [
        ("memory loss at the start of meta-training", FIRST_TENTH, results.first_meta_trained),
        ("memory loss at the end of meta-training", LAST_TENTH, results.meta_trained),
        ("area under the curve of meta-training", "mean over all sequences", results.area),
    ]
    return [
        Number("fig4", panel, quantity, method, f"{setting}, {over}", MSE, value(tables, sharing, channels))
        for panel, sharing, channels, method, setting in compared
        for quantity, over, value in quantities
    ]


def _images(tables: Tables) -> list[Number]:
    """Return the errors of Figure 2 by condition, and the transfers between digits."""
    numbers = []
    for condition, label in IMAGES.items():
        before, end = (results.image_error(tables, condition, learned) for learned in (0, DIGITS))
        unseen = results.image_error(tables, condition, 5, LATER_DIGITS)
        own: list[tuple[str, str, str, Runs]] = [
            ("error before training", ALL_DIGITS, MSE, before),
            ("error after the first step", ALL_DIGITS, MSE, results.image_error_after_first_step(tables, condition)),
            ("error after all digits", ALL_DIGITS, MSE, end),
            ("BWT of errors", "mean over digits 0 to 8", MSE, results.backward_transfer(tables, condition)),
            ("FWT of errors", "mean over digits 1 to 9", MSE, results.forward_transfer(tables, condition)),
            ("error, end / right after learning it", "digit 0", RATIO, results.digit0_retained(tables, condition)),
            ("error after digits 0 to 4", "digits 5 to 9", MSE, unseen),
            (AGAINST_MEAN, "first image of each digit", RATIO, results.mean_image_ratio(tables, condition)),
        ]
        if condition != "random":
            loss = results.images_meta_trained(tables, condition)
            own.append(("meta-loss at the end of meta-training", LAST_TENTH, MSE, loss))
        numbers += [Number("fig2", "", quantity, label, over, unit, runs) for quantity, over, unit, runs in own]
    return numbers


def _statistics(runs: Runs, unit: str) -> tuple:
    """Return what a row of our numbers says behind its unit."""
    if not runs:
        return (*[float("nan")] * 5, 0, NOT_RUN)
    own = results.geometric(runs) if unit == RATIO else stats.summary(runs.values())
    return own.mean, own.sd, own.sem, own.ci_low, own.ci_high, own.n, NO_NUMBER
