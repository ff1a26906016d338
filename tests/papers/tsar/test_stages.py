"""The stages by hand, at smoke scale on stand-ins: determinism, resume, seeds and batches, and errors."""

import dataclasses
import json
import sys

import numpy as np
import pandas
import pytest
import torch

from common.data import prepare
from common.data.catalog import entry
from common.learning.randomness import generator
from common.learning.streams import class_by_class
from common.results import records
from common.running import stage
from common.running.checkpoints import Checkpoint
from papers.tsar import data, meta_train, models, transfer, tune
from tests.papers.tsar.small import SMOKE

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Stand-ins for Omniglot and ImageNet, whatever real data is at hand."""
    root = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATA_MIRROR", raising=False)
        for name in ("omniglot", "imagenet"):
            prepare.smoke(entry(name).name, root=root)
    return root / "smoke"


@pytest.fixture(scope="module")
def omniglot(folder):
    return data.omniglot(folder / "omniglot.npz", CPU)


@pytest.fixture(scope="module")
def imagenet(folder):
    return data.imagenet(folder / "imagenet.npz", CPU)


def learner(images, seed=0, treatment="grow", condition="rich"):
    return meta_train.MetaLearner(treatment, condition, seed, images, SMOKE)


def run(one, steps):
    for _ in range(steps):
        one.step()
    return one


def equal(one, other):
    a, b = one.network.state_dict(), other.network.state_dict()
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("treatment", ["grow", "oml"])
def test_same_seed_twice_is_identical_and_another_seed_is_not(omniglot, treatment):
    first, second = (run(learner(omniglot, treatment=treatment), 5) for _ in range(2))
    assert equal(first, second) and first.rows == second.rows
    assert not equal(first, run(learner(omniglot, seed=1, treatment=treatment), 5))


@pytest.mark.parametrize("treatment", ["grow", "oml", "no_regulation"])
def test_resume_equals_uninterrupted_bit_for_bit(omniglot, treatment, tmp_path):
    whole = run(learner(omniglot, treatment=treatment), 12)
    checkpoint = Checkpoint(tmp_path / "state.ckpt", "key")
    checkpoint.save(run(learner(omniglot, treatment=treatment), 7).state_dict())  # 7: between two log lines
    resumed = learner(omniglot, treatment=treatment)
    resumed.load_state_dict(checkpoint.load())
    run(resumed, 5)
    assert equal(whole, resumed) and whole.rows == resumed.rows


def test_scarce_classes_are_a_random_few_that_depend_on_the_seed(omniglot):
    settings = SMOKE.meta_learning
    chosen = [meta_train.meta_classes("scarce", settings, 100, seed).tolist() for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]
    assert len(set(chosen[0])) == settings.scarce_classes and max(chosen[0]) < settings.rich_classes
    one = learner(omniglot, condition="scarce")
    assert set(omniglot.labels[one.drawings.flatten()].tolist()) == set(chosen[0])
    assert (omniglot.labels[one.drawings] == one.classes[:, None]).all()


@pytest.mark.parametrize("treatment, own", [("grow", ""), ("oml", "oml_")])
def test_an_infinite_loss_names_seed_iteration_and_the_rates_that_were_used(omniglot, treatment, own):
    one = learner(omniglot, seed=4, treatment=treatment)
    one.network.fast[f"{one.network.last_layer}.bias"].data[0] = float("nan")
    rates = f"lower meta_learning.{own}inner_learning_rate or {own}outer_learning_rate"
    with pytest.raises(stage.TrainingError, match=f"seed 4, is nan within the 3 iterations before 3; {rates}$"):
        run(one, 3)


def test_the_inner_loop_is_one_class_whose_row_was_redrawn_and_the_outer_images_follow(omniglot, monkeypatch):
    one, calls, redrawn = learner(omniglot, condition="scarce"), [], []  # scarce: a class is not its row of drawings
    meta_gradient, reset_class = meta_train.meta_gradient, one.network.reset_class

    def observed(network, images, labels, **settings):
        calls.append((images, labels, settings["inner_images"]))
        return meta_gradient(network, images, labels, **settings)

    monkeypatch.setattr(meta_train, "meta_gradient", observed)
    one.network.reset_class = lambda label, random: (redrawn.append(label), reset_class(label, random))
    run(one, 5)
    for (images, labels, inner), label in zip(calls, redrawn, strict=True):
        assert inner == 5 and len(images) == len(labels) == 5 + 16
        assert labels[:inner].tolist() == [label] * inner and label in one.classes
        assert labels[inner:].unique().numel() > 1 and set(labels.tolist()) <= set(one.classes.tolist())
        drawn = (images[:, None] == omniglot.batch(torch.arange(len(omniglot.labels)))[0]).flatten(2).all(2)
        assert (drawn & (omniglot.labels == labels[:, None])).any(1).all()  # each image is one of its label
        assert len(images[:inner].unique(dim=0)) == inner
    assert len(set(redrawn)) > 1


def test_omniglot_is_scaled_as_the_authors_did(omniglot):
    images, labels = omniglot.batch(torch.arange(40))
    assert images.shape == (40, 3, 28, 28) and labels.tolist() == [0] * 20 + [1] * 20
    assert -0.0428 <= images.min() < -0.02 and 0.003 < images.max() <= 0.0035
    assert torch.equal(images[:, 0], images[:, 2])


def test_tuning_images_are_a_tenth_of_each_class_and_disjoint():
    labels = torch.arange(5).repeat(30)
    tuning, reporting = (data.tuning_pool(labels, flag) for flag in (True, False))
    assert torch.bincount(labels[tuning]).tolist() == [3] * 5
    assert sorted(torch.cat([tuning, reporting]).tolist()) == list(range(150))


def test_transfer_depends_on_the_seed_alone(imagenet):
    def curve(seed, tuning=False):
        network = transfer.fresh("scratch", SMOKE, seed, None, CPU)
        return transfer.learn_in_sequence(network, imagenet, settings, 1e-3, seed, tuning, (1, 5, 10), "test")

    settings = dataclasses.replace(SMOKE.transfer, classes=10, recall_after=(1, 5, 10))
    assert curve(0) == curve(0)
    assert [learned for learned, _ in curve(0)] == [1, 5, 10]
    assert all(0 <= recall <= 1 for _, recall in curve(1))


def test_scratch_learns_a_class_and_forgets_it(imagenet):
    settings = dataclasses.replace(SMOKE.transfer, classes=10, images_per_class=9, recall_after=(1, 10))
    network = transfer.fresh("scratch", SMOKE, 0, None, CPU)
    curve = transfer.learn_in_sequence(network, imagenet, settings, 1e-2, 0, False, (1, 10), "test")
    (_, first), (_, last) = curve
    assert first > 0.5 > last


def test_best_learning_rate_is_the_best_mean_over_tuning_seeds(tmp_path):
    rows = [
        {"seed": seed, "treatment": "grow", "condition": "rich", "learning_rate": rate, "recall": recall}
        for rate, recalls in {3e-4: (0.75, 0.0), 1e-4: (0.375, 0.375), 1e-3: (0.25, 0.5)}.items()
        for seed, recall in zip((1000, 1001), recalls)
    ]
    records.write_table(tmp_path / "tune.csv", rows)
    assert transfer.best_learning_rate(tmp_path / "tune.csv", "grow", "rich") == 1e-3  # equal means: the larger rate
    with pytest.raises(stage.TrainingError, match="no tuning of sculpt"):
        transfer.best_learning_rate(tmp_path / "tune.csv", "sculpt", "rich")


def call(monkeypatch, module, *arguments):
    monkeypatch.setattr(sys, "argv", ["stage", "--scale", "smoke", "--device", "cpu", *map(str, arguments)])
    module.main()


def meta(monkeypatch, folder, out, seeds, *more):
    run = ("--treatment", "grow", "--condition", "rich", "--seeds", seeds, "--omniglot", folder / "omniglot.npz")
    call(monkeypatch, meta_train, *run, "--out", out, "--checkpoint", out.with_suffix(".ckpt"), *more)


def saved(path):
    """The models in a file of `meta`, by seed."""
    return torch.load(path, weights_only=True)["models"]


def check_masks(masks, model, images):
    """200 images x 576 weights of C2; those of the first image are what the meta-learned regulator says of it."""
    assert masks.shape == (200, 8 * 8 * 9) and masks.dtype == np.float16 and masks.min() > 0
    network = transfer.fresh("grow", SMOKE, 1, model, CPU)
    pool = data.tuning_pool(images.labels, tuning=False)
    stream = class_by_class(images.labels, range(100), 2, generator(1, "transfer stream"), pool)
    _, first = network.context(images.batch(stream[0, :1])[0])
    np.testing.assert_allclose(masks[0], first[0, network.layer("c2")].detach(), rtol=1e-3, atol=1e-7)
    assert (masks[-1] != masks[0]).any()


def test_all_stages_by_hand(monkeypatch, folder, imagenet, tmp_path):
    """Meta-learning in one batch and in two gives the same models; tuning and transfer read what the others wrote."""
    meta(monkeypatch, folder, tmp_path / "both.pt", "0-1")
    meta(monkeypatch, folder, tmp_path / "second.pt", "1-1")
    meta(monkeypatch, folder, tmp_path / "tuning.pt", "1000")
    with pytest.raises(stage.TrainingError, match="seeds 0, 1, but 1000 was asked for"):
        models.load([tmp_path / "both.pt"], [1000], "grow", "rich", SMOKE)
    both, second = (saved(tmp_path / name) for name in ("both.pt", "second.pt"))
    assert set(both) == {"0", "1"}
    assert all(torch.equal(both["1"][name], second["1"][name]) for name in second["1"])
    log = pandas.read_csv(tmp_path / "both.csv")
    assert sorted(log[log.quantity == "outer loss"].iteration.unique()) == [3, 6, 9, 12]
    assert {"C3 regulation, percentile 50", "C3 regulation, percentile 99.9"} < set(log.quantity)

    shared = ("--treatment", "grow", "--condition", "rich", "--imagenet", folder / "imagenet.npz")
    call(monkeypatch, tune, *shared, "--models", tmp_path / "tuning.pt", "--out", tmp_path / "tune.csv")
    tuned = pandas.read_csv(tmp_path / "tune.csv")
    assert tuned.seed.tolist() == [1000, 1000] and tuned.learning_rate.tolist() == [1e-3, 3e-4]
    last = ("--models", tmp_path / "both.pt", "--seeds", "0-1", "--tuning", tmp_path / "tune.csv")
    call(monkeypatch, transfer, *shared, *last, "--out", tmp_path / "transfer.csv")
    record = ("--seeds", "1", "--record-masks", tmp_path / "masks.npy", "--record-layer", "c2")
    call(monkeypatch, transfer, *shared, *last, *record, "--out", tmp_path / "again.csv")
    check_masks(np.load(tmp_path / "masks.npy"), both["1"], imagenet)
    table, again = (pandas.read_csv(tmp_path / name) for name in ("transfer.csv", "again.csv"))
    assert table[table.seed == 1].recall.tolist() == again.recall.tolist()
    assert table.groupby("seed").classes.apply(list).tolist() == [[1, 10, 50, 100]] * 2
    assert np.isfinite(table.recall).all() and set(table.dataset) == {"imagenet"}
    about = json.loads((tmp_path / "transfer.json").read_text())
    assert about["stage"] == "transfer" and [(one["name"], one["completeness"]) for one in about["data"]] == [
        ("imagenet", "stand-in"),
        ("omniglot", "stand-in"),
    ]
    meta_about = json.loads((tmp_path / "both.json").read_text())
    assert about["protocol"]["meta_learning"] == meta_about["protocol"]["meta_learning"]
    assert about["measured"]["meta_learning_commits"] == [meta_about["git"]]
    assert not list(tmp_path.glob("*.ckpt"))


def test_a_rate_that_diverges_counts_as_recall_0_and_the_others_go_on(monkeypatch, folder, tmp_path, capsys):
    monkeypatch.setattr(transfer, "recalled", lambda network, context, labels: torch.ones(len(labels), dtype=bool))
    few = ("transfer.classes=10", "transfer.recall_after=[10]", "transfer.baseline_learning_rates=[1e30, 1e-3]")
    overrides = [argument for override in few for argument in ("--set", override)]
    shared = ("--treatment", "scratch", "--condition", "rich", "--imagenet", folder / "imagenet.npz")
    call(monkeypatch, tune, *shared, "--out", tmp_path / "tune.csv", *overrides)
    tuned = pandas.read_csv(tmp_path / "tune.csv")
    assert tuned.learning_rate.tolist() == [1e30, 1e-3] and tuned.recall.tolist() == [0, 1]
    printed = capsys.readouterr().out
    assert printed.count("this rate counts as recall 0") == 1
    assert "tuning scratch rich seed 1000, learning rate 1e+30: the loss is nan" in printed


def test_models_are_taken_only_as_what_they_were_meta_learned_as(tmp_path):
    path = tmp_path / "sculpt.pt"
    models.save(path, "sculpt", "rich", SMOKE, {"0": {"weight": torch.ones(2)}})
    assert models.load([path], [0], "sculpt", "rich", SMOKE)[0]["weight"].tolist() == [1, 1]
    narrow = dataclasses.replace(SMOKE, network=dataclasses.replace(SMOKE.network, channels=4))
    longer = dataclasses.replace(SMOKE, meta_learning=dataclasses.replace(SMOKE.meta_learning, iterations=99))
    for treatment, condition, plan, difference in (
        ("grow", "rich", SMOKE, "treatment = sculpt, but grow"),
        ("scratch", "rich", SMOKE, "treatment = sculpt, but scratch"),
        ("sculpt", "scarce", SMOKE, "condition = rich, but scarce"),
        ("sculpt", "rich", narrow, "channels = 8, but 4"),
        ("sculpt", "rich", longer, "iterations = 12, but 99"),
    ):
        with pytest.raises(stage.TrainingError, match=f"sculpt.pt was meta-learned with {difference} was asked for"):
            models.load([path], [0], treatment, condition, plan)


def test_models_that_are_missing_or_old_give_one_sentence(tmp_path):
    assert models.load([], [0, 1], "scratch", "rich", SMOKE) == {0: None, 1: None}
    with pytest.raises(stage.TrainingError, match="grow is meta-learned: give --models"):
        models.load([], [0], "grow", "rich", SMOKE)
    with pytest.raises(stage.TrainingError, match="none.pt does not exist: papers.tsar.meta_train writes it"):
        models.load([tmp_path / "none.pt"], [0], "grow", "rich", SMOKE)
    torch.save({"0": {"weight": torch.ones(2)}}, tmp_path / "old.pt")
    (tmp_path / "torn.pt").write_bytes((tmp_path / "old.pt").read_bytes()[:300])
    for name in ("old.pt", "torn.pt"):
        with pytest.raises(stage.TrainingError, match=f"{name} is damaged, or old .* run papers.tsar.meta_train again"):
            models.load([tmp_path / name], [0], "grow", "rich", SMOKE)


def test_killed_meta_learning_goes_on_from_its_checkpoint(monkeypatch, folder, tmp_path, capsys):
    """A batch killed in its second model: the rerun neither repeats the first model nor changes the result."""
    meta(monkeypatch, folder, tmp_path / "whole.pt", "0-1")
    monkeypatch.setattr(Checkpoint, "due", lambda self: True)
    steps = []

    class Killed(BaseException):
        pass

    original = meta_train.MetaLearner.step

    def step(self):
        steps.append((self.seed, self.iteration))
        if len(steps) == 20:
            raise Killed
        original(self)

    monkeypatch.setattr(meta_train.MetaLearner, "step", step)
    with pytest.raises(Killed):
        meta(monkeypatch, folder, tmp_path / "killed.pt", "0-1")
    assert not (tmp_path / "killed.pt").exists()
    meta(monkeypatch, folder, tmp_path / "killed.pt", "0-1")
    assert "resuming" in capsys.readouterr().out
    assert steps[20:] == [(1, iteration) for iteration in range(7, 12)]
    whole, killed = (saved(tmp_path / name) for name in ("whole.pt", "killed.pt"))
    assert all(torch.equal(whole[seed][name], killed[seed][name]) for seed in whole for name in whole[seed])


def test_errors_are_one_line(monkeypatch, folder, tmp_path, capsys):
    with pytest.raises(SystemExit):
        stage.run(lambda: meta(monkeypatch, folder, tmp_path / "a.pt", "0-1", "--set", "meta_learning.iteratons=3"))
    assert "iterations" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        many = ("--set", "meta_learning.rich_classes=900", "--set", "network.outputs=900")
        stage.run(lambda: meta(monkeypatch, folder, tmp_path / "a.pt", "0-1", *many))
    assert "the protocol wants 900 Omniglot classes, but the data set has 100" in capsys.readouterr().err
