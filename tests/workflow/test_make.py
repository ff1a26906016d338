"""The Makefile and the checks of a change, with programs in place of Python and make that only say how they were called."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
import yaml

from common.running.workflow import ROOT

# What the make that runs these tests would hand on to those they run, and what decides where caches go.
HIDDEN = {
    "MAKEFLAGS",
    "MFLAGS",
    "MAKELEVEL",
    "MAKEOVERRIDES",
    "ARGS",
    "TARGET",
    "CORES",
    "XDG_CACHE_HOME",
    "MPLCONFIGDIR",
}
LINTERS = ("ruff", "mypy", "snakefmt")


def call(command, folder, **environment):
    kept = {key: os.environ[key] for key in os.environ.keys() - HIDDEN}
    return subprocess.run(command, cwd=folder, env=kept | environment, capture_output=True, text=True, check=False)


def program(path, script):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def make(tmp_path):
    """Calls make in a folder whose environment is installed; python tells where caches go and what it was asked."""
    shutil.copy2(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").touch()
    program(
        tmp_path / ".venv/bin/python",
        'echo "caches: $XDG_CACHE_HOME, $MPLCONFIGDIR; threads: $OMP_NUM_THREADS; asked: $@"',
    )
    for linter in LINTERS:
        program(tmp_path / ".venv/bin" / linter, f'echo "{linter} $@"')
    (tmp_path / ".venv/installed").touch()
    os.utime(tmp_path / "requirements.txt", (0, 0))

    def lines(*arguments, **environment):
        done = call(["make", "--silent", *arguments], tmp_path, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return lines


def test_make_alone_tells_what_there_is_to_make_and_installs_nothing(make, tmp_path):
    (tmp_path / ".venv/installed").unlink()
    told = make("PYTHON=false")
    assert told == make("help", "PYTHON=false")
    targets = [re.fullmatch(r"make (\S+) +\S.*", line)[1] for line in told]
    names = "help figures/<name>.pdf list plan status report all test quick test-slurm lint install"
    assert targets == names.split()


def test_caches_stay_in_the_home_folder_where_they_can(make, tmp_path):
    assert make("list", HOME=str(tmp_path))[-1].startswith("caches: , ;")


@pytest.mark.parametrize("home", ["/proc/no-home", ""])
def test_caches_lie_beside_the_results_where_the_home_folder_cannot_be_written(make, tmp_path, home):
    cache = tmp_path / ".snakemake/cache"
    assert make("list", HOME=home)[-1].startswith(f"caches: {cache}, {cache}/matplotlib;")
    assert make("list", HOME=home, XDG_CACHE_HOME="/own")[-1].startswith(f"caches: /own, {cache}/matplotlib;")


def test_cores_are_those_that_the_process_may_use(make, tmp_path):
    program(tmp_path / "bin/nproc", "echo 3")
    assert "--cores 3 all" in make("all", PATH=f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")[-1]
    program(tmp_path / "bin/nproc", "exit 127")
    program(tmp_path / "bin/getconf", "echo 5")
    assert "--cores 5 all" in make("all", PATH=f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")[-1]
    assert "--cores 2 all" in make("all", "CORES=2")[-1]


@pytest.mark.parametrize("target", ["all", "figures", "figures/"])
def test_the_folder_of_figures_is_all_of_them_and_says_so(make, tmp_path, target):
    (tmp_path / "figures").mkdir()
    said, asked = make(target, "CORES=2", "ARGS=--quiet")
    assert "every figure" in said and "make list" in said
    assert asked.endswith("asked: -m snakemake --cores 2 all --quiet")


def test_a_figure_that_is_there_is_left_to_snakemake(make, tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/tsar_fig1.pdf").touch()
    (asked,) = make("figures/tsar_fig1.pdf", "CORES=2", "ARGS=--config scale=desk")
    assert asked.endswith("asked: -m snakemake --cores 2 figures/tsar_fig1.pdf --config scale=desk")


def test_a_plan_is_of_one_figure_or_of_all(make):
    (asked,) = make("plan", "TARGET=figures/dan_fig4.pdf", "CORES=3", "ARGS=--config scale=paper")
    assert asked.endswith("asked: -m common.running.plan --cores 3 figures/dan_fig4.pdf --config scale=paper")
    assert make("plan", "CORES=3")[-1].endswith("asked: -m common.running.plan --cores 3 all")


@pytest.mark.parametrize("target, chosen", [("test", ""), ("quick", "-m not slow ")])
def test_tests_run_on_all_cores_with_one_thread_each(make, target, chosen):
    (asked,) = make(target, "CORES=2", "ARGS=--exitfirst", OMP_NUM_THREADS="7")
    assert asked.endswith(f"threads: 1; asked: -m pytest --numprocesses 2 --dist loadfile {chosen}--exitfirst")


def test_lint_looks_at_everything(make):
    *checks, rules, workflow = make("lint")
    assert checks == ["ruff check .", "ruff format --check .", "mypy "]
    assert workflow.endswith("asked: -m snakemake --lint")
    looked_at = [ROOT / name for name in rules.removeprefix("snakefmt --check ").split()]
    for file in [ROOT / "Snakefile", *ROOT.glob("[!.]*/**/*.smk")]:
        assert any(file.is_relative_to(path) for path in looked_at), f"make lint leaves out {file}"


@pytest.mark.parametrize("lint, tests", [(0, 0), (0, 1), (1, 0)])
def test_the_check_of_a_change_repeats_the_summary_last(tmp_path, lint, tests):
    program(tmp_path / ".ci/run", "")
    shutil.copy2(ROOT / ".ci/run", tmp_path / ".ci/run")
    summary = "== $(if $(filter --color=no,$(ARGS)),plain,coloured) in 0.1s =="
    recipes = f"install:\nlint:\n\texit {lint}\ntest:\n\t@echo '{summary}'; echo more; exit {tests}\n"
    (tmp_path / "Makefile").write_text(recipes)
    done = call([tmp_path / ".ci/run"], tmp_path)
    assert done.returncode == max(lint, tests)
    assert done.stdout.splitlines()[-1] == "== plain in 0.1s =="


def test_the_check_of_a_change_passes_without_a_summary_to_repeat(tmp_path):
    program(tmp_path / ".ci/run", "")
    shutil.copy2(ROOT / ".ci/run", tmp_path / ".ci/run")
    (tmp_path / "Makefile").write_text("install:\nlint:\ntest:\n\t@echo none\n")
    assert call([tmp_path / ".ci/run"], tmp_path).returncode == 0


@pytest.mark.parametrize("is_there", [True, False])
def test_the_check_of_a_change_tries_slurm_where_it_is_installed_and_only_there(tmp_path, is_there):
    program(tmp_path / ".ci/run", "")
    shutil.copy2(ROOT / ".ci/run", tmp_path / ".ci/run")
    program(tmp_path / ".venv/bin/python", f'[ "$*" = "-m tests.slurm.cluster" ] && exit {int(not is_there)}')
    (tmp_path / "Makefile").write_text("install:\nlint:\ntest:\n\t@echo none\ntest-slurm:\n\texit 1\n")
    assert call([tmp_path / ".ci/run"], tmp_path).returncode == int(is_there)


def test_the_hosted_checks_are_lint_quick_tests_on_two_pythons_and_the_two_commands_of_the_readme():
    (job,) = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"].values()
    runs = {(check["run"], check["python"]) for check in job["strategy"]["matrix"]["include"]}
    shown = re.search(r"(?:^ *make \S+\n)+", (ROOT / "README.md").read_text(), re.MULTILINE)[0]
    commands = [line.strip() for line in shown.splitlines()]
    assert len(commands) == 2
    ours = {("make lint", "3.11"), ("make quick", "3.11"), ("make quick", "3.13")}
    assert runs == ours | {(command, "3.11") for command in commands}
    assert job["steps"][-1] == {"run": "${{ matrix.run }}"}
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in job["steps"][:-1])


def test_the_citation_names_the_licence_and_the_papers():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (ROOT / "LICENSE").read_text().startswith(f"{citation['license']} License\n")
    papers = yaml.safe_load((ROOT / "config.yaml").read_text())["papers"]
    readmes = {paper: (ROOT / "papers" / paper / "README.md").read_text() for paper in papers}
    cited = []
    for reference in citation["references"]:
        names = [author["family-names"] for author in reference["authors"]]
        cited += [paper for paper, readme in readmes.items() if all(name in readme for name in names)]
    assert sorted(cited) == sorted(papers)
