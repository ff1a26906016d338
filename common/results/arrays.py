"""Arrays on disk: .npz files in which every array has one entry a run, and the names of the runs stand beside them.

Pandas is imported where it is needed, as in `common.results.tables`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from common.data.files import atomic_write

if TYPE_CHECKING:
    import pandas

RUN = "run."  # what the names of a run begin with inside the file


@dataclass(frozen=True)
class Arrays:
    """The arrays of some runs.

    runs: one row a run, with what tells it from others, such as seed and condition; values: by name, [runs, ...].
    """

    runs: pandas.DataFrame
    values: Mapping[str, numpy.ndarray]

    def of(self, name: str, **run: Any) -> numpy.ndarray:
        """Return an array of the runs that are so named, [runs, ...]; of no run if it was not run."""
        if name not in self.values:
            return numpy.empty(0)
        chosen = numpy.ones(len(self.runs), bool)
        for key, value in run.items():
            chosen &= (self.runs[key] == value).to_numpy()
        return self.values[name][chosen]


def of_runs(runs: Sequence[Mapping[str, Any]], values: Sequence[Mapping[str, Any]]) -> Arrays:
    """Return the arrays of some runs; runs, values: one dict a run. Raises ValueError if runs have other arrays than the first."""
    import pandas

    if any(own.keys() != values[0].keys() for own in values):
        raise ValueError("the runs of one file have different arrays")
    return Arrays(pandas.DataFrame(runs), {name: numpy.stack([own[name] for own in values]) for name in values[0]})


def write(path: str | Path, content: Arrays) -> None:
    """Write arrays atomically. Raises ValueError if there is no run."""
    if content.runs.empty:
        raise ValueError(f"refusing to write {path}: there are no runs")
    names = {RUN + name: content.runs[name].to_numpy() for name in content.runs}
    names = {name: column.astype(str) if column.dtype == object else column for name, column in names.items()}
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        numpy.savez_compressed(file, allow_pickle=False, **names, **content.values)


def read(path: str | Path, names: Iterable[str] = ()) -> Arrays:
    """Return what `write` wrote.

    Raises FileNotFoundError or ValueError naming the file if it is missing, cannot be read, or lacks an array of `names`.
    """
    import pandas

    if not Path(path).exists():
        raise FileNotFoundError(f"{path} does not exist: run the stage that writes it")
    try:
        with numpy.load(path, allow_pickle=False) as file:
            content = dict(file)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read ({error}): delete it and run the stage that writes it again") from None
    runs = pandas.DataFrame({name.removeprefix(RUN): content.pop(name) for name in [*content] if name.startswith(RUN)})
    if missing := [name for name in names if name not in content]:
        raise ValueError(f"{path} has no array {', '.join(missing)}: run the stage that writes it again")
    if runs.empty or any(array.shape[:1] != (len(runs),) for array in content.values()):
        raise ValueError(f"{path} does not hold one entry a run: delete it and run the stage that writes it again")
    return Arrays(runs, content)


def join(parts: Mapping[str, Arrays]) -> Arrays:
    """Return the runs of all parts, in the order given; parts: by their file. Raises ValueError if one has other arrays."""
    import pandas

    first, *_ = parts
    for file, part in parts.items():
        if _shapes(part) != _shapes(parts[first]) or list(part.runs) != list(parts[first].runs):
            raise ValueError(
                f"collect: {file} holds other arrays than {first}: run the stage that wrote the older one again"
            )
    values = {name: numpy.concatenate([part.values[name] for part in parts.values()]) for name in parts[first].values}
    return Arrays(pandas.concat([part.runs for part in parts.values()], ignore_index=True), values)


def _shapes(part: Arrays) -> dict[str, tuple]:
    return {name: array.shape[1:] for name, array in part.values.items()}
