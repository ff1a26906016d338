"""The stages by hand on tiny data: tables and provenance, plasticity's log, tuning, resumption, and what users read."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import sys

import numpy
import pandas
import pytest
import torch

from common.learning import continual
from common.learning.continual import Observer
from common.results import collect, records
from common.running import stage
from common.running.checkpoints import Checkpoint
from papers.dhp import collected, conditions, data, imbalance, method, train, tune, update
from papers.dhp.plasticity import Plasticity
from tests.papers.dhp.small import PAPER, SMOKE, marks, mnist, prepared

CPU = torch.device("cpu")
SHORT = {  # protocols of a few steps
    "permuted": ("permuted.tasks=2", "permuted.hidden=[12, 9]", "permuted.epochs=2", "permuted.importance_images=20"),
    "imbalanced": ("imbalanced.tasks=2", "imbalanced.hidden=[12, 9]", "imbalanced.epochs=1"),
    "split": ("split.hidden=[12, 9]", "split.epochs=2", "split.importance_images=10"),
    "vision": ("vision.channels=[2, 3]", "vision.dense=6", "vision.epochs=1", "vision.importance_images=10"),
}
TUNING = ("tuning.held_out=30", "tuning.epochs=1")


def given(overrides):
    return [argument for override in overrides for argument in ("--set", override)]


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """100 training and 40 test images."""
    return mnist(tmp_path_factory.mktemp("mnist"))


@pytest.fixture(scope="module")
def mixture(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixture")
    return [prepared(folder, name, list(range(10)) * 3, list(range(10))) for name in SMOKE.vision.sets]


@pytest.fixture
def call(monkeypatch):
    """Calls a stage's main as the command line would."""

    def run(module, *arguments):
        monkeypatch.setattr(sys, "argv", [module.__name__, "--scale", "smoke", "--device", "cpu", *map(str, arguments)])
        module.main()

    return run


@pytest.fixture
def trained(call):
    """Trains a condition of a benchmark and returns its table."""

    def run(benchmark, condition, seeds, paths, out, *more):
        options = ("--benchmark", benchmark, "--condition", condition, "--seeds", seeds, "--out", out)
        paths = paths if isinstance(paths, list) else [paths]
        call(train, *options, *given(SHORT[benchmark]), "--data", *paths, *more)
        return records.read_tables(out)

    return run


@pytest.fixture
def tuned(call):
    """Tries one strength and returns the table."""

    def run(benchmark, condition, value, paths, out, *more, seeds="1000"):
        options = ("--benchmark", benchmark, "--condition", condition, "--seeds", seeds, "--value", value, "--out", out)
        paths = paths if isinstance(paths, list) else [paths]
        call(tune, *options, *given((*SHORT[benchmark], *TUNING)), "--data", *paths, *more)
        return records.read_tables(out)

    return run


def fails(capsys, work) -> str:
    """What a user reads on the screen; the process must end with a status that is not zero."""
    with pytest.raises(SystemExit) as end:
        stage.run(work)
    assert end.value.code
    text = capsys.readouterr().err
    assert "Traceback" not in text
    return text


# Training


def test_training_writes_every_accuracy_and_where_it_came_from(trained, digits, tmp_path):
    out = tmp_path / "a.csv"
    table = trained("split", "dhp-si", "0-1", digits, out, "--checkpoint", tmp_path / "a.ckpt")
    assert len(table) == len(conditions.read(out)) == 2 * 5 * 5
    assert set(table.condition) == {"dhp-si"} and set(table.split) == {"test"} and set(table.seed) == {0, 1}
    assert set(zip(table.after_task, table.task)) == {(after, task) for after in range(1, 6) for task in range(1, 6)}
    assert table.accuracy.between(0, 1).all()
    about = json.loads(out.with_suffix(".json").read_text())
    assert about["paper"] == "dhp" and about["stage"] == "train split" and about["seeds"] == [0, 1]
    assert about["scale"] == "smoke" and about["data"][0]["completeness"] == "stand-in"
    assert about["protocol"]["split"]["hidden"] == [12, 9] and about["protocol"]["split"]["eta"] == SMOKE.split.eta
    assert about["measured"]["condition"] == "dhp-si" and about["measured"]["tuned"] is None
    assert not about["measured"]["resumed"] and not list(tmp_path.glob("*.ckpt"))


