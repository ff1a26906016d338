"""What the Snakefile and every paper's rules share: choice of scale and device, environment of the jobs, paths.

Imports nothing heavy: Snakemake reads this module each time it parses the workflow.
"""

from __future__ import annotations

import contextlib
import difflib
import glob
import os
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from common.data.catalog import prepared_file
from common.results import reported_rows
from common.running import gpus, protocols
from common.running.code import ROOT
from common.running.configuration import SCALE_CHOICES, ConfigError
from common.running.register import Register, endings

SCALES = protocols.SCALES

# What one training job may take, by scale: memory in MB, and run time in minutes (for schedulers that ask).
MEMORY_MB = {"smoke": 2_000, "desk": 4_000, "paper": 32_000}
MINUTES = {"smoke": 10, "desk": 600, "paper": 1_440}

# What is drawn or compared, and what stands in the last bytes of such a file.
MADE = (
    "figures/*_fig*.*",
    "figures/*_table*.*",
    "results/*/*/figures/*.*",
    "results/*/*/comparison.*",
    "results/*/*/claims.csv",
)
ENDS = {".pdf": b"%%EOF", ".png": b"IEND", ".svg": b"</svg>", ".csv": b"\n", ".md": b"\n", ".tex": b"\n"}
LAST_BYTES = 1024

CACHE_BYTES = 32 * 2**20  # of the last-level cache; with 16 MiB split and permuted MNIST took 10 to 20 % longer


def choose_device(device: str) -> str:
    """The device of all jobs, where "auto" has become "cuda" if a GPU is visible and "cpu" if none is.

    Decided once for all, because a job that is told "cuda" stops if torch cannot use the GPU, where "auto" would go on to
    do the work of a GPU on the processor.
    """
    if device != "auto":
        return device
    return "cuda" if gpus.any_visible() else "cpu"


def check_device(device: str) -> None:
    """End with one line if a GPU was asked for that torch cannot use here, before each job finds that out by itself."""
    if device.startswith("cuda:") or (device == "cuda" and not gpus.any_visible()):
        from common.running import devices  # imports torch

        try:
            devices.select(device)
        except devices.DeviceError as error:
            sys.exit(f"error: {error}")


def choose_scale(scale: str, device: str, announce: bool) -> str:
    """The scale to work at on this device; on request says in one line which it is, why, and how to ask for another."""
    reason = "as configured"
    if scale == "auto":
        gpu = gpus.any_visible()
        scale = "paper" if gpu and device != "cpu" else "smoke"
        reason = "auto: " + (
            "no CUDA device is visible" if not gpu else f"a CUDA device is visible, device is {device}"
        )
    others = "|".join(name for name in reversed(SCALE_CHOICES[1:]) if name != scale)
    if announce:  # not where Snakemake reads the rules again for a job
        line = f"Scale: {scale} ({reason}). For another, put after the targets: --config scale={others}"
        print(line, file=sys.stderr)
    return scale


def needs_gpu(device: str) -> bool:
    """Whether a training job on this device needs a GPU."""
    return device.startswith("cuda")


def limit_gpu_jobs(workflow: Any, device: str, jobs_per_device: int) -> None:
    """Let training jobs run at once on all visible GPUs, so many on each; on one of them if the device is such as cuda:1.

    Snakemake counts them as the resource gpu. What a user gives (--resources gpu=2) stays. A cluster counts by itself.
    """
    counts_here = workflow.is_main_process and workflow.local_exec and "gpu" not in workflow.global_resources
    if counts_here and needs_gpu(device):
        devices = len(gpus.visible()) if device == "cuda" else 1
        workflow.register_resource("gpu", max(1, devices) * jobs_per_device)


def check_reported(registers: Mapping[str, Register]) -> None:
    """Raise ConfigError for reported numbers that are not right, before anything is trained for a figure that shows them."""
    for path in (ROOT / file for known in registers.values() for file in known.reported):
        try:
            reported_rows.read(path)
        except (ValueError, OSError) as error:
            raise ConfigError(f"reported numbers: {error}") from error


