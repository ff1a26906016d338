"""Draw the answer: what reproduces of every paper, as one HTML page that needs no network, or as Markdown.

    python -m common.drawing.report tsar dhp --scale recorded --out results/recorded/report.html
    python -m common.drawing.report tsar dhp --scale recorded --out REPRODUCTION.md

Whatever is read is named by `common.running.sources`: tables, figures and records that the workflow made, READMEs, protocols and
the figures' docstrings. The templates are in templates/.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

import jinja2
import pandas

from common.data.files import atomic_write, check_outputs, written
from common.drawing import answer, markdown
from common.drawing.answer import Answer, Gallery
from common.results import comparison
from common.running import command_line, register, sources
from common.running.code import ROOT
from common.running.protocols import SCALES

NOT_RUN = "not run"


def environment(html: bool) -> jinja2.Environment:
    """Return what the templates are read with: what is not defined is an error, and HTML is escaped."""
    loader = jinja2.FileSystemLoader(ROOT / sources.TEMPLATES)
    made = jinja2.Environment(
        loader=loader, autoescape=html, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {
        "blocks": markdown.to_html,
        "line": markdown.in_line,
        "table": markdown.table,
        "readable": answer.readable,
        "slug": lambda text: text.replace(" ", "-"),
        "json": lambda value: json.dumps(value, indent=2),
        "tally": lambda counts: ", ".join(f"{word} {number}" for word, number in counts),
        "lines": _lines,
        "scales": scale_words,
        "time": time,
        "minus": minus,
        "command": command,
    }
    return made


def number_rows(numbers: pandas.DataFrame) -> list[dict[str, Any]]:
    """Return the page's rows of comparison.csv: cells as texts, some as what is large and what is small in them, and `sort`,
    the numbers that they are sorted by."""
    return [_number_row(row) for row in numbers.to_dict("records")]


def scale_words(scale: str) -> str:
    """Return the scales behind a row without their tables: "paper, desk" of "permuted paper, vision desk"."""
    return ", ".join(dict.fromkeys(part.split()[-1] for part in scale.split(", ") if part))


def minus(text: str) -> str:
    """Return a text whose negative numbers have a minus sign, which is as wide as a plus."""
    return re.sub(r"(?<![\w.)])-(?=\d)", "\N{MINUS SIGN}", text)


def time(hours: float) -> str:
    """Return a time in the unit that fits it: "4.2 s", "12 min", "19 h"."""
    unit, size = next(
        pair for pair in ((" h", 1), (" min", 1 / 60), (" s", 1 / 3600)) if hours >= 0.95 * pair[1] or pair[0] == " s"
    )
    return f"{hours / size:.{0 if hours / size >= 9.95 else 1}f}{unit}"


def command(of: Gallery, name: str) -> str:
    """Return what makes a figure, a table or the comparison at the scale that is shown."""
    path = (
        f"results/{of.scale}/{of.paper}/comparison.csv"
        if name == "comparison"
        else f"figures/{of.sources.known.publishes(name)}.{register.endings(name)[0]}"
    )
    return f"snakemake --cores 8 {path} --config scale={of.scale}"


def _number_row(row: dict) -> dict[str, Any]:
    if "value" in row:
        where, _, paper, ours, difference, margin, _ = comparison.reported_cells(row)
    else:
        (where, _, ours, difference), paper, margin = comparison.own_cells(row), "", ""
    if row["verdict"] == NOT_RUN:
        ours, difference = "–", "–"
    paper, ours, difference = map(minus, (paper, ours, difference))
    large, _, small = ours.partition(" (")
    mean, opening, interval = difference.partition("[")
    return {
        "where": answer.readable(where).replace("  ", " "),
        "artifact": answer.readable(row["artifact"]),
        "method": row["method"],
        "quantity": comparison.quantity(row),
        "setting": row["setting"],
        "why": [row[key] for key in ("source", "note") if row.get(key)],
        "paper": _large_and_small(paper),
        "ours": (large, small.replace("), ", "; ").rstrip(")")),
        "difference": (mean.strip(), opening + interval),
        "margin": margin,
        "verdict": row["verdict"],
        "scale": scale_words(row["scale"]),
        "whose": row.get("hyperparameters", ""),
        "sort": {key: _key(row.get(key)) for key in ("value", "ours_mean", "difference", "margin")},
    }


def _large_and_small(text: str) -> tuple[str, str]:
    large, _, small = text.partition(" (")
    return large, small.rstrip(")")


def _key(value: Any) -> str:
    return "" if value is None or math.isnan(value) else repr(float(value))


def page(answers: list[Answer], studies: Sequence[Gallery] = ()) -> str:
    """Return the HTML page of all papers and studies, with its style and its script inside."""
    inside = {kind: (ROOT / sources.TEMPLATES / f"report.{kind}").read_text(encoding="utf-8") for kind in ("css", "js")}
    template = environment(html=True).get_template("report.html")
    given = {"answers": answers, "studies": studies, "scale": answers[0].scale}
    return template.render(rows_of=number_rows, totals=answer.totals, **given, **inside)


def text(answers: list[Answer]) -> str:
    """Return REPRODUCTION.md."""
    template = environment(html=False).get_template("reproduction.md")
    return template.render(answers=answers)


def _lines(of: Answer, whose: str | None) -> str:
    """Return numbers and claims under certain hyperparameters as comparison.md has them."""
    numbers, claims = of.of(of.numbers, whose), of.of(of.claims, whose)
    lines = [*comparison.number_lines(numbers, {}), "", *comparison.claim_lines(claims, {})]
    return "\n".join(f"| {answer.readable(line[2:])}" if line.startswith("| ") else line for line in lines)


def main() -> None:
    parser = command_line.parser("Draw the answer: what reproduces.", prog="python -m common.drawing.report")
    parser.add_argument("papers", nargs="+", help="folders in papers/ and studies/")
    parser.add_argument("--scale", required=True, choices=(*SCALES, "recorded"), help="whose results are shown")
    parser.add_argument("--out", required=True, type=written(".html", ".md"), help="a page, or Markdown")
    arguments = parser.parse_args()
    check_outputs({"out": arguments.out})
    registers = {paper: register.of(paper) for paper in arguments.papers}
    answers = [Answer(paper) for paper in sources.of_papers(registers, arguments.scale)]
    if not answers:
        parser.error(f"nothing is drawn of {', '.join(arguments.papers)} at {arguments.scale} scale")
    studies = [Gallery(study) for study in sources.of_studies(registers, arguments.scale)]
    content = page(answers, studies) if arguments.out.suffix == ".html" else text(answers)
    with atomic_write(arguments.out) as temporary:
        temporary.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    command_line.run(main)
