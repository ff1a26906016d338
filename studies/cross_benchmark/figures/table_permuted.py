"""Every method on permuted MNIST: four numbers, cost, and which methods cannot be told apart."""

from __future__ import annotations

from studies.cross_benchmark.figures.numbers import table_of

draw = table_of("permuted")
