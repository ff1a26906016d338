"""The benchmark of TSAR runs by hand, and its floor is what the machine could do with the necessary work."""

from __future__ import annotations

import re
import sys

import pytest

from benchmarks import tsar


@pytest.mark.parametrize("work", ["meta", "transfer"])
def test_by_hand(work, monkeypatch, capsys):
    monkeypatch.setattr(tsar, "machine", lambda device: (1e9, 2e9, 0))
    monkeypatch.setattr(sys, "argv", ["tsar", work, "--scale", "smoke", "--repeats", "1"])
    tsar.main()
    first, second, *observed, _ = capsys.readouterr().out.splitlines()
    assert len(observed) == (work == "transfer")
    assert all(re.fullmatch(r"observed .*: [\d.]+ CPU s, [\d.]+ times the bare step", line) for line in observed)
    assert first.endswith("1 GFLOP/s in float32 products, 2 GB/s in updates")
    weights = 72 * (8 * 27 + 2 * 8 * 72 + 100 * 8)  # of the regulator's output matrix at smoke scale
    floor = {"meta": 6 * 21 * weights / 1e9 + 24 * weights / 2e9, "transfer": 28 * weights / 2e9}[work]
    assert re.fullmatch(rf"{work}: [\d.]+ CPU s, [\d.]+ s by the wall; floor {floor:.3f} s \(\d+%\)", second)
