"""A benchmark refuses what cannot be measured before it measures anything, and every command ends errors in one line."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys

import pytest

from common.running.code import ROOT

COUNTS = {
    "continual": ["--threads", "--steps", "--repeats"],
    "dan": ["--threads", "--seeds", "--repeats"],
    "tsar meta": ["--threads", "--repeats"],
    "tsar_gpu --minutes 1 --out tables": ["--iterations"],
}


@pytest.mark.parametrize("command", COUNTS)
def test_counts_and_devices_that_cannot_be_are_refused(monkeypatch, capsys, command):
    name, *words = command.split()
    module = importlib.import_module(f"benchmarks.{name}")
    wrong = [
        (option, value) for option in COUNTS[command] for value in ("0", "-1", "1.5", "nan", "many", "99999999999")
    ]
    for option, value in [*wrong, *(("--device", value) for value in ("gpu", "cuda:", "", "CPU"))]:
        monkeypatch.setattr(sys, "argv", [name, *words, f"{option}={value}"])
        with pytest.raises(SystemExit, match="2"):
            module.main()
        assert f"argument {option}: " in capsys.readouterr().err


def test_every_command_ends_errors_in_one_line():
    """Those of the data, which Snakemake reads while it parses, say so themselves."""
    listed = subprocess.run(
        ["git", "ls-files", "common/*.py", "papers/*.py", "studies/*.py", "benchmarks/*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    endings = {}
    for file in listed.stdout.split():
        if found := re.search(r'\nif __name__ == "__main__":\n((?:    .*\n)+)', (ROOT / file).read_text()):
            endings[file] = found[1]
    own = {"common/data/catalog.py", "common/data/prepare.py"}
    assert len(endings) > 30 and own < set(endings)
    assert [
        file for file, end in endings.items() if file not in own and not re.search(r"(stage|command_line)\.run\(", end)
    ] == []