def test_controls_train_with_the_optimizer_that_the_protocol_says(trained, digits, tmp_path):
    """With the published condition's settings, their own numbers in the provenance, and other results."""
    other = given(("optimizers.momentum=0.75", "optimizers.adam_learning_rate=0.03"))
    tables, abouts = {}, {}
    for condition in ("dhp", "dhp-momentum", "dhp-adam"):
        out = tmp_path / f"{condition}.csv"
        tables[condition] = trained("split", condition, "0", digits, out, *other)
        abouts[condition] = json.loads(out.with_suffix(".json").read_text())
    assert {condition: set(table.condition) for condition, table in tables.items()} == {key: {key} for key in tables}
    assert "optimizers" not in abouts["dhp"]["measured"]
    for condition in ("dhp-momentum", "dhp-adam"):
        assert abouts[condition]["measured"]["optimizers"] == {"momentum": 0.75, "adam_learning_rate": 0.03}
        assert abouts[condition]["protocol_digest"] == abouts["dhp"]["protocol_digest"]  # they go into one table
        assert not tables[condition].accuracy.equals(tables["dhp"].accuracy)
    assert not tables["dhp-momentum"].accuracy.equals(tables["dhp-adam"].accuracy)


def test_the_network_learns_what_it_is_shown(trained, digits, tmp_path):
    longer = given(("split.hidden=[40, 30]", "split.epochs=15", "split.batch=5", "split.learning_rate=0.1"))
    for condition in ("finetune", "dhp"):
        table = trained("split", condition, "0", digits, tmp_path / f"{condition}.csv", *longer)
        assert table.query("after_task == task").accuracy.mean() > 0.9, condition


def test_two_seeds_of_a_batch_are_what_each_is_alone(trained, digits, tmp_path):
    """To within one of the 8 test images of a task: sums of floats may be in another order."""
    both = trained("split", "dhp-ewc", "3-4", digits, tmp_path / "both.csv")
    alone = trained("split", "dhp-ewc", "4", digits, tmp_path / "alone.csv")
    own = both[both.seed == 4].reset_index(drop=True)
    assert (own.accuracy - alone.accuracy).abs().max() <= 1 / 8
    assert not both[both.seed == 3].accuracy.reset_index(drop=True).equals(own.accuracy)


def test_the_same_command_twice_writes_the_same_tables(trained, digits, tmp_path):
    for name in ("one", "two"):
        more = ("--plasticity", tmp_path / f"{name}_plasticity.csv")
        trained("permuted", "dhp-mas", "0-1", digits, tmp_path / f"{name}.csv", *more)
    for name in ("{}.csv", "{}_plasticity.csv"):
        one, two = ((tmp_path / name.format(which)).read_bytes() for which in ("one", "two"))
        assert one == two


@pytest.mark.parametrize("benchmark, tasks", [("permuted", 2), ("imbalanced", 2), ("vision", len(SMOKE.vision.sets))])
def test_every_benchmark_trains_with_and_without_plasticity(trained, digits, mixture, tmp_path, benchmark, tasks):
    paths = mixture if benchmark == "vision" else digits
    for condition in ("mas", "dhp-ewc"):
        table = trained(benchmark, condition, "0-1", paths, tmp_path / f"{condition}.csv")
        assert len(table) == 2 * tasks * tasks and table.accuracy.between(0, 1).all()
    about = json.loads((tmp_path / "mas.json").read_text())
    assert [one["name"] for one in about["data"]] == (list(SMOKE.vision.sets) if benchmark == "vision" else ["mnist"])


# Strength of consolidation, on the learners themselves


class Ends(Observer):
    """The parameters at the end of every task."""

    def __init__(self):
        self.seen = []

    def before_end_of_task(self, task, learner):
        self.seen.append([tensor.detach().clone() for tensor in learner.parameters])


def ends(name, digits, **changed):
    """The parameters at the end of both tasks of permuted MNIST, for two seeds."""
    changed = {"tasks": 2, "hidden": (12, 9), "epochs": 2, "batch": 10, "learning_rate": 0.05} | changed
    settings = dataclasses.replace(SMOKE.permuted, importance_images=20, **changed)
    stream, _ = data.stream("permuted", settings, [digits], [0, 1], CPU)
    own, observer = train.learner(settings, method.condition(name), [0, 1], CPU), Ends()
    schedule = continual.Schedule(settings.epochs, settings.batch, reset_optimizer=False)
    matrices = continual.learn(own, stream, schedule, [0, 1], name, observer=observer)
    return observer.seen, matrices["test"]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("plain", ["finetune", "dhp"])