def remove_cut_short() -> None:
    """Remove figures and tables that were cut short, say so, and let them be made again: Snakemake looks at times alone."""
    for path in (found for pattern in MADE for found in glob.glob(pattern)):
        end = ENDS.get(os.path.splitext(path)[1])
        with contextlib.suppress(OSError):  # a folder, or what may not be read or removed
            if end is not None and not _is_whole(path, end):
                os.remove(path)
                print(f"{path} was cut short: it is removed, and made again where it is needed", file=sys.stderr)


def _is_whole(path: str, end: bytes) -> bool:
    """Whether a file has these bytes near its end."""
    with open(path, "rb") as file:
        file.seek(-min(os.path.getsize(path), LAST_BYTES), os.SEEK_END)
        return end in file.read()


def prepare_environment(gpu_jobs_per_device: int) -> None:
    """Let every job find this repository's modules and, where conda does not say otherwise, this very Python.

    Figures are drawn into files, whatever backend a notebook asks matplotlib for. Jobs read there how many share a GPU: in
    their commands the number would make finished work run again.
    """
    os.environ[gpus.JOBS_PER_DEVICE] = str(gpu_jobs_per_device)
    os.environ["MPLBACKEND"] = "agg"
    python_path = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, python_path))
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])


def repository(*files: str) -> list[str]:
    """Paths of files of the repository, as seen from the working directory.

    As a rule's input they tie its results to these files: Snakemake compares their content, not only their age.
    Raises FileNotFoundError for one that does not exist.
    """
    for file in files:
        if not (ROOT / file).is_file():
            raise FileNotFoundError(f"a rule names {file}, but the repository has no such file")
    return [os.path.relpath(ROOT / file) for file in files]


def dataset(name: str, scale: str) -> str:
    """The prepared data set a scale reads: tiny at smoke scale, complete at the others."""
    return f"data/smoke/{name}.npz" if scale == "smoke" else prepared_file(name)


class UnknownFigure(Exception):
    """No rule makes this figure or table; the message says which there are."""


def published(registers: Mapping[str, Register], scale: str) -> list[str]:
    """Paths of all published figures and tables that have tables at a scale: a figure's PDF, a table's three files."""
    return [
        f"figures/{paper}_{name}.{ending}"
        for paper, known in registers.items()
        for name in known.drawable(scale)
        for ending in (endings(name) if name.startswith("table") else ("pdf",))
    ]


def comparisons(registers: Mapping[str, Register], scale: str) -> list[str]:
    """Paths of the comparisons of all papers that have something to draw at a scale."""
    return [f"results/{scale}/{paper}/comparison.csv" for paper, known in registers.items() if known.drawable(scale)]


def result(registers: Mapping[str, Register], name: str, scale: str, ending: str) -> str:
    """Path of the result that figures/<name>.<ending> is a copy of. Raises UnknownFigure if there is none."""
    paper, own = _artifacts(registers).get(name, ("", ""))
    if own and ending in endings(own) and own in registers[paper].available():
        return f"results/{scale}/{paper}/figures/{own}.{ending}"
    return refuse(registers, f"figures/{name}.{ending}")


def refuse(registers: Mapping[str, Register], asked: str) -> NoReturn:
    """Raise UnknownFigure for a target that looks like a figure and that no rule makes; the message says what to ask for."""
    artifacts = _artifacts(registers)
    name, _, ending = os.path.basename(asked).partition(".")
    paper, own = artifacts.get(name, ("", ""))
    if not own:
        shorter = {f"{_initials(paper)}_{own}": full for full, (paper, own) in artifacts.items()}
        names = shorter | {full: full for full in artifacts}
        close = difflib.get_close_matches(name.lower(), names, n=1)
        reason = f"the papers of this run ({', '.join(registers)}) have no such figure"
        reason += f"; did you mean {names[close[0]]}?" if close else ""
    elif own not in registers[paper].available():
        reason = "it cannot be made yet"
    else:
        kind = "table" if own.startswith("table") else "figure"
        wanted = ending if ending in endings(own) else endings(own)[0]
        reason = f"a {kind} is made as {', '.join(endings(own))}: ask for figures/{name}.{wanted}"
    reason += "" if reason.endswith("?") else "."
    raise UnknownFigure(f"{asked}: {reason} To see which there are: snakemake --cores 1 list_figures")


