"""What a run is about to do: its jobs by stage, how long they take here, the disk they need, and the data that is missing.

    python -m common.running.plan --cores 8 figures/tsar_fig1.pdf --config scale=paper       options are those of Snakemake

Nothing runs. The same is printed before a run that would take more than an hour.
Imports nothing heavy: the Snakefile reads this module.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from common.running import command_line
from common.running.costs import REFERENCE, Rates, seeds
from common.running.planned import WORKFLOWS, Planned, missing_data, planned
from common.running.schedule import play

HOUR = 3600.0
LONG = 1.0  # hours of a run that is announced
LESS = (
    "For less put after the targets: --config seeds=1 (one seed of everything), scale=desk (narrow networks) or scale=recorded "
    "(our own runs). For sooner: more --cores."
)


class Plan:
    """The jobs of a run, on a machine of so many cores and GPUs whose rates are known by device, or not (None)."""

    def __init__(self, jobs: Sequence[Planned], rates: dict[str, Rates | None], cores: float, gpus: float) -> None:
        self.jobs, self.rates, self.cores, self.gpus = jobs, rates, cores, gpus
        self.costs = [job.cost() for job in jobs]
        known = [rates[job.device] for job in jobs]
        self.unknown = None in known
        self.seconds = [cost.seconds(own) if own else 0.0 for cost, own in zip(self.costs, known, strict=True)]
        each = zip(jobs, self.costs, self.seconds, strict=True)
        self.wall, self.peak = play([job.scheduled(cost, seconds) for job, cost, seconds in each], cores, gpus)

    @property
    def long(self) -> bool:
        """Whether the run takes more than an hour, or nobody knows."""
        return self.unknown or self.wall > LONG * HOUR

    def lines(self) -> list[str]:
        """Return what to tell the user."""
        free = shutil.disk_usage(".").free
        disk = f"disk at its peak: {_size(self.peak)}, of {_size(free)} that are free here"
        data = [f"data missing: {text}" for text in missing_data(self.jobs)]
        return [*self._stages(), self._time(), disk + (": TOO LITTLE" if self.peak > free else ""), *data]

    def _stages(self) -> list[str]:
        rows: dict[str, dict[str, Any]] = {}
        for job, seconds in zip(self.jobs, self.seconds, strict=True):
            row = rows.setdefault(" ".join(job.stage or ("others",)), {"jobs": 0, "seeds": set(), "hours": 0.0})
            options = job.options
            row["jobs"] += 1
            row["hours"] += seconds / HOUR
            if "seeds" in options:
                first = int(options["seeds"].split("-")[0])
                row["seeds"] |= set(range(first, first + seeds(options)))
        lines = [f"{'stage':40}{'jobs':>8}{'seeds':>8}{'hours':>12}"]
        for name, row in sorted(rows.items(), key=lambda pair: (pair[0] == "others", -pair[1]["hours"])):
            hours = "not known" if self.unknown and not row["hours"] else number(row["hours"])
            lines.append(f"{name:40}{row['jobs']:>8,}{len(row['seeds']) or '':>8}{hours:>12}")
        return lines

    def _time(self) -> str:
        if self.unknown:
            return "time: not known, for the GPU could not be measured from here"
        cpu = self.rates["cpu"] or REFERENCE
        total, wall = sum(self.seconds) / HOUR, self.wall / HOUR
        days = f" ({number(wall / 24)} days)" if wall > 48 else ""
        text = f"time: {number(total)} hours of work, {number(wall)} hours{days} on {self.cores:g} cores"
        text += f" of {cpu.products / 1e9:.0f} GFLOP/s and {cpu.bandwidth / 1e9:.0f} GB/s, to about a factor of two"
        for device in sorted(self.rates.keys() - {"cpu"}):
            if own := self.rates[device]:
                text += (
                    f"; at least that, as on {device} ({own.products / 1e12:.1f} TFLOP/s, {own.bandwidth / 1e9:,.0f} GB/s) what "
                    f"small steps take was not measured; jobs at a time there: {self.gpus:g}"
                )
        return text


def number(value: float) -> str:
    """Return a positive number to two digits, such as 0.012, 1.5 or 12,000."""
    if value <= 0:
        return "0"
    digits = 1 - math.floor(math.log10(value))
    return f"{round(value, digits):,.{max(0, digits)}f}"


def _size(count: float) -> str:
    return f"{number(count / 1e9)} GB"


def measured(device: str) -> Rates | None:
    """Return the rates of this machine's device, measured in a process of its own; None if that fails."""
    command = [sys.executable, "-m", "common.running.machine", "--device", device]
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(command, env=os.environ | one_thread, capture_output=True, text=True, check=False)
    return None if done.returncode else Rates(*json.loads(done.stdout.splitlines()[-1]))


def plan(workflow: Any, least: float = 0.0) -> Plan | None:
    """Return the plan of a Snakemake workflow; None if it has no jobs, or takes less than `least` hours in any case.

    The machine is measured only if it must be: a few seconds.
    """
    jobs, resources = planned(workflow), workflow.global_resources
    cores = next(value for name in ("_nodes", "_cores") if (value := _value(resources.get(name))))
    gpus = _value(resources.get("gpu")) or 1
    devices = {"cpu", *(job.device for job in jobs)}
    if not jobs or Plan(jobs, dict.fromkeys(devices, REFERENCE), cores, gpus).wall < least * HOUR / 2:
        return None
    return Plan(jobs, {device: measured(device) for device in devices}, cores, gpus)


def _value(resource: Any) -> float | None:
    """Return the number that Snakemake has for a resource, or None."""
    found = getattr(resource, "value", resource)
    return float(found) if isinstance(found, int | float) else None


def follow(workflow: Any) -> None:
    """Have a workflow say what it is about to do, where that takes more than an hour. Call it in the Snakefile."""
    WORKFLOWS.append(workflow)
    workflow.onstart(lambda log: announce(workflow))


def announce(workflow: Any) -> None:
    """Print the plan of a long run before it begins. What is wrong with the plan is a line, and no reason not to run."""
    try:
        if not workflow.touch and (found := plan(workflow, LONG)) and found.long:
            print("This run takes more than an hour.", *found.lines(), LESS, sep="\n", file=sys.stderr, flush=True)
    except Exception as error:  # noqa: BLE001 - whatever it is, training matters more
        print(f"How long this run takes is not known: {error}", file=sys.stderr, flush=True)


class _Errors(logging.Filter):
    """Keeps errors for later, and the rest from being shown."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            self.texts.append(re.split(r"\n(?:Wildcards|Traceback):", record.getMessage())[0].split("\nError:\n")[-1])
        return False


def main() -> None:
    from snakemake import cli  # takes a second

    errors = _Errors()
    logging.getLogger("snakemake.logging").addFilter(errors)
    succeeded = cli.args_to_api(*reversed(cli.parse_args(["--dry-run", *sys.argv[1:]])))
    if not succeeded or errors.texts:
        raise ValueError(" ".join(errors.texts) or "Snakemake can make no plan of this")
    found = plan(WORKFLOWS[-1])
    print(*(found.lines() if found else ["Nothing is to be done: all that was asked for is there."]), sep="\n")
    if found and found.long:
        print(LESS)


if __name__ == "__main__":
    command_line.run(main)
