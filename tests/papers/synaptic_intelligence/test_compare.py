"""Constructed runs give the verdicts that they must, in both directions."""

from __future__ import annotations

import pandas
import pytest

from common.results import comparison, reported
from papers.synaptic_intelligence import compare, conditions
from tests.papers.synaptic_intelligence.constructed import REPORTED, claimed, forgetting, runs, table, tables


def verdicts(run, **chosen):
    """Our comparison with those reported rows whose columns have the chosen values."""
    rows = REPORTED
    for column, value in chosen.items():
        rows = rows[rows[column] == value]
    return comparison.compare_numbers(compare, tables(**run), rows)


def like_the_paper():
    """Runs whose accuracies are the authors' matrices of CIFAR, so that every reported number must find its own."""
    rows = []
    for row in reported.results(REPORTED, artifact="fig6", panel="matrix").itertuples():
        condition = next(key for key, label in conditions.LABELS.items() if label == row.method)
        about = {"condition": condition, "split": "train" if "training" in row.setting else "test"}
        about |= {"after_task": int(row.x), "task": int(row.quantity.split()[3])}
        rows += [about | {"seed": seed, "accuracy": row.value + 0.001 * (seed - 1)} for seed in range(3)]
    return pandas.DataFrame(rows)


def test_the_paper_agrees_with_itself():
    numbers = verdicts({"cifar": like_the_paper()}, artifact="fig6", how_read="author_archive")
    numbers = numbers[numbers["method"] != "from scratch"]
    assert set(numbers["panel"]) == {"", "training", "matrix"}
    assert (numbers["difference"].abs() < 2e-3).all()
    assert set(numbers["verdict"]) <= {"agrees", "unclear"}
    assert (numbers["verdict"] == "agrees").mean() > 0.9


def test_training_images_are_compared_with_training_images():
    matrix = forgetting(5, 1, 0)
    for split, expected in (("test", {"not run"}), ("train", {"agrees", "differs", "unclear"})):
        run = {"split_mnist": table(runs("si-1", matrix, split=split))}
        assert set(verdicts(run, artifact="fig3", method="SI, c = 1")["verdict"]) <= expected
    joint = {"permuted_mnist": claimed("permuted_mnist", {"joint, train": [[0.9952] * 10]})}
    assert verdicts(joint, panel="joint")["ours_mean"].tolist() == pytest.approx([0.9952])


def test_verdicts_on_permuted_mnist():
    found = verdicts({"permuted_mnist": claimed("permuted_mnist")}, artifact="fig4", panel="average", x=10.0)
    found = found.set_index("method")
    assert found.loc["SI, c = 0.1", "ours_mean"] == pytest.approx(0.983 - 0.003 * 4.5)
    assert found.loc["SI, c = 0.1", "verdict"] == found.loc["fine-tuning, c = 0", "verdict"] == "agrees"
    run = {"permuted_mnist": claimed("permuted_mnist", {"si-0.1": forgetting(10, 0.95, 0.003)})}
    assert set(verdicts(run, artifact="fig4", panel="average", method="SI, c = 0.1")["verdict"]) == {"differs"}


def test_fewer_tasks_do_not_count_as_all_tasks_and_one_seed_is_unclear():
    short = claimed("cifar").query("task <= 3 and after_task <= 3")
    assert set(verdicts({"cifar": short}, panel="", artifact="fig6")["verdict"]) == {"not run"}
    one = verdicts({"permuted_mnist": claimed("permuted_mnist", seeds=1)}, artifact="fig4", panel="average")
    assert set(one["verdict"]) == {"unclear"}


@pytest.mark.parametrize("change", [{"method": "SI, c = 7"}, {"setting": "permuted MNIST"}, {"quantity": "loss"}])
def test_a_number_that_no_table_holds_is_refused(change):
    row = reported.results(REPORTED).iloc[0].to_dict() | change
    with pytest.raises(ValueError, match=r"reported\.csv: no accuracy is"):
        compare.our_runs(tables(), row)
