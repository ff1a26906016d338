"""Stamps: the sentence on every figure and table that says at which scale, on what and how often it was run."""

from __future__ import annotations

from collections.abc import Mapping

from common.results import records

NAMED = 3  # diverged runs by name; of more their number


def stamp(merged: dict) -> tuple[str, bool]:
    """Return what a figure's stamp says of a merged record, and whether to say it loudly.

    What depends on no seed says nothing of seeds; runs that diverged are named, since means lack them from there on. Loud is
    what is not a result.
    """
    scale, seeds, loud = merged["scale"], merged["seeds"], records.no_result(merged)
    data = "; ".join(map(phrase, merged["data"]))
    several = "protocol" not in merged
    sentences = [
        f"{scale.capitalize()} scale" + (", not a result" if loud else ""),
        *([f"{len(seeds)} seed" + ("s" if len(seeds) != 1 else "")] if seeds else []),
        f"data: {data}" if data else "no data",
        *([f"runs of {len(merged['protocol_digests'])} different protocols"] if several else []),
        *([_diverged(diverged)] if (diverged := merged.get("diverged")) else []),
    ]
    return " | ".join(sentences), loud


def stamp_of_all(merged: Mapping[str, dict]) -> tuple[str, bool]:
    """Return the stamp of what several tables were needed for; merged: their records, by the tables' names.

    It is one sentence if scale and number of seeds are the same for all, and no run needs a word of its own. Else it is one
    for each table.
    """
    contents = list(merged.values())
    plain = all("protocol" in content and not content.get("diverged") for content in contents)
    if plain and len({(content["scale"], len(content["seeds"])) for content in contents}) == 1:
        return stamp(
            contents[0] | {"data": records.distinct([about for content in contents for about in content["data"]])}
        )
    stamps = {name: stamp(content) for name, content in merged.items()}
    texts = [text for text, _ in stamps.values()]
    loud = any(loud for _, loud in stamps.values())
    if len(set(texts)) == 1:
        return texts[0], loud
    return " || ".join(f"{name}: {text}" for name, (text, _) in stamps.items()), loud


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
