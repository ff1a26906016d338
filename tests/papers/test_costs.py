"""What the plan counts is known from the kept runs: their CPU time is what it says, within a factor of two."""

from __future__ import annotations

import dataclasses
import importlib

import pytest

from common.results import records, tables
from common.running import code, register
from common.running.costs import REFERENCE, START, Rates

PAPERS = ("tsar", "synaptic_intelligence", "sticky_gradient", "dan", "dhp")
# The processor that TSAR's kept runs are of, with other work on it: `python -m common.running.machine`.
BUSY = Rates(150e9, 17.5e9, 2.3e-6)

# Kept table: stage, columns that tell its jobs apart, under the names of options; further options. Those with runs on a GPU
# are left out, and those whose time is of their last part alone (DAN's image_meta, TSAR's meta_learning).
KEPT = {
    ("synaptic_intelligence", "split_mnist"): ("train", ("condition",), {"benchmark": "split_mnist"}),
    ("synaptic_intelligence", "permuted_mnist"): ("train", ("condition",), {"benchmark": "permuted_mnist"}),
    ("synaptic_intelligence", "cifar"): ("train", ("condition",), {"benchmark": "cifar"}),
    ("synaptic_intelligence", "tuning"): ("tune", ("condition", "value"), {}),
    ("synaptic_intelligence", "landscapes"): ("landscapes", (), {}),
    ("synaptic_intelligence", "theory"): ("simulations", (), {}),
    ("sticky_gradient", "accuracies"): ("train", ("condition",), {}),
    ("sticky_gradient", "shared"): ("train", ("condition", "shared"), {}),
    ("sticky_gradient", "readings"): ("train", ("condition", "reading"), {}),
    ("sticky_gradient", "search"): ("search", ("reading",), {}),
    ("sticky_gradient", "trajectories"): ("trajectories", (), {}),
    ("dhp", "split"): ("train", ("condition",), {"benchmark": "split"}),
    ("dhp", "plasticity"): ("train", ("condition",), {"benchmark": "permuted"}),
    ("dhp", "vision"): ("train", ("condition",), {"benchmark": "vision"}),
    ("dhp", "update"): ("update", (), {}),
    ("dan", "meta"): ("meta_train", ("sharing", "n_channels"), {"experiment": "regression"}),
    ("dan", "curves"): ("deploy", (), {}),
    ("dan", "image_errors"): ("deploy_images", ("condition",), {}),
    ("tsar", "final_recall"): ("transfer", ("condition",), {"activity": "activity.npz"}),
    ("tsar", "tune"): ("tune", ("condition", "iterations"), {}),
    ("tsar", "variants"): ("variants", ("condition",), {}),
}


def cost(paper, stage, protocol, **options):
    return importlib.import_module(f"papers.{paper}.costs").cost(stage, protocol, options)


def as_run(paper, record):
    """The protocol with the settings of a record in their places, as far as it still has these."""
    protocol = register.of(paper).protocol(record["scale"])
    for name, settings in record.get("protocol", {}).items():
        if (section := getattr(protocol, name, None)) is not None:
            known = {field.name for field in dataclasses.fields(section)} & settings.keys()
            own = {key: tuple(settings[key]) if isinstance(settings[key], list) else settings[key] for key in known}
            protocol = dataclasses.replace(protocol, **{name: dataclasses.replace(section, **own)})
    return protocol


@pytest.mark.parametrize(("paper", "table"), KEPT)
def test_kept_runs_took_what_is_estimated(paper, table):
    path = code.ROOT / "papers" / paper / "recorded" / f"{table}.csv"
    record, (stage, columns, options) = records.read(path.with_suffix(".json")), KEPT[paper, table]
    rows = tables.read(path)
    rates = BUSY if paper == "tsar" else REFERENCE
    protocol, seconds = as_run(paper, record), 0.0
    groups = rows.groupby(list(columns)) if columns else [((), rows)]
    for names, group in groups:
        named = {"channels" if key == "n_channels" else key: str(name) for key, name in zip(columns, names)}
        seeds = group["seed"].nunique() if "seed" in group else 1
        job = {"scale": record["scale"], "seeds": f"0-{seeds - 1}", **named, **options}
        seconds += cost(paper, stage, protocol, **job).seconds(rates) - START
    assert all(device.startswith("cpu") for device in record.get("devices", ["cpu"]))
    print(f"{paper} {table}: {seconds:.0f} s estimated, {record['cpu_seconds']:.0f} taken")
    assert 0.5 < seconds / record["cpu_seconds"] < 2


