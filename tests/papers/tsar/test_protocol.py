"""Which runs the design asks for, and designs that cannot be."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from common import protocol
from common.protocol import ProtocolError
from papers.tsar import runs
from papers.tsar.model import build
from papers.tsar.protocol import Protocol
from tests.papers.tsar.small import PATH, PLAN

DESIGN = PLAN.design


@pytest.fixture(autouse=True)
def nothing_finished(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def test_a_bias_that_is_named_and_in_the_sweep_is_run_once():
    design = dataclasses.replace(DESIGN, treatments=("grow", "bias-4", "grow"), sweep_biases=(-8, -4, 0, 4))
    assert runs.treatments(design) == [
        *(("grow", condition) for condition in DESIGN.conditions),
        *(("bias-4", condition) for condition in DESIGN.conditions),
        ("bias4", "rich"),
    ]
    tables = runs.transfer_tables("smoke", design)
    assert len(tables) == len(set(tables))


@pytest.mark.parametrize(
    "override, message",
    [
        ("design.treatments=[grow, grwo]", "section 'design': unknown treatment 'grwo'; known are grow, .*, bias<b>"),
        ("design.treatments=[reservoir]", "unknown treatment 'reservoir'"),
        ("design.conditions=[rich, poor]", "unknown condition 'poor'; known are rich, scarce"),
        ("design.seeds=0", "seeds, tuning_seeds and seeds_per_job must be at least 1"),
    ],
)
def test_a_design_that_cannot_be_is_refused_when_it_is_read(override, message):
    with pytest.raises(ProtocolError, match=message):
        protocol.read(PATH, Protocol, "smoke", [override])


@pytest.mark.parametrize(
    "overrides, message",
    [
        ("meta_learning.inner_images=25", "section 'meta_learning': inner_images: a class has 20 drawings, not 25"),
        ("meta_learning.inner_images=0", "inner_images must be positive, not 0"),
        ("meta_learning.second_order=[omll]", "unknown treatment 'omll'; known are grow"),
        ("meta_learning.scarce_classes=5000", "scarce_classes, 5000, are more than rich_classes, 60"),
        ("meta_learning.outer_images=201", "outer_images: 10 scarce classes have 200 drawings, not 201"),
        ("meta_learning.percentile_every=0", "percentile_every must be positive, not 0"),
        ("meta_learning.log_every=13", "log_every, 13, leaves the log of 12 iterations empty"),
        ("meta_learning.oml_outer_learning_rate=0", "oml_outer_learning_rate must be positive, not 0"),
        ("meta_learning.rich_classes=101", "meta_learning.rich_classes: 101 classes need as many network.outputs, not"),
        ("transfer.recall_after=[1, 50]", "section 'transfer': recall_after must .* end with the last class, 100, not"),
        ("transfer.recall_after=[10, 1, 100]", "recall_after must increase"),
        ("transfer.recall_after=[0, 100]", "recall_after must be positive"),
        ("transfer.learning_rates=[]", "learning_rates must be positive, not"),
        ("transfer.baseline_learning_rates=[1e-3, -1]", "baseline_learning_rates must be positive"),
        (
            "transfer.classes=101; transfer.recall_after=[101]",
            "transfer.classes: 101 classes need as many network.outputs",
        ),
    ],
)
def test_values_that_do_not_go_together_are_refused(overrides, message):
    with pytest.raises(ProtocolError, match=message):
        protocol.read(PATH, Protocol, "smoke", overrides.split("; "))


def test_the_limits_themselves_are_allowed():
    limits = ("meta_learning.inner_images=20", "meta_learning.scarce_classes=60", "meta_learning.outer_images=1200")
    limits += ("meta_learning.log_every=12", "network.outputs=100", "meta_learning.rich_classes=100")
    assert protocol.read(PATH, Protocol, "smoke", limits).meta_learning.rich_classes == 100


def test_a_design_may_name_every_treatment_that_can_be_built():
    names = ("grow", "sculpt", "oml", "anml", "scratch", "no_regulation", "bias-4", "bias12", "reservoir0")
    assert dataclasses.replace(DESIGN, treatments=names).treatments == names
    for name in names:
        build(name, PLAN.network, torch.Generator())


def test_transfer_keeps_to_the_batches_that_were_meta_learned():
    for folder, seeds in (("meta/grow_rich", "0-0"), ("transfer/scratch_rich", "0-0"), ("meta/oml_rich", "1000-1000")):
        path = f"results/smoke/tsar/{folder}/seeds{seeds}.csv"
        Path(path).parent.mkdir(parents=True)
        Path(path).touch()
    tables = runs.transfer_tables("smoke", dataclasses.replace(DESIGN, seeds=2))
    cut = {
        name: [table.rsplit("seeds")[-1] for table in tables if f"/{name}_rich/" in table] for name in DESIGN.treatments
    }
    assert cut["grow"] == cut["scratch"] == ["0-0.csv", "1-1.csv"]
    assert cut["sculpt"] == cut["oml"] == ["0-1.csv"]
    wanted = dataclasses.replace(DESIGN, tuning_seeds=2)
    assert runs.tuning_models("smoke", "oml", "rich", wanted) == [
        f"results/smoke/tsar/meta/oml_rich/seeds{seeds}.pt" for seeds in ("1000-1000", "1001-1001")
    ]
