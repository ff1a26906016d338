"""Which GPUs this process may use, and one of them for this job alone. Nothing heavy is imported.

A job has a place on a GPU while it holds a name that one process of a machine can have at a time: that of an abstract Unix
socket. The kernel takes the name back when the process ends, however it ends. No file can be left behind, swept away, closed
to another user, or lie on a network disk. All checkouts and users of a machine meet; containers with networks of their own do not.
"""

from __future__ import annotations

import errno
import functools
import glob
import itertools
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from typing import NamedTuple

VISIBLE = "CUDA_VISIBLE_DEVICES"
JOBS_PER_DEVICE = "GPU_JOBS_PER_DEVICE"  # environment variable: how many jobs share a GPU; 1 where it is not set
FILES = ("/dev/nvidia[0-9]*", "/proc/driver/nvidia/gpus/*")  # one for each GPU where the driver is loaded
OF_SLURM = ("SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "SLURM_GPUS_ON_NODE")  # set where SLURM gave a job its GPUs
LISTED = re.compile(r"(?P<kind>GPU \d+: .*| +MIG .*)\(UUID: (?P<uuid>[^)]+)\)")
_held: list[socket.socket] = []


class Gpu(NamedTuple):
    """A GPU, or a part of one (MIG): its name for CUDA_VISIBLE_DEVICES, and one that all processes of the machine share."""

    name: str
    uuid: str


class Listed(NamedTuple):
    """What nvidia-smi lists of a GPU: its model, its UUID, and those of its MIG instances."""

    model: str
    uuid: str
    instances: list[str]


def any_visible() -> bool:
    """Return whether this process may use a CUDA device, as far as can be told without importing torch."""
    if VISIBLE in os.environ and not _given():
        return False
    return any(map(glob.glob, FILES)) or "GPU" in _nvidia_smi()


def visible() -> list[Gpu]:
    """Return the GPUs that this process may use: those of CUDA_VISIBLE_DEVICES, or all; of a GPU with MIG its instances."""
    if not any_visible():
        return []
    listed = _listed()
    if VISIBLE in os.environ:
        return [Gpu(name, _uuid(name, listed)) for name in _given()]
    uuids = [uuid for gpu in listed for uuid in gpu.instances or [gpu.uuid]]
    files = next(filter(None, map(glob.glob, FILES)), [""])
    return [Gpu(name, name) for name in uuids or map(str, range(len(files)))]


def hold() -> Gpu | None:
    """Wait for a place on a visible GPU, let CUDA see that GPU alone, and hold the place until the process ends.

    Call it before CUDA counts its devices. Returns None where no GPU is visible, or a place is held already. The least
    shared GPU comes first. A job to which SLURM gave its GPUs shares them with nothing but its own processes.
    """
    gpus = [] if _held else visible()
    jobs, told = int(os.environ.get(JOBS_PER_DEVICE, "1")), False
    while gpus:
        for place, gpu in itertools.product(range(jobs), gpus):
            if _take(f"{gpu.uuid}/{place}"):
                _say(f"GPU: {gpu.uuid}, one of {len(gpus)} visible, place {place + 1} of {jobs}")
                if len(gpus) > 1:
                    os.environ[VISIBLE] = gpu.name
                return gpu
        if not told:
            share = "more share one with --config gpu_jobs_per_device=2"
            _say(f"Waiting for a GPU: all {len(gpus)} are taken, by {jobs} job{'s' * (jobs > 1)} each; {share}")
            told = True
        time.sleep(random.uniform(0.1, 0.3))  # seconds
    return None


def _take(name: str) -> bool:
    """Return whether this process could have the name. A child that is forked gives it up, or it would outlive the job."""
    step = ".".join(os.environ.get(part, "") for part in ("SLURM_JOB_ID", "SLURM_STEP_ID"))
    scope = f"slurm-{step}" if any(map(os.environ.get, OF_SLURM)) else "machine"
    place = socket.socket(socket.AF_UNIX)
    try:
        place.bind(f"\0continual-learning-gpu/{scope}/{name}")
    except OSError as error:
        place.close()
        if error.errno != errno.EADDRINUSE:
            raise
        return False
    _held.append(place)
    os.register_at_fork(after_in_child=place.close)
    return True


def _given() -> list[str]:
    """Return the entries of CUDA_VISIBLE_DEVICES as CUDA reads them: up to the first that can be no device."""
    entries = (entry.strip() for entry in os.environ[VISIBLE].split(","))
    return list(itertools.takewhile(re.compile(r"\d+|(GPU|MIG)-.+").fullmatch, entries))


def _uuid(name: str, listed: list[Listed]) -> str:
    """Return the UUID of an entry of CUDA_VISIBLE_DEVICES, or the entry itself where it is not known.

    CUDA numbers GPUs as nvidia-smi does where they are of one model, or where it is told to. It uses the first instance of
    a GPU with MIG, and takes UUIDs by their beginning.
    """
    ordered = os.environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" or len({gpu.model for gpu in listed}) == 1
    if name.isdigit():
        chosen = listed[int(name) : int(name) + 1] if ordered else []
    else:
        chosen = [gpu for gpu in listed if gpu.uuid.startswith(name)]
    instances = [uuid for gpu in listed for uuid in gpu.instances if uuid.startswith(name)]
    return next(iter([(gpu.instances or [gpu.uuid])[0] for gpu in chosen] + instances), name)


def _listed() -> list[Listed]:
    listed: list[Listed] = []
    for line in filter(None, map(LISTED.match, _nvidia_smi().splitlines())):
        if line["kind"].startswith("GPU"):
            listed.append(Listed(line["kind"].partition(":")[2].strip(), line["uuid"], []))
        elif listed:
            listed[-1].instances.append(line["uuid"])
    return listed


@functools.cache
def _nvidia_smi() -> str:
    if not shutil.which("nvidia-smi"):
        return ""
    listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return listing.stdout if listing.returncode == 0 else ""


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