def _artifacts(registers: Mapping[str, Register]) -> dict[str, tuple[str, str]]:
    """Return paper and own name of every figure and table, by the name under which it is published."""
    return {known.publishes(own): (paper, own) for paper, known in registers.items() for own in known.artifacts}


def training_resources(device: str) -> dict[str, Any]:
    """What a rule that trains asks for. The device is no parameter: finished work stays valid when it changes."""
    return {
        "device": device,
        "gpu": int(needs_gpu(device)),
        "mem_mb": lambda wildcards: MEMORY_MB[wildcards.scale],
        "runtime": lambda wildcards: MINUTES[wildcards.scale],
    }


def seeds_per_job(parameters: int, seeds: int, device: str) -> int:
    """How many seeds of a network with this many parameters train as one batched model: the one rule for all papers.

    On a GPU all of them.  On a CPU as many as keep weights, gradients and two moments (16 bytes a parameter) in the cache:
    stacking saves the overhead of small operations, but costs more than that once the weights come from memory.
    """
    return seeds if needs_gpu(device) else max(1, min(seeds, CACHE_BYTES // (16 * parameters)))


def seed_batches(first: int, count: int, size: int, finished: str) -> list[str]:
    """The seeds first, first + 1, ... cut into jobs: ["0-4", "5-9"].

    finished: pattern of the files that finished jobs leave, such as results/.../seeds*.csv.  The batches that lie there
    stay as they are, the longest first, and only seeds outside of them are cut, into jobs of `size`: neither more seeds nor
    another size make finished ones run again.  Raises ProtocolError for less than one seed in all or in a job.
    """
    if count < 1 or size < 1:
        raise protocols.ProtocolError(f"the protocol asks for {count} seeds, {size} in a job; give at least one")
    end = first + count
    kept = _finished_batches(first, end, finished)
    # Each gap is cut from its own start, so the jobs of a run stay the same while they finish in any order.
    gaps = zip([first, *(last + 1 for _, last in kept)], [*(start for start, _ in kept), end], strict=True)
    cut = [(start, min(start + size, after) - 1) for gap, after in gaps for start in range(gap, after, size)]
    return [f"{start}-{last}" for start, last in sorted(kept + cut)]


def seed_tables(
    folders: Iterable[str], seeds: int, parameters: int, device: str, prefix: str = "", first: int = 0
) -> list[str]:
    """Paths of the tables <folder>/<prefix>seeds0-4.csv of all folders, each of which holds the jobs of one condition.

    parameters: of its network, which says how many of its seeds first, first + 1, ... make a job (`seeds_per_job`).
    """
    size = seeds_per_job(parameters, seeds, device)
    return [
        f"{folder}/{prefix}seeds{batch}.csv"
        for folder in folders
        for batch in seed_batches(first, seeds, size, f"{folder}/seeds*.csv")
    ]


def _finished_batches(first: int, end: int, pattern: str) -> list[tuple[int, int]]:
    """First and last seed of batches that lie at the pattern, do not overlap, and hold no seed outside of first..end - 1."""
    names = (re.search(r"seeds(\d+)-(\d+)\.\w+$", path) for path in glob.glob(pattern))
    found = [(int(name[1]), int(name[2])) for name in names if name]
    chosen: list[tuple[int, int]] = []
    for start, last in sorted(found, key=lambda batch: (batch[0] - batch[1], batch)):
        apart = all(last < other or other_last < start for other, other_last in chosen)
        if first <= start <= last < end and apart:
            chosen.append((start, last))
    return sorted(chosen)


def _initials(paper: str) -> str:
    return "".join(word[0] for word in paper.split("_"))
