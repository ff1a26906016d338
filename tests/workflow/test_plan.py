"""What is planned is what Snakemake would do, asked without doing it; and a long run says so before it begins."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def ask(checkout, *arguments, fails=False):
    """What `make plan` prints, and its errors."""
    done = subprocess.run(
        [sys.executable, "-m", "common.running.plan", "--cores", "2", *arguments],
        cwd=checkout.folder,
        env=checkout.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stderr[-4000:]
    return done.stdout if not fails else done.stderr


def test_the_jobs_are_those_of_a_dry_run_and_nothing_runs(unchanged_checkout):
    target = ("figures/tsar_fig1.pdf", "--config", "scale=smoke")
    told = ask(unchanged_checkout, *target)
    jobs = unchanged_checkout.jobs(*target)
    counts = {name: int(count) for name, count in re.findall(r"^(\w+(?: \w+)?) +(\d+) ", told, re.MULTILINE)}
    stages = {"meta_train": "tsar_meta_train", "tune": "tsar_tune", "transfer": "tsar_transfer"}
    for stage, rule in stages.items():
        assert counts[f"tsar {stage}"] == sum(count for name, count in jobs.items() if name.startswith(rule))
    assert sum(counts.values()) == sum(jobs.values())
    assert "data missing: omniglot: a stand-in is made" in told and "For less" not in told
    assert not (unchanged_checkout.folder / "results").exists()


def test_paper_scale_is_long_and_takes_fewer_hours_with_fewer_seeds(unchanged_checkout):
    hours = []
    for seeds in ((), ("seeds=1",)):
        told = ask(unchanged_checkout, "figures/tsar_fig1.pdf", "--config", "scale=paper", "device=cpu", *seeds)
        assert "For less put after the targets" in told and "TOO LITTLE" not in told.splitlines()[0]
        (work,) = re.findall(r"^time: ([\d,]+) hours of work", told, re.MULTILINE)
        hours.append(int(work.replace(",", "")))
    assert hours[0] > 8 * hours[1] > 1000


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["figures/tsar_fig99.pdf"], "did you mean tsar_fig9?"),
        (["nonsense.csv"], "No rule to produce nonsense.csv"),
        (["figures/tsar_fig1.pdf", "--config", "scael=paper"], "did you mean 'scale'?"),
    ],
)
def test_what_cannot_be_is_one_line(unchanged_checkout, arguments, reason):
    errors = [
        line for line in ask(unchanged_checkout, *arguments, fails=True).splitlines() if line.startswith("error: ")
    ]
    assert len(errors) == 1 and reason in errors[0]


def test_a_long_run_says_so_first_and_one_that_is_done_has_no_plan(checkout):
    table = "results/smoke/synaptic_intelligence/landscapes.csv"
    output = checkout.run(table, "--config", "scale=smoke")
    assert "more than an hour" not in output and (checkout.folder / table).exists()
    assert ask(checkout, table, "--config", "scale=smoke").startswith("Nothing is to be done")
    costs = checkout.folder / "papers/synaptic_intelligence/costs.py"
    assert checkout.jobs(table) == {}
    costs.write_text(costs.read_text().replace("LANDSCAPES, SIMULATIONS = 1e6", "LANDSCAPES, SIMULATIONS = 1e12"))
    assert checkout.jobs(table) == {}  # what a stage costs makes nothing run again
    (checkout.folder / table).unlink()
    output = checkout.run(table, "--config", "scale=smoke")
    before, _, after = output.partition("This run takes more than an hour.")
    assert "Descending two losses" in after and "Descending two losses" not in before
    assert re.search(r"^synaptic_intelligence landscapes +1 ", after, re.MULTILINE) and "--config seeds=1" in after
