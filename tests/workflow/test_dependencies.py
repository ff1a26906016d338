"""A result that is stale is made again, and no other: for every value of every protocol, and for code of every room."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import importlib
import json
import re
import shutil
import sys
from collections import Counter

import pytest
from snakemake.iocontainers import Wildcards

from common.running import code, protocols, register
from common.running import stage as running
from common.running.code import ROOT
from common.running.register import endings
from tests.workflow.checkout import PAPERS, Checkout

pytestmark = pytest.mark.slow

# Reads the rules as they are, but notes down whose digest each job asks for.
RECORDING = """
import json
from common.running.register import Register

def depends(self, stage, of_stage=Register.depends):
    def of_job(wildcards):
        with open("jobs.jsonl", "a") as file:
            file.write(json.dumps([self.paper, stage, dict(wildcards.items())]) + chr(10))
        return of_stage(self, stage)(wildcards)
    return of_job

Register.depends = depends
include: "Snakefile"
"""


@pytest.fixture(scope="module")
def dry_run(tmp_path_factory):
    """A dry run of everything at smoke scale: (paper, stage, wildcards) of each job of a stage, and what was printed."""
    checkout = Checkout(tmp_path_factory.mktemp("checkout"))
    (checkout.folder / "Recording").write_text(RECORDING)
    figures = [
        f"figures/{paper}_{name}.{endings(name)[0]}" for paper in PAPERS for name in register.of(paper).available()
    ]
    wanted = ["--snakefile", "Recording", "--dry-run", "--printshellcmds", "all", *figures]
    printed = checkout.run(*wanted, "--config", "scale=smoke", "device=cpu")
    asked = dict.fromkeys((checkout.folder / "jobs.jsonl").read_text().splitlines())  # also for jobs behind a job
    jobs = [json.loads(line) for line in asked]
    return jobs, printed


OF_LARGER_SCALES = [("dhp", "train", {"benchmark": "split", "condition": "finetune-momentum", "seeds": "0-1"})]


@pytest.fixture(scope="module")
def representatives(dry_run):
    """One job for each paper, stage, and set of settings that some job of it reads: {(paper, stage, reads): wildcards}."""
    jobs = [*dry_run[0], *OF_LARGER_SCALES]
    return {(paper, stage, register.of(paper).stages[stage].read_by(job)): job for paper, stage, job in jobs}


def test_every_job_of_a_stage_depends_on_what_that_stage_reads(dry_run):
    jobs, printed = dry_run
    of_stages = {(paper, stage) for paper in PAPERS for stage in register.of(paper).stages}
    assert {(paper, stage) for paper, stage, _ in jobs} == of_stages
    called = Counter(re.findall(r"python -m papers\.(\w+)\.(\w+) ", printed))
    assert called == Counter((paper, stage) for paper, stage, _ in jobs)


class Begun(Exception):
    """Ends a stage where its job begins."""


def test_rules_and_stages_mean_the_same_jobs(dry_run, monkeypatch):
    """Every command of a rule is one that its stage understands, as a job that reads what the rule says it reads."""

    def begin(self, known, name, arguments, of, *rest, **options):
        raise Begun(known.paper, name, arguments.scale, of)

    monkeypatch.setattr(running.Job, "__init__", begin)
    jobs, printed = dry_run
    of_rules, of_stages = Counter(), Counter()
    for paper, stage, wildcards in jobs:
        of_rules[paper, stage, "smoke", frozenset(register.of(paper).stages[stage].read_by(wildcards))] += 1
    for paper, stage, options in re.findall(r"python -m papers\.(\w+)\.(\w+) (.*) > ", printed):
        if stage == "collect_readings":  # no job: it computes nothing
            of_stages[paper, stage, "smoke", frozenset()] += 1
            continue
        monkeypatch.setattr(sys, "argv", [stage, *options.split()])
        with pytest.raises(Begun) as begun:
            importlib.import_module(f"papers.{paper}.{stage}").main()
        *named, of = begun.value.args
        assert named[:2] == [paper, stage]
        of_stages[*named, frozenset(register.of(paper).stages[stage].read_by(of))] += 1
    assert of_rules == of_stages


# Values of protocols

KEYS = [
    (paper, f"{section.name}.{key.name}")
    for paper in PAPERS
    for section in dataclasses.fields(register.of(paper).protocol("paper"))
    for key in dataclasses.fields(getattr(register.of(paper).protocol("paper"), section.name))
]


def texts(value):
    """Return all texts in a value, however deep."""
    if isinstance(value, str):
        return {value}
    parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
    return set().union(*map(texts, parts)) if isinstance(value, dict | tuple | list) else set()


def others(value, known):
    """Yield values of the same type, of which the protocol may accept one in place of this; known: texts to try."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from map(type(value), (value + 1, value * 1.5, value / 2, value - 1, 0))
    elif isinstance(value, str):
        yield from known
    else:
        yield from (value[:-1], value[1:]) if len(value) > 1 else ()  # reading refuses empty lists
        for index, item in enumerate(value):
            yield from ((*value[:index], other, *value[index + 1 :]) for other in others(item, known))


def changed(protocol, name):
    """Return the protocol with another value of "section.key" alone, the first that it accepts; None if it accepts none."""
    section, key = name.split(".")
    settings = getattr(protocol, section)
    constants = [
        value for constant, value in vars(sys.modules[type(protocol).__module__]).items() if constant.isupper()
    ]
    known = sorted(texts([protocols.as_dict(protocol), constants]))
    for other in others(getattr(settings, key), known):
        if other != getattr(settings, key):
            with contextlib.suppress(ValueError):
                return dataclasses.replace(protocol, **{section: dataclasses.replace(settings, **{key: other})})
    return None


