"""Every figure resolves at every scale, fast, without data; mistakes get a clear word."""

from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess
import sys

import pytest

from common.running import protocols
from common.running.workflow import ROOT
from papers.tsar import runs
from papers.tsar.protocol import Protocol

SI_FIGURES = [f"synaptic_intelligence_fig{number}" for number in range(1, 7)]
STICKY_FIGURES = [f"sticky_gradient_fig{number}" for number in range(1, 6)]
DHP_FIGURES = [f"dhp_fig{number}" for number in range(1, 5)]
DAN_FIGURES = [f"dan_fig{number}" for number in range(1, 5)]
FIGURES = ["tsar_fig1", *DAN_FIGURES, *DHP_FIGURES, *STICKY_FIGURES, *SI_FIGURES]
STICKY_TABLES = [f"sticky_gradient_table{number}" for number in range(1, 4)]
TABLES = [*STICKY_TABLES, "dhp_table1"]


def files(figures, ending="pdf"):
    return [f"figures/{figure}.{ending}" for figure in figures]


@pytest.mark.parametrize("ending", ["pdf", "png"])
def test_figures_resolve_at_smoke_scale_without_a_gpu(unchanged_checkout, ending):
    output = unchanged_checkout.run("--dry-run", *files(FIGURES, ending))
    assert "Scale: smoke (auto: no CUDA device is visible)." in output
    assert "smoke_dataset" in output and "prepare_dataset" not in output
    for figure in FIGURES:
        paper, name = figure.rsplit("_", 1)
        assert f"figures/{figure}.pdf is results/smoke/{paper}/figures/{name}.pdf" in output


@pytest.mark.parametrize("figure", ["fig2", "fig4", "fig5", "fig6"])
def test_a_figure_of_synaptic_intelligence_needs_its_own_benchmark_alone(unchanged_checkout, figure):
    jobs = unchanged_checkout.jobs(f"figures/synaptic_intelligence_{figure}.pdf")
    trained = [rule for rule in jobs if rule.startswith("synaptic_intelligence_train")]
    needs = {
        "fig2": ([], 0),
        "fig4": (["synaptic_intelligence_train", "synaptic_intelligence_train_correlated"], 1),
        "fig5": (["synaptic_intelligence_train_correlated"], 1),
        "fig6": (["synaptic_intelligence_train"], 2),
    }
    assert (trained, jobs.get("smoke_dataset", 0)) == needs[figure]
    assert ("synaptic_intelligence_tune" in jobs) == (figure == "fig4")
    assert jobs["synaptic_intelligence_figure"] == 1


def test_paper_scale_is_complete_and_fast(unchanged_checkout):
    """Its time is CPU time; the limit leaves room, because neighbours on a busy machine can double that too."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    jobs = unchanged_checkout.jobs("figures/tsar_fig1.pdf", "--config", "scale=paper")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    # 25 reporting seeds and 3 for tuning; grow, sculpt and oml rich and scarce; 23 biases besides -8 and 0; scratch once
    assert jobs["tsar_meta_train"] == 28 * 3 * 2
    assert jobs["tsar_meta_train_sweep"] == 28 * 23
    assert jobs["tsar_tune"] == 3 * 2 + 23 + 1
    assert jobs["tsar_transfer"] == 25 * (3 * 2 + 23 + 1)
    assert jobs["prepare_dataset"] == 2
    assert seconds < 30, f"the dry run of the paper scale took {seconds:.1f} s"


@pytest.mark.parametrize(
    "scale, train, correlated",
    [
        # Seeds that share a job on a CPU: 7 of split MNIST; 4 and 1 of permuted MNIST; 10 and 1 of CIFAR.
        ("desk", 2 * 1 + 6 * 1 + 4 * 1, 2 * 1),
        ("paper", 2 * 2 + 6 * 3 + 4 * 5, 2 * 3),
    ],
)
def test_all_figures_of_synaptic_intelligence(unchanged_checkout, scale, train, correlated):
    """All conditions and seeds of the three benchmarks; of permuted MNIST's eight conditions two are correlated."""
    jobs = unchanged_checkout.jobs(*files(SI_FIGURES), "--config", f"scale={scale}")
    assert jobs == {
        "prepare_dataset": 3,
        "synaptic_intelligence_tune": 4 + 3,
        "synaptic_intelligence_train": train,
        "synaptic_intelligence_train_correlated": correlated,
        "synaptic_intelligence_table": 3,
        "synaptic_intelligence_correlations": 1,
        "synaptic_intelligence_landscapes": 1,
        "synaptic_intelligence_figure": 6,
        "publish_figure": 6,
    }


