"""The jobs that a run is about to do, as Snakemake has them; what each costs, and which data sets are missing.

Imports nothing heavy: the Snakefile reads this module.
"""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from common.data.catalog import entry, given_folder, mirror_file, origin
from common.running import register
from common.running.code import HOMES, ROOT
from common.running.costs import Cost
from common.running.schedule import Item

OTHER = Cost()  # of a job that is no stage: it prepares, collects or draws
TABLE = 1e6  # bytes of a table, a record or a figure
WORKFLOWS: list[Any] = []  # that this process has read
PREPARE = ["python", "-m", "common.data.prepare"]


@dataclass(frozen=True)
class Planned:
    """A job that is to run: its command line, its files, those of its outputs that are temporary, and its priority."""

    shell: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    temporary: frozenset[str] = frozenset()
    priority: float = 0.0

    @cached_property
    def words(self) -> list[str]:
        """The words of the command line, up to where its output goes."""
        command = self.shell.split(" > ")[0]
        return shlex.split(command) if set(command) & set("'\"\\") else command.split()  # which is forty times as fast

    @cached_property
    def stage(self) -> tuple[str, str] | None:
        """The paper and the stage of `python -m papers.<paper>.<stage> ...`, or of a study; None for a job that is no stage."""
        parts = self.words[2].split(".") if self.words[:2] == ["python", "-m"] else []
        return (parts[1], parts[2]) if parts[:1] in [[home] for home in HOMES] else None

    @cached_property
    def options(self) -> dict[str, str]:
        """The options by their names, such as meta_learning_set, each with its first value, or "" without any."""
        found: dict[str, str] = {}
        name = ""
        for word in self.words:
            if word.startswith("--"):
                name = word[2:].replace("-", "_")
                found[name] = ""
            elif name:
                found[name] = found[name] or word
        return found

    @property
    def device(self) -> str:
        """The device that the job is told to run on; one that is told none runs on the processor."""
        return self.options.get("device", "cpu")

    def cost(self) -> Cost:
        """Return what the job costs, which papers/<paper>/costs.py counts from its settings; ValueError if there is none."""
        if self.stage is None:
            return OTHER
        paper, stage = self.stage
        known = register.of(paper)
        if not (file := ROOT / known.folder / "costs.py").is_file():
            raise ValueError(f"there is no {file.relative_to(ROOT)}, which says what the stage {stage} costs: write it")
        protocol = known.protocol(self.options["scale"])
        return importlib.import_module(f"{known.package}.costs").cost(stage, protocol, self.options)

    def scheduled(self, cost: Cost, seconds: float) -> Item:
        """Return the job as a schedule takes it. A checkpoint is written beside the one before it."""
        outputs = dict.fromkeys(self.outputs, TABLE)
        for file in self.outputs:
            if file.endswith(".pt"):
                outputs[file] = cost.models
            elif file.startswith("data/prepared/"):
                outputs[file] = entry(Path(file).stem).most_bytes / 4
        if "keep_checkpoint" in self.options:
            outputs[f"checkpoint of {self.outputs[0]}"] = cost.state
        on_gpu = self.device.startswith("cuda")
        return Item(seconds, self.inputs, outputs, self.temporary, 2 * cost.state, self.priority, on_gpu)


def planned(workflow: Any) -> list[Planned]:
    """Return the jobs that a Snakemake workflow is to run, or in a dry run would."""
    return [
        Planned(
            job.shellcmd or "",
            tuple(map(str, job.input)),
            tuple(map(str, job.output)),
            frozenset(map(str, job.temp_output)),
            float(job.priority),
        )
        for job in workflow.dag.needrun_jobs(exclude_finished=False)
    ]


def missing_data(jobs: Iterable[Planned]) -> list[str]:
    """Return the data sets that are to be prepared, each with where it comes from."""
    prepared = {(job.words[3], "--smoke" in job.words) for job in jobs if job.words[:3] == PREPARE}
    return [f"{name}: {_source(name, smoke)}" for name, smoke in sorted(prepared)]


def _source(name: str, smoke: bool) -> str:
    if smoke:
        kind = origin(name).split()[0]
        return "a stand-in is made" if kind == "stand-in" else f"a part of the {kind} set"
    if name == "imagenet" and (folder := given_folder("imagenet_folder", None)):
        return f"from the folder {folder}"
    if found := mirror_file(name, given_folder("data_mirror", None)):
        return f"from the mirror, {found}"
    sizes = [archive.size for archive in entry(name).archives]
    size = f"{sum(filter(None, sizes)) / 1e6:,.0f} MB" if sizes and all(sizes) else "of a size that is not known"
    return f"a download, {size}"