@pytest.mark.parametrize(("paper", "name"), KEYS, ids=" ".join)
def test_a_value_makes_again_what_reads_it_and_nothing_else(representatives, paper, name):
    known, refused = register.of(paper), []
    for scale in protocols.SCALES:
        if (protocol := changed(known.protocol(scale), name)) is None:
            refused.append(scale)
            continue
        other = dataclasses.replace(known, _read={scale: protocol})
        for (of_paper, stage, reads), job in representatives.items():
            if of_paper == paper:
                wildcards = Wildcards(fromdict=job | {"scale": scale})
                again = known.depends(stage)(wildcards) != other.depends(stage)(wildcards)
                assert again == is_read(name, reads), f"{stage}, {scale}: {job}"
        for artifact in [*known.available(), "comparison"]:
            again = known.artifact_depends(artifact, scale) != other.artifact_depends(artifact, scale)
            assert again == is_read(name, known.artifact(artifact).reads), f"{artifact}, {scale}"
    if len(refused) == len(protocols.SCALES):
        pytest.skip(f"the protocol accepts no other value of {name}")


def is_read(name, reads):
    return name in reads or name.split(".")[0] in reads


@pytest.mark.parametrize("paper", PAPERS)
def test_a_switch_that_is_not_in_the_digest_is_off(paper):
    """A key that has its default is left out of the digest, so no default may ever be switched on."""
    protocol = register.of(paper).protocol("paper")
    sections = [getattr(protocol, field.name) for field in dataclasses.fields(protocol)]
    defaults = [key.default for section in sections for key in dataclasses.fields(section)]
    assert not any(default for default in defaults if default is not dataclasses.MISSING)


def test_a_protocol_is_reached_through_the_register_alone():
    """The names of jobs' files, in runs.py, are the workflow's, which knows all of it."""
    for file in [path for path in ROOT.glob("papers/**/*.py") if path.name != "runs.py"]:
        for node in ast.walk(ast.parse(file.read_text())):
            place = f"{file.relative_to(ROOT)}, line {getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.fullmatch(r"\S*protocol\.yaml", node.value), f"{place} names protocol.yaml"
            if isinstance(node, ast.ImportFrom) and node.module == "common.running.protocols":
                assert "read" not in [alias.name for alias in node.names], f"{place} reads a protocol"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = ast.unparse(node.func)
                assert called != "protocols.read", f"{place} reads a protocol"
                assert node.func.attr != "protocol", f"{place} asks for a whole protocol"


# Code


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the code, which is looked at in place of the original."""
    folder = tmp_path_factory.mktemp("copy")
    for part in ("common", "papers"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "recorded"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code, "ROOT", folder)
        yield folder
    forget()


def forget():
    """Makes that files are read anew."""
    for cache in (code.closure, code.imported, code._tree, code._essence):
        cache.cache_clear()


def digests(representatives):
    """Return the digest of every stage and artifact of all papers, (paper, name), after files have changed."""
    forget()
    jobs = {(paper, stage): job for (paper, stage, _), job in representatives.items()}
    made = [(paper, name) for paper in PAPERS for name in (*register.of(paper).available(), "comparison")]
    of_stages = {
        (paper, stage): register.of(paper).depends(stage)(Wildcards(fromdict=jobs[paper, stage] | {"scale": "paper"}))
        for paper, stage in jobs
    }
    return of_stages | {(paper, name): register.of(paper).artifact_depends(name, "paper") for paper, name in made}


@pytest.fixture(scope="module")
def unchanged(representatives, copy):
    return digests(representatives)


def closure(paper, name):
    """Return the files behind a stage, a figure, a table or the comparison."""
    if name in register.of(paper).stages:
        parts = [f"papers/{paper}/{name}.py"]
    elif name == "comparison":
        parts = [
            "common/results/comparison.py",
            *(f"papers/{paper}/{part}.py" for part in ("results", "compare", "claims")),
        ]
    else:
        maker = "typeset" if name.startswith("table") else "plotting"
        parts = [f"common/drawing/{maker}.py"]
        parts += [f"papers/{paper}/{part}.py" for part in ("results", f"figures/{name}")]
    return frozenset().union(*map(code.closure, parts))


COUNTED = [  # files of each room
    "common/learning/optimizers.py",
    "common/learning/continual.py",
    "common/results/stats.py",
    "common/drawing/plotting.py",
    "papers/dhp/method.py",
    "papers/dhp/results.py",
    "papers/dhp/protocol.py",
    "papers/tsar/figures/fig1.py",
    "papers/sticky_gradient/claims.py",
]
UNCOUNTED = [*sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("common/running/*.py")), "common/data/load.py"]
UNCOUNTED += ["common/results/records.py", "papers/dhp/runs.py"]


def test_texts_and_what_decides_no_number_make_nothing_again(representatives, unchanged, copy):
    for file in COUNTED + UNCOUNTED:
        text = (copy / file).read_text()
        texts_changed = "# A word.\n" + re.sub(r'(?s)\A""".*?"""', '"""Another word."""', text, count=1)
        (copy / file).write_text(texts_changed + ("\nADDED = 1\n" if file in UNCOUNTED else ""))
    assert digests(representatives) == unchanged


@pytest.mark.parametrize("file", COUNTED)
def test_code_makes_again_what_imports_it(representatives, unchanged, copy, file):
    expected = {name for name in unchanged if file in closure(*name)}
    text = (copy / file).read_text()
    (copy / file).write_text(text + "\nADDED = 1\n")
    changed_digests = digests(representatives)
    (copy / file).write_text(text)
    assert {name for name in unchanged if unchanged[name] != changed_digests[name]} == expected
    assert 0 < len(expected) < len(unchanged)