def test_all_figures_and_tables_of_the_sticky_gradient(unchanged_checkout):
    """Sixteen conditions, a table of weights with each; seven levels of shared pixels with three conditions; ten seeds.

    The fifteen readings share eight controls, eight runs of EWC and ten of the full method, three seeds each.
    """
    wanted = [*files(STICKY_FIGURES), *files(STICKY_TABLES, "tex"), "results/paper/sticky_gradient/readings_table.tex"]
    jobs = unchanged_checkout.jobs(*wanted, "--config", "scale=paper")
    assert jobs["sticky_gradient_train"] == 16 * 10 and jobs["sticky_gradient_shared"] == 7 * 3 * 10
    assert jobs["sticky_gradient_search"] == 2 and jobs["publish_table"] == 3 and jobs["publish_figure"] == 5
    assert jobs["sticky_gradient_trial"] == (8 + 8 + 10) * 3


@pytest.mark.parametrize("figure, conditions", [("fig2", 4), ("fig3", 16), ("fig4", 4), ("fig5", 4)])
def test_only_figure_3_of_the_sticky_gradient_waits_for_the_whole_ablation(unchanged_checkout, figure, conditions):
    jobs = unchanged_checkout.jobs(*files([f"sticky_gradient_{figure}"]), "--config", "scale=paper")
    assert jobs["sticky_gradient_train"] == conditions * 10


def test_all_figures_and_the_table_of_dhp(unchanged_checkout):
    """Four seeds a job on the permuted benchmarks, seven on split MNIST, whose network is smaller, two on the mixture."""
    wanted = [*files(DHP_FIGURES), "figures/dhp_table1.tex", "results/paper/dhp/variants_table.tex"]
    jobs = unchanged_checkout.jobs(*wanted, "--config", "scale=paper", "device=cpu")
    assert jobs["dhp_train"] == 2 * (8 + 40) * 3 - 3 + (8 + 40) * 2 + 8 * 5 and jobs["dhp_train_logged"] == 3
    assert jobs["dhp_eta"] == 5 * (2 * 2 + 1)
    assert jobs["dhp_tune"] == 3 * (4 + 4 + 4) + 3  # the grids, and published strengths that they lack
    assert jobs["dhp_update"] == jobs["publish_table"] == 1 and jobs["publish_figure"] == 4


def test_on_a_gpu_all_seeds_of_a_condition_are_one_job(unchanged_checkout):
    jobs = unchanged_checkout.jobs(*files(SI_FIGURES), "--config", "scale=paper", "device=cuda")
    assert jobs["synaptic_intelligence_train"] == 2 + 6 + 4 and jobs["synaptic_intelligence_train_correlated"] == 2


def test_jobs_are_told_the_device_that_was_chosen(unchanged_checkout):
    output = unchanged_checkout.run("--dry-run", "--printshellcmds", "figures/dan_fig4.pdf")
    assert "--device cpu" in output and "--device auto" not in output


def finish(checkout, *batches, condition):
    """Leaves tables of split MNIST as finished jobs do, but for their content."""
    folder = checkout.folder / "results/paper/synaptic_intelligence/split_mnist" / condition
    folder.mkdir(parents=True, exist_ok=True)
    for seeds in batches:
        (folder / f"seeds{seeds}.csv").write_text("seed\n0\n")
        (folder / f"seeds{seeds}.json").write_text("{}")


def trained_seeds(checkout, *config):
    """Which seeds of which condition of split MNIST a dry run wants to train."""
    output = checkout.run("--dry-run", "figures/synaptic_intelligence_fig3.pdf", "--config", "scale=paper", *config)
    jobs = re.findall(r"Training: split_mnist, (\S+), seeds (\S+),", output)
    return {condition: sorted(seeds for other, seeds in jobs if other == condition) for condition, _ in jobs}


