"""The rows of a reported.csv, checked. Without pandas, so that Snakemake can read them before any work."""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path
from typing import Any

MEASURED = ["paper", "artifact", "panel", "quantity", "method", "setting", "x"]
COLUMNS = [*MEASURED, "value", "spread", "spread_kind", "n", "unit", "source", "how_read", "margin", "note"]
FILLED = ("paper", "artifact", "quantity", "value", "spread_kind", "source", "how_read")
HOW_READ = ("text", "caption", "table", "digitized", "author_archive", "author_code")
ARTIFACTS = re.compile(r"(fig|table)\d+|text|protocol|code")
SPREAD_KINDS = ("none", "sd", "sem", "ci95")
SETTINGS = ("protocol", "code")  # artifacts whose rows state how the paper's runs were made, not what came out


def read(path: str | Path) -> list[dict[str, Any]]:
    """Return all rows of a reported.csv: x, spread, n, margin and value as floats (nan where empty), the rest as text.

    A setting's value may be text. Every result (a row whose artifact is neither "protocol" nor "code") must have a
    margin, fixed before we run. Raises ValueError naming file, line and column of the first entry that does not fit, and
    the line of a result that is there twice.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no UTF-8 text ({error}): save it as such") from None
    rows: list[dict[str, Any]] = []
    known = set()
    if (header := text.partition("\n")[0].strip()) != ",".join(COLUMNS):
        raise ValueError(f"{path}: the first line must be {','.join(COLUMNS)}, not {header[:200]!r}")
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        given = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}; close each quote that is opened") from None
    for line, row in given:
        where = f"{path}, line {line}"
        rows.append(_checked(row, where))
        measured = tuple(row[column] for column in MEASURED)
        if measured in known and row["artifact"] not in SETTINGS:
            raise ValueError(f"{where}: this result stands further up already, under the same {', '.join(MEASURED)}")
        if row["paper"] != rows[0]["paper"]:
            raise ValueError(f"{where}: column paper is {row['paper']!r}, but further up {rows[0]['paper']!r}")
        known.add(measured)
    if not rows:
        raise ValueError(f"{path}: no rows")
    return rows


def _checked(row: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the row with its numbers converted, or raise ValueError."""
    if None in row or None in row.values():
        raise ValueError(f"{where}: expected {len(COLUMNS)} columns; quote a text that holds a comma")
    if broken := [column for column in COLUMNS if "\n" in row[column]]:  # it swallowed the next rows
        raise ValueError(
            f"{where}: column {broken[0]} holds a line break; close the quote of {row[broken[0]][:40]!r}..."
        )
    for column in FILLED:
        if not row[column].strip():
            raise ValueError(f"{where}: column {column} is empty")
    for column, known in (("spread_kind", SPREAD_KINDS), ("how_read", HOW_READ)):
        if row[column] not in known:
            raise ValueError(f"{where}: column {column} is {row[column]!r}; it must be one of {', '.join(known)}")
    if not ARTIFACTS.fullmatch(row["artifact"]):
        raise ValueError(f"{where}: column artifact is {row['artifact']!r}; write fig1, table1, text, protocol or code")
    is_setting = row["artifact"] in SETTINGS
    checked = dict(row)
    for column in ("x", "spread", "n", "margin"):
        checked[column] = _number(row[column], where, column) if row[column] else math.nan
    try:
        checked["value"] = _number(row["value"], where, "value")
    except ValueError:
        if not is_setting:
            raise
    if (row["spread_kind"] == "none") != math.isnan(checked["spread"]):
        raise ValueError(f"{where}: a spread and its kind go together; found {row['spread']!r} {row['spread_kind']!r}")
    if checked["spread"] < 0:
        raise ValueError(f"{where}: column spread must be at least 0, not {row['spread']}")
    if row["n"] and (checked["n"] < 1 or not checked["n"].is_integer()):
        raise ValueError(f"{where}: column n must be a number of runs, not {row['n']}")
    if row["spread_kind"] != "none" and not checked["n"] >= 2:
        raise ValueError(f"{where}: a spread needs the number of runs n, at least 2")
    if is_setting and row["margin"]:
        raise ValueError(f"{where}: a setting has no margin")
    if not is_setting and not checked["margin"] > 0:
        raise ValueError(f"{where}: a result needs a positive margin, fixed in advance, with its reason in the note")
    return checked


def _number(text: str, where: str, column: str) -> float:
    try:
        number = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{where}: column {column} must be a number, found {text!r}")
    return number
