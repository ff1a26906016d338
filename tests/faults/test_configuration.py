"""Configuration, the catalogue, dates of data sets, and targets that nothing makes."""

from __future__ import annotations

import json
import os
import time
from functools import partial
from typing import Any

import pytest

from common.data import catalog, plain_yaml
from common.running import command_line, configuration, make, register, workflow
from common.running.code import ROOT
from common.running.configuration import ConfigError
from common.running.workflow import UnknownFigure
from tests.faults.conftest import Fault
from tests.faults.test_protocols import PAPERS, TEXTS
from tests.workflow.checkout import Checkout

TEXT = (ROOT / "config.yaml").read_text()
GOOD = plain_yaml.read(ROOT / "config.yaml")
REGISTERS = {paper: register.of(paper) for paper in PAPERS}
NO_FOLDERS = [0, False, [], {}, "/no/such/folder", "~/no/such/folder", __file__, 3, ["/tmp"], {"a": 1}]
BAD = {  # values by key
    "scale": ["papr", "", None, 5, True, ["smoke"], "Smoke", "smoke ", {"a": 1}, float("nan")],
    "device": ["gpu", "", None, 5, True, "cuda:", "cuda:x", "cuda:-1", "cpu:0", ["cpu"]],
    "gpu_jobs_per_device": [0, -1, 1.5, True, None, "", "2", "all", [1], {"a": 1}, float("inf"), float("nan")],
    "data_mirror": [*NO_FOLDERS, "s3://bucket", "\n"],
    "imagenet_folder": [*NO_FOLDERS, "$HOME", "*"],
    "seeds": [0, -1, 1.5, True, None, "", "3", "every", [1], {"a": 1}, float("inf"), float("nan")],
    "papers": [
        "tsar",
        [],
        None,
        3,
        ["tsr"],
        ["tsar", "tsar"],
        [3],
        [None],
        [["tsar"]],
        {"tsar": 1},
        ["../papers"],
        [""],
    ],
    "studies": ["cross_benchmark", None, 3, ["cross"], ["cross_benchmark", "cross_benchmark"], ["tsar"], [3], {"a": 1}],
    "method": [
        None,
        3,
        "ewc",
        "no/such/file.py",
        "/tmp",
        __file__,
        "Mine.py",
        "a b.py",
        "1.py",
        ["a.py"],
        "../config.yaml",
        f"{'a' * 61}.py",
        f"{'ab' * 12}.py",
        False,
    ],
}


def as_snakemake(act: Any) -> None:
    """Print the errors that Snakemake prints while it reads the Snakefile."""
    command_line.run(act, ConfigError, UnknownFigure)


def test_a_configuration_that_cannot_be_is_refused(all_refused):
    faults = [
        Fault(
            f"{key}: {value!r}",
            partial(configuration.check_config, GOOD | {key: value}),
            ({"studies": "studies"}.get(key, key.rstrip("s")),),
            as_snakemake,
        )
        for key, values in BAD.items()
        for value in values
    ]
    own = GOOD | {"method": str(ROOT / configuration.EXAMPLE), "studies": []}
    faults.append(Fault("no study", partial(configuration.check_config, own), ("method", "studies"), as_snakemake))
    for key in GOOD:
        without = {name: value for name, value in GOOD.items() if name != key}
        faults.append(Fault(f"no {key}", partial(configuration.check_config, without), (key,), as_snakemake))
        faults.append(
            Fault(f"{key}s", partial(configuration.check_config, GOOD | {f"{key}x": 1}), (f"{key}x", key), as_snakemake)
        )
    all_refused(faults)


@pytest.mark.parametrize("variable", ["DATA_MIRROR", "IMAGENET_FOLDER"])
def test_a_folder_of_the_environment_that_cannot_be_is_refused(monkeypatch, all_refused, variable):
    for value in ("/no/such/folder", "~/no/such/folder", __file__, "s3://bucket"):
        monkeypatch.setenv(variable, value)
        all_refused([Fault(value, partial(configuration.check_config, GOOD), (variable,), as_snakemake)])


def test_a_configuration_that_is_not_plain_yaml_is_refused(tmp_path, all_refused):
    text, faults = (ROOT / "config.yaml").read_bytes(), []
    for name, change in TEXTS.items():
        if name not in ("nothing", "a list", "merge key", "cut off"):  # which Snakemake and `check_config` judge
            (path := tmp_path / f"{name}.yaml").write_bytes(
                change(text) if name != "merged alias" else b"a: &p {b: 1}\nc: *p\n"
            )
            faults.append(Fault(name, partial(configuration.config_file, str(path)), (str(path),), as_snakemake))
    all_refused(faults)