@pytest.mark.parametrize("name", method.CONSOLIDATED)
def test_strength_zero_is_plain_training_bit_for_bit_and_more_differs_from_the_second_task_on(digits, plain, name):
    consolidated = name if plain == "finetune" else f"dhp-{name}"
    free, matrix = ends(plain, digits)
    zero, zero_matrix = ends(consolidated, digits, **{name: 0.0})
    assert torch.equal(matrix, zero_matrix) and all(same(a, b) for a, b in zip(free, zero, strict=True))
    kept, _ = ends(consolidated, digits, **{name: 1.0})
    assert same(free[0], kept[0]) and not any(torch.equal(a, b) for a, b in zip(free[1], kept[1], strict=True))


@pytest.mark.parametrize("name", method.CONSOLIDATED)
def test_consolidation_keeps_slow_weights_near_the_first_tasks_and_plasticity_free(digits, name):
    """Weights move less in the second task the stronger the consolidation; alpha and eta go on learning."""
    moved = []
    for strength in (0.0, 1.0):
        first, second = ends(f"dhp-{name}", digits, **{name: strength})[0]
        moved.append(sum((b - a).square().sum() for a, b in zip(first[:5], second[:5], strict=True)))
        assert all((b - a).any() for a, b in zip(first[5:], second[5:], strict=True))
    assert moved[1] < moved[0]


# Figure 3: what becomes of eta, the trace and alpha


RECORDED = []


