"""The rule files themselves: lint, format, length, and what parsing them imports."""

from __future__ import annotations

import subprocess
import sys

from common.running.code import ROOT
from tests.workflow.checkout import PAPERS


def test_lint_is_clean(unchanged_checkout):
    assert "Congratulations" in unchanged_checkout.run("--lint")


def test_rule_files_are_formatted():
    rules = [ROOT / "Snakefile", *ROOT.glob("common/running/*.smk"), *ROOT.glob("papers/*/*.smk")]
    command = [sys.executable, "-m", "snakefmt", "--check", *map(str, rules)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_snakefile_stays_short():
    assert len((ROOT / "Snakefile").read_text().splitlines()) < 60


def test_parsing_imports_nothing_heavy():
    modules = ["common.running.workflow", "common.running.register", *(f"papers.{paper}.runs" for paper in PAPERS)]
    heavy = ("torch", "pandas", "numpy", "matplotlib")
    script = f"import sys, {', '.join(modules)}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