def test_a_value_that_snakemake_would_take_for_another_is_refused(tmp_path, all_refused):
    faults = []
    for key in ("seeds", "gpu_jobs_per_device", "data_mirror", "method", "scale", "device", "papers"):
        for value in ("1:30", "010", "0x3", "0b1", "1_0", "yes", "off", "1e3", "2001-01-01"):
            lines = [f"{key}: {value}" if line.startswith(f"{key}:") else line for line in TEXT.splitlines()]
            (path := tmp_path / f"{len(faults)}.yaml").write_text("\n".join(lines))
            act = partial(configuration.config_file, str(path))
            faults.append(Fault(f"{key}: {value}", act, (str(path), key, value.removesuffix("e3")), as_snakemake))
    all_refused(faults)
    assert configuration.config_file(str(ROOT / "config.yaml"))


def test_a_catalogue_that_is_not_as_it_was_is_refused(tmp_path, monkeypatch, all_refused):
    text = catalog.CATALOG.read_bytes()
    content = plain_yaml.read(catalog.CATALOG)

    def read(changed: bytes) -> None:
        (path := tmp_path / "catalog.yaml").write_bytes(changed)
        monkeypatch.setattr(catalog, "CATALOG", path)
        catalog.catalog.__wrapped__()

    faults = [
        Fault(name, partial(read, change(text)), ("catalog.yaml",))
        for name, change in TEXTS.items()
        if name != "merged alias"
    ]
    for name, entry in content.items():
        for key in ("title", "shape", "classes", "archives", "variants", "mirror_names", "smoke", "sources"):
            without = {other: value for other, value in entry.items() if other != key}
            faults.append(
                Fault(f"{name} without {key}", partial(read, json.dumps(content | {name: without}).encode()), (key,))
            )
        more = content | {name: entry | {"colour": "red"}}
        faults.append(Fault(f"{name} with more", partial(read, json.dumps(more).encode()), ("colour",)))
    all_refused(faults)


@pytest.mark.parametrize("part", ["prepared", "smoke"])
def test_a_data_set_of_the_future_is_named_before_any_job(monkeypatch, tmp_path, all_refused, part):
    monkeypatch.chdir(tmp_path)
    (folder := tmp_path / "data" / part).mkdir(parents=True)
    for name in catalog.catalog():
        (path := folder / f"{name}.npz").touch()
        os.utime(path, (time.time() + 3600,) * 2)
        all_refused(
            [Fault(name, partial(configuration.check_config, GOOD), (f"data/{part}/{name}.npz", "touch"), as_snakemake)]
        )
        path.unlink()


@pytest.mark.parametrize("folder", configuration.FOLDERS)
def test_what_stands_where_a_folder_should_is_named_before_any_job(monkeypatch, tmp_path, all_refused, folder):
    monkeypatch.chdir(tmp_path)
    act, path = partial(configuration.check_config, GOOD), tmp_path / folder
    for name, stand in {
        "a file": path.touch,
        "a link to nowhere": partial(path.symlink_to, tmp_path / "gone"),
        "a loop": partial(path.symlink_to, path),
    }.items():
        stand()
        all_refused([Fault(name, act, (f"{path} is no folder", "move it away"), as_snakemake)])
        path.unlink()


@pytest.mark.parametrize("folder", [".", *configuration.FOLDERS[1:]])
def test_a_folder_that_may_not_be_written_is_named_before_any_job(monkeypatch, tmp_path, all_refused, folder):
    monkeypatch.chdir(tmp_path)
    (tmp_path / folder).mkdir(exist_ok=True)
    monkeypatch.setattr(os, "access", lambda path, mode: path != folder)  # who is root may write anywhere
    act, path = partial(configuration.check_config, GOOD), tmp_path / folder
    all_refused([Fault(folder, act, (f"{path} may not be written", "--directory"), as_snakemake)])


def test_a_folder_where_a_figure_belongs_is_named_before_any_job(monkeypatch, tmp_path, all_refused):
    monkeypatch.chdir(tmp_path)
    act = partial(configuration.check_config, GOOD)
    for ending in ("pdf", "png", "svg"):
        (folder := tmp_path / "figures" / f"dhp_fig2.{ending}").mkdir(parents=True)
        all_refused([Fault(ending, act, (f"figures/dhp_fig2.{ending} is a folder", "move it away"), as_snakemake)])
        folder.rmdir()