class Recorded(Plasticity):
    """Plasticity that also keeps the learner's own tensors at every step."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.every_step = []
        RECORDED.append(self)

    def after_step(self, task, learner):
        super().after_step(task, learner)
        self.every_step.append([task, *(tensor.detach().clone() for tensor in learner.parameters[-3:])])


def test_plasticity_is_noted_every_so_many_steps_and_after_the_last_of_each_task(
    trained, digits, tmp_path, monkeypatch
):
    """100 images in batches of 10 over two epochs are 20 steps a task: noted at 8, 16, 20 and 24, 32, 40."""
    monkeypatch.setattr(train, "Plasticity", Recorded)
    out = tmp_path / "plasticity.csv"
    more = given(("permuted.batch=10", "design.log_every=8"))
    trained("permuted", "dhp", "0-1", digits, tmp_path / "a.csv", *more, "--plasticity", out)
    table = records.read_tables(out)
    steps = [8, 16, 20, 24, 32, 40]
    assert table.step.tolist() == [step for step in steps for _ in "ab"] and table.seed.tolist() == [0, 1] * 6
    observer = RECORDED.pop()
    assert set(table.condition) == {"dhp"} and len(observer.every_step) == 40
    for row in table.itertuples():
        task, alpha, eta, hebb = observer.every_step[row.step - 1]
        assert row.task == task + 1 == (1 if row.step <= 20 else 2)
        assert row.eta == pytest.approx(eta[row.seed].item(), rel=1e-6)
        for norm, tensor in ((row.hebb_norm, hebb), (row.alpha_norm, alpha)):
            assert norm == pytest.approx(tensor[row.seed].double().square().sum().sqrt().item(), rel=1e-5)
    assert table.eta.nunique() > 6 and (table.hebb_norm > 0).all()
    provenance = out.with_suffix(".json")
    assert provenance.read_text() == (tmp_path / "a.json").read_text()


def test_a_note_that_falls_on_the_end_of_a_task_is_made_once(trained, digits, tmp_path):
    more = given(("permuted.batch=10", "design.log_every=5"))
    trained("permuted", "dhp", "0", digits, tmp_path / "a.csv", *more, "--plasticity", tmp_path / "p.csv")
    assert records.read_tables(tmp_path / "p.csv").step.tolist() == list(range(5, 41, 5))


class Learned:
    """A learner of replicas with these etas and nothing but ones."""

    def __init__(self, *etas):
        ones = torch.ones(len(etas), 3, 4)
        self.parameters = [ones, torch.tensor(etas)[:, None], ones]


def test_eta_is_noted_as_it_is_also_where_it_has_left_its_range():
    observer = Plasticity([3, 8], 1)
    observer.after_step(0, Learned(-0.25, 1.5))
    assert [(row["seed"], row["step"], row["eta"]) for row in observer.rows] == [(3, 1, -0.25), (8, 1, 1.5)]


def test_a_seed_whose_trace_grows_without_bound_is_left_out_and_named(trained, digits, tmp_path, capsys):
    """Nothing bounds eta: that a run diverges by the published rule is a result."""
    out, log = tmp_path / "a.csv", tmp_path / "log.csv"
    table = trained("permuted", "dhp", "5", digits, out, "--eta", "1e30", "--plasticity", log)
    assert table.accuracy.isna().tolist() == [True] and conditions.read_sweep(out).empty
    assert "the loss of seed 5 is not finite in task 1, epoch 1" in capsys.readouterr().err
    about = records.read_provenance(out.with_suffix(".json"))
    assert about["diverged"] == ["permuted dhp, eta 1e+30, seed 5 (task 1, epoch 1)"]
    assert not collected.diverged({"eta": about})  # Figure 4's, counted nowhere else
    assert "diverged" not in about["measured"]
    assert "left out as if not run, since diverged: permuted dhp" in collect.stamp(collect.collect([out])[1])[0]
    trained("permuted", "dhp", "5", digits, out, "--set", "permuted.eta=1e30")
    assert collected.diverged({"permuted": records.read_provenance(out.with_suffix(".json"))}) == {
        ("permuted", "dhp"): 1
    }


def test_the_log_of_a_run_that_diverges_ends_there(tmp_path):
    observer = Plasticity([3, 8, 9], 1)
    observer.after_step(0, Learned(0.5, 0.25, 1.0))
    observer.after_step(0, Learned(0.5, math.nan, math.inf))
    records.write_table(tmp_path / "log.csv", [{"condition": "dhp"} | row for row in observer.rows])
    read = collected.read_plasticity(tmp_path / "log.csv")
    assert list(zip(read.seed, read.step)) == [(3, 1), (8, 1), (9, 1), (3, 2)]


def test_what_was_noted_round_trips(tmp_path):
    observer, other = Plasticity([3, 8], 1), Plasticity([3, 8], 1)
    observer.after_step(0, Learned(0.5, 0.25))
    saved = Checkpoint(tmp_path / "a.ckpt", "key")
    saved.save(observer.state_dict())
    other.load_state_dict(saved.load())
    for each in (observer, other):
        each.after_step(1, Learned(0.125, 0.75))
    assert other.rows == observer.rows and [row["step"] for row in other.rows] == [1, 1, 2, 2]
    assert [row["eta"] for row in other.rows] == [0.5, 0.25, 0.125, 0.75] and other.rows[3]["task"] == 2
    assert other.rows[3]["hebb_norm"] == pytest.approx(12**0.5)


# Figure 4: the initial eta


def test_another_initial_eta_is_in_table_and_provenance_and_matters(trained, digits, tmp_path):
    found = {}
    for eta in ("0.25", "0.5"):
        out = tmp_path / f"{eta}.csv"
        table = trained("split", "dhp", "0-1", digits, out, "--eta", eta, "--plasticity", tmp_path / f"p{eta}.csv")
        assert set(table.eta) == {float(eta)} and set(table.benchmark) == {"split"}
        assert json.loads(out.with_suffix(".json").read_text())["measured"]["eta"] == float(eta)
        assert not conditions.read_sweep(out).empty
        found[eta] = records.read_tables(tmp_path / f"p{eta}.csv").eta.iloc[0]
    assert abs(found["0.25"] - 0.25) < 0.1 and abs(found["0.5"] - 0.5) < 0.1
    assert "eta" not in trained("split", "dhp", "0", digits, tmp_path / "usual.csv").columns


@pytest.mark.parametrize("option", [("--eta", "0.1"), ("--plasticity", "p.csv")])
def test_what_only_plastic_networks_have_is_refused_elsewhere(trained, digits, tmp_path, capsys, option):
    message = fails(capsys, lambda: trained("split", "si", "0", digits, tmp_path / "a.csv", *option))
    assert "--plasticity and --eta need a plastic condition, such as dhp" in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("eta", ["0", "-0.1"])
def test_an_initial_eta_that_figure_4_cannot_show_is_refused(trained, digits, tmp_path, capsys, eta):
    message = fails(capsys, lambda: trained("split", "dhp", "0", digits, tmp_path / "a.csv", f"--eta={eta}"))
    assert f"an initial eta must be positive, not {eta}" in message
    assert not list(tmp_path.iterdir())


# Tuning


def test_tuning_writes_what_training_reads(tuned, trained, digits, tmp_path):
    tables = []
    for value in ("0.5", "1e30"):
        tables.append(tmp_path / f"{value}.csv")
        more = ("--checkpoint", tmp_path / "tune.ckpt", *given(("split.batch=5",)))
        table = tuned("split", "mas", value, digits, tables[-1], *more, seeds="1000-1001")
        assert table.columns.tolist() == ["benchmark", "condition", "value", "seed", "accuracy"]
        assert table.seed.tolist() == [1000, 1001] and set(table.value) == {float(value)}
        assert set(table.benchmark) == {"split"} and set(table.condition) == {"mas"}
    assert records.read_tables(tables[1]).accuracy.tolist() == [0.0, 0.0]  # such a strength diverges, and has lost
    about = json.loads(tables[0].with_suffix(".json").read_text())
    assert about["stage"] == "tune" and about["seeds"] == [1000, 1001]
    assert about["protocol"]["tuning"]["held_out"] == 30 and about["protocol"]["split"]["epochs"] == 1
    for condition in ("mas-tuned", "dhp-mas-tuned"):  # one search serves with and without plasticity
        out = tmp_path / f"{condition}.csv"
        table = trained("split", condition, "0", digits, out, "--tuning", *tables)
        assert set(table.condition) == {condition}
        assert json.loads(out.with_suffix(".json").read_text())["measured"]["tuned"] == 0.5
    assert not list(tmp_path.glob("*.ckpt"))


def test_a_found_strength_is_trained_with(digits):
    """That of the tables takes the place of the published one."""
    settings = dataclasses.replace(SMOKE.split, hidden=(5,))
    published, found = (
        train.learner(settings, method.condition("dhp-si-tuned"), [0], CPU, tuned) for tuned in (None, 0.125)
    )
    assert found.consolidation.strength == 0.125 and published.consolidation.strength == settings.si


def test_tuning_never_sees_the_test_images(tuned, tmp_path):
    """With other test images and labels the table is the same; with other training labels it is not."""
    labels, tables = list(range(10)) * 20, []
    for number, (train_labels, test_labels) in enumerate(
        ((labels, labels), (labels, labels[:10]), (labels[3:] + labels[:3], labels))
    ):
        (folder := tmp_path / str(number)).mkdir()
        path, out = prepared(folder, "mnist", train_labels, test_labels), folder / "tune.csv"
        tuned("permuted", "si", "0.1", path, out, *given(("tuning.held_out=100", "tuning.epochs=2")))
        tables.append(out.read_text())
    assert tables[0] == tables[1] != tables[2]


@pytest.mark.parametrize("benchmark", ["permuted", "imbalanced", "split"])
def test_tuning_trains_and_judges_on_disjoint_training_images(tuned, digits, tmp_path, monkeypatch, benchmark):
    streams, real = [], tune.learn

    def learn(learner, stream, *more):
        streams.append(stream)
        return real(learner, stream, *more)

    monkeypatch.setattr(tune, "learn", learn)
    tuned(benchmark, "ewc", "1", digits, tmp_path / "a.csv", *given((f"{benchmark}.importance_images=5",)))
    (stream,) = streams
    kept, apart = set(marks(stream.train.pixels)), set(marks(stream.test.pixels))
    assert len(kept) == 70 and len(apart) == 30 and not kept & apart
    assert {split for split, _ in kept | apart} == {"train"}


def test_tuning_takes_fewer_tasks_and_epochs_and_never_more():
    for plan in (PAPER, SMOKE):
        for benchmark in ("permuted", "imbalanced"):
            found = tune.shortened(getattr(plan, benchmark), plan.tuning)
            assert found.tasks == plan.tuning.tasks and found.epochs == plan.tuning.epochs
        longer = dataclasses.replace(plan.tuning, epochs=1000)
        for benchmark in ("split", "vision"):
            settings = getattr(plan, benchmark)
            assert tune.shortened(settings, longer) == settings


def tuning_table(path, rows):
    columns = ("benchmark", "condition", "value", "seed", "accuracy")
    records.write_table(path, pandas.DataFrame(rows, columns=columns))
    return path


def test_the_best_strength_is_that_of_the_benchmark_and_method_with_the_highest_mean(tmp_path):
    rows = [("split", "si", 1.0, 1000, 0.9), ("split", "si", 1.0, 1001, 0.5), ("split", "si", 10.0, 1000, 0.75)]
    rows += [("split", "si", 0.1, 1000, 0.75), ("split", "ewc", 7.0, 1000, 0.99), ("permuted", "si", 3.0, 1000, 0.99)]
    tables = [tuning_table(tmp_path / "a.csv", rows[:2]), tuning_table(tmp_path / "b.csv", rows[2:])]
    for name in ("si-tuned", "dhp-si-tuned"):
        assert train.strength(tables, "split", method.condition(name)) == 0.1  # of two equal ones the smaller
    assert train.strength(tables, "permuted", method.condition("si-tuned")) == 3
    assert train.strength(tables, "split", method.condition("si")) is None
    assert train.strength([], "split", method.condition("finetune")) is None


def test_a_lambda_that_the_steps_do_not_bear_is_a_finding(trained, digits, tmp_path):
    """Whether published or found by a search that is shorter."""
    search, out = tuning_table(tmp_path / "t.csv", [("split", "mas", 1e30, 1000, 0.9)]), tmp_path / "a.csv"
    for condition, options in (("mas-tuned", ("--tuning", search)), ("mas", ("--set", "split.mas=1e30"))):
        assert trained("split", condition, "0", digits, out, *options).accuracy.isna().all()
        lost = collected.diverged({"split": records.read_provenance(out.with_suffix(".json"))})
        assert lost == {("split", condition): 1}


def test_tuning_that_is_missing_is_asked_for(trained, digits, tmp_path, capsys):
    message = fails(capsys, lambda: trained("split", "dhp-ewc-tuned", "0", digits, tmp_path / "a.csv"))
    assert "a condition with -tuned needs --tuning, the tables of papers.dhp.tune" in message
    table = tuning_table(tmp_path / "t.csv", [("split", "si", 1.0, 1000, 0.9)])
    message = fails(
        capsys, lambda: trained("split", "dhp-ewc-tuned", "0", digits, tmp_path / "a.csv", "--tuning", table)
    )
    assert "t.csv hold no tuning of ewc on split" in message
    assert list(tmp_path.iterdir()) == [table]


@pytest.mark.parametrize(
    "condition, seeds, message",
    [
        ("ewc", "999-1000", "tuning seeds start at 1000, so that no reported run is tuned on"),
        ("ewc", "0", "tuning seeds start at 1000"),
        ("dhp-si", "1000", "condition dhp-si has nothing to tune; only ewc, si, mas have"),
        ("si-tuned", "1000", "condition si-tuned has nothing to tune"),
        ("finetune", "1000", "condition finetune has nothing to tune"),
    ],
)
def test_errors_of_tuning(tuned, digits, tmp_path, capsys, condition, seeds, message):
    found = fails(capsys, lambda: tuned("split", condition, "1", digits, tmp_path / "a.csv", seeds=seeds))
    assert message in found
    assert not list(tmp_path.iterdir())


# Interruption


class Killed(BaseException):
    """Like a signal: nothing may catch it."""


@pytest.mark.parametrize("condition", ["dhp-si", "dhp", "ewc", "dhp-adam", "dhp-si-momentum"])
@pytest.mark.parametrize("killed_at", [1, 2, 3])
def test_killed_training_goes_on_from_its_checkpoint(
    monkeypatch, trained, digits, tmp_path, capsys, killed_at, condition
):
    """Killed in the first task of two epochs, between the tasks or in the last: the same tables, and no epoch twice."""

    def training(name):
        more = ("--checkpoint", tmp_path / f"{name}.ckpt", *given(("design.log_every=3",)))
        if condition != "ewc":
            more += ("--plasticity", tmp_path / f"{name}_plasticity.csv")
        trained("permuted", condition, "0-1", digits, tmp_path / f"{name}.csv", *more)

    training("whole")
    monkeypatch.setattr(Checkpoint, "due", lambda self: True)
    epochs, original, kills = [], continual.train_epoch, []

    def train_epoch(update, epoch, *more):
        if len(epochs) == killed_at and not kills:
            kills.append(True)
            raise Killed
        epochs.append((update.task, epoch))
        original(update, epoch, *more)

    monkeypatch.setattr(continual, "train_epoch", train_epoch)
    with pytest.raises(Killed):
        training("killed")
    assert not list(tmp_path.glob("killed*.csv")) and not (tmp_path / "killed.json").exists()
    training("killed")
    assert "resuming" in capsys.readouterr().out
    assert epochs == [(task, epoch) for task in range(2) for epoch in range(2)]
    assert json.loads((tmp_path / "killed.json").read_text())["measured"]["resumed"]
    for whole in tmp_path.glob("whole*.csv"):
        assert whole.read_bytes() == (tmp_path / whole.name.replace("whole", "killed")).read_bytes()
    assert not list(tmp_path.glob("*.ckpt"))


def test_a_resumed_learner_equals_the_uninterrupted_one_bit_for_bit(digits, tmp_path, monkeypatch):
    """All parameters with eta and trace, SI's importances and path integral, and what was noted."""
    settings = dataclasses.replace(SMOKE.permuted, tasks=2, hidden=(12, 9), epochs=2, batch=10)
    schedule = continual.Schedule(2, 10, reset_optimizer=False)

    def run(saved=None):
        stream, _ = data.stream("permuted", settings, [digits], [0, 1], CPU)
        own, observer = train.learner(settings, method.condition("dhp-si"), [0, 1], CPU), Plasticity([0, 1], 7)
        continual.learn(own, stream, schedule, [0, 1], "test", saved, observer=observer)
        return [*own.parameters, *own.consolidation.importance, *own.consolidation.path_integral], observer.rows

    expected, rows = run()
    real, calls = continual.train_epoch, []

    def train_epoch(*arguments):
        calls.append(arguments)
        if len(calls) == 4:
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(continual, "train_epoch", train_epoch)
    with pytest.raises(Killed):
        run(Checkpoint(tmp_path / "a.ckpt", "key", interval_seconds=0))
    found, found_rows = run(Checkpoint(tmp_path / "a.ckpt", "key", interval_seconds=0))
    assert len(calls) == 5 and same(found, expected) and found_rows == rows


