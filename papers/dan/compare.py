"""Compare our runs with the paper: an outcome per qualitative claim, and our numbers where the paper shows curves.

    python -m papers.dan.compare --results TABLE.csv... --reported reported.csv --out comparison.csv

Tables are told apart by their names (stages.csv and so on); what they do not hold counts as not run. The paper reports
no numeric result, so our numbers have no verdict. Writes claims.csv and comparison.md, both in short, beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas

from common import claims, comparison, stats
from common import reported as reported_numbers
from common.collected import Tables, request
from papers.dan import collected, evidence
from papers.dan.claims import CLAIMS, FIGURE3_FUNCTIONS, FIGURE4_FUNCTIONS, LATER_DIGITS
from papers.dan.conditions import IMAGES, NETWORKS, SHARING
from papers.dan.evidence import Runs
from papers.dan.protocol import DIGITS, TASKS

MSE, RATIO = "MSE", "ratio"
ALL_DIGITS, LAST_TENTH = "mean over 10 digits", "last tenth of the sequences"
OF_VARIANCE = "memory loss / variance of the target"
OF_UNSEEN = "loss on sub-tasks 2 to 5, right before each is learned / at the start"
AGAINST_MEAN = "error after all digits / error of the mean image"
READ_AS = "BWT > 0: forgetting; FWT < 0: transfer; of ratios the geometric mean, and the SD as a factor"
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


def our_numbers(tables: Tables, reported: pandas.DataFrame) -> pandas.DataFrame:
    """Return our numbers, one per row: mean, spread and 95% interval over seeds, or "not run" where we have none.

    Of ratios (unit: ratio) the mean is the geometric one, and SD and SEM are factors: see `evidence.geometric`.
    Raises ValueError if `reported` holds results, with which ours would have to be compared.
    """
    if len(results := reported_numbers.results(reported)):
        raise ValueError(f"reported.csv: {len(results)} results, but nothing of ours is known to be the same as they")
    numbers = _deployment(tables) + _meta_training(tables) + _images(tables)
    statistics = ["ours_mean", "ours_sd", "ours_sem", "ci_low", "ci_high", "ours_n", "verdict"]
    rows = [(*number[:-1], *_statistics(number.runs, number.unit)) for number in numbers]
    return pandas.DataFrame(rows, columns=[*Number._fields[:-1], *statistics])


def check_claims(tables: Tables) -> pandas.DataFrame:
    """Return one row per claim: id, artifact, claim, outcome (holds, fails, unclear, not run) and our numbers."""
    return claims.check(CLAIMS, tables)


def markdown(
    tables: Tables, numbers: pandas.DataFrame, checked: pandas.DataFrame, provenances: dict[str, dict]
) -> list[str]:
    """Return the lines of both tables in Markdown, for a README: the numbers that were run, and all claims."""
    run = numbers[numbers["ours_n"] > 0]
    needed = f"dan-01 needs {FIGURE3_FUNCTIONS}, dan-03 to dan-06 need {FIGURE4_FUNCTIONS}, or else count as not run"
    return [
        *comparison.stamp_lines(provenances),
        f"- stages: {evidence.functions(tables)} held-out functions; {needed}.",
        "",
        f"The paper reports no numbers, only curves and pictures. Ours ({READ_AS}):",
        "",
        "| Artifact | Number | Ours | 95% interval |",
        "| --- | --- | --- | --- |",
        *map(_number_line, run.to_dict("records")),
        "",
        f"{len(numbers) - len(run)} of {len(numbers)} numbers: not run.",
        "",
        *comparison.claims_lines(checked, "Our numbers (ratios, paired by seed: geometric means), with 95% intervals"),
    ]


def _deployment(tables: Tables) -> list[Number]:
    """Return the losses of Figures 3 and 4 (top): of all networks at the start and the end, of net0 on the way.

    Two ratios are claimed of net0 only, dan-02 and dan-03; those of the others show what they say of meta-training.
    """
    final, mean = "after 5 sub-tasks", "mean over functions"
    numbers = []
    for network, (label, *_) in NETWORKS.items():
        start, end = (evidence.total(tables, network, after) for after in (0, TASKS))
        share, fall = evidence.normalised_memory(tables, network), evidence.total_ratio(tables, network)
        unseen = evidence.unseen_ratio(tables, network)
        numbers += [
            Number("fig4", "TL", "total loss", label, f"before the first update, {mean}", MSE, start),
            Number("fig4", "TL", "total loss, at the end also memory loss", label, f"{final}, {mean}", MSE, end),
            Number("fig4", "TL", "total loss, end / start", label, mean, RATIO, fall),
            Number("fig3", "", OF_VARIANCE, label, f"{final}, median over functions", RATIO, share),
            Number("fig3", "", OF_UNSEEN, label, mean, RATIO, unseen),
        ]
    label, borders = NETWORKS["net0"].label, evidence.memory_at_borders(tables, "net0")
    for name, extreme in (("largest", max), ("least", min)):
        runs = {seed: extreme(losses) for seed, losses in borders.items()}
        setting = f"after 1 to 4 sub-tasks, {mean}"
        numbers.append(Number("fig4", "TR", f"{name} memory loss at a border of sub-tasks", label, setting, MSE, runs))
    return numbers


def _meta_training(tables: Tables) -> list[Number]:
    """Return the memory losses of Figure 4 (bottom): by sharing and by n_channels."""
    shared = evidence.shared_channels(tables)
    compared = [("BL", sharing, shared, label, f"n_channels = {shared}") for sharing, label in SHARING.items()]
    for channels in evidence.swept_channels(tables) or [evidence.N_CHANNELS]:
        compared.append(("BR", "network", channels, f"n_channels = {channels}", "one phenotype"))
    quantities = [
        ("memory loss at the end of meta-training", LAST_TENTH, evidence.meta_trained),
        ("area under the curve of meta-training", "mean over all sequences", evidence.area),
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
        before, end = (evidence.image_error(tables, condition, learned) for learned in (0, DIGITS))
        found = [
            ("error before training", ALL_DIGITS, MSE, before),
            ("error after the first step", ALL_DIGITS, MSE, evidence.image_error_after_first_step(tables, condition)),
            ("error after all digits", ALL_DIGITS, MSE, end),
            ("BWT of errors", "mean over digits 0 to 8", MSE, evidence.backward_transfer(tables, condition)),
            ("FWT of errors", "mean over digits 1 to 9", MSE, evidence.forward_transfer(tables, condition)),
            ("error, end / right after learning it", "digit 0", RATIO, evidence.digit0_retained(tables, condition)),
            (
                "error after digits 0 to 4",
                "digits 5 to 9",
                MSE,
                evidence.image_error(tables, condition, 5, LATER_DIGITS),
            ),
            (AGAINST_MEAN, "first image of each digit", RATIO, evidence.mean_image_ratio(tables, condition)),
        ]
        if condition != "random":
            loss = evidence.images_meta_trained(tables, condition)
            found.append(("meta-loss at the end of meta-training", LAST_TENTH, MSE, loss))
        numbers += [Number("fig2", "", quantity, label, *rest) for quantity, *rest in found]
    return numbers


def _statistics(runs: Runs, unit: str) -> tuple:
    if not runs:
        return (*[float("nan")] * 5, 0, NOT_RUN)
    own = evidence.geometric(runs) if unit == RATIO else stats.summary(runs.values())
    return own.mean, own.sd, own.sem, own.ci_low, own.ci_high, own.n, NO_NUMBER


def _number_line(row: dict) -> str:
    factor = "factor " if row["unit"] == RATIO else ""
    spread = f"SD {factor}{row['ours_sd']:.3g}, " if row["ours_n"] > 1 else ""
    interval = f"[{row['ci_low']:.3g}, {row['ci_high']:.3g}]" if row["ours_n"] > 1 else ""
    ours = f"{row['ours_mean']:.3g} {row['unit']} ({spread}n = {row['ours_n']})"
    name = f"{row['method']}: {row['quantity']}; {row['setting']}"
    return f"| {row['artifact']}{row['panel']} | {name} | {ours} | {interval} |"


def _by_artifact(scales: Mapping[str, str], artifacts: Iterable[str]) -> dict[str, str]:
    """Return the scale of each artifact's tables: Figure 2 is of the images, all else of the regression."""
    found = {
        images: [own for name, own in scales.items() if name.startswith("image_") == images] for images in (True, False)
    }
    return {artifact: ", ".join(dict.fromkeys(found[artifact == "fig2"])) for artifact in artifacts}


def main() -> None:
    asked = request("papers.dan.compare", collected.READERS)
    numbers, checked = our_numbers(asked.tables, asked.reported), check_claims(asked.tables)
    lines = markdown(asked.tables, numbers, checked, asked.provenances)
    scales = _by_artifact(asked.scales, {*numbers["artifact"], *checked["artifact"]})
    comparison.write(asked.out, scales, numbers, checked, lines)


if __name__ == "__main__":
    main()
