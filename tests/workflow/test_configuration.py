"""Configuration is checked, the scale is chosen well, and the helpers of the rules do what they say."""

from __future__ import annotations

import itertools
import os
import sys
import time

import pytest
import yaml

from common.running import workflow
from common.running.configuration import ConfigError, check_config
from common.running.protocols import ProtocolError
from common.running.workflow import choose_device, choose_scale, repository, seed_batches, seeds_per_job

GOOD = yaml.safe_load((workflow.ROOT / "config.yaml").read_text())


def test_the_shipped_configuration_is_valid_and_picks_the_scale_itself():
    check_config(GOOD)
    assert GOOD["scale"] == "auto"


@pytest.mark.parametrize(
    "change, message",
    [
        ({"scal": "desk"}, "unknown key 'scal'; did you mean 'scale'?"),
        ({"scale": "papr"}, "unknown scale 'papr'; did you mean 'paper'?"),
        ({"scale": 5}, "unknown scale 5; Known are auto"),
        ({"device": "gpu"}, "unknown device 'gpu'; write auto, cpu, cuda or cuda:1"),
        ({"data_mirror": "/no/such/folder"}, "/no/such/folder is not a folder: correct data_mirror or DATA_MIRROR"),
        ({"imagenet_folder": 3}, "3 is not a folder: correct imagenet_folder or IMAGENET_FOLDER"),
        ({"papers": ["tsr"]}, "papers has no 'tsr'; did you mean 'tsar'?"),
        ({"papers": "tsar"}, "papers must be a list"),
        ({"papers": []}, "papers must be a list"),
        ({"scale": "recorded", "seeds": 1}, "seeds has no effect at scale recorded; write seeds=all"),
        (
            {"scale": "recorded", "method": "examples/my_method.py"},
            "method has no effect at scale recorded; write method=''",
        ),
    ],
)
def test_wrong_configuration_is_refused_with_advice(change, message):
    with pytest.raises(ConfigError) as error:
        check_config(GOOD | change)
    assert message in str(error.value)


@pytest.mark.parametrize("variable", ["DATA_MIRROR", "IMAGENET_FOLDER"])
def test_folders_of_the_environment_are_checked_too_and_may_begin_at_home(monkeypatch, tmp_path, variable):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "images").mkdir()
    monkeypatch.setenv(variable, "~/images")
    check_config(GOOD)
    check_config(GOOD | {variable.lower(): "~/images"})
    monkeypatch.setenv(variable, "~/gone")
    with pytest.raises(ConfigError, match=f"{tmp_path}/gone is not a folder: correct .*{variable}"):
        check_config(GOOD)


@pytest.mark.parametrize("part", ["prepared", "smoke"])
def test_a_data_set_of_the_future_is_named_at_the_start(monkeypatch, tmp_path, part):
    monkeypatch.chdir(tmp_path)
    (folder := tmp_path / "data" / part).mkdir(parents=True)
    (path := folder / "mnist.npz").touch()
    check_config(GOOD)
    os.utime(path, (time.time() + 60,) * 2)
    with pytest.raises(
        ConfigError, match=f"^data/{part}/mnist.npz is dated in the future; .* touch data/{part}/mnist.npz"
    ):
        check_config(GOOD)


def test_missing_key_is_refused():
    with pytest.raises(ConfigError, match="missing key 'device'"):
        check_config({key: value for key, value in GOOD.items() if key != "device"})


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1"])
def test_known_devices(device):
    check_config(GOOD | {"device": device})


@pytest.mark.parametrize("gpu, chosen", [(True, "cuda"), (False, "cpu")])
def test_the_automatic_device_is_decided_for_all_jobs(machine, gpu, chosen):
    machine(files=int(gpu))
    assert choose_device("auto") == chosen
    assert [choose_device(device) for device in ("cpu", "cuda:1")] == ["cpu", "cuda:1"]


def test_gpus_follow_the_device():
    asked = [workflow.training_resources(device)["gpu"] for device in ("cpu", "cuda", "cuda:1")]
    assert asked == [0, 1, 1]


@pytest.mark.parametrize(
    "gpu, scale, device, chosen, reason",
    [
        (False, "auto", "auto", "smoke", "no CUDA device is visible"),
        (True, "auto", "auto", "paper", "a CUDA device is visible, device is cuda"),
        (True, "auto", "cpu", "smoke", "device is cpu"),
        (True, "desk", "auto", "desk", "as configured"),
    ],
)
def test_scale_is_chosen_and_explained(machine, capsys, gpu, scale, device, chosen, reason):
    machine(files=int(gpu))
    device = choose_device(device)
    assert choose_scale(scale, device, announce=True) == chosen
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Scale: {chosen} ") and reason in line and "--config scale=" in line
    assert choose_scale(scale, device, announce=False) == chosen
    assert capsys.readouterr().err == ""