def test_a_checkpoint_of_other_settings_is_not_gone_on_with(trained, digits, tmp_path, capsys):
    path = tmp_path / "a.ckpt"
    Checkpoint(path, "another key").save({"task": 4, "epoch": 0})
    trained("split", "dhp", "0", digits, tmp_path / "a.csv", "--checkpoint", path)
    assert "checkpoint belongs to another protocol or other code" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [
        (),
        ("--condition", "dhp-ewc"),
        ("--seeds", "1"),
        ("--eta", "0.2"),
        ("--set", "permuted.si=0.7"),
        ("--set", "design.log_every=3"),
        ("--data", "another"),
    ],
)
def test_a_killed_run_is_gone_on_with_by_the_same_command_alone(monkeypatch, trained, digits, tmp_path, capsys, change):
    real, calls = continual.train_epoch, []

    def train_epoch(*arguments):
        calls.append(arguments)
        if len(calls) == 3:  # the first epoch of the second task
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(continual, "train_epoch", train_epoch)
    more = ("--checkpoint", tmp_path / "a.ckpt")
    with pytest.raises(Killed):
        trained("permuted", "dhp-si", "0", digits, tmp_path / "a.csv", *more)
    capsys.readouterr()
    if change[:1] == ("--data",):
        text = json.dumps({"name": "mnist", "description": "other stripes", "splits": {"train": None, "test": None}})
        with numpy.load(digits) as arrays:
            numpy.savez(tmp_path / "other.npz", **{**arrays, "about": text})
        change = ("--data", tmp_path / "other.npz")
    trained("permuted", "dhp-si", "0", digits, tmp_path / "a.csv", *more, *change)
    printed = capsys.readouterr().out
    assert ("resuming" in printed) == (not change) and ("another protocol" in printed) == bool(change)
    assert len(calls) == (5 if not change else 7)


