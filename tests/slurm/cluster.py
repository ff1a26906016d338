"""A SLURM cluster of one node on loopback, which lives as long as its input is open.

    python -m tests.slurm.cluster             says what it needs and is not here
    python -m tests.slurm.cluster FOLDER      keeps its configuration, state and logs there

It prints `ready` once jobs can be submitted with SLURM_CONF=FOLDER/slurm.conf. The line `lose` of its input ends the node and
all that runs there, as a power cut does, and starts the node again. All that it started ends with it: daemons and jobs are its
descendants, also those whose parents are gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import getpass
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo", "setpriv")
PLUGIN = "snakemake_executor_plugin_slurm"
FOUND_IN = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])  # daemons are not on every user's path
PR_SET_CHILD_SUBREAPER = 36  # prctl.h


def missing() -> str:
    """Return what is not here and how to install it; nothing if all is."""
    hints = []
    if absent := [name for name in PROGRAMS if not shutil.which(name, path=FOUND_IN)]:
        hints.append(f"{', '.join(absent)} (Debian: apt-get install slurm-wlm munge)")
    if not importlib.util.find_spec(PLUGIN):
        hints.append(f"Snakemake's plugin for SLURM (pip install -r requirements-slurm.txt, with {sys.executable})")
    return " and ".join(hints)


def environment(folder: Path) -> dict[str, str]:
    """Return the variables with which SLURM's commands reach the cluster of a folder."""
    return os.environ | {"PATH": f"{folder / 'bin'}{os.pathsep}{FOUND_IN}", "SLURM_CONF": str(folder / "slurm.conf")}


class Cluster:
    """The daemons: an authentication service, a controller and a node."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = environment(folder)
        folder.chmod(0o711)  # which the authentication service asks for
        for name in ("state", "spool", "bin"):
            (folder / name).mkdir()
        with contextlib.ExitStack() as ports:
            free = [ports.enter_context(socket.socket()) for _ in range(2)]
            for one in free:
                one.bind(("127.0.0.1", 0))
            controller_port, node_port = (one.getsockname()[1] for one in free)
        text = (Path(__file__).parent / "slurm.conf").read_text()
        for name, value in {
            "host": socket.gethostname().partition(".")[0],
            "user": getpass.getuser(),
            "folder": folder,
            "controller_port": controller_port,
            "node_port": node_port,
            "cpus": os.cpu_count(),
        }.items():
            text = text.replace(f"{{{name}}}", str(value))
        (folder / "slurm.conf").write_text(text)
        (folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
        # The plugin takes SLURM_CONF from its jobs, which on a real cluster find the file in its usual place.
        (folder / "bin" / "srun").write_text(
            f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n'
        )
        (folder / "bin" / "srun").chmod(0o755)
        key = folder / "munge.key"
        key.touch(0o600)
        key.write_bytes(os.urandom(128))

    def start(self) -> None:
        own = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        options = [f"--{option}={self.folder}/munge.{ending}" for option, ending in own.items()]
        self.daemons = [self._daemon("munged", "--foreground", *options)]
        self._wait_for("authentication service", lambda: (self.folder / "munge.socket").exists())
        self.daemons.append(self._daemon("slurmctld", "-D"))
        self.start_node()

    def start_node(self) -> None:
        self._daemon("slurmd", "-D")
        self._wait_for("node", lambda: self._sinfo().startswith(("idle", "mixed", "allocated")))

    def lose_node(self) -> None:
        """End the node and its jobs without a word to the controller, and start it again once that knows."""
        spared = {daemon.pid for daemon in self.daemons}
        while lost := [
            one for one in children() if one.pid not in spared
        ]:  # until none is left that one of them started
            end([one for first in lost for one in (first, *children(first))])
        self._wait_for("word of the controller that the node is lost", lambda: self._sinfo().startswith("down"))
        self.start_node()

    def _daemon(self, name: str, *arguments: str) -> subprocess.Popen:
        with (self.folder / f"{name}.out").open("a") as out:
            command = [shutil.which(name, path=FOUND_IN), *arguments]
            return subprocess.Popen(
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
            )

    def _sinfo(self) -> str:
        command = ["sinfo", "--noheader", "--format=%T"]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False).stdout.strip()

    def _wait_for(self, what: str, is_there, seconds: float = 60) -> None:
        end_of_patience = time.monotonic() + seconds
        while not is_there():
            if time.monotonic() > end_of_patience:
                logs = "\n".join(
                    path.read_text()[-2000:] for path in self.folder.glob("*.*") if path.suffix in (".out", ".log")
                )
                raise SystemExit(f"error: no {what} after {seconds:.0f} seconds: {logs}")
            time.sleep(0.1)


def children(process: psutil.Process | None = None) -> list[psutil.Process]:
    """Return the processes under one, or the children of this process."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.children(recursive=True) if process else psutil.Process().children()
    return []


def end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)


def main() -> None:
    if len(sys.argv) < 2:
        raise SystemExit(f"a SLURM cluster needs what is not here: {missing()}" if missing() else 0)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    cluster = Cluster(Path(sys.argv[1]))
    try:
        cluster.start()
        print("ready", flush=True)
        for line in sys.stdin:
            if line.strip() == "lose":
                cluster.lose_node()
                print("back", flush=True)
        shutil.rmtree(cluster.folder, ignore_errors=True)  # after an error it stays, and says why
    finally:
        while left := psutil.Process().children(recursive=True):
            end(left)


if __name__ == "__main__":
    main()
