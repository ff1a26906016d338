"""Every figure resolves at every scale, fast, without data; each seed is trained once; mistakes get a clear word."""

from __future__ import annotations

import json
import re
import resource
import shutil

import pytest

from common.running import register
from common.running.register import endings
from studies.cross_benchmark.protocol import BENCHMARKS
from tests.workflow.checkout import PAPERS

pytestmark = pytest.mark.slow

ARTIFACTS = [(paper, name) for paper in PAPERS for name in register.of(paper).available()]
FIGURES = [f"{paper}_{name}" for paper, name in ARTIFACTS if name.startswith("fig")]
TABLES = [f"{paper}_{name}" for paper, name in ARTIFACTS if name.startswith("table")]
PUBLISHED = [f"{paper}_{name}" for paper in PAPERS for name in register.of(paper).drawable("paper")]


def files(names, *others):
    """Return what to ask for: figures as PDF, tables as LaTeX, or all that are figures with another ending."""
    kinds = [(name, "tex" if name in TABLES else "pdf") for name in names]
    return [f"figures/{name}.{ending}" for name, ending in kinds] + [
        f"figures/{name}.{other}" for name in names if name in FIGURES for other in others
    ]


def parts(paper, *tables, scale="paper", device="cpu"):
    """Return the parts of all these tables, each once."""
    known = register.of(paper)
    return {part for table in tables for part in known.parts(table, scale, device)}


def test_everything_resolves_at_smoke_scale_without_a_gpu(unchanged_checkout):
    output = unchanged_checkout.run("--dry-run", "--printshellcmds", *files([*FIGURES, *TABLES], "png"))
    assert "Scale: smoke (auto: no CUDA device is visible)." in output
    assert "smoke_dataset" in output and "prepare_dataset" not in output
    assert "--device cpu" in output and "--device auto" not in output, "jobs are told the device that was chosen"
    for paper, name in ARTIFACTS:
        made = f"{name}.{endings(name)[0] if name.startswith('fig') else 'tex'}"
        assert f"figures/{paper}_{made} is results/smoke/{paper}/figures/{made}" in output