# Figure 1 and the removal probabilities


def test_the_update_of_a_real_batch_obeys_algorithm_1(call, digits, tmp_path):
    out = tmp_path / "update.csv"
    more = given(("permuted.hidden=[12, 9]", "permuted.batch=40"))
    call(update, "--data", digits, "--out", out, *more)
    table = records.read_tables(out)
    assert set(table.columns) == {"kind", "example", "class", "unit", "value"}
    shown = table[table.kind == "activation"].pivot(index=["example", "class"], columns="unit", values="value")
    before, after = (
        table[table.kind == kind].pivot(index="class", columns="unit", values="value") for kind in ("before", "after")
    )
    assert shown.index.get_level_values("example").tolist() == list(range(1, 41))  # the whole batch
    assert before.shape == after.shape == (10, 9)
    means = shown.groupby("class").mean()
    assert means.loc[6].is_monotonic_decreasing
    # after - before = eta (mean - before), with one eta for all units: that of a short run, near its initial value
    change, gap = (after - before).loc[means.index].stack(), (means - before.loc[means.index]).stack()
    eta = (change @ gap) / (gap @ gap)
    assert (change - eta * gap).abs().max() < 1e-6 and eta == pytest.approx(SMOKE.permuted.eta, rel=0.5)
    assert (before.loc[6] != 0).any() and (change.loc[6] != 0).all()
    assert (after == before).drop(index=means.index).all(axis=None)
    about = json.loads(out.with_suffix(".json").read_text())
    assert about["stage"] == "update" and about["protocol"]["permuted"]["epochs"] == 1


