"""The Snakemake that started this process: a stage ends with it, so that what it writes never meets a later attempt's."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from pathlib import Path

import psutil


def started_by() -> list[psutil.Process]:
    """Return the processes that lead from the Snakemake that started this one to it; none for a run by hand."""
    with contextlib.suppress(psutil.Error):
        parents = psutil.Process().parents()
        commands = [one.as_dict(["cmdline"])["cmdline"] or [] for one in parents]
        is_snakemake = [any(Path(word).name == "snakemake" for word in command) for command in commands]
        return parents[: max((place for place, one in enumerate(is_snakemake, 1) if one), default=0)]
    return []


STARTED_BY = started_by()  # asked at once: later one of them may be gone


def gone() -> bool:
    """Return whether the Snakemake that started this process is gone. What the process writes then counts as incomplete."""
    return any(not one.is_running() or one.status() == psutil.STATUS_ZOMBIE for one in STARTED_BY)


def end_with_it(seconds: float = 0.5) -> None:
    """End this process once the Snakemake that started it is gone, looked for every so many seconds in a thread.

    It is as if it were killed: the next attempt goes on from the last checkpoint. A run by hand goes on.
    """

    def watch() -> None:
        while not gone():
            time.sleep(seconds)
        print("Snakemake is gone, so this job ends: start the same command again, which goes on", file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)

    if STARTED_BY:
        threading.Thread(target=watch, daemon=True).start()
