"""The stages as their command lines call them, for every method and one of the user's own, up to the figure and the table."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from pathlib import Path

import pytest
import torch

from common.data import plain_yaml, prepare
from common.learning import continual
from common.learning.search import search
from common.results import collect, records, tables
from common.running import configuration, make, stage
from common.running.code import ROOT
from studies.cross_benchmark import train, tune
from studies.cross_benchmark.loading import method
from studies.cross_benchmark.methods import METHODS
from studies.cross_benchmark.protocol import BENCHMARKS, CIFAR, Cifar, Training

OWN = str(ROOT / "examples/my_method.py")
TINY = Training(hidden=(8,), tasks=2, epochs=1, batch=50, importance_images=10, xi=0.1)
TINY_CIFAR = Cifar((2, 2), dense=8, tasks=2, epochs=1, batch=50, importance_images=10, xi=0.1, held_out=10)
QUICK = ("training.hidden=[8]", "training.tasks=2", "training.importance_images=10")
QUICK_CIFAR = ("cifar.channels=[2]", "cifar.tasks=2", "cifar.importance_images=10")


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Stand-ins for the data sets, whatever real data is at hand."""
    root = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATA_MIRROR", raising=False)
        return {name: str(prepare.smoke(name, root=root)) for name in ("mnist", "cifar100")}


@pytest.fixture
def call(monkeypatch, sets, tmp_path):
    """Calls a stage for a method of a benchmark; its files lie in a folder of the method's."""

    def run(module, name, *more, benchmark="permuted", optimizer="sgd") -> Path:
        folder = tmp_path / f"{benchmark}_{Path(name).stem}"
        own = ["--study", folder / "s.db", "--out", folder / "search.csv", "--set", "search.trials=2"]
        if module is train:
            own = [
                "--search",
                folder / "search.csv",
                "--out",
                folder / "a.csv",
                "--cost",
                folder / "cost.csv",
                "--seeds",
                "0-1",
            ]
        common = [
            "--scale",
            "smoke",
            "--device",
            "cpu",
            "--data",
            sets["cifar100" if benchmark == CIFAR else "mnist"],
            "--benchmark",
            benchmark,
            "--optimizer",
            optimizer,
        ]
        quick = [word for one in (QUICK_CIFAR if benchmark == CIFAR else QUICK) for word in ("--set", one)]
        words = [module.__name__, *common, "--method", name, *own, *quick, *more]
        monkeypatch.setattr(sys, "argv", [str(word) for word in words])
        module.main()
        return folder

    return run


@pytest.mark.slow
@pytest.mark.parametrize("name", [*METHODS, OWN])
def test_a_method_is_tuned_and_trained_with_what_was_found(call, name):
    folder = call(tune, name, optimizer="adam")
    search = tables.read(folder / "search.csv")
    assert search["trial"].tolist() == [0, 1] and search["objective"].between(0, 1).all()
    best = json.loads(search.loc[search["objective"].idxmax(), "hyperparameters"])
    assert best.keys() == {"learning_rate", *method(name).searched}
    call(train, name, optimizer="adam")
    accuracies, cost = tables.read(folder / "a.csv"), tables.read(folder / "cost.csv")
    own = Path(name).stem
    assert set(accuracies["condition"]) == {own} and set(accuracies["seed"]) == set(cost["seed"]) == {0, 1}
    assert len(accuracies) == 2 * (2 if name == "joint" else 4) and accuracies["accuracy"].between(0, 1).all()
    measured = records.read(folder / "a.json")["measured"]
    assert {key: measured[key] for key in best} == best
    assert (
        measured.get("file_sha256", "")
        == method(name).digest
        == hashlib.sha256(Path(OWN).read_bytes()).hexdigest() * (name == OWN)
    )
    weights = 784 * 8 + 8 + 8 * 10 + 10
    # in numbers of 4 bytes: weights, Adam's two moments, and what is behind the method's name
    more = {"ewc": 2, "online_ewc": 2, "si": 3, "mas": 2, "my_method": 2, "dhp_ewc": 2, "dhp_si": 3, "dhp_mas": 2}.get(
        own, 0
    )
    plastic = (
        2 * 8 * 10 + 1 + 2 * (8 * 10 + 1) if method(name).plastic else 0
    )  # alpha, trace, eta; moments of the first and last
    steps = 4 + 2 * method(name).plastic  # Adam counts them for each tensor, for all seeds together
    assert cost["bytes"].tolist() == [4 * ((3 + more) * weights + plastic + steps / 2)] * 2