def test_a_batch_without_a_six_says_what_to_do(call, digits, tmp_path, capsys):
    options = ("--data", digits, "--out", tmp_path / "a.csv", *given(("permuted.hidden=[5]", "permuted.batch=1")))
    message = fails(capsys, lambda: call(update, *options))
    assert "the batch of 1 images shows no 6; take a larger batch" in message
    assert not list(tmp_path.iterdir())


def test_removal_probabilities_are_stored_with_what_they_leave(call, digits, tmp_path):
    out = tmp_path / "imbalance.csv"
    call(imbalance, "--data", digits, "--out", out, *given(("imbalanced.tasks=4",)))
    table = records.read_tables(out)
    assert len(table) == 4 * 10
    drawn = table.pivot(index="task", columns="class", values="removal_probability").to_numpy()
    assert (drawn == data.removal_probabilities(4).numpy()).all()  # to the last bit, though out of a table
    settings = dataclasses.replace(SMOKE.imbalanced, tasks=4)
    stream, _ = data.stream("imbalanced", settings, [digits], [17], CPU)  # whatever the seed
    for task, rows in table.groupby("task"):
        labels = stream.train.labels[stream.tasks[task - 1][0].train].tolist()
        assert rows.kept.tolist() == [labels.count(digit) for digit in range(10)]
    assert 0.25 < table.kept.sum() / 400 < 0.75
    assert json.loads(out.with_suffix(".json").read_text())["stage"] == "imbalance"


