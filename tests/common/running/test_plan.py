"""The plan of a run: what the jobs of Snakemake are, how they are counted, and when it is told."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from common.running import plan, planned
from common.running.costs import REFERENCE, START, Cost, Rates
from common.running.planned import Planned, missing_data

META = (
    "python -m papers.tsar.meta_train --scale paper --condition {} --meta-learning-set rich --iterations 25000"
    " --seeds {} --device {} --omniglot data/prepared/omniglot.npz --out {} --checkpoint c.ckpt  > log.txt 2>&1"
)
TRANSFER = (
    "python -m papers.tsar.transfer --scale paper --condition grow --meta-learning-set rich --iterations 25000 --seeds 0-0"
    " --device cpu --images 'a folder/imagenet.npz' --models m.pt --out t.csv --activity a.npz > log.txt 2>&1"
)


def meta(condition="grow", seeds="0-0", device="cpu", out="m.pt", **more):
    return Planned(META.format(condition, seeds, device, out), ("data/prepared/omniglot.npz",), (out, "m.csv"), **more)


def test_a_command_line_is_read_as_its_stage_reads_it():
    job = Planned(TRANSFER)
    assert job.stage == ("tsar", "transfer") and job.device == "cpu"
    assert job.options["images"] == "a folder/imagenet.npz" and job.options["activity"] == "a.npz"
    assert "log.txt" not in job.options.values() and "models" in job.options
    keeps = Planned("python -m papers.tsar.meta_train --scale desk --keep-checkpoint > log 2>&1")
    assert keeps.options == {"scale": "desk", "keep_checkpoint": ""}
    assert Planned("cp a b > log 2>&1 && cp c d").stage is None and Planned("").stage is None


def test_a_plan_tells_jobs_seeds_hours_and_disk():
    jobs = [meta(seeds=f"{seed}-{seed}", out=f"{seed}.pt") for seed in (0, 1, 1000)]
    jobs.append(Planned("python -m common.results.collect --out t.csv", ("0.pt", "1.pt", "1000.pt"), ("t.csv",)))
    found = plan.Plan(jobs, {"cpu": REFERENCE}, cores=2, gpus=1)
    header, stage, others, time, disk = found.lines()
    hours = jobs[0].cost().seconds(REFERENCE) / 3600
    assert header.split() == ["stage", "jobs", "seeds", "hours"]
    assert stage.split() == ["tsar", "meta_train", "3", "3", plan.number(3 * hours)]
    assert others.split()[:2] == ["others", "1"]
    assert found.wall == pytest.approx(2 * 3600 * hours + START) and f"{plan.number(2 * hours)} hours" in time
    # three models at the end, when one that has yet to end and the last each have two checkpoints for a moment
    assert found.peak == pytest.approx(3 * 2.36e9 + 2 * 2 * 7.08e9, rel=0.01)
    assert found.long and "disk at its peak" in disk


def test_a_gpu_takes_one_job_at_a_time_and_what_is_not_measured_is_said():
    fast = Rates(40e12, 4e12, 0.0)
    jobs = [meta(device="cuda", out=f"{seed}.pt") for seed in range(3)]
    known = plan.Plan(jobs, {"cpu": REFERENCE, "cuda": fast}, cores=8, gpus=1)
    assert known.wall == pytest.approx(sum(known.seconds))
    assert "what small steps take was not measured" in known.lines()[2]
    unknown = plan.Plan(jobs, {"cpu": REFERENCE, "cuda": None}, cores=8, gpus=1)
    assert unknown.long and unknown.lines()[1].endswith("not known") and "time: not known" in unknown.lines()[2]


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    for name in ("mnist", "cifar10"):
        (tmp_path / f"{name}.npz").touch()
    monkeypatch.setenv("DATA_MIRROR", str(tmp_path))
    monkeypatch.delenv("IMAGENET_FOLDER", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def prepare(*names):
    return [Planned(f"python -m common.data.prepare {name} 2>&1 | tee log") for name in names]


def test_data_that_is_missing_is_named_with_where_it_comes_from(mirror, monkeypatch):
    jobs = prepare("mnist", "omniglot", "imagenet", "cifar10 --smoke", "svhn --smoke")
    assert missing_data([*jobs, meta()]) == [
        "cifar10: a part of the mirror set",
        "imagenet: a download, 248 MB",
        f"mnist: from the mirror, {mirror}/mnist.npz",
        "omniglot: a download, 16 MB",
        "svhn: a stand-in is made",
    ]
    monkeypatch.setenv("IMAGENET_FOLDER", str(mirror))
    assert missing_data(prepare("imagenet")) == [f"imagenet: from the folder {mirror}"]


def workflow(jobs, touch=False, **resources):
    """What a Snakemake workflow tells of itself."""
    known = {"_cores": 2, "_nodes": None, "gpu": 1} | resources
    rows = [
        SimpleNamespace(
            shellcmd=job.shell, input=job.inputs, output=job.outputs, temp_output=job.temporary, priority=job.priority
        )
        for job in jobs
    ]
    return SimpleNamespace(
        dag=SimpleNamespace(needrun_jobs=lambda exclude_finished: iter(rows)),
        global_resources={key: SimpleNamespace(value=value) for key, value in known.items()},
        touch=touch,
    )


@pytest.fixture
def asked(monkeypatch):
    """Devices that were measured, all of them like the reference."""
    devices = []
    monkeypatch.setattr(plan, "measured", lambda device: devices.append(device) or REFERENCE)
    return devices


def test_a_long_run_is_announced_with_how_to_ask_for_less(asked, capsys):
    plan.announce(workflow([meta()]))
    told = capsys.readouterr()
    assert not told.out and "more than an hour" in told.err and "tsar meta_train" in told.err
    for way in ("seeds=1", "scale=desk", "scale=recorded", "--cores"):
        assert way in told.err
    assert asked == ["cpu"]


def test_nothing_is_told_or_measured_of_a_short_run_of_none_or_where_files_are_only_touched(asked, capsys):
    for short in (workflow([]), workflow([Planned("cp a b", (), ("b",))]), workflow([meta()], touch=True)):
        plan.announce(short)
    assert capsys.readouterr().err == "" and asked == []


@pytest.mark.parametrize(
    ("hours", "cores", "told"), [(0.4, 1, False), (0.9, 1, False), (1.1, 1, True), (5.9, 8, False)]
)
def test_what_counts_is_the_wall(asked, capsys, monkeypatch, hours, cores, told):
    monkeypatch.setattr(Planned, "cost", lambda job: Cost(flop=hours / 6 * 3600 * REFERENCE.products))
    plan.announce(workflow([meta(out=f"{seed}.pt") for seed in range(6)], _cores=cores))
    assert bool(capsys.readouterr().err) == told


def test_a_cluster_has_as_many_places_as_jobs_may_be_submitted(asked, monkeypatch):
    monkeypatch.setattr(Planned, "cost", lambda job: Cost(flop=3600 * REFERENCE.products))
    jobs = [meta(out=f"{seed}.pt") for seed in range(50)]
    assert plan.plan(workflow(jobs, _cores=None, _nodes=50)).wall == pytest.approx(3600 + START)


def test_three_thousand_jobs_are_planned_in_a_moment(asked):
    import time

    jobs = [meta(f"bias{number % 12}", f"{number}-{number}", out=f"{number}.pt") for number in range(3000)]
    started = time.process_time()
    assert plan.plan(workflow(jobs), least=1e9) is None  # as where a short run begins
    assert time.process_time() - started < 2  # 0.3 s, on a machine without other work


def test_two_digits_are_shown():
    assert [plan.number(value) for value in (0, 0.00123, 0.5, 1, 9.96, 25.4, 20731)] == [
        *("0", "0.0012", "0.50", "1.0", "10.0", "25", "21,000")
    ]
    assert planned.OTHER.seconds(REFERENCE) == START