def test_finished_seeds_stay_on_another_device_and_with_more_seeds(checkout):
    (checkout.folder / "data/prepared").mkdir(parents=True)
    (checkout.folder / "data/prepared/mnist.npz").touch()
    finish(checkout, "0-2", "6-8", condition="si-1")
    finish(checkout, "0-9", condition="si-0")
    for device in ("cpu", "cuda"):
        assert trained_seeds(checkout, f"device={device}") == {"si-1": ["3-5", "9-9"]}
    path = checkout.folder / "papers/synaptic_intelligence/protocol.yaml"
    more = path.read_text().replace("split_mnist_seeds: 10 ", "split_mnist_seeds: 11 ", 1)
    assert more != path.read_text()
    path.write_text(more)
    assert trained_seeds(checkout, "device=cuda") == {"si-1": ["3-5", "9-10"], "si-0": ["10-10"]}


def test_a_home_folder_that_cannot_be_written_does_no_harm_with_caches_elsewhere(unchanged_checkout, monkeypatch):
    """As the README says; the checkout of the tests has its caches in a folder of its own."""
    monkeypatch.setenv("HOME", "/proc/no-home")
    assert unchanged_checkout.jobs("figures/dan_fig1.pdf")["dan_diagram"] == 1


def test_default_target_is_every_figure_and_comparison(unchanged_checkout):
    jobs = unchanged_checkout.jobs()
    assert jobs["publish_figure"] == len(FIGURES) and jobs["publish_table"] == len(TABLES)
    assert (
        jobs["tsar_comparison"] == jobs["synaptic_intelligence_comparison"] == jobs["synaptic_intelligence_theory"] == 1
    )


@pytest.mark.parametrize("paper", ["tsar", "synaptic_intelligence", "sticky_gradient", "dhp"])
def test_each_paper_works_without_the_others(unchanged_checkout, paper):
    jobs = unchanged_checkout.jobs("--config", f"papers=[{paper}]")
    assert jobs["publish_figure"] == sum(figure.startswith(paper) for figure in FIGURES)
    assert {rule.split("_")[0] for rule in jobs} == {paper.split("_")[0], "all", "publish", "smoke"}


def test_transfer_tables_have_no_duplicates_and_scratch_once():
    design = protocols.read(ROOT / "papers/tsar/protocol.yaml", Protocol, "paper").design
    tables = runs.transfer_tables("paper", design)
    assert len(tables) == len(set(tables)) == 25 * 30
    assert {table.split("/")[4] for table in tables if "scratch" in table} == {"scratch_rich"}
    assert (
        runs.models("paper", "scratch", "rich", "0-1") == runs.tuning_models("paper", "scratch", "rich", design) == []
    )
    assert not any("bias-8_" in table or "bias0_" in table for table in tables)


def test_works_from_another_directory(unchanged_checkout, tmp_path):
    output = unchanged_checkout.run("--dry-run", "--directory", str(tmp_path), "figures/tsar_fig1.pdf")
    assert "tsar_fig1" in output


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--config", "scale=papr"], "unknown scale 'papr'; did you mean 'paper'?"),
        (["--config", "devise=cpu"], "unknown key 'devise'; did you mean 'device'?"),
        (["--config", "scale=recorded"], "scale 'recorded' has no tables yet"),
    ],
)
def test_configuration_errors_come_before_anything_runs(checkout, arguments, message):
    for table in checkout.folder.glob("papers/*/recorded/*.csv"):
        table.unlink()
    output = checkout.run("--dry-run", "figures/tsar_fig1.pdf", *arguments, fails=True)
    assert output.count(message) == 1 and "Building DAG" not in output


def test_unknown_figure_is_explained(unchanged_checkout):
    output = unchanged_checkout.run("--dry-run", "figures/tsar_fig99.pdf", fails=True)
    assert "the papers have no such figure" in output and "snakemake --cores 1 list_figures" in output


def test_list_figures_marks_what_the_rules_make(checkout):
    lines = checkout.run("list_figures").splitlines()
    made = {line.removeprefix("* ") for line in lines if line.startswith("* ")}
    assert made == {*files(FIGURES), *files(TABLES, "csv")}
    assert "  figures/tsar_fig2.pdf" in lines