@pytest.fixture
def batches(tmp_path):
    """Calls seed_batches where the named batches lie finished."""

    def cut(first, count, size, *finished):
        for path in tmp_path.iterdir():
            path.unlink()
        for seeds in finished:
            (tmp_path / f"seeds{seeds}.csv").touch()
        return seed_batches(first, count, size, f"{tmp_path}/seeds*.csv")

    return cut


def test_seed_batches_cover_each_seed_once(batches):
    assert batches(0, 5, 2) == ["0-1", "2-3", "4-4"]
    assert batches(1000, 3, 3) == ["1000-1002"]


@pytest.mark.parametrize("count, size", [(0, 3), (3, 0)])
def test_no_seeds_are_refused(batches, count, size):
    with pytest.raises(ProtocolError, match=f"asks for {count} seeds, {size} in a job; give at least one"):
        batches(0, count, size)


@pytest.mark.parametrize(
    "count, size, finished, expected",
    [
        (10, 10, ["0-2", "3-5"], ["0-2", "3-5", "6-9"]),  # a GPU goes on with what a CPU began
        (10, 3, ["0-9"], ["0-9"]),
        (11, 11, ["0-9"], ["0-9", "10-10"]),
        (12, 3, ["0-2", "9-9"], ["0-2", "3-5", "6-8", "9-9", "10-11"]),
        (10, 5, ["3-3", "5-6"], ["0-2", "3-3", "4-4", "5-6", "7-9"]),
        (10, 5, ["0-1", "0-3", "2-7"], ["0-1", "2-7", "8-9"]),  # of those that overlap the longest
        (5, 5, ["0-9", "1000-1002"], ["0-4"]),
        (2, 1, ["1-0", "x-1", "-1"], ["0-0", "1-1"]),
    ],
)
def test_finished_batches_stay_whatever_the_size_of_a_job(batches, count, size, finished, expected):
    assert batches(0, count, size, *finished) == expected


@pytest.mark.parametrize("before", [[], ["0-9"], ["4-6"], ["0-1", "9-11", "2-12"], ["1-3", "3-5", "5-9", "12-12"]])
def test_jobs_stay_the_same_while_they_finish_in_any_order(batches, before):
    jobs = batches(0, 14, 3, *before)
    assert sorted(seed for job in jobs for seed in range(int(job.split("-")[0]), int(job.split("-")[1]) + 1)) == list(
        range(14)
    )
    for done in itertools.chain.from_iterable(itertools.combinations(jobs, n) for n in range(len(jobs) + 1)):
        assert batches(0, 14, 3, *{*before, *done}) == jobs


def weights_and_state(parameters, seeds):
    """Bytes of weights, gradients and two moments, all float32."""
    return 4 * 4 * parameters * seeds


@pytest.mark.parametrize("parameters", [1_000, 269_322, 478_410, 1_276_508, 5_592_010])
@pytest.mark.parametrize("seeds", [1, 3, 10])
def test_on_a_cpu_seeds_share_a_job_as_long_as_they_fit_the_cache(parameters, seeds):
    together = seeds_per_job(parameters, seeds, "cpu")
    assert 1 <= together <= seeds
    assert together == 1 or weights_and_state(parameters, together) <= workflow.CACHE_BYTES
    assert together == seeds or weights_and_state(parameters, together + 1) > workflow.CACHE_BYTES


def test_seeds_per_job_of_known_networks():
    """784-256-256-10, 784-400-400-10 and the network of Section 5.3 of Synaptic Intelligence, of ten seeds."""
    assert [seeds_per_job(parameters, 10, "cpu") for parameters in (269_322, 478_410, 1_276_508)] == [7, 4, 1]


def test_on_a_gpu_all_seeds_share_a_job():
    for device, parameters in itertools.product(("cuda", "cuda:1"), (1_000, 5_592_010)):
        assert seeds_per_job(parameters, 10, device) == 10
    assert seeds_per_job(5_592_010, 10, "cpu") == 1


def test_repository_files_must_exist(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (path,) = repository("common/running/workflow.py")
    assert os.path.samefile(path, workflow.__file__) and not os.path.isabs(path)
    with pytest.raises(FileNotFoundError, match="common/gone.py"):
        repository("common/gone.py")


def test_data_set_follows_the_scale():
    assert workflow.dataset("omniglot", "smoke") == "data/smoke/omniglot.npz"
    assert workflow.dataset("omniglot", "desk") == workflow.dataset("omniglot", "paper") == "data/prepared/omniglot.npz"


def test_jobs_find_the_repository_and_this_python(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PATH", "/usr/bin")
    workflow.prepare_environment(1)
    assert os.environ["PYTHONPATH"].split(os.pathsep) == [str(workflow.ROOT), "/elsewhere"]
    assert os.environ["PATH"].split(os.pathsep) == [os.path.dirname(sys.executable), "/usr/bin"]
