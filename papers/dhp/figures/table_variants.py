"""A table of our own: what DHP gains as published, with eta within [0, 1], with other output weights, steps, pixels, importances."""

from __future__ import annotations

import statistics

import pandas

from common.drawing.typeset import Table
from common.results import reported as reported_numbers
from common.results import stats
from common.results.readers import Tables
from papers.dhp import results
from papers.dhp.conditions import BENCHMARK_LABELS, FINAL, LABELS, TRANSFER
from papers.dhp.protocol import ADAM, BATCH, BOUNDED, MOMENTUM, NARROW, STANDARDISED, SWEPT, UNSCALED, WITH_DHP

CAPTION = (
    "What DHP gains under other optimizers, with its rate η kept within [0, 1], and with output weights that start narrow,"
    " as in a common layer, in both networks or without DHP alone. Also with standardised pixels, and with importances from the"
    " gradients of whole batches (of EWC also without the factor of the batch size: unscaled). Average test accuracy (%) and backward transfer (BWT, a"
    " fraction) after all tasks, over the seeds that were run both without and with DHP. Gain: the difference in points,"
    " paired by seed, with its 95% interval. The paper states plain SGD and no bound, and calls the networks without DHP"
    " vanilla."
)
OPTIMIZERS = {"": "SGD", MOMENTUM: "SGD with momentum", ADAM: "Adam"}  # the published one, and those of controls
READINGS = {
    STANDARDISED: "SGD, standardised",
    BATCH: "SGD, batch importance",
    STANDARDISED + BATCH: "SGD, standardised, batch importance",
    UNSCALED: "SGD, unscaled batch importance",
    STANDARDISED + UNSCALED: "SGD, standardised, unscaled batch importance",
}
HEADINGS = {
    "benchmark": "Benchmark",
    "method": "Method",
    "variant": "Variant",
    "without": "Without DHP",
    "without_bwt": "BWT without",
    "with": "With DHP",
    "with_bwt": "BWT with",
    "gain": "Gain",
    "gain_low": "from",
    "gain_high": "to",
}
COLUMNS = [*HEADINGS, "n"]


def draw(tables: Tables, reported: pandas.DataFrame) -> Table:
    """Return the table; its CSV holds the numbers exactly."""
    return Table(values(tables, reported), CAPTION, HEADINGS)


def values(tables: Tables, reported: pandas.DataFrame) -> pandas.DataFrame:
    """Return the paper's row and one of ours for each variant that was run, by benchmark and method without DHP."""
    rows = []
    for benchmark in SWEPT:
        for method in WITH_DHP:
            names = {"benchmark": BENCHMARK_LABELS[benchmark], "method": LABELS[method]}
            rows.append(names | {"variant": "paper"} | _paper(reported, benchmark, method))
            dhp = WITH_DHP[method]
            pairs = {label: (method + suffix, dhp + suffix) for suffix, label in (OPTIMIZERS | READINGS).items()}
            pairs["SGD, η in [0, 1]"] = method, dhp + BOUNDED
            for suffix in ("", MOMENTUM):
                label, narrow = OPTIMIZERS[suffix], NARROW + suffix
                pairs[f"{label}, narrow"] = method + narrow, dhp + narrow
                pairs[f"{label}, narrow without DHP alone"] = method + narrow, dhp + suffix
            for label, pair in pairs.items():
                if numbers := _ours(tables, benchmark, *pair):
                    rows.append(names | {"variant": label} | numbers)
    return pandas.DataFrame(rows, columns=COLUMNS)


def _paper(reported: pandas.DataFrame, benchmark: str, method: str) -> dict[str, float]:
    rows = reported_numbers.results(reported, artifact="table1", panel="", setting=BENCHMARK_LABELS[benchmark])
    stated = rows.set_index(["method", "quantity"])["value"]
    numbers: dict[str, float] = {}
    for place, condition in (("without", method), ("with", WITH_DHP[method])):
        numbers |= {place: stated[LABELS[condition], FINAL], f"{place}_bwt": stated[LABELS[condition], TRANSFER]}
    return numbers | {"gain": numbers["with"] - numbers["without"]}


def _ours(tables: Tables, benchmark: str, without: str, with_dhp: str) -> dict[str, float]:
    """Return a row's numbers; none if no seed was run on all of the paper's tasks, without DHP and with it."""
    gains = results.gain(tables, benchmark, with_dhp, without)
    if not gains:
        return {}
    numbers: dict[str, float] = {}
    for place, condition in (("without", without), ("with", with_dhp)):
        accuracies = results.accuracy(tables, benchmark, condition)
        transfers = results.transfer(tables, benchmark, condition)
        numbers[place] = statistics.fmean(accuracies[seed] for seed in gains)
        numbers[f"{place}_bwt"] = statistics.fmean(transfers[seed] for seed in gains) / 100
    gain = stats.summary(gains.values())
    return numbers | {"gain": gain.mean, "gain_low": gain.ci_low, "gain_high": gain.ci_high, "n": gain.n}