@pytest.mark.parametrize(("benchmark", "settings"), [("permuted", TINY), (CIFAR, TINY_CIFAR)])
@pytest.mark.parametrize("name", METHODS)
def test_all_methods_start_from_the_same_weights_and_consolidate_those(name, benchmark, settings):
    def start(of):
        values = {"learning_rate": 0.1, **{key: bounds[0] for key, bounds in METHODS[of].searched.items()}}
        return train.learner(METHODS[of], benchmark, "sgd", settings, values, [3, 4], torch.device("cpu"))

    plain, own = start("finetune"), start(name)
    assert all(torch.equal(*pair) for pair in zip(plain.parameters, own.consolidation.anchor, strict=True))
    assert all(torch.equal(*pair) for pair in zip(plain.parameters, own.parameters, strict=False))


@pytest.mark.slow
def test_a_killed_search_goes_on_and_other_files_settings_and_data_are_searched_anew(call, monkeypatch, tmp_path):
    file, calls, learn = tmp_path / "mine.py", [], continual.learn
    file.write_text(Path(OWN).read_text())

    def counted(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return learn(*arguments, **options)

    monkeypatch.setattr(tune, "learn", counted)
    with pytest.raises(KeyboardInterrupt):
        call(tune, file)
    call(tune, file)
    assert len(calls) == 3  # one done, one killed, one left
    call(tune, file)
    assert len(calls) == 3
    file.write_text(file.read_text().replace("fill_(1.0)", "fill_(2.0)"))
    call(tune, file)
    assert len(calls) == 5


@pytest.mark.slow
def test_a_method_that_diverges_loses_its_trial_and_is_counted_in_the_end(call):
    folder = call(tune, "finetune", "--set", "search.sgd=[1e20, 1e21]")
    assert set(tables.read(folder / "search.csv")["objective"]) == {0.0}
    call(train, "finetune")
    assert tables.read(folder / "a.csv")["accuracy"].isna().all()
    assert len(records.read(folder / "a.json")["diverged"]) == 2
    assert tables.read(folder / "cost.csv")["seconds"].isna().all()


@pytest.mark.slow
@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_a_benchmark_is_drawn_and_typeset(call, monkeypatch, tmp_path, benchmark):
    folders = [
        call(module, name, benchmark=benchmark) for name in ("finetune", "joint", OWN) for module in (tune, train)
    ]
    parts = {benchmark: "a.csv", f"{benchmark}_cost": "cost.csv", f"{benchmark}_search": "search.csv"}
    for table, file in parts.items():
        arguments = [
            "collect",
            "--out",
            tmp_path / f"{table}.csv",
            *(folder / file for folder in dict.fromkeys(folders)),
        ]
        monkeypatch.setattr(sys, "argv", [str(word) for word in arguments])
        collect.main()
    for name, ending, made_from in (("fig", "pdf", [benchmark]), ("table", "tex", parts)):
        words = ["make", "cross_benchmark", f"{name}_{benchmark}", "--scale", "smoke", "--reported", "--results"]
        words += [tmp_path / f"{table}.csv" for table in made_from] + ["--out", tmp_path / f"{name}.{ending}"]
        monkeypatch.setattr(sys, "argv", [str(word) for word in words])
        make.main()
    values = tables.read(tmp_path / "fig.csv").set_index("method")
    assert values.index.tolist() == ["finetune", "joint", "my_method"] and set(values["n"]) == {2}
    assert values["accuracy"].between(0, 100).all() and math.isnan(values.loc["joint", "plasticity"])
    numbers = tables.read(tmp_path / "table.csv").set_index("method")
    assert numbers["rank"].sum() == pytest.approx(6) and numbers.loc["finetune", "memory"] == 1
    assert (
        numbers.loc["my_method", "memory"] == pytest.approx(3, abs=0.01)
        and "my_method" in (tmp_path / "table.md").read_text()
    )


MINE = """from common.learning.consolidation import Consolidation
SEARCHED = {}
class Mine(Consolidation):
    def step(self, parameters, gradients, optimizer):
        optimizer.step(gradients)
    def end_task(self, parameters, logits, data):
        super().end_task(parameters, logits, data)
def consolidation(parameters):
    return Mine(parameters, 1.0)
"""
BAD = {  # files of the user's own, and what is said of them
    "SEARCHED = {}\n": "has no attribute 'consolidation'",
    "SEARCHED = {'a': (1, 0)}\ndef consolidation(parameters, a): ...\n": "SEARCHED['a'] must be a range",
    "SEARCHED = {'a': 3}\ndef consolidation(parameters, a): ...\n": "SEARCHED['a'] must be a range",
    "import no_such_library\n": "ModuleNotFoundError: No module named 'no_such_library'",
    "SEARCHED = {\n": "SyntaxError",
    "SEARCHED = {'b': (1, 2)}\ndef consolidation(parameters, a): ...\n": "consolidation() got an unexpected keyword argument 'b'",
    "SEARCHED = {'a': (1, 2)}\ndef consolidation(parameters, a): ...\n": "must return a Consolidation, not NoneType",
    MINE.replace("optimizer.step(gradients)", "self.missing"): "line 5, in step: AttributeError",
    MINE.replace(
        "step(gradients)", "step([g.sum() for g in gradients])"
    ): "line 5, in step: ValueError: the optimizer's step got",
    MINE.replace("step(gradients)", "step(gradients[1:])"): "line 5, in step: ValueError: the optimizer's step got",
    MINE.replace("super().end_task(parameters, logits, data)", "data.images"): "line 7, in end_task: AttributeError",
    MINE.replace("{}", "{'learning_rate': (1, 2)}"): "SEARCHED takes names of arguments, not 'learning_rate'",
    MINE.replace("{}", "{3: (1, 2)}"): "SEARCHED takes names of arguments, not 3",
    MINE.replace("{}", "{'settings': (1, 2)}"): "unexpected keyword argument 'settings'",
    MINE.replace("SEARCHED", "raise SystemExit(0)\nSEARCHED"): "cannot be loaded: line 2, in <module>: SystemExit: 0",
    MINE.replace("optimizer.step(gradients)", "exit(0)"): "line 5, in step: SystemExit: 0",
    MINE.replace("1.0)", "1.0).strength"): "must return a Consolidation, not float",
}


LARGER = """from __future__ import annotations
from dataclasses import dataclass
@dataclass
class Settings:
    factor: float = 1.0
"""


@pytest.mark.parametrize(
    "text", [MINE, LARGER + MINE, "\ufeff" + MINE, MINE.replace("SEARCHED", "SEARCHED: dict[str, tuple]")]
)
def test_a_file_that_is_a_method_is_not_refused(tmp_path, text):
    (file := tmp_path / "mine.py").write_text(text)
    configuration.check_config(plain_yaml.read(ROOT / "config.yaml") | {"method": str(file)})
    assert method(str(file)).searched == {}


def test_the_text_that_runs_is_the_one_that_is_noted(tmp_path):
    """Also where a file changes within a second and keeps its length, which Python's own copies do not notice."""
    for name in ("one", "two"):
        (file := tmp_path / "mine.py").write_text(
            text := MINE.replace("{}", f"{{'{name}': (1, 2)}}").replace("(parameters):", f"(parameters, {name}):")
        )
        own = method(str(file))
        assert set(own.searched) == {name} and own.digest == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.slow
def test_what_another_text_of_the_file_was_searched_with_is_not_trained(call, tmp_path):
    (file := tmp_path / "mine.py").write_text(MINE)
    call(tune, file)
    file.write_text(MINE + "# changed")
    with pytest.raises(stage.TrainingError, match=r"the file of mine was changed after .* run the same command again"):
        call(train, file)


@pytest.mark.slow
@pytest.mark.parametrize("text", BAD)
def test_a_file_that_is_no_method_is_refused_in_one_line(call, tmp_path, capsys, text):
    (file := tmp_path / "mine.py").write_text(text)
    with pytest.raises(SystemExit) as end:
        stage.run(lambda: call(tune, file))
    *_, last = capsys.readouterr().err.strip().splitlines()
    assert end.value.code and str(file) in last and BAD[text] in last


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"),
    [("growth", "unknown method 'growth'; known are finetune"), ("ewc.py", "there is a method ewc already")],
)
def test_names_that_are_no_method_are_refused(call, capsys, name, said):
    with pytest.raises(SystemExit):
        stage.run(lambda: call(tune, name))
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_a_trial_is_judged_by_the_mean_over_tuning_seeds(call, monkeypatch):
    together = tables.read(call(tune, "si", "--set", "search.tuning_seeds=2") / "search.csv")
    apart = []
    for first in (1000, 1001):
        monkeypatch.setattr(tune, "FIRST_TUNING_SEED", first)
        # the study suggests by the first seed: the same trials for both
        monkeypatch.setattr(tune, "search", lambda *given, **named: search(*given[:3], 1000, *given[4:], **named))
        folder = call(tune, "si")
        apart.append(tables.read(folder / "search.csv"))
        (folder / "s.db").unlink()
    assert (
        apart[0]["hyperparameters"].tolist()
        == apart[1]["hyperparameters"].tolist()
        == together["hyperparameters"].tolist()
    )
    means = (apart[0]["objective"] + apart[1]["objective"]) / 2
    assert together["objective"].tolist() == pytest.approx(means.tolist(), abs=1e-9)
