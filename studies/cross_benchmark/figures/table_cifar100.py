"""Every method on split CIFAR-100, where the task is told: four numbers, cost, and which methods cannot be told apart."""

from __future__ import annotations

from studies.cross_benchmark.figures.numbers import table_of

draw = table_of("cifar100")
