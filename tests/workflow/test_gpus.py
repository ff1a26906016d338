"""Snakemake starts as many training jobs as the visible GPUs have places for, and each has a GPU of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulated_gpus import JOB, Jobs, needs_linux

pytestmark = pytest.mark.slow

SNAKEFILE = """
from common.running.workflow import limit_gpu_jobs
limit_gpu_jobs(workflow, "cuda", 1)
rule all:
    input: [f"{number}.txt" for number in range(7)]
rule train:
    output: "{number}.txt"
    resources: gpu=1
    shell: "python job.py {wildcards.number} . 1 > {output} 2> {wildcards.number}.log"
"""
# It ends only once all three GPUs have been taken.
UNTIL_ALL_ARE_TAKEN = """
import glob, time
end = time.monotonic() + 100
while len(glob.glob("GPU-*-0")) < 3 and time.monotonic() < end:
    time.sleep(0.02)
assert len(glob.glob("GPU-*-0")) == 3
"""


@needs_linux
def test_snakemake_uses_every_gpu_at_once_and_starts_no_job_that_would_wait(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "job.py").write_text(JOB.replace("sys.stdin.read()", UNTIL_ALL_ARE_TAKEN))
    with Jobs(tmp_path, devices=3) as jobs:
        environment = jobs.environment | {
            "PATH": f"{tmp_path}{os.pathsep}{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
        }
        command = [sys.executable, "-m", "snakemake", "--cores", "7"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        logs = [(tmp_path / f"{number}.log").read_text() for number in range(7)]
        assert done.returncode == 0, (done.stderr, logs)
        told = [(tmp_path / f"{number}.txt").read_text().split() for number in range(7)]
        assert {name for _, name, alone, _ in told if alone == "alone"} == set(jobs.uuids)
        assert all(alone == "alone" for *_, alone, _ in told) and not any("Waiting" in log for log in logs)


@pytest.mark.parametrize(
    "config, arguments, jobs_at_once",
    [
        (["device=cuda", "gpu_jobs_per_device=4"], [], 12),
        (["device=cuda:1", "gpu_jobs_per_device=4"], [], 4),
        (["device=cuda"], ["--resources", "gpu=2"], 2),
        (["device=cpu"], [], None),
    ],
)
def test_the_number_of_gpu_jobs_follows_from_the_gpus(tmp_path, checkout, config, arguments, jobs_at_once):
    with Jobs(tmp_path, devices=3) as jobs:
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "list_figures", *arguments, "--config", *config]
        done = subprocess.run(
            command, cwd=checkout.folder, env=jobs.environment, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    provided = [line for line in done.stderr.splitlines() if line.startswith("Provided resources")]
    assert bool(provided) == bool(jobs_at_once) and all(f'"gpu", {jobs_at_once})' in line for line in provided)
