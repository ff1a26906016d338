"""Every method on split MNIST, where the place in the pair is asked: four numbers, cost, and which methods cannot be told apart."""

from __future__ import annotations

from studies.cross_benchmark.figures.numbers import table_of

draw = table_of("split_domain")