def test_recorded_tables_are_drawn_without_training(checkout):
    folder = checkout.folder / "papers/tsar/recorded"
    folder.mkdir(exist_ok=True)
    (folder / "transfer.csv").write_text("seed\n0\n")
    (folder / "transfer.json").write_text(json.dumps({"scale": "paper"}))
    jobs = checkout.jobs("figures/tsar_fig1.pdf", "--config", "scale=recorded")
    assert jobs == {"recorded": 1, "tsar_fig1": 1, "publish_figure": 1}


def test_recorded_tables_of_synaptic_intelligence_are_drawn_without_training(checkout):
    folder = checkout.folder / "papers/synaptic_intelligence/recorded"
    folder.mkdir(exist_ok=True)
    for table in ("landscapes", "split_mnist", "permuted_mnist", "correlations", "cifar"):
        (folder / f"{table}.csv").write_text("seed\n0\n")
        (folder / f"{table}.json").write_text(json.dumps({"scale": "paper"}))
    jobs = checkout.jobs(*files(SI_FIGURES), "--config", "scale=recorded")
    assert jobs == {"recorded": 5, "synaptic_intelligence_figure": 6, "publish_figure": 6}
    (folder / "cifar.csv").unlink()
    output = checkout.run("--dry-run", *files(SI_FIGURES[5:]), "--config", "scale=recorded", fails=True)
    assert "MissingInputException" in output and "results/recorded/synaptic_intelligence/cifar.csv" in output


def test_recorded_comparison_reads_the_tables_that_are_kept(checkout):
    folder = checkout.folder / "papers/synaptic_intelligence/recorded"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for table in ("split_mnist", "theory"):
        (folder / f"{table}.csv").write_text("seed\n0\n")
        (folder / f"{table}.json").write_text(json.dumps({"scale": "paper"}))
    target = "results/recorded/synaptic_intelligence/comparison.csv"
    jobs = checkout.jobs(target, "--config", "scale=recorded")
    assert jobs == {"recorded": 2, "synaptic_intelligence_comparison": 1}


def test_one_recorded_table_is_enough_to_draw_from(checkout):
    """Table I of DHP has four benchmarks; those that are not recorded count as not run."""
    folder = checkout.folder / "papers/dhp/recorded"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for ending, text in ((".csv", "seed\n0\n"), (".json", json.dumps({"scale": "paper"}))):
        (folder / f"split{ending}").write_text(text)
    jobs = checkout.jobs("figures/dhp_table1.tex", "--config", "scale=recorded")
    assert jobs == {"recorded": 1, "dhp_table1": 1, "publish_table": 1}


def test_everything_at_recorded_scale_is_what_has_recorded_tables(checkout):
    for folder in checkout.folder.glob("papers/*/recorded"):
        shutil.rmtree(folder)
    folder = checkout.folder / "papers/synaptic_intelligence/recorded"
    folder.mkdir()
    for table in ("landscapes", "split_mnist"):
        (folder / f"{table}.csv").write_text("seed\n0\n")
        (folder / f"{table}.json").write_text(json.dumps({"scale": "paper"}))
    jobs = checkout.jobs("--config", "scale=recorded")
    assert jobs == {
        "all": 1,
        "recorded": 2,
        "synaptic_intelligence_figure": 3,
        "synaptic_intelligence_comparison": 1,
        "publish_figure": 3,
    }


def test_lint_is_clean(unchanged_checkout):
    assert "Congratulations" in unchanged_checkout.run("--lint")


def test_rule_files_are_formatted():
    files = [ROOT / "Snakefile", *ROOT.glob("common/running/*.smk"), *ROOT.glob("papers/*/*.smk")]
    command = [sys.executable, "-m", "snakefmt", "--check", *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_snakefile_stays_short():
    assert len((ROOT / "Snakefile").read_text().splitlines()) < 60


def test_parsing_imports_nothing_heavy():
    modules = "common.running.workflow, common.running.artifacts, common.data.catalog, common.running.protocols, papers.synaptic_intelligence.runs, papers.tsar.runs"
    script = (
        f"import sys, {modules}; print([m for m in ('torch', 'pandas', 'numpy', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
