"""What runs, how far it is and when it ends: one line a job, from the heartbeats in the jobs' logs (`progress.Progress`).

python -m common.running.status      the jobs whose logs lie below this folder
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

from common.running import command_line
from common.running.code import HOMES
from common.running.progress import duration

TAIL = 4096  # bytes of a log, in which its last line lies


class Running(NamedTuple):
    """A job that runs: its log, since when (`time.time()`), and the last line of the log; "" if there is none yet."""

    log: Path
    started: float
    last: str


def running(folder: Path, processes: Iterable[psutil.Process] | None = None) -> Iterator[Running]:
    """Yield the jobs whose output goes into a log below folder/logs. Those of other users cannot be seen.

    processes: among which they are; by default all of the machine.
    """
    for process in psutil.process_iter() if processes is None else processes:
        try:
            if not any(word.split(".")[0] in HOMES for word in process.cmdline()):
                continue
            logs = [Path(file.path) for file in process.open_files() if file.fd == 1]
            if logs and logs[0].is_relative_to(folder.resolve() / "logs"):
                yield Running(logs[0], process.create_time(), _last_line(logs[0]))
        except (psutil.Error, OSError):  # it has just ended, or is another user's
            continue


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        lines = file.read().decode(errors="replace").splitlines()
    return lines[-1] if lines else ""


def main() -> None:
    command_line.parser(__doc__).parse_args()
    jobs = sorted(running(Path.cwd()), key=lambda job: job.started)
    for job in jobs:
        since = duration(time.time() - job.started)
        print(f"{job.log.relative_to(Path.cwd().resolve())}, for {since}\n    {job.last or 'starting'}")
    if not jobs:
        print(f"nothing runs in {Path.cwd()}; the logs of what ran are in logs/")


if __name__ == "__main__":
    command_line.run(main)
