"""Stamps: the sentence on every figure and table that says at which scale, on what and how often it was run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.results import records

NAMED = 3  # diverged runs and other settings by name; of more their number


def stamp(merged: dict) -> tuple[str, bool]:
    """Return what a figure's stamp says of a merged record, and whether to say it loudly.

    What depends on no seed says nothing of seeds. Settings that are not the scale's own are named ("departures", where the
    record has them), since a run cut short is not paper scale; nor are a few of its seeds ("planned_seeds"). Runs that
    diverged are named, since means lack them from there on. Loud is what is not a result.
    """
    scale, seeds, loud = merged["scale"], merged["seeds"], records.no_result(merged)
    data = "; ".join(map(phrase, merged["data"]))
    several = "protocol" not in merged
    sentences = [
        f"{scale.capitalize()} scale{_departing(merged)}" + (", not a result" if loud else ""),
        *([_seeds(merged)] if seeds else []),
        f"data: {data}" if data else "no data",
        *([f"runs of {len(merged['protocol_digests'])} different protocols"] if several else []),
        *([_diverged(diverged)] if (diverged := merged.get("diverged")) else []),
    ]
    return " | ".join(sentences), loud


def stamp_of_all(merged: Mapping[str, dict]) -> tuple[str, bool]:
    """Return the stamp of what several tables were needed for; merged: their records, by the tables' names.

    It is one sentence if scale, settings and number of seeds are the same for all, and no run needs a word of its own. Else it
    is one for each table.
    """
    contents = list(merged.values())
    plain = all("protocol" in content and not content.get("diverged") for content in contents)
    if plain and len({(content["scale"], _departing(content), _seeds(content)) for content in contents}) == 1:
        return stamp(
            contents[0] | {"data": records.distinct([about for content in contents for about in content["data"]])}
        )
    stamps = {name: stamp(content) for name, content in merged.items()}
    texts = [text for text, _ in stamps.values()]
    loud = any(loud for _, loud in stamps.values())
    if len(set(texts)) == 1:
        return texts[0], loud
    return " || ".join(f"{name}: {text}" for name, (text, _) in stamps.items()), loud


def _seeds(merged: dict) -> str:
    """Return "1 seed", or "1 of 3 seeds" if the scale has more."""
    seeds, planned = len(merged["seeds"]), merged.get("planned_seeds", 0)
    if seeds < planned:
        return f"{seeds} of {planned} seeds"
    return f"{seeds} seed" + ("s" if seeds != 1 else "")


def _departing(merged: dict) -> str:
    """Return what to add to the scale if settings are not its own: ", but images.sequences 13 of 1,000"."""
    departures = merged.get("departures", {})
    if not departures:
        return ""
    if len(departures) > NAMED:
        return f", but {len(departures)} settings"
    return ", but " + ", ".join(f"{name} {_departure(*values)}" for name, values in departures.items())


def _departure(value: Any, own: Any) -> str:
    """Return a setting beside that of its scale: of lists how many they name, if that differs."""
    if isinstance(value, list) and isinstance(own, list) and len(value) != len(own):
        value, own = len(value), len(own)
    counts = all(isinstance(number, int) and not isinstance(number, bool) for number in (value, own))
    if counts and value < own:
        return f"{value:,} of {own:,}"
    return f"{value} in place of {own}"


def _diverged(diverged: list[dict]) -> str:
    named = "; ".join(map(_sentence, diverged)) if len(diverged) <= NAMED else f"{len(diverged)} runs"
    return f"diverged: {named}"


def _sentence(run: dict) -> str:
    """Return what to call a run that diverged: "permuted dhp-ewc, eta 0.001, seed 3 (task 7, epoch 1)"."""
    named = {key: value for key, value in run.items() if key not in ("seed", "at")}
    texts = " ".join(value for value in named.values() if isinstance(value, str))
    numbers = [f"{key} {value:g}" for key, value in named.items() if not isinstance(value, str)]
    return f"{', '.join([texts, *numbers])}, seed {run['seed']} ({run['at']})"


def phrase(about: dict) -> str:
    """Return a data set's description, with its completeness unless the description says it."""
    description, completeness = about["description"], about["completeness"]
    return description if completeness in description else f"{description} ({completeness})"
