"""The rates of a machine are what was done in the time that was measured."""

from __future__ import annotations

import json

import pytest
import torch

from common.running import machine
from common.running.costs import Cost, Rates


def test_rates_are_work_in_the_time_measured(monkeypatch):
    monkeypatch.setattr(machine, "CPU_SIDE", 10)
    monkeypatch.setattr(machine, "UPDATED", 1000)
    monkeypatch.setattr(machine, "measure", lambda work, repeats, device: (work(), 0.25, 0.5)[1:])
    bandwidth = 8 * 1000  # a read and a write of every value
    by_wall, by_cpu = machine.machine(torch.device("cpu")), machine.machine(torch.device("cpu"), by_cpu=True)
    assert by_wall == (2 * 10**3 / 0.5, bandwidth / 0.5, 0.5 / machine.CALLS)
    assert by_cpu == (2 * 10**3 / 0.25, bandwidth / 0.25, 0.25 / machine.CALLS)


def test_a_busy_machine_takes_no_more_cpu_time_than_time():
    cpu, wall = machine.measure(lambda: sum(range(100_000)), 3, torch.device("cpu"))
    assert 0 < cpu <= wall * 1.05


def test_by_hand(monkeypatch, capsys):
    monkeypatch.setattr(machine, "CPU_SIDE", 64)
    monkeypatch.setattr(machine, "UPDATED", 2**12)
    monkeypatch.setattr("sys.argv", ["machine", "--device", "cpu"])
    machine.main()
    rates = Rates(*json.loads(capsys.readouterr().out))
    assert all(rate > 0 for rate in rates)
    assert Cost(rates.products, rates.bandwidth).seconds(rates) == pytest.approx(2 + Cost().seconds(rates))
