"""A copy of what a checkout holds, without data or results, and snakemake run in it as a user would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAPERS = yaml.safe_load((ROOT / "config.yaml").read_text())["papers"]
TRACKED = (
    "Snakefile",
    "config.yaml",
    "environment.yml",
    "common",
    "papers",
    "studies",
    "examples",
    "profiles",
    "data/catalog.yaml",
)
CACHE = tempfile.TemporaryDirectory()  # of snakemake and matplotlib, which the home folder may not be able to keep


class Checkout:
    """A folder with the repository's files; `run` calls snakemake there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in TRACKED:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(ROOT / name, target)

    @property
    def environment(self) -> dict[str, str]:
        """No GPU and no real data, whatever the machine offers: the same run everywhere."""
        hidden = {"DATA_MIRROR", "IMAGENET_FOLDER", "PYTHONPATH"}
        kept = {key: value for key, value in os.environ.items() if key not in hidden}
        return kept | {"CUDA_VISIBLE_DEVICES": "", "XDG_CACHE_HOME": CACHE.name, "MPLCONFIGDIR": CACHE.name}

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Output of `snakemake --cores 2 ...`; the exit status must be as expected."""
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=3600,  # of a machine that does much else
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout[-4000:]
        assert fails or not re.search(r"Exception\b|Traceback", done.stdout), done.stdout[:4000]  # nor on the way there
        return done.stdout

    def jobs(self, *arguments: str) -> dict[str, int]:
        """How many jobs of each rule a dry run wants: {rule: count}, empty if all is up to date."""
        output = self.run("--dry-run", *arguments)
        counts = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", output, re.MULTILINE)}
        assert counts or "Nothing to be done" in output, output[-4000:]
        counts.pop("total", None)
        return counts