# Errors


def test_errors_of_training_are_one_line(trained, digits, mixture, tmp_path, capsys):
    out = tmp_path / "a.csv"
    for benchmark, condition, paths, more, message in (
        ("split", "dhp-sgd", digits, (), "unknown condition 'dhp-sgd'; known are finetune, dhp"),
        ("split", "dhp", str(tmp_path / "mnist.npz"), (), "there is no data set at"),
        ("vision", "dhp", mixture[::-1], (), "in this order, not"),
        ("split", "dhp", mixture[:2], (), "split is of mnist alone"),
        ("split", "dhp", digits, given(("split.epoch=1",)), "did you mean 'epochs'"),
        ("split", "dhp", digits, ("--seeds", "4-2"), "'4-2' is not a range of seeds"),
        ("split", "finetune", digits, given(("split.learning_rate=1e30",)), "the loss of seed 0 is not finite in task"),
    ):
        work = functools.partial(trained, benchmark, condition, "0", paths, out, *more)
        assert message in fails(capsys, work)
        assert not list(tmp_path.iterdir())


def test_another_data_set_than_mnist_is_refused(trained, tmp_path):
    """Of larger images the permutations would show only the first pixels."""
    (folder := tmp_path / "data").mkdir()
    path = prepared(folder, "cifar10", list(range(10)) * 3, list(range(10)))
    with pytest.raises(Exception, match="needs MNIST|mnist"):
        trained("permuted", "finetune", "0", path, tmp_path / "a.csv")
    assert not (tmp_path / "a.csv").exists()


def test_there_is_no_search_on_the_costly_mixture(tuned, mixture, tmp_path, capsys):
    message = fails(capsys, lambda: tuned("vision", "ewc", "1", mixture, tmp_path / "a.csv"))
    assert "there is no search on vision; only on permuted, imbalanced, split" in message