@pytest.fixture(scope="module")
def paper_scale(unchanged_checkout):
    """How many jobs of each rule all figures, tables and comparisons need, and the seconds that counting them took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    jobs = unchanged_checkout.jobs("all", *files([*FIGURES, *TABLES]), "--config", "scale=paper", "device=cpu")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return jobs, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_paper_scale_is_planned_fast(paper_scale):
    """In CPU time; the limit leaves room, because neighbours on a busy machine can double that too."""
    assert paper_scale[1] < 60, f"planning all of paper scale took {paper_scale[1]:.1f} s"


def test_every_figure_table_and_comparison_is_made_once(paper_scale):
    jobs, _ = paper_scale
    assert jobs["publish_figure"] == jobs["draw"] == len(FIGURES)
    assert jobs["publish_table"] == jobs["typeset"] == len(TABLES)
    assert jobs["compare"] == len(PAPERS)
    used = {(paper, table) for paper, name in ARTIFACTS for table in register.of(paper).artifact(name).tables}
    used |= {(paper, table) for paper in PAPERS for table in register.of(paper).comparison.tables}
    assert jobs["collect"] == sum(table in register.of(paper).tables for paper, table in used)
    assert jobs["collect_arrays"] == sum(table in register.of(paper).arrays for paper, table in used)


MADE_BY = [  # the parts of these tables, and the rules of which one job makes each
    ("tsar", ["transfer", "transfer_cifar100", "controls"], ["tsar_transfer", "tsar_transfer_regulated"]),
    ("tsar", ["variants"], ["tsar_variants"]),
    ("tsar", ["omniglot"], ["tsar_omniglot"]),
    (
        "synaptic_intelligence",
        ["split_mnist", "permuted_mnist", "cifar"],
        ["synaptic_intelligence_train", "synaptic_intelligence_train_correlated"],
    ),
    ("synaptic_intelligence", ["correlations"], ["synaptic_intelligence_train_correlated"]),
    ("sticky_gradient", ["accuracies", "ablation"], ["sticky_gradient_train"]),
    ("sticky_gradient", ["shared"], ["sticky_gradient_shared"]),
    ("sticky_gradient", ["search"], ["sticky_gradient_search"]),
    ("dan", ["meta"], ["dan_meta_train"]),
    ("dan", ["image_meta"], ["dan_meta_train_images"]),
    ("dan", ["curves"], ["dan_deploy"]),
    ("dan", ["image_errors"], ["dan_deploy_images"]),
    ("dhp", ["permuted", "imbalanced", "split", "vision"], ["dhp_train", "dhp_train_logged"]),
    ("dhp", ["plasticity"], ["dhp_train_logged"]),
    ("dhp", ["eta"], ["dhp_eta"]),
    ("dhp", ["tune"], ["dhp_tune"]),
]


@pytest.mark.parametrize(("paper", "tables", "rules"), MADE_BY)
def test_each_part_of_a_table_is_one_job(paper_scale, paper, tables, rules):
    jobs, _ = paper_scale
    assert sum(jobs[rule] for rule in rules) == len(parts(paper, *tables)) > 0


def test_each_condition_is_tuned_once_for_each_data_set(paper_scale):
    jobs, _ = paper_scale
    assert jobs["tsar_tune"] == 2 * len(parts("tsar", "tune")) - len(
        register.of("tsar").protocol("paper").design.control_conditions
    )  # which are not transferred to CIFAR-100


@pytest.mark.parametrize("paper", PAPERS)
def test_with_one_seed_there_is_one_job_of_one_seed_where_there_were_several(paper):
    every, fewer = register.of(paper), register.of(paper).with_seeds(1)
    for table in {**every.tables, **every.arrays}:
        parts = fewer.parts(table, "paper", "cpu")
        batches = [batch for part in parts if (batch := re.search(r"^(.*seeds)(\d+)-(\d+)", part))]
        assert all(batch[2] == batch[3] for batch in batches) and len({batch[1] for batch in batches}) == len(batches)
        assert fewer.seeds(table, "paper") == bool(batches) <= every.seeds(table, "paper")
        of_all = {re.sub(r"seeds\d+-\d+", "", part) for part in every.parts(table, "paper", "cpu")}
        assert {re.sub(r"seeds\d+-\d+", "", part) for part in parts} == of_all


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("scale", ["smoke", "desk", "paper"])
@pytest.mark.parametrize("paper", PAPERS)
def test_every_condition_trains_every_seed_once(paper, scale, device):
    for table in register.of(paper).tables:
        seeds = {}
        for part in register.of(paper).parts(table, scale, device):
            if batch := re.fullmatch(r"(.*seeds)(\d+)-(\d+)\.csv", part):
                seeds.setdefault(batch[1], []).extend(range(int(batch[2]), int(batch[3]) + 1))
        for folder, trained in seeds.items():
            assert sorted(trained) == list(range(len(trained))), folder


def test_on_a_gpu_all_seeds_of_a_condition_are_one_job():
    protocol = register.of("synaptic_intelligence").protocol("paper")
    for benchmark in ("split_mnist", "permuted_mnist", "cifar"):
        one = {f"seeds0-{protocol.design.seeds(benchmark) - 1}.csv"}
        on_gpu = parts("synaptic_intelligence", benchmark, device="cuda")
        assert {path.rpartition("/")[2] for path in on_gpu} == one
        assert (
            len(on_gpu) == len(protocol.design.conditions(benchmark)) < len(parts("synaptic_intelligence", benchmark))
        )


# What one figure needs


@pytest.mark.parametrize("name", ["fig2", "fig4", "fig6"])
def test_a_figure_of_synaptic_intelligence_needs_its_own_benchmark_alone(unchanged_checkout, name):
    jobs = unchanged_checkout.jobs(f"figures/synaptic_intelligence_{name}.pdf")
    trained = {rule for rule in jobs if "train" in rule}
    needs = {
        "fig2": (set(), 0),
        "fig4": ({"synaptic_intelligence_train", "synaptic_intelligence_train_correlated"}, 1),
        "fig6": ({"synaptic_intelligence_train"}, 2),
    }
    assert (trained, jobs.get("smoke_dataset", 0)) == needs[name]
    assert ("synaptic_intelligence_tune" in jobs) == (name == "fig4")
    assert jobs["draw"] == jobs["publish_figure"] == 1


def test_only_figure_3_of_the_sticky_gradient_waits_for_the_whole_ablation(unchanged_checkout):
    for name, tables in (("fig2", ["accuracies"]), ("fig3", ["accuracies", "ablation"])):
        jobs = unchanged_checkout.jobs(f"figures/sticky_gradient_{name}.pdf", "--config", "scale=paper", "device=cpu")
        assert jobs["sticky_gradient_train"] == len(parts("sticky_gradient", *tables))


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


# Where and how it is called


def test_default_target_is_every_published_figure_and_comparison_of_the_papers_asked_for(unchanged_checkout):
    for paper in PAPERS:
        jobs = unchanged_checkout.jobs("--config", f"papers=[{paper}]")
        published = [name for name in PUBLISHED if name.startswith(f"{paper}_")]
        assert jobs["publish_figure"] == len([name for name in published if name in FIGURES])
        assert jobs.get("publish_table", 0) == len([name for name in published if name in TABLES])
        assert jobs["compare"] == jobs["all"] == 1
        others = [rule for rule in jobs for other in PAPERS if rule.startswith(f"{other}_") and other != paper]
        assert not others, "a paper works without the others"


def test_works_from_another_directory_and_with_a_home_folder_that_cannot_be_written(
    unchanged_checkout, tmp_path, monkeypatch
):
    """As the README says of caches; the checkout of the tests has its own."""
    monkeypatch.setenv("HOME", "/proc/no-home")
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


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_gpu_that_is_not_there_is_told_before_any_job(checkout, device):
    arguments = ["figures/dan_fig3.pdf", "--config", "scale=smoke", f"device={device}"]
    output = checkout.run(*arguments, fails=True)
    assert output.count(f"error: device {device!r} was asked for, but ") == 1
    assert not (checkout.folder / "data/smoke").exists()
    assert "dan_fig3" in checkout.run("--dry-run", *arguments)


def test_unknown_figure_is_explained(unchanged_checkout):
    output = unchanged_checkout.run("--dry-run", "figures/tsar_fig99.pdf", fails=True)
    assert "the papers of this run (tsar, " in output and "snakemake --cores 1 list_figures" in output


def test_list_figures_marks_what_can_be_made(checkout):
    lines = [line.split("   ")[0] for line in checkout.run("list_figures").splitlines()]
    made = {line.removeprefix("* ") for line in lines if line.startswith("* ")}
    ours = [f"figures/cross_{name}" for one in BENCHMARKS for name in (f"{one}.pdf", f"table_{one}.csv")]
    assert made == {*files(FIGURES), *(f"figures/{name}.csv" for name in TABLES), *ours}
    all_of_papers = [(paper, name) for paper in PAPERS for name in register.of(paper).artifacts]
    not_yet = [artifact for artifact in all_of_papers if artifact not in ARTIFACTS]
    assert all(f"  figures/{paper}_{name}.{endings(name)[0]}" in lines for paper, name in not_yet)


# Kept tables


def keep(checkout, **tables):
    """Leaves these tables of each paper, and no others, in its folder of kept ones."""
    for folder in checkout.folder.glob("papers/*/recorded"):
        shutil.rmtree(folder)
    for paper, names in tables.items():
        folder = checkout.folder / "papers" / paper / "recorded"
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / f"{name}.csv").write_text("seed\n0\n")
            (folder / f"{name}.json").write_text(json.dumps({"scale": "paper"}))


def test_kept_tables_are_drawn_without_training(checkout):
    kept = {"tsar": {"transfer"}, "synaptic_intelligence": {"landscapes", "split_mnist"}, "dhp": {"permuted"}}
    keep(checkout, **kept)
    drawn = [  # of what has several tables, the first is enough
        f"{paper}_{name}"
        for paper, tables in kept.items()
        for name in register.of(paper).available()
        if tables.intersection(register.of(paper).artifact(name).tables[:1]) and f"{paper}_{name}" in PUBLISHED
    ]
    figures, tables = (sum(name in known for name in drawn) for known in (FIGURES, TABLES))
    assert checkout.jobs("--config", "scale=recorded") == {
        "all": 1,
        "recorded": sum(map(len, kept.values())),
        "draw": figures,
        "publish_figure": figures,
        "typeset": tables,
        "publish_table": tables,
        "compare": len(kept),
    }
    target = "results/recorded/synaptic_intelligence/comparison.csv"
    assert checkout.jobs(target, "--config", "scale=recorded") == {"recorded": 1, "compare": 1}
    missing = "figures/synaptic_intelligence_fig6.pdf"
    output = checkout.run("--dry-run", missing, "--config", "scale=recorded", fails=True)
    assert "needs papers/synaptic_intelligence/recorded/cifar.csv, but no such table is kept; choose" in output
