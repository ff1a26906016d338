"""Which GPUs a job may use, and that none is shared by more jobs than asked for, or idle while a job waits for one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from common.running import gpus
from common.running.code import ROOT
from tests.simulated_gpus import Jobs, needs_linux, printed

A100S = """
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-61cd8a17)
"""
MIXED = A100S.replace("A100-SXM4-40GB (UUID: GPU-61cd8a17)", "T400 4GB (UUID: GPU-61cd8a17)")
MIG = """
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6)
  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef)
  MIG 3g.20gb     Device  1: (UUID: MIG-GPU-5d5ba0d6/2/0)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-61cd8a17)
"""


# Which GPUs there are


@pytest.mark.parametrize(
    "shown, expected",
    [
        ({}, False),
        ({"files": 1}, True),
        ({"files": 1, "visible": "0"}, True),
        ({"files": 1, "visible": "MIG-c6d4f1ef"}, True),
        ({"files": 1, "visible": ""}, False),
        ({"files": 1, "visible": "-1"}, False),
        ({"files": 1, "visible": "NoDevFiles"}, False),
        ({"listing": "echo 'GPU 0: Some model'"}, True),
        ({"listing": "echo 'No devices were found'"}, False),
        ({"listing": "echo 'GPU access blocked'; exit 9"}, False),
    ],
)
def test_a_gpu_is_seen_without_torch(machine, shown, expected):
    machine(**shown)
    assert gpus.any_visible() == expected == bool(gpus.visible())


def test_nvidia_smi_is_asked_once(machine, tmp_path):
    machine(listing=f"echo asked >> {tmp_path}/count; echo 'GPU 0: Some model'")
    assert all(gpus.any_visible() and gpus.visible() for _ in range(3))
    assert (tmp_path / "count").read_text() == "asked\n"


@pytest.mark.parametrize(
    "listing, visible, expected",
    [
        (A100S, None, {"GPU-5d5ba0d6": "GPU-5d5ba0d6", "GPU-61cd8a17": "GPU-61cd8a17"}),
        (A100S, "1, 0", {"1": "GPU-61cd8a17", "0": "GPU-5d5ba0d6"}),
        (A100S, "1,-1,0", {"1": "GPU-61cd8a17"}),  # CUDA stops at the first that is none
        (A100S, "GPU-61", {"GPU-61": "GPU-61cd8a17"}),
        (A100S, "7", {"7": "7"}),
        (MIXED, "1", {"1": "1"}),  # the second fastest, which need not be the second listed
        (MIG, None, {name: name for name in ("MIG-c6d4f1ef", "MIG-GPU-5d5ba0d6/2/0", "GPU-61cd8a17")}),
        (MIG, "0,GPU-61cd8a17", {"0": "MIG-c6d4f1ef", "GPU-61cd8a17": "GPU-61cd8a17"}),
        (MIG, "MIG-GPU-5d5ba0d6/2/0", {"MIG-GPU-5d5ba0d6/2/0": "MIG-GPU-5d5ba0d6/2/0"}),
        (MIG, "MIG-c6", {"MIG-c6": "MIG-c6d4f1ef"}),
    ],
)
def test_each_visible_gpu_has_one_name_for_all_processes(machine, listing, visible, expected):
    machine(listing=printed(listing), visible=visible)
    assert dict(gpus.visible()) == expected


def test_numbers_in_the_order_of_the_bus_are_known_on_any_machine(machine, monkeypatch):
    machine(listing=printed(MIXED), visible="1")
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    assert gpus.visible() == [("1", "GPU-61cd8a17")]


def test_without_nvidia_smi_the_driver_s_files_are_counted(machine):
    machine(files=2)
    assert gpus.visible() == [("0", "0"), ("1", "1")]


# One job, one GPU


@needs_linux
@pytest.mark.parametrize("wanting, devices, jobs_per_device", [(40, 3, 1), (12, 2, 2)])
def test_no_gpu_has_a_job_too_many_and_none_is_idle_while_a_job_waits(tmp_path, wanting, devices, jobs_per_device):
    """Of many jobs at once, those that got a GPU end, or they or waiting ones are killed, in any order."""
    choose = random.Random(devices)
    with Jobs(tmp_path, devices, jobs_per_device) as jobs:
        for _ in range(wanting):
            jobs.start()
        on: dict[int, str] = {}
        used = Counter()
        while jobs.started:
            while len(on) < min(devices * jobs_per_device, len(jobs.started)):
                number, name, visible = jobs.told()  # which fails if no job gets the GPU that is idle
                on[number] = name
                used[name] += 1
                assert visible == name in jobs.uuids
                assert max(Counter(on.values()).values()) <= jobs_per_device
            waiting = sorted(jobs.started.keys() - on.keys())
            if waiting and choose.random() < 0.2:
                jobs.end(choose.choice(waiting), signal.SIGKILL)
            for number in choose.sample(sorted(on), choose.randint(1, len(on))):
                jobs.end(number, choose.choice((None, signal.SIGKILL)))
                del on[number]
        assert used.keys() == set(jobs.uuids)


def wait_for_waiting(jobs: Jobs, number: int) -> None:
    """Wait until a job's log says that it waits."""
    log, end = jobs.folder / f"{number}.log", time.monotonic() + 60
    while "Waiting for a GPU" not in log.read_text():
        assert time.monotonic() < end and jobs.started[number].poll() is None, log.read_text()
        time.sleep(0.02)


