"""Every method on permuted MNIST: accuracy over tasks, plasticity against retention, and ranks."""

from __future__ import annotations

from studies.cross_benchmark.figures.benchmark import drawing, listing

draw, values = drawing("permuted"), listing("permuted")
