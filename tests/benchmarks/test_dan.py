"""The benchmark of DAN's autoencoder runs by hand, and its floor counts the products of the networks that the paper describes."""

from __future__ import annotations

import re
import sys

from benchmarks import dan
from papers.dan.runs import REGISTER


def test_products_of_the_papers_network():
    weights = 2 * 784 * 120 + 2 * 120 * 100 + 2 * 784 * 100
    convolved = 8 * 4 * 81 + 8 * 4 * 4 * 64
    biases = 120 + 100 + 120 + 784
    synapses, in_dan = dan.products(REGISTER.protocol("paper").images)
    assert synapses == 100 * (weights + biases)
    assert in_dan == (convolved + 144 * 30 + 30) * 1124


def test_by_hand(monkeypatch, capsys):
    monkeypatch.setattr(dan, "machine", lambda device: (1e9, 2e9, 0))
    monkeypatch.setattr(sys, "argv", ["dan", "--scale", "smoke", "--repeats", "1", "--seeds", "2"])
    dan.main()
    first, *rows, _ = capsys.readouterr().out.splitlines()[-4:]
    assert first.endswith("1 GFLOP/s in float32 products, 2 GB/s in updates")
    settings = REGISTER.protocol("smoke").images
    least = dan.floor(settings, 2, 1e9, 2e9)
    for name, row in zip(("compiled", "torch"), rows, strict=True):
        assert re.fullmatch(rf"{name}: [\d.]+ CPU s, [\d.]+ s by the wall; floor {least:.3f} s \(\d+%\)", row)


def test_the_floor_grows_with_models_and_weights():
    settings = REGISTER.protocol("smoke").images
    one = dan.floor(settings, 1, 1e9, 1e9)
    assert dan.floor(settings, 3, 1e9, 1e9) == 3 * one
    synapses, _ = dan.products(settings)
    assert dan.floor(settings, 1, 1e99, 1e9) == settings.population * 20 * synapses / 1e9
