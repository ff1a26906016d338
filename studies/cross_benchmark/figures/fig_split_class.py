"""Every method on split MNIST, where all ten digits compete: accuracy over tasks, plasticity against retention, and ranks."""

from __future__ import annotations

from studies.cross_benchmark.figures.benchmark import drawing, listing

draw, values = drawing("split_class"), listing("split_class")
