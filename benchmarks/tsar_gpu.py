"""TSAR at paper width on a GPU that is there for minutes at a time: each call goes on where the last one stopped.

    python -m benchmarks.tsar_gpu --minutes 9 --out tables

Runs the stages of Grow, then of Sculpt: meta-learning, which stops in time and saves its state, tuning, and transfer. Models
and states stay in --checkpoints (10 GB a condition at paper width). The tables and records of all finished stages are copied
into --out, under the paths that the workflow gives them. To begin anew, delete the folder of --checkpoints.

There is one model of each condition, so the rate is tuned on the very model that is then transferred. The images and the
sequence are those kept for tuning. The record of tuning names the seed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from common.results import records
from common.running import command_line, protocols, stage
from common.running.workflow import dataset
from papers.tsar.meta_train import STOPPED
from papers.tsar.runs import REGISTER, folder

MOST = 16 * 10**6  # bytes that are copied into --out
ENDING = 15  # seconds kept for the start of a stage's process, its end, and the copies
STARTING = 60  # seconds that must be left for another stage to begin


class Job(NamedTuple):
    """A stage of one condition: its name, the command line behind `python -m`, and its record, there once it is done."""

    name: str
    command: list
    record: Path


def jobs(arguments: Namespace) -> Iterator[Job]:
    """Yield all jobs in the order in which they run; each reads what those before it wrote."""
    scale, seed, kept = arguments.scale, arguments.seed, arguments.checkpoints
    lengths, seeds = arguments.iterations or REGISTER.protocol(scale).design.meta_iterations[-1:], f"seeds{seed}-{seed}"
    for condition in arguments.conditions:
        for iterations in lengths:
            of = (condition, "rich", iterations)
            meta, tune, transfer = (kept / folder(scale, which, *of) for which in ("meta", "tune", "transfer"))
            models, tuning = meta / f"{seeds}.pt", tune / "imagenet.csv"
            shared = ["--scale", scale, "--condition", condition, "--meta-learning-set", "rich"]
            shared += ["--iterations", iterations, "--seeds", seed, "--device", arguments.device]
            shared += ["--matmul-precision", arguments.matmul_precision]
            learn = ["--omniglot", arguments.omniglot, "--checkpoint", kept / f"{condition}_seed{seed}.ckpt"]
            learn += ["--keep-checkpoint"] if iterations < max(lengths) else []
            known = ["--images", arguments.imagenet, "--models", models]
            measured = ["--tuning", tuning, "--diagnostics", transfer / f"diagnostics_imagenet_{seeds}.csv"]
            measured += ["--final-recall", transfer / f"final_recall_imagenet_{seeds}.csv"]
            measured += ["--activity", transfer / f"activity_imagenet_{seeds}.npz"]
            for name, out, options in (
                ("meta_train", models, learn),
                ("tune", tuning, [*known, "--checkpoint", tuning.with_suffix(".ckpt")]),
                ("transfer", transfer / f"imagenet_{seeds}.csv", known + measured),
            ):
                command = [f"papers.tsar.{name}", *shared, *options, "--out", out]
                yield Job(f"{name} of {condition} after {iterations}", command, out.with_suffix(".json"))


def run(name: str, command: list, log: Path, end: float) -> bool:
    """Run a module in a process of its own, print the last line of its log every minute, and return whether it is done.

    Meta-learning stops by itself before `end` (`time.monotonic()`); all else is killed then, and loses the rate under way.
    Raises TrainingError if it fails.
    """
    stops = command[0] == "papers.tsar.meta_train"
    if stops:
        command = [*command, "--stop-after", max(0.0, end - time.monotonic())]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        process = subprocess.Popen([sys.executable, "-u", "-m", *map(str, command)], stdout=file, stderr=file)
        try:
            status = None
            while status is None and (stops or time.monotonic() < end):
                try:
                    status = process.wait(60 if stops else min(60, max(0, end - time.monotonic())))
                except subprocess.TimeoutExpired:
                    print(f"{name}: {_last_line(log)}", flush=True)
        finally:
            process.kill()
            process.wait()
    if status not in (0, None, STOPPED):
        raise stage.TrainingError(f"{name} ended with status {status}: {_last_line(log)}; all it printed is in {log}")
    print(f"{name}: {_last_line(log)}", flush=True)
    return status == 0


def _last_line(log: Path) -> str:
    return (log.read_text().splitlines() or ["nothing printed yet"])[-1]


def collect(source: Path, target: Path) -> int:
    """Copy all tables and records from one folder to the other, and return their bytes. Raises TrainingError above MOST."""
    files = [path for path in sorted(source.rglob("*")) if path.suffix in (".csv", ".npz", ".json")]
    if (size := sum(path.stat().st_size for path in files)) > MOST:
        raise stage.TrainingError(f"the tables in {source} are {size} bytes, more than {MOST}: --out stays empty")
    for path in files:
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return size


def main() -> None:
    began = time.monotonic()
    parser = command_line.parser(__doc__)
    parser.add_argument("--minutes", type=float, required=True, help="that the call may take")
    parser.add_argument("--out", type=Path, required=True, help="folder for tables and records, 16 MB at most")
    parser.add_argument("--checkpoints", type=Path, default=Path("results/tsar_gpu"), help="folder on the local disk")
    parser.add_argument("--conditions", nargs="+", default=["grow", "sculpt"])
    parser.add_argument(
        "--iterations", type=command_line.count, nargs="+", help="lengths, the shortest first; by default the whole one"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", choices=protocols.SCALES, default="paper")
    parser.add_argument("--device", type=command_line.device, default="auto")
    parser.add_argument("--matmul-precision", choices=("highest", "high"), default="highest", help="high allows TF32")
    parser.add_argument("--omniglot", help="prepared data set; by default the workflow's")
    parser.add_argument("--imagenet", help="likewise")
    arguments = parser.parse_args()
    for name in ("omniglot", "imagenet"):
        setattr(arguments, name, getattr(arguments, name) or dataset(name, arguments.scale))
    if arguments.checkpoints.resolve().is_relative_to(arguments.out.resolve()):
        parser.error("--checkpoints: lies in --out, which is for tables alone")
    end, logs = began + 60 * arguments.minutes - ENDING, arguments.checkpoints / "logs"
    if arguments.matmul_precision != "highest" and not logs.exists():
        options = ["--scale", arguments.scale, "--device", arguments.device]
        options += ["--matmul-precision", arguments.matmul_precision]
        run("TF32", ["benchmarks.tsar", "meta", *options], logs / "tf32.log", end)
    done: list[str] = []
    following, first = "nothing: all is done", True
    try:
        for job in jobs(arguments):
            if not job.record.exists():
                late = not first and time.monotonic() > end - STARTING
                if late or not run(job.name, job.command, logs / f"{job.name.replace(' ', '_')}.log", end):
                    following = f"go on with {job.name}"
                    break
                first, content = False, records.read(job.record)
                measured = {key: content[key] for key in content if key.startswith(("wall", "peak"))}
                print(f"{job.name}: done, {measured}", flush=True)
            done.append(job.name)
    finally:
        size = collect(arguments.checkpoints, arguments.out)
    print(f"Done: {', '.join(done) or 'nothing yet'} ({size} bytes of tables). The next call: {following}.")


if __name__ == "__main__":
    stage.run(main)
