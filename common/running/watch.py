"""While Snakemake runs on a terminal: below its output a line for each job, which renews itself."""

from __future__ import annotations

import atexit
import logging
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from common.running import status
from common.running.progress import duration

EVERY = 2.0  # seconds


def start(logger_manager: Any) -> None:
    """Begin to show the jobs; nothing where the output is no terminal, so that logs stay plain.

    logger_manager: Snakemake's, whose output is led past the lines.
    """
    if not sys.stderr.isatty():
        return
    from rich.console import Console  # for a terminal alone
    from rich.live import Live
    from rich.text import Text

    plain = sys.stderr
    live = Live(
        get_renderable=lambda: Text(lines(Path.cwd()), no_wrap=True, overflow="ellipsis"),
        console=Console(stderr=True, file=plain),
        refresh_per_second=1 / EVERY,
        transient=True,
        redirect_stdout=False,
    )
    live.start()
    atexit.register(live.stop)
    queue = logger_manager.queue_listener
    for handler in (*logger_manager.logger.handlers, *(queue.handlers if queue else ())):
        if isinstance(handler, logging.StreamHandler) and handler.stream is plain:
            handler.setStream(sys.stderr)  # which prints above the lines from now on


def lines(folder: Path) -> str:
    """Return a line for each job that this process has started: how far it is, or for how long it has been starting."""
    jobs = status.running(folder, psutil.Process().children(recursive=True))
    return "\n".join(f"  {_line(job)}" for job in sorted(jobs, key=lambda job: job.started))


def _line(job: status.Running) -> str:
    if job.last.find(" left") > 0:  # a heartbeat
        return job.last
    return f"{job.log.stem}: starting, for {duration(time.time() - job.started)}"