def test_a_target_that_nothing_makes_is_refused_with_what_there_is(all_refused):
    faults = []

    def target(name: str, ending: str, *says: str) -> None:
        for scale in ("smoke", "recorded"):
            act = partial(workflow.result, REGISTERS, name, scale, ending)
            faults.append(
                Fault(
                    f"{scale} {name}.{ending}", act, (f"figures/{name}.{ending}", "list_figures", *says), as_snakemake
                )
            )

    for paper, known in REGISTERS.items():
        for own in known.artifacts:
            for ending in ("svgz", "eps", "PDF", "pdf2", "jpeg", "html"):
                target(f"{paper}_{own}", ending, register.endings(own)[0])
            target(f"{paper}_{own}", "csv" if own.startswith("fig") else "pdf", register.endings(own)[0])
        another = next(other for other in REGISTERS if other != paper)
        for name in ("fig99", "fig0", "fig", "figure1", "table99", "Fig1", "fig1a", "comparison", "recorded"):
            target(f"{paper}_{name}", "pdf", "no such figure")
        for name in (
            f"{paper}_{paper}_fig1",
            f"{paper}_{another}_fig1",
            f"{paper}__fig1",
            f"{paper}fig1",
            paper,
            f"{paper[:-1]}_fig1",
        ):
            target(name, "pdf", "no such figure")
    all_refused(faults)


MAKE = {  # what the command that draws is given
    "no paper": (["no_such_paper", "fig1"], "no_such_paper"),
    "no figure": (["{paper}", "fig99"], "fig99"),
    "another ending": (["{paper}", "fig1", "--out", "a.png"], "--out"),
    "a table's ending": (["{paper}", "fig1", "--out", "a.tex"], "--out"),
    "the values' ending": (["{paper}", "fig1", "--out", "a.csv"], "--out"),
    "a comparison's figure": (["{paper}", "comparison", "--out", "a.pdf"], "--out"),
    "another scale": (["{paper}", "fig1", "--scale", "papr"], "papr"),
    "a folder": (["{paper}", "fig1", "--out", "folder.pdf"], "--out"),
    "no tables": (["{paper}", "fig1", "--results", "gone.csv"], "gone.csv"),
    "no reported numbers": (["{paper}", "fig1", "--reported", "gone.csv"], "gone.csv"),
}


@pytest.mark.parametrize("paper", PAPERS)
def test_the_command_that_draws_refuses_what_it_cannot_draw(tmp_path, monkeypatch, all_refused, paper):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.pdf").mkdir()
    known = REGISTERS[paper]
    name = next(iter(known.available()))
    (table, *_) = known.kept(known.artifact(name).tables) or known.artifact(name).tables
    results, numbers = (
        str(ROOT / f"papers/{paper}/{file}") for file in (f"recorded/{known.file(table)}", "reported.csv")
    )

    def draw(arguments: list[str]) -> None:
        words = [word.format(paper=paper) if word != "fig1" else name for word in arguments]
        given = dict(zip(words[2::2], words[3::2], strict=True))
        chosen = {"--results": results, "--reported": numbers, "--out": "a.pdf"} | given
        monkeypatch.setattr("sys.argv", ["make", *words[:2], *(word for pair in chosen.items() for word in pair)])
        make.main()

    all_refused(Fault(fault, partial(draw, words), (says,), command_line.run) for fault, (words, says) in MAKE.items())
    assert [path.name for path in tmp_path.iterdir()] == ["folder.pdf"]


PROBE = """
import json
include: "Snakefile"
makers = {target: [rule.name for rule in workflow.rules if rule.is_producer(target)] for target in json.load(open("targets.json"))}
with open("makers.json", "w") as file:
    json.dump(makers, file)
"""
HOSTILE = [*"&'\"\n*~\\ ", "..", "|cat", ">pwned", "{a}", ";touch pwned", "`touch pwned`", "$(touch pwned)"]


@pytest.mark.slow
def test_a_target_with_what_a_shell_would_take_apart_is_made_by_no_rule(tmp_path):
    checkout = Checkout(tmp_path)
    paths = [f"figures/{paper}_fig1{{}}.pdf" for paper in PAPERS]
    for known in REGISTERS.values():
        for table in (*known.tables, *known.arrays):
            for part in known.parts(table, "smoke", "cpu")[:1]:
                stem, dot, suffix = part.rpartition(".")
                paths += [f"{stem}{{}}{dot}{suffix}", part.replace("/smoke/", "/smoke{}/")]
    targets = [path.replace("{}", text) for path in paths for text in HOSTILE]
    (tmp_path / "targets.json").write_text(json.dumps([path.replace("{}", "") for path in paths] + targets))
    (tmp_path / "Probe").write_text(PROBE)
    checkout.run("--snakefile", "Probe", "--dry-run", "list_figures", "--config", "device=cpu")
    makers = json.loads((tmp_path / "makers.json").read_text())
    assert all(makers[path.replace("{}", "")] for path in paths) and len(targets) > 500
    assert not {target: rules for target, rules in makers.items() if rules and target in targets}
    assert not list(tmp_path.rglob("pwned*"))
