"""A figure is made on a SLURM cluster, in which a job is cancelled and the node is lost; its tables are those of a local run.

    make test-slurm

The cluster is one node on loopback (cluster.py), and has a GPU that is no device.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.slurm import cluster
from tests.workflow.checkout import Checkout

pytestmark = [pytest.mark.slurm, pytest.mark.slow]
FIGURE = "figures/synaptic_intelligence_fig3.pdf"
TRAINING = {"si-0", "si-1"}  # its jobs that train, by condition
NEEDS_NO_DATA = "results/smoke/dan/regression/network_8/seeds0-1.csv"
DATA = "data/smoke/mnist.npz"  # that of the figure
LOGS = "logs/smoke/synaptic_intelligence/split_mnist"
SOON = ["--slurm-init-seconds-before-status-checks=1", "--seconds-between-status-checks=1", "--latency-wait=5"]
# Without accounting, the queue says what became of a job.
ON_CLUSTER = ["--workflow-profile", "profiles/slurm", "--slurm-status-command=squeue", *SOON]


class Slurm:
    """The cluster of a test: its variables, its queue, and the power switch of its node."""

    def __init__(self, folder: Path, process: subprocess.Popen) -> None:
        self.environment = cluster.environment(folder)
        self.folder, self.process = folder, process

    def command(self, *arguments: str) -> str:
        done = subprocess.run(arguments, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout

    def queue(self) -> list[dict[str, str]]:
        """All jobs that there were, with the rule and wildcards that the plugin writes into the comment."""
        fields = {"id": "%A", "state": "%T", "comment": "%k"}
        lines = self.command("squeue", "--noheader", "--states=all", "--format=" + "|".join(fields.values())).split()
        return [dict(zip(fields, line.split("|"), strict=True)) for line in lines]

    def lose_node(self) -> None:
        self.process.stdin.write("lose\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "back\n", (self.folder / "cluster.log").read_text()


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    if missing := cluster.missing():
        pytest.fail(f"a SLURM cluster needs what is not here: {missing}")
    # In /tmp, because the paths of sockets are short.
    with tempfile.TemporaryDirectory(prefix="slurm-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.slurm.cluster", folder],
            cwd=cluster.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(Path(folder) / "cluster.log").open("w"),
            text=True,
            start_new_session=True,  # what ends the tests leaves it the time to end the cluster
        )
        try:
            assert process.stdout.readline() == "ready\n", (Path(folder) / "cluster.log").read_text()
            yield Slurm(Path(folder), process)
        finally:
            process.stdin.close()  # with which all that belongs to the cluster ends
            process.wait()


def start(checkout: Checkout, variables: dict[str, str], *arguments: str) -> subprocess.Popen:
    with (checkout.folder / "snakemake.log").open("w") as log:
        # Even if the tests are killed, it ends with them.
        command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "snakemake", *arguments]
        environment = variables | {
            name: checkout.environment[name] for name in ("CUDA_VISIBLE_DEVICES", "XDG_CACHE_HOME")
        }
        return subprocess.Popen(command, cwd=checkout.folder, env=environment, stdout=log, stderr=subprocess.STDOUT)


def wait_for(is_there: Callable[[], object], snakemake: subprocess.Popen, checkout: Checkout) -> None:
    end = time.monotonic() + 200
    while not is_there():
        said = (checkout.folder / "snakemake.log").read_text()
        assert snakemake.poll() is None and time.monotonic() < end, said[-4000:]
        time.sleep(0.1)


def test_a_figure_made_on_a_cluster_that_loses_jobs_has_the_tables_of_a_local_run(slurm, tmp_path):
    here, there = (Checkout(tmp_path / name) for name in ("here", "there"))
    here.run(DATA)
    shutil.copytree((here.folder / DATA).parent, (there.folder / DATA).parent)
    options = ["--config", "scale=smoke", "device=cpu"]
    local = start(here, dict(os.environ), "--cores", "1", FIGURE, *options)
    remote = start(there, slurm.environment, *ON_CLUSTER, FIGURE, *options)
    try:

        def begun() -> set[str]:
            return {path.name.partition("_")[0] for path in there.folder.glob(f"{LOGS}/*.log")}

        def job(condition: str) -> dict[str, str]:
            (found,) = (
                job for job in slurm.queue() if f"_{condition}_" in job["comment"] and job["state"] == "RUNNING"
            )
            return found

        wait_for(begun, remote, there)
        cancelled = begun().pop()
        first = job(cancelled)["id"]
        slurm.command("scancel", first)
        (other,) = TRAINING - {cancelled}
        wait_for(lambda: other in begun(), remote, there)
        second = job(other)["id"]
        slurm.lose_node()
        assert remote.wait(200) == 0, (there.folder / "snakemake.log").read_text()[-4000:]
        assert local.wait(200) == 0, (here.folder / "snakemake.log").read_text()[-4000:]
    finally:
        for process in (local, remote):
            process.kill()
            process.wait()
    ended = {job["id"]: job["state"] for job in slurm.queue()}
    restarts = [
        word for word in slurm.command("scontrol", "show", "job", second).split() if word.startswith("Restarts=")
    ]
    assert ended[first] == "CANCELLED"
    assert ended[second] == "NODE_FAIL" or restarts == ["Restarts=1"]
    tables = [
        {path.relative_to(one.folder): path.read_bytes() for path in one.folder.glob("results/**/*.csv")}
        for one in (here, there)
    ]
    assert tables[0] == tables[1] and len(tables[0]) == 4
    assert (there.folder / FIGURE).exists()


def test_a_job_on_a_gpu_asks_for_one_and_leaves_the_queue_with_snakemake(slurm, tmp_path):
    checkout = Checkout(tmp_path)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job ignores, and its children
    slurm.command("scontrol", "update", "partitionname=main", "state=down")  # jobs are taken, and wait
    before = len(slurm.queue())
    remote = start(checkout, slurm.environment, *ON_CLUSTER, NEEDS_NO_DATA, "--config", "scale=smoke", "device=cuda")
    try:
        wait_for(lambda: len(slurm.queue()) > before, remote, checkout)
        job = max(slurm.queue(), key=lambda job: int(job["id"]))
        asked = slurm.command("scontrol", "show", "job", job["id"]).split()
        assert job["comment"].startswith("rule_dan_meta_train") and "TresPerJob=gres:gpu:1" in asked, asked
        remote.send_signal(signal.SIGINT)
        remote.wait(200)
        wait_for_queue = time.monotonic() + 60
        while {one["id"]: one["state"] for one in slurm.queue()}[job["id"]] != "CANCELLED":
            assert time.monotonic() < wait_for_queue, slurm.queue()
    finally:
        remote.kill()
        remote.wait()
