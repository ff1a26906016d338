"""What a run ran on: processor or GPU, versions, commit and peak memory; never the name of a host or of a user."""

from __future__ import annotations

import importlib.metadata
import platform
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any


def device_name(device: Any) -> str:
    """Return the model name of the processor or GPU behind a torch device (or its name, such as 'cuda:0')."""
    if str(device).startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    if str(device) != "cpu":
        return str(device)
    description = Path("/proc/cpuinfo")
    if description.exists():
        for line in description.read_text().splitlines():
            if line.startswith("model name"):
                return f"cpu ({line.partition(':')[2].strip()})"
    return f"cpu ({platform.machine()})"


def git_state(folder: Path) -> dict[str, Any]:
    """Return the commit of the repository that tracks `folder` and whether files differ from it; both None if none does."""
    outputs = []
    for command in (["ls-files", "--error-unmatch", "."], ["rev-parse", "HEAD"], ["status", "--porcelain"]):
        try:
            # No optional locks: a training run must never block a commit made meanwhile.
            done = subprocess.run(
                ["git", "--no-optional-locks", "-C", str(folder), *command], capture_output=True, text=True, check=False
            )
        except FileNotFoundError:  # git is not installed
            return {"commit": None, "dirty": None}
        if done.returncode != 0:
            return {"commit": None, "dirty": None}
        outputs.append(done.stdout.strip())
    _, commit, status = outputs
    return {"commit": commit, "dirty": bool(status)}


def versions() -> dict[str, str | None]:
    """Return the versions of Python, torch, numpy and the platform; None for a package that is not installed."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in ("torch", "numpy"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    found["platform"] = f"{platform.system()} {platform.machine()}"
    return found


def peak_memory() -> dict[str, float]:
    """Return the most memory this process has held, in MiB, and the most on the GPU if it used one."""
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB on Linux
    peak = {"peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)}
    torch = sys.modules.get("torch")  # a stage that never imported torch used no GPU
    if torch is not None and torch.cuda.is_initialized():
        peak["peak_cuda_memory_mb"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
    return peak