@pytest.mark.parametrize(
    ("scale", "stage", "options", "count", "taken"),
    [  # papers/tsar/TRIALS.md, of an AMD EPYC: a meta-iteration, and a step of tuning's ten transfers, which also recall
        ("paper", "meta_train", {"iterations": "1000"}, 1000, 4.48),
        ("desk", "meta_train", {"iterations": "1000"}, 1000, 0.26),
        ("paper", "tune", {}, 10 * 3000, 0.52),
    ],
)
def test_tsar_takes_what_its_benchmark_says(scale, stage, options, count, taken):
    protocol = register.of("tsar").protocol(scale)
    found = cost("tsar", stage, protocol, scale=scale, condition="grow", seeds="0-0", **options)
    assert 0.5 < found.seconds(REFERENCE) / count / taken < 2


def test_tsar_keeps_what_its_benchmark_says():
    found = cost(
        "tsar", "meta_train", register.of("tsar").protocol("paper"), condition="grow", iterations="1", seeds="0-0"
    )
    assert found.models == pytest.approx(2.4e9, rel=0.05) and found.state == pytest.approx(7e9, rel=0.05)


@pytest.mark.parametrize(
    ("paper", "section", "stage", "options", "changes"),
    [
        ("synaptic_intelligence", "permuted_mnist", "train", {"benchmark": "permuted_mnist"}, {"epochs": 40}),
        ("synaptic_intelligence", "cifar", "train", {"benchmark": "cifar"}, {"epochs": 120}),
        ("dhp", "split", "train", {"benchmark": "split"}, {"epochs": 20}),
        ("sticky_gradient", "training", "train", {}, {"epochs": 2}),
        ("sticky_gradient", "training", "train", {}, {"hidden": 4000}),
        ("sticky_gradient", "search", "search", {}, {"trials": 62}),
        ("dan", "regression", "meta_train", {"experiment": "regression"}, {"sequences": 2000}),
        ("dan", "images", "deploy_images", {}, {"steps_per_task": 120}),
        ("tsar", "transfer", "tune", {}, {"learning_rates": tuple(range(1, 21))}),
        ("tsar", "transfer", "transfer", {}, {"images_per_class": 49}),
    ],
)
def test_what_doubles_a_setting_doubles_the_estimate(paper, section, stage, options, changes):
    protocol = register.of(paper).protocol("paper")
    changed = dataclasses.replace(protocol, **{section: dataclasses.replace(getattr(protocol, section), **changes)})
    options = {"scale": "paper", "condition": {"tsar": "grow"}.get(paper, "si-1"), "seeds": "0-0", **options}
    before, after = (cost(paper, stage, own, **options).seconds(REFERENCE) - START for own in (protocol, changed))
    assert 1.6 < after / before < 2.2


@pytest.mark.parametrize("paper", PAPERS)
def test_every_stage_is_counted_and_none_runs_again_for_it(paper):
    known = register.of(paper)
    options = {"scale": "smoke", "condition": "grow", "iterations": "12", "experiment": "regression", "seeds": "0-1"}
    if paper != "tsar":
        options["condition"] = "si"
    for stage in known.stages:
        assert cost(paper, stage, known.protocol("smoke"), **options).seconds(REFERENCE) > START
        assert not any(file.endswith("costs.py") for file in code.closure(f"papers/{paper}/{stage}.py"))


@pytest.mark.parametrize("paper", PAPERS)
def test_more_seeds_take_longer(paper):
    stage = "meta_train" if paper in ("tsar", "dan") else "train"
    options = {"scale": "paper", "condition": "grow" if paper == "tsar" else "si", "iterations": "100"}
    options |= {"experiment": "images"} if paper == "dan" else {}
    protocol = register.of(paper).protocol("paper")
    one, ten = (
        cost(paper, stage, protocol, seeds=seeds, **options).seconds(REFERENCE) - START for seeds in ("3-3", "0-9")
    )
    assert 8 < ten / one <= 10.01
