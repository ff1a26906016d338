"""What a machine shows of GPUs, and the count of bad inputs, printed at the end of a run that tried any (tests/faults)."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from common.running import gpus

os.environ[gpus.JOBS_PER_DEVICE] = "1000"  # tests share a GPU: each process keeps its place until it ends

OUTCOMES = ("tracebacks", "accepted", "told otherwise")  # what may not happen


def pytest_terminal_summary(terminalreporter):
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ())]
    found = Counter(value for report in reports for name, value in report.user_properties if name == "fault")
    if found:
        counts = ", ".join(f"{found[outcome]} {outcome}" for outcome in OUTCOMES)
        terminalreporter.write_line(f"faults: {found.total()} inputs, {found['refused']} refused in one line, {counts}")


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Sets what the machine shows of GPUs: how many device files, what nvidia-smi does, and the variable."""

    def show(files: int = 0, listing: str | None = None, visible: str | None = None) -> None:
        gpus._nvidia_smi.cache_clear()
        for number in range(files):
            (tmp_path / f"nvidia{number}").touch()
        monkeypatch.setattr(gpus, "FILES", (f"{tmp_path}/nvidia[0-9]*",))
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin" if listing is not None else str(tmp_path))
        if listing is not None:
            (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{listing}\n")
            (tmp_path / "nvidia-smi").chmod(0o755)
        for name in (gpus.VISIBLE, "CUDA_DEVICE_ORDER", *gpus.OF_SLURM):
            monkeypatch.delenv(name, raising=False)
        if visible is not None:
            monkeypatch.setenv(gpus.VISIBLE, visible)

    yield show
    gpus._nvidia_smi.cache_clear()
