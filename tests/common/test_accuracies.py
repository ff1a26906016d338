"""Conditions under other hyperparameters take the place of those under the published ones."""

from __future__ import annotations

import pandas

from common import accuracies

RUNS = pandas.DataFrame({"condition": ["ewc", "ewc-tuned", "plain", "si", "si-tuned"], "accuracy": range(5)})


def test_conditions_with_a_suffix_take_the_place_of_those_without():
    found = accuracies.without_suffix(RUNS, "-tuned", others=("plain", "dropout"))
    assert found.to_dict("list") == {"condition": ["ewc", "plain", "si"], "accuracy": [1, 2, 4]}


def test_without_such_conditions_nothing_is_left():
    for runs in (RUNS[RUNS["condition"].isin(("ewc", "plain"))], pandas.DataFrame(columns=accuracies.COLUMNS)):
        found = accuracies.without_suffix(runs, "-tuned", others=("plain",))
        assert found.empty and list(found.columns) == list(runs.columns)
