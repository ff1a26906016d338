"""Figures for real, at smoke scale, offline; then what an edit makes run again, and what a kill costs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.workflow.checkout import Checkout

FIGURE = "figures/tsar_fig1.pdf"
DRAW = {"tsar_fig1": 1, "publish_figure": 1}
STICKY = [f"figures/sticky_gradient_{name}.pdf" for name in ("fig1", "fig2", "fig3", "fig4", "fig5")]
STICKY += [f"figures/sticky_gradient_table{number}.tex" for number in range(1, 4)]
DHP = [f"figures/dhp_fig{number}.pdf" for number in range(1, 5)] + ["figures/dhp_table1.tex"]
DAN = [f"figures/dan_fig{number}.pdf" for number in range(1, 5)]
SI_FIGURES = [f"figures/synaptic_intelligence_fig{number}.pdf" for number in range(1, 7)]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Checkout:
    """A checkout in which the figure was made from nothing."""
    checkout = Checkout(tmp_path_factory.mktemp("smoke"))
    checkout.output = checkout.run(FIGURE)
    return checkout


@pytest.fixture(scope="module")
def finished_si(tmp_path_factory) -> Checkout:
    """A checkout in which all figures of Synaptic Intelligence were made from nothing."""
    checkout = Checkout(tmp_path_factory.mktemp("smoke_si"))
    checkout.run(*SI_FIGURES)
    return checkout


@contextlib.contextmanager
def edited(checkout: Checkout, file: str, old: str = "", new: str = "# edited\n"):
    """`file` with `old` replaced by `new`, or `new` added at its end; as before afterwards."""
    path = checkout.folder / file
    before = path.read_text()
    assert before.count(old) == 1 or not old
    path.write_text(before.replace(old, new) if old else before + new)
    yield
    path.write_text(before)


def test_figure_and_everything_behind_it(finished):
    results = finished.folder / "results/smoke/tsar"
    assert (finished.folder / FIGURE).read_bytes() == (results / "figures/fig1.pdf").read_bytes()
    assert (finished.folder / FIGURE).read_bytes().startswith(b"%PDF")
    assert (finished.folder / "figures/tsar_fig1.png").stat().st_size > 10_000
    assert json.loads((results / "transfer.json").read_text())["scale"] == "smoke"
    assert "treatment" in (results / "transfer.csv").read_text().splitlines()[0]


def test_first_lines_tell_the_scale(finished):
    assert any(line.startswith("Scale: smoke (auto:") for line in finished.output.splitlines()[:3])


def test_models_of_the_sweep_are_gone_and_the_others_kept(finished):
    meta = finished.folder / "results/smoke/tsar/meta"
    assert list(meta.glob("grow_rich/*.pt")) and list(meta.glob("bias*_rich/*.csv"))
    assert not list(meta.glob("bias*/*.pt")) and not list(meta.parent.glob("checkpoints/*"))


def test_nothing_to_do_afterwards(finished):
    assert finished.jobs(FIGURE) == {}
    assert finished.jobs(FIGURE, "--config", "device=cpu") == {}


@pytest.mark.parametrize("file", ["common/running/progress.py", "common/results/records.py", "environment.yml"])
def test_editing_plumbing_runs_nothing(finished, file):
    with edited(finished, file):
        assert finished.jobs(FIGURE) == {}


def test_touching_code_runs_nothing(finished):
    (finished.folder / "papers/tsar/meta_train.py").touch()
    assert finished.jobs(FIGURE) == {}


def test_editing_figure_code_only_draws(finished):
    with edited(finished, "papers/tsar/figures.py"):
        assert finished.jobs(FIGURE) == DRAW


def test_editing_meta_learning_trains_again(finished):
    with edited(finished, "papers/tsar/meta_train.py"):
        jobs = finished.jobs(FIGURE)
    assert jobs["tsar_meta_train"] == 12 and jobs["tsar_meta_train_sweep"] == 2 and jobs["tsar_fig1"] == 1


def test_editing_transfer_keeps_the_models(finished):
    with edited(finished, "papers/tsar/transfer.py"):
        jobs = finished.jobs(FIGURE)
    assert "tsar_meta_train" not in jobs and jobs["tsar_tune"] == jobs["tsar_transfer"] == 8
    assert jobs["tsar_meta_train_sweep"] == 2  # their models were deleted after use


def test_protocol_value_runs_the_stages_that_use_it(finished):
    with edited(finished, "papers/tsar/protocol.yaml", "regulation_bias: -2.0", "regulation_bias: -1.7"):
        jobs = finished.jobs(FIGURE)
    assert "tsar_meta_train" not in jobs and jobs["tsar_transfer"] == 8


def test_more_seeds_keep_finished_batches(finished):
    with edited(finished, "papers/tsar/protocol.yaml", "seeds: 2\n", "seeds: 4\n"):
        jobs = finished.jobs(FIGURE)
    assert jobs["tsar_meta_train"] == 6 and jobs["tsar_transfer"] == 8 and "tsar_tune" not in jobs


def test_failing_job_shows_its_log(checkout):
    table = "results/smoke/tsar/tune/scratch_rich.csv"
    output = checkout.run(table, "--config", "device=cuda", fails=True)
    assert "device 'cuda' was asked for, but torch" in output
    assert not (checkout.folder / table).exists()


def test_killed_run_finishes_with_the_same_numbers(finished, checkout):
    table = "results/smoke/tsar/transfer/grow_rich/seeds0-1.csv"
    run = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2", table],
        cwd=checkout.folder,
        env=checkout.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    log, deadline = checkout.folder / "logs/smoke/tsar/meta/grow_rich_seeds0-1.log", time.monotonic() + 120
    while not (log.exists() and "starting" in log.read_text()):
        assert run.poll() is None and time.monotonic() < deadline, "meta-learning never began"
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert not (checkout.folder / table).exists()
    assert "--unlock" in checkout.run(table, fails=True)
    checkout.run("--unlock")
    checkout.run(table)
    assert (checkout.folder / table).read_text() == (finished.folder / table).read_text()


def test_all_figures_of_synaptic_intelligence(finished_si):
    results = finished_si.folder / "results/smoke/synaptic_intelligence"
    for figure in SI_FIGURES:
        published = finished_si.folder / figure
        drawn = results / "figures" / published.name.removeprefix("synaptic_intelligence_")
        assert published.read_bytes() == drawn.read_bytes() and published.read_bytes().startswith(b"%PDF")
        assert published.with_suffix(".png").stat().st_size > 10_000
        assert len(drawn.with_suffix(".csv").read_text().splitlines()) > 1


@pytest.mark.parametrize("table", ["split_mnist", "permuted_mnist", "cifar", "correlations"])
def test_tables_of_synaptic_intelligence_say_that_their_data_are_stand_ins(finished_si, table):
    about = json.loads((finished_si.folder / f"results/smoke/synaptic_intelligence/{table}.json").read_text())
    assert about["scale"] == "smoke" and {one["completeness"] for one in about["data"]} == {"stand-in"}


def test_synaptic_intelligence_has_nothing_to_do_afterwards(finished_si):
    assert finished_si.jobs(*SI_FIGURES) == {}
    assert not list(finished_si.folder.glob("results/smoke/synaptic_intelligence/checkpoints/*"))


@pytest.mark.parametrize("file", ["common/running/checkpoints.py", "common/results/collect.py"])
def test_editing_plumbing_of_synaptic_intelligence_trains_nothing(finished_si, file):
    with edited(finished_si, file):
        assert not any("train" in rule or "tune" in rule for rule in finished_si.jobs(*SI_FIGURES))


def test_editing_figure_code_of_synaptic_intelligence_only_draws(finished_si):
    with edited(finished_si, "papers/synaptic_intelligence/fig3.py"):
        assert finished_si.jobs(*SI_FIGURES) == {"synaptic_intelligence_figure": 6, "publish_figure": 6}


def test_protocol_of_one_benchmark_trains_that_benchmark_again(finished_si):
    with edited(finished_si, "papers/synaptic_intelligence/protocol.yaml", "hidden: [64, 64]", "hidden: [64, 65]"):
        jobs = finished_si.jobs(*SI_FIGURES)
    assert jobs["synaptic_intelligence_train"] == 2 and jobs["synaptic_intelligence_figure"] == 1
    assert "synaptic_intelligence_tune" not in jobs and "synaptic_intelligence_train_correlated" not in jobs


@pytest.mark.parametrize("wanted", [STICKY, DAN, DHP], ids=["sticky_gradient", "dan", "dhp"])
def test_all_artifacts_of_a_paper_and_its_comparison(checkout, wanted):
    paper = wanted[0].removeprefix("figures/").rsplit("_", 1)[0]
    comparison = f"results/smoke/{paper}/comparison.csv"
    checkout.run(*wanted, comparison)
    for artifact in wanted:
        published = checkout.folder / artifact
        made = checkout.folder / f"results/smoke/{paper}/figures" / published.name.removeprefix(f"{paper}_")
        assert published.read_bytes() == made.read_bytes() and published.stat().st_size > 500
        others = (".png",) if published.suffix == ".pdf" else (".csv", ".md")
        assert all(published.with_suffix(suffix).is_file() for suffix in others)
        assert len(made.with_suffix(".csv").read_text().splitlines()) > 1
    assert "stand-in" in (checkout.folder / comparison).with_suffix(".md").read_text()
    assert checkout.jobs(*wanted, comparison) == {}
    assert not list(checkout.folder.glob(f"results/smoke/{paper}/checkpoints/*"))
