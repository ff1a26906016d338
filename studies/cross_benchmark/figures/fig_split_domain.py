"""Every method on split MNIST, where the place in the pair is asked: accuracy over tasks, plasticity against retention, and ranks."""

from __future__ import annotations

from studies.cross_benchmark.figures.benchmark import drawing, listing

draw, values = drawing("split_domain"), listing("split_domain")
