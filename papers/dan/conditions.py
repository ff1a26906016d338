"""What is compared in the paper: the networks of Figure 4 (top), how phenotypes are shared, what the meta-loss is of."""

from __future__ import annotations

from typing import NamedTuple


class Deployed(NamedTuple):
    """A network of Figure 4 (top) in deployment."""

    label: str
    meta_trained: bool  # else its phenotypes are random
    sharing: str
    plastic: bool  # phenotypes learn in deployment as well


NETWORKS = {
    "net0": Deployed("net0: meta-trained, shared, fixed", True, "network", False),
    "net1": Deployed("net1: meta-trained, shared, plastic", True, "network", True),
    "net2": Deployed("net2: random, shared, fixed", False, "network", False),
    "net3": Deployed("net3: random, shared, plastic", False, "network", True),
    "net4": Deployed("net4: random, unique, fixed", False, "none", False),
    "net5": Deployed("net5: random, unique, plastic", False, "none", True),
}
SHARING = {
    "network": "net0: one phenotype",
    "layer": "net1: one per layer",
    "none": "net2: one per DAN",
}
# Conditions of the image experiment: the terms of the meta-loss, or no meta-training at all.
IMAGES = {
    "both": "memory + transfer loss",
    "memory": "memory loss only",
    "random": "random phenotypes",
}
