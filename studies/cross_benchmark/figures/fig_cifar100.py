"""Every method on split CIFAR-100, where the task is told: accuracy over tasks, plasticity against retention, and ranks."""

from __future__ import annotations

from studies.cross_benchmark.figures.benchmark import drawing, listing

draw, values = drawing("cifar100"), listing("cifar100")
