"""Constructed runs give the verdicts and the claims' outcomes that they must, in both directions."""

from __future__ import annotations

import pandas
import pytest

from common.results import claims, comparison, reported
from papers.synaptic_intelligence import compare, conditions
from papers.synaptic_intelligence.claims import CLAIMS
from tests.papers.synaptic_intelligence.constructed import (
    REPORTED,
    correlated,
    correlation_table,
    forgetting,
    runs,
    table,
    tables,
    uniform,
)

GROWING = {(a, b): 0.2 + 0.05 * b for a in range(1, 10) for b in range(a + 1, 11)}
ARCHIVED_CIFAR = {
    "si-0": [0.459, 0.549, 0.570, 0.687, 0.675, 0.810],
    "si-0.01": [0.746, 0.718, 0.714, 0.744, 0.704, 0.786],
    "scratch": [0.804, 0.690, 0.647, 0.733, 0.679, 0.713],
}
TRAINING = {"si-0.01": [0.87] * 6, "scratch": [0.99] * 6}
THEORY = {
    (21, "quadratic, excess over the loss drop"): 0.01,
    (21, "small network, excess over the loss drop"): 0.01,
    (22, "relative Frobenius error"): 0.02,
    (23, "diagonal, correlation"): 0.99995,
    (23, "diagonal, constant"): 0.5,
    (23, "rank one, correlation"): 0.99995,
    (23, "rank one, constant"): 0.5,
    (24, "mini-batches, excess over the loss drop"): 0.4,
}


def split_mnist(seeds=3, **changes):
    plain = [[0.999], [0.8, 0.99], [0.7, 0.9, 0.99], [0.6, 0.7, 0.9, 0.99], [0.5, 0.5, 0.9, 0.98, 0.99]]
    matrices = {"si-0": plain, "si-1": forgetting(5, 0.995, 0.002)} | changes
    return table(*(runs(condition, matrix, seeds) for condition, matrix in matrices.items()))


def permuted_mnist(seeds=3, **changes):
    losses = {"si-0": 0.09, "si-0.01": 0.014, "si-0.02": 0.01, "si-0.1": 0.003, "ewc": 0.004, "sgd": 0.05}
    losses |= {"dropout": 0.06}
    matrices = {condition: forgetting(10, 0.983, loss) for condition, loss in losses.items()} | changes
    joint = changes.pop("joint", 0.985)
    matrices.pop("joint", None)
    curves = [runs(condition, matrix, seeds) for condition, matrix in matrices.items()]
    return table(*curves, runs("joint", [[joint] * 10], seeds, first_task=10))


def cifar(seeds=3, training=TRAINING, **changes):
    finals = ARCHIVED_CIFAR | changes
    test = [runs(condition, as_matrix(condition, final), seeds) for condition, final in finals.items()]
    train = [runs(condition, as_matrix(condition, final), seeds, "train") for condition, final in training.items()]
    return table(*test, *train)


def as_matrix(condition, final):
    """Final accuracies stand in the last row; from scratch, on the diagonal."""
    if condition == "scratch":
        return [[final[task] if task == after else 0.1 for task in range(6)] for after in range(6)]
    return [[0.2] * 6] * 5 + [final]


def importances(seeds=3, **changes):
    values = {"si-0_1": uniform(10, 0.02), "si-0_2": GROWING, "si-0.1_1": uniform(10, 0.03)}
    values |= {"si-0.1_2": uniform(10, 0.1)} | changes
    return correlation_table(
        *(correlated(name.split("_")[0], int(name.split("_")[1]), pairs, seeds) for name, pairs in values.items())
    )


def theory(seeds=3, changes=None):
    return pandas.DataFrame(
        {"claim": f"synaptic_intelligence-{claim}", "quantity": quantity, "seed": seed, "value": value + 1e-5 * seed}
        for (claim, quantity), value in (THEORY | (changes or {})).items()
        for seed in range(seeds)
    )


def everything(seeds=3, **changes):
    run = {
        "split_mnist": split_mnist(seeds),
        "permuted_mnist": permuted_mnist(seeds),
        "cifar": cifar(seeds),
        "correlations": importances(seeds),
        "theory": theory(seeds),
    }
    return run | changes


def like_the_paper():
    """Our runs are the reported values themselves, so every number must find its own."""
    parts = {}
    for row in reported.results(REPORTED).to_dict("records"):
        if row["panel"] != "matrix" or "CIFAR" not in row["setting"]:
            continue
        condition = next(key for key, label in conditions.LABELS.items() if label == row["method"])
        split = "train" if "training" in row["setting"] else "test"
        task = int(row["quantity"].split()[3])
        parts.setdefault((condition, split), {})[(int(row["x"]), task)] = row["value"]
    return table(
        *(
            runs(condition, [[found.get((a, t), 0.1) for t in range(1, 7)] for a in range(1, 7)], 5, split)
            for (condition, split), found in parts.items()
        )
    )


