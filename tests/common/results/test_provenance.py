"""What the records of several tables say together."""

from __future__ import annotations

from common.results.provenance import Runs

MNIST = {"name": "mnist", "description": "MNIST", "completeness": "complete"}
RECORD = {
    "scale": "paper",
    "seeds": [0, 1],
    "data": [MNIST],
    "devices": ["cpu"],
    "wall_seconds": 3600,
    "cpu_seconds": 9,
}


def runs(departures=None, **changes):
    return Runs({name: RECORD | change for name, change in changes.items()}, departures or {})


def test_scale_seeds_data_and_devices_are_those_of_all_tables():
    of = runs(
        a={}, b={"seeds": [], "data": []}, c={"seeds": list(range(9)), "devices": ["cpu", "GPU"], "scale": "desk"}
    )
    assert (of.scales, of.seeds, of.data, of.devices) == (
        "paper; c at desk",
        "2 to 9",
        ["MNIST (complete)"],
        ["cpu", "GPU"],
    )
    assert runs(a={}, b={}).seeds == "2" and runs(a={"seeds": []}).seeds == "none"


def test_tables_that_the_same_jobs_wrote_count_once():
    assert runs(a={}, b={}, c={"wall_seconds": 1800}).hours == 1.5


def test_settings_that_are_not_the_published_ones_are_listed_with_their_tables():
    short = {"training.epochs": (3, 20)}
    narrow = {"training.hidden": ([20], [400, 400])}
    of = runs({"a": short, "b": short, "c": narrow, "d": {}}, a={}, b={}, c={"scale": "desk"}, d={})
    assert of.settings == [("training.epochs", "20", "3", ["a", "b"]), ("training.hidden", "400, 400", "20", ["c"])]
    assert of.not_as_published == ["a, b: training.epochs 3 in place of 20"]  # a smaller scale says so itself
