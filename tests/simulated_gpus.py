"""A machine with simulated GPUs, and jobs that want one: processes that run what stages run, without torch."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Self

import pytest

from common.running import gpus
from common.running.code import ROOT

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux, as CUDA does")


def printed(listing: str) -> str:
    """Return the line of a shell script that prints a listing."""
    return f"cat <<'END'\n{listing}\nEND"


# Holds a GPU until its input ends. Whether no more jobs than asked for are on it, locks of files say, which are another kind.
JOB = """
import fcntl, os, sys
from common.running import gpus
number, folder, jobs = sys.argv[1:]
gpu = gpus.hold()
for place in range(int(jobs)):
    lock = open(f"{folder}/{gpu.uuid}-{place}", "a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        break
    except BlockingIOError:
        lock = None
visible = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
os.write(1, f"{number} {gpu.uuid} {'alone' if lock else 'shared'} {visible}\\n".encode())  # at once, or not at all
sys.stdin.read()
"""


class Jobs:
    """Processes that want a GPU, on a machine with simulated ones; all tell in one pipe which they got."""

    def __init__(self, folder: Path, devices: int, jobs_per_device: int = 1, **environment: str) -> None:
        self.uuids = [f"GPU-{uuid.uuid4()}" for _ in range(devices)]
        self.folder, self.jobs_per_device = folder, jobs_per_device
        self.started: dict[int, subprocess.Popen] = {}
        self.read_end, self.write_end = os.pipe()
        lines = "\n".join(f"GPU {number}: Simulated (UUID: {name})" for number, name in enumerate(self.uuids))
        (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{printed(lines)}\n")
        (folder / "nvidia-smi").chmod(0o755)
        kept = {name: text for name, text in os.environ.items() if name not in (gpus.VISIBLE, *gpus.OF_SLURM)}
        path = f"{folder}{os.pathsep}{os.environ['PATH']}"
        own = {"PATH": path, "PYTHONPATH": str(ROOT), gpus.JOBS_PER_DEVICE: str(jobs_per_device)}
        self.environment = kept | own | environment

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for number in list(self.started):
            self.end(number, signal.SIGKILL)
        os.close(self.read_end)
        os.close(self.write_end)

    def start(self, script: str = JOB, **environment: str) -> int:
        number = max(self.started, default=-1) + 1
        self.started[number] = subprocess.Popen(
            [sys.executable, "-S", "-c", script, str(number), str(self.folder), str(self.jobs_per_device)],
            env=self.environment | environment,
            stdin=subprocess.PIPE,
            stdout=self.write_end,
            stderr=(self.folder / f"{number}.log").open("w"),
        )
        return number

    def end(self, number: int, how: signal.Signals | None = None) -> None:
        """Let a job end by itself, or send it a signal."""
        process = self.started.pop(number)
        process.stdin.close()
        if how is not None:
            process.send_signal(how)
        process.wait()

    def told(self, shares: bool = False) -> tuple[int, str, str]:
        """Return the number, GPU and CUDA_VISIBLE_DEVICES of the next job that got one."""
        end = time.monotonic() + 120
        while not select.select([self.read_end], [], [], 1)[0]:
            for number, process in self.started.items():
                assert process.poll() is None, (self.folder / f"{number}.log").read_text()
            assert time.monotonic() < end, "no job gets a GPU"
        line = b""
        while not line.endswith(b"\n"):
            line += os.read(self.read_end, 1)
        number, name, alone, visible = line.decode().split()
        assert alone == "alone" or shares, f"job {number} is one too many on {name}"
        return int(number), name, visible