@needs_linux
def test_a_gpu_is_the_same_under_each_of_its_names(tmp_path):
    with Jobs(tmp_path, devices=2) as jobs:
        first = jobs.start(CUDA_VISIBLE_DEVICES="1")
        assert jobs.told() == (first, jobs.uuids[1], "1")
        second = jobs.start(CUDA_VISIBLE_DEVICES=jobs.uuids[1])
        wait_for_waiting(jobs, second)
        third = jobs.start()
        assert jobs.told() == (third, jobs.uuids[0], jobs.uuids[0])
        jobs.end(first)
        assert jobs.told()[0] == second
        assert f"GPU: {jobs.uuids[1]}, one of 1 visible" in (tmp_path / f"{second}.log").read_text()


@needs_linux
def test_jobs_share_the_gpu_with_fewest_first(tmp_path):
    with Jobs(tmp_path, devices=3, jobs_per_device=2) as jobs:
        used = Counter()
        for rounds in (1, 2):
            for _ in jobs.uuids:
                jobs.start()
                used[jobs.told()[1]] += 1
            assert used == {name: rounds for name in jobs.uuids}


@needs_linux
def test_a_job_of_slurm_takes_what_it_was_given(tmp_path):
    """Two of its jobs may both be told GPU 0, or share one; several processes within a step each take one of the step's."""
    with Jobs(tmp_path, devices=2) as jobs:
        steps = [{"SLURM_JOB_ID": job, "SLURM_STEP_ID": "0", "SLURM_GPUS_ON_NODE": "1"} for job in ("7", "8")]
        for step in steps:
            number = jobs.start(CUDA_VISIBLE_DEVICES="0", **step)
            assert jobs.told(shares=True) == (number, jobs.uuids[0], "0")
        third = jobs.start(CUDA_VISIBLE_DEVICES="0,1", **steps[0])
        assert jobs.told() == (third, jobs.uuids[1], "1")
        # Where SLURM runs the job, but knows of no GPUs, the job takes its turn with all others of the machine.
        fourth = jobs.start(CUDA_VISIBLE_DEVICES="0", SLURM_JOB_ID="9")
        assert jobs.told(shares=True) == (fourth, jobs.uuids[0], "0")
        wait_for_waiting(jobs, jobs.start(CUDA_VISIBLE_DEVICES="0", SLURM_JOB_ID="10"))


FORKS = """
import os, sys, time
from common.running import gpus
gpu = gpus.hold()
child = os.fork()
if not child:
    time.sleep(600)
os.write(1, f"{child} {gpu.uuid} alone all\\n".encode())
sys.stdin.read()
"""


@needs_linux
def test_a_killed_job_s_child_does_not_keep_its_gpu(tmp_path):
    with Jobs(tmp_path, devices=1) as jobs:
        first = jobs.start(FORKS)
        child, *_ = jobs.told()
        try:
            jobs.end(first, signal.SIGKILL)
            second = jobs.start()
            assert jobs.told() == (second, jobs.uuids[0], "all")
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_process_holds_one_gpu(machine, monkeypatch):
    monkeypatch.setattr(gpus, "_held", [object()])
    machine(listing=printed(A100S))
    assert gpus.hold() is None and gpus.VISIBLE not in os.environ


@needs_linux
@pytest.mark.slow
def test_no_stage_counts_cuda_devices_before_it_holds_one(tmp_path):
    """CUDA reads CUDA_VISIBLE_DEVICES once. So whatever a stage imports must not ask it for its devices."""
    stages = sorted(path for path in ROOT.glob("papers/*/*.py") if "stage.run(main)" in path.read_text())
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in stages]
    script = f"""
import importlib, torch
from common.running import devices, gpus
asked = []
torch._C._cuda_getDeviceCount = lambda: asked.append(gpus._held) or 0
torch.backends.cuda.is_built = lambda: True
for module in {modules}:
    importlib.import_module(module)
assert not asked, asked
try:
    devices.select("cuda")
except devices.DeviceError:
    print(asked[0], gpus.os.environ[gpus.VISIBLE])
"""
    with Jobs(tmp_path, devices=2) as jobs:
        done = subprocess.run(
            [sys.executable, "-c", script], env=jobs.environment, capture_output=True, text=True, check=False
        )
        assert "socket" in done.stdout and jobs.uuids[0] in done.stdout, done.stderr