def verdicts(run, **chosen):
    """Our comparison with those reported rows whose columns have the chosen values."""
    rows = REPORTED
    for column, value in chosen.items():
        rows = rows[rows[column] == value]
    return comparison.compare_numbers(compare, tables(**run), rows)


def test_the_paper_agrees_with_itself():
    numbers = verdicts({"cifar": like_the_paper()}, artifact="fig6", how_read="author_archive")
    numbers = numbers[numbers["method"] != "from scratch"]
    assert len(numbers) == 6 * 6 + 6 * 21
    assert (numbers["difference"].abs() < 2e-3).all()
    assert set(numbers["verdict"]) <= {"agrees", "unclear"}
    assert (numbers["verdict"] == "agrees").mean() > 0.9


def test_training_images_are_compared_with_training_images():
    matrix = forgetting(5, 1, 0)
    test, train = table(runs("si-1", matrix)), table(runs("si-1", matrix, split="train"))
    for run, expected in ((test, {"not run"}), (train, {"agrees", "differs", "unclear"})):
        found = verdicts({"split_mnist": run}, artifact="fig3", method="SI, c = 1")
        assert set(found["verdict"]) <= expected


def test_verdicts_on_permuted_mnist():
    found = verdicts({"permuted_mnist": permuted_mnist()}, artifact="fig4", panel="average", x=10.0)
    found = found.set_index("method")
    assert found.loc["SI, c = 0.1", "ours_mean"] == pytest.approx(0.983 - 0.003 * 4.5)
    assert found.loc["SI, c = 0.1", "verdict"] == "agrees"
    assert found.loc["fine-tuning, c = 0", "verdict"] == "agrees"
    run = {"permuted_mnist": permuted_mnist(**{"si-0.1": forgetting(10, 0.95, 0.003)})}
    worse = verdicts(run, artifact="fig4", panel="average", method="SI, c = 0.1")
    assert set(worse["verdict"]) == {"differs"}


def test_joint_training_is_compared_on_training_images():
    run = {"permuted_mnist": table(runs("joint", [[0.9952] * 10], split="train", first_task=10, spread=0.0001))}
    (row,) = verdicts(run, panel="joint").to_dict("records")
    assert row["verdict"] == "agrees"


def test_fewer_tasks_do_not_count_as_all_tasks_and_one_seed_is_unclear():
    short = cifar().query("task <= 3 and after_task <= 3")
    assert set(verdicts({"cifar": short}, panel="", artifact="fig6")["verdict"]) == {"not run"}
    one = verdicts({"permuted_mnist": permuted_mnist(seeds=1)}, artifact="fig4", panel="average")
    assert set(one["verdict"]) == {"unclear"}


def test_without_runs_every_number_is_there_and_not_run():
    numbers = verdicts({})
    assert len(numbers) == len(reported.results(REPORTED))
    assert set(numbers["verdict"]) == {"not run"}


@pytest.mark.parametrize(
    "change",
    [{"method": "SI, c = 7"}, {"setting": "permuted MNIST"}, {"quantity": "loss"}],
    ids=lambda c: next(iter(c)),
)
def test_a_number_that_no_table_holds_is_refused(change):
    row = reported.results(REPORTED).iloc[0].to_dict() | change
    with pytest.raises(ValueError, match=r"reported\.csv: no accuracy is"):
        compare.our_runs(tables(), row)


def outcomes(run):
    return claims.check(CLAIMS, tables(**run)).set_index("id")["outcome"].to_dict()


def test_all_claims_hold_on_runs_like_the_papers():
    found = outcomes(everything())
    assert [claim for claim, outcome in found.items() if outcome != "holds"] == []
    assert list(found) == [claim.id for claim in CLAIMS]


def last_row(*values):
    """The plain network's accuracies after five tasks."""
    return [*split_plain()[:4], list(values)]


def split_plain():
    return [[0.999], [0.8, 0.99], [0.7, 0.9, 0.99], [0.6, 0.7, 0.9, 0.99], [0.5, 0.5, 0.9, 0.98, 0.99]]


def changed(final, task, accuracy):
    return [accuracy if place == task else value for place, value in enumerate(final, start=1)]


