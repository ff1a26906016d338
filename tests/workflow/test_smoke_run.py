"""Runs for real, at smoke scale, offline; then what an edit makes run again, and what a kill costs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from common.running import register
from tests.workflow.checkout import Checkout

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def edited(checkout: Checkout, *files: str, old: str = "", new: str = "EDITED = 1\n"):
    """The files with `old` replaced by `new`, or `new` added at their end; as before afterwards."""
    paths = [checkout.folder / file for file in files]
    before = [path.read_text() for path in paths]
    for path, text in zip(paths, before, strict=True):
        assert text.count(old) == 1 or not old
        path.write_text(text.replace(old, new) if old else text + new)
    yield
    for path, text in zip(paths, before, strict=True):
        path.write_text(text)


# A figure and a table, from nothing

WANTED = [f"figures/sticky_gradient_{name}" for name in ("fig2.pdf", "fig2.svg", "table2.tex")]
STICKY = register.of("sticky_gradient")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Checkout:
    """A checkout in which they were made."""
    checkout = Checkout(tmp_path_factory.mktemp("smoke"))
    checkout.output = checkout.run(*WANTED)
    return checkout


def test_a_figure_and_a_table_are_made_and_say_that_they_are_no_result(finished):
    assert any(line.startswith("Scale: smoke (auto:") for line in finished.output.splitlines()[:3])
    results = finished.folder / "results/smoke/sticky_gradient"
    for name in ("fig2", "table2"):
        for ending in register.endings(name):
            published = finished.folder / f"figures/sticky_gradient_{name}.{ending}"
            assert published.read_bytes() == (results / f"figures/{name}.{ending}").read_bytes()
        assert len((results / f"figures/{name}.csv").read_text().splitlines()) > 1
    assert "stand-in" in (results / "figures/table2.md").read_text()
    about = json.loads((results / "accuracies.json").read_text())
    assert about["scale"] == "smoke" and {one["completeness"] for one in about["data"]} == {"stand-in"}
    assert not list(results.glob("checkpoints/*"))


def test_nothing_is_made_twice(finished):
    assert finished.jobs(*WANTED) == finished.jobs(*WANTED, "--config", "device=cpu") == {}


def test_what_decides_no_number_makes_nothing_again(finished):
    (finished.folder / "papers/sticky_gradient/method.py").touch()
    plumbing = ["common/running/progress.py", "common/results/records.py", "common/results/collect.py"]
    words = ["papers/sticky_gradient/train.py", "common/learning/consolidation.py", "environment.yml"]
    with edited(finished, *plumbing), edited(finished, *words, new="# A word.\n"):
        assert finished.jobs(*WANTED) == {}


def test_code_of_a_figure_draws_it_again_and_nothing_else(finished):
    with edited(finished, "papers/sticky_gradient/figures/fig2.py"):
        assert finished.jobs(*WANTED) == dict.fromkeys(("draw", "draw_svg", "publish_figure", "publish_svg"), 1)


def test_code_of_training_trains_again(finished):
    with edited(finished, "papers/sticky_gradient/train.py"):
        assert finished.jobs(*WANTED)["sticky_gradient_train"] == len(STICKY.parts("accuracies", "smoke", "cpu"))


def test_more_seeds_keep_finished_batches(finished):
    seeds = STICKY.protocol("smoke").design.seeds
    protocol = "papers/sticky_gradient/protocol.yaml"
    with edited(finished, protocol, old=f"    seeds: {seeds}\n", new=f"    seeds: {seeds + 1}\n"):
        output = finished.run("--dry-run", *WANTED)
    trained = re.findall(r"Training: \S+, seeds (\S+), smoke scale", output)
    assert trained == len(STICKY.parts("accuracies", "smoke", "cpu")) * [f"{seeds}-{seeds}"]


# How often DHP logs is a setting of its training


def test_logging_more_often_trains_the_runs_of_figure_3_again(checkout):
    table = "results/smoke/dhp/plasticity.csv"
    checkout.run(table)
    parts = register.of("dhp").parts("plasticity", "smoke", "cpu")
    with edited(checkout, "papers/dhp/protocol.yaml", old="    log_every: 5\n", new="    log_every: 2\n"):
        assert checkout.jobs(table) == {"dhp_train_logged": len(parts), "collect": 1}


# Models that are kept, and those of TSAR's sweep, which are not

KEPT, SWEPT = (
    next(part for part in register.of("tsar").parts("transfer", "smoke", "cpu") if name in part)
    for name in ("/oml_rich", "/bias")
)


@pytest.fixture(scope="module")
def transferred(tmp_path_factory) -> Checkout:
    """A checkout in which a condition of TSAR and one of its sweep were meta-learned, tuned and transferred."""
    checkout = Checkout(tmp_path_factory.mktemp("tsar"))
    checkout.run(KEPT, SWEPT)
    return checkout


def test_models_of_the_sweep_are_gone_and_the_others_kept(transferred):
    meta = transferred.folder / "results/smoke/tsar/meta"
    assert list(meta.glob("oml_*/*.pt")) and list(meta.glob("bias*/*.csv")) and not list(meta.glob("bias*/*.pt"))
    assert not list(meta.parent.glob("checkpoints/*"))
    assert transferred.jobs(KEPT, SWEPT) == {}


def test_code_of_transfer_keeps_the_models(transferred):
    with edited(transferred, "papers/tsar/transfer.py"):
        assert transferred.jobs(KEPT) == {"tsar_transfer": 1}
        assert transferred.jobs(SWEPT) == {"tsar_meta_train_sweep": 1, "tsar_transfer_regulated": 1}


def test_code_of_meta_learning_makes_all_that_follows_again(transferred):
    with edited(transferred, "papers/tsar/meta_train.py"):
        # models of the reporting seeds and of the tuning seed
        assert transferred.jobs(KEPT) == {"tsar_meta_train": 2, "tsar_tune": 1, "tsar_transfer": 1}


def test_a_killed_run_finishes_with_the_same_numbers(transferred, checkout):
    log = checkout.folder / f"logs/smoke/tsar/meta/{KEPT.split('/')[-2]}_seeds0-1.log"
    run = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2", KEPT],
        cwd=checkout.folder,
        env=checkout.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 300
    while not (log.exists() and "starting" in log.read_text()):
        assert run.poll() is None and time.monotonic() < deadline, "meta-learning never began"
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert not (checkout.folder / KEPT).exists()
    assert "--unlock" in checkout.run(KEPT, fails=True)
    checkout.run("--unlock")
    checkout.run(KEPT)
    assert (checkout.folder / KEPT).read_text() == (transferred.folder / KEPT).read_text()


def test_a_rerun_that_failed_is_not_forgotten(transferred):
    """Two rules before the table that is there: an edited protocol whose first job fails leaves the table stale."""
    before = (transferred.folder / KEPT).read_text()
    rate = "    oml_outer_learning_rate: 1e-3\n"
    with edited(transferred, "papers/tsar/protocol.yaml", old=rate, new=rate.replace("1e-3", "1e+30")):
        for _ in range(2):
            assert "lower meta_learning" in transferred.run(KEPT, fails=True)
    transferred.run(KEPT)
    assert (transferred.folder / KEPT).read_text() == before


def test_a_job_that_fails_shows_its_log(checkout):
    table = next(part for part in register.of("tsar").parts("tune", "smoke", "cpu") if "/scratch" in part)
    output = checkout.run(table, "--config", "device=cuda", fails=True)
    assert "device 'cuda' was asked for, but torch" in output
    assert not (checkout.folder / table).exists()