SPLIT, PERMUTED, CIFAR = "split_mnist", "permuted_mnist", "cifar"
FLAT = [[0.97 if task <= after else 0.1 for task in range(10)] for after in range(10)]
SUDDEN = [*FLAT[:5], *([0.95] * 10 for _ in range(5))]
SI, SCRATCH, PLAIN = ARCHIVED_CIFAR["si-0.01"], ARCHIVED_CIFAR["scratch"], ARCHIVED_CIFAR["si-0"]


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        (1, {SPLIT: split_mnist(**{"si-1": forgetting(5, 0.98, 0.01)})}),
        (2, {SPLIT: split_mnist(**{"si-0": forgetting(5, 0.99, 0.01)})}),
        (2, {SPLIT: split_mnist(**{"si-1": forgetting(5, 0.82, 0.0)})}),
        (3, {SPLIT: split_mnist(**{"si-0": last_row(0.81, 0.58, 0.92, 0.98, 1)})}),
        (3, {SPLIT: split_mnist(**{"si-0": last_row(0.5, 0.3, 0.92, 0.98, 1)})}),
        (4, {SPLIT: split_mnist(**{"si-1": forgetting(5, 0.95, 0)})}),
        (5, {PERMUTED: permuted_mnist(**{"si-0.1": forgetting(10, 0.983, 0.02)})}),
        (6, {PERMUTED: permuted_mnist(**{"si-0": forgetting(10, 0.983, 0.02)})}),
        (7, {PERMUTED: permuted_mnist(**{"si-0.1": forgetting(10, 0.983, 0.01)})}),
        (7, {PERMUTED: permuted_mnist(**{"si-0.1": SUDDEN})}),
        (8, {PERMUTED: permuted_mnist(**{"si-0.1": forgetting(10, 0.983, 0.006)})}),
        (9, {PERMUTED: permuted_mnist(**{"si-0.1": forgetting(10, 0.93, 0.001)})}),
        (10, {PERMUTED: permuted_mnist(ewc=forgetting(10, 0.983, 0.02))}),
        (10, {PERMUTED: permuted_mnist(**{"si-0.1": forgetting(10, 0.92, 0.001)})}),
        (11, {PERMUTED: permuted_mnist(sgd=forgetting(10, 0.983, 0.02))}),
        (11, {PERMUTED: permuted_mnist(dropout=forgetting(10, 0.983, 0.02))}),
        (12, {PERMUTED: permuted_mnist(**{"si-0.02": forgetting(10, 0.983, 0.016)})}),
        (13, {"correlations": importances(**{"si-0_1": uniform(10, 0.2)})}),
        (13, {"correlations": importances(**{"si-0.1_1": uniform(10, 0.2)})}),
        (14, {"correlations": importances(**{"si-0.1_2": GROWING})}),
        (14, {"correlations": importances(**{"si-0_2": {pair: 1 - r for pair, r in GROWING.items()}})}),
        (15, {"correlations": importances(**{"si-0.1_2": uniform(10, 0.3)})}),
        (16, {CIFAR: cifar(**{"si-0.01": changed(SI, 4, 0.6)})}),
        (17, {CIFAR: cifar(**{"si-0": changed(PLAIN, 1, 0.9)})}),
        (18, {CIFAR: cifar(**{"si-0.01": changed(SI, 5, 0.6)})}),
        (18, {CIFAR: cifar(**{"si-0.01": changed(SI, 6, 0.9)})}),
        (19, {CIFAR: cifar(**{"si-0.01": changed(SI, 4, 0.7)})}),
        (19, {CIFAR: cifar(**{"si-0.01": changed(SI, 1, 0.9)})}),
        (20, {CIFAR: cifar(training=TRAINING | {"scratch": [0.99] * 5 + [0.8]})}),
        (21, {"theory": theory(changes={(21, "quadratic, excess over the loss drop"): 0.1})}),
        (21, {"theory": theory(changes={(21, "small network, excess over the loss drop"): -0.1})}),
        (22, {"theory": theory(changes={(22, "relative Frobenius error"): 0.08})}),
        (23, {"theory": theory(changes={(23, "rank one, correlation"): 0.9})}),
        (23, {"theory": theory(changes={(23, "diagonal, constant"): 1.0})}),
        (24, {"theory": theory(changes={(24, "mini-batches, excess over the loss drop"): -0.1})}),
    ],
)
def test_each_finding_can_make_its_claim_fail(claim, changes):
    checked = claims.check([CLAIMS[claim - 1]], tables(**everything(**changes)))
    assert checked["outcome"].tolist() == ["fails"]


def test_one_seed_never_decides_a_claim():
    assert set(outcomes(everything(seeds=1)).values()) == {"unclear"}


def test_claims_without_runs_are_not_run():
    assert set(outcomes({}).values()) == {"not run"}
    few = everything()
    few[PERMUTED] = few[PERMUTED].query("task <= 3 and after_task <= 3")
    few[CIFAR] = few[CIFAR].query("task <= 3 and after_task <= 3")
    few["correlations"] = few["correlations"].query("task <= 3 and other_task <= 3")
    del few["theory"]
    found = outcomes(few)
    assert [claim for claim, outcome in found.items() if outcome != "not run"] == list(found)[:4]


def test_claims_have_distinct_predicates():
    assert len({claim.predicate for claim in CLAIMS}) == len(CLAIMS)
