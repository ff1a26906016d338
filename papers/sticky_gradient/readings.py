"""What the names of runs mean for training: a reading settles what the paper leaves open, a condition what is on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Reading:
    """What the paper leaves open; its name lists the choices, such as "unit-gradient-mean" or "centred-step-sum-fanout-biases".

    inputs: "unit" (pixels / 255), "centred" (in [-1, 1]) or "standardised" (mean 0, sd 1);
    multiplied: what f multiplies, the "gradient" (before Adam's moments) or the "step" (that Adam makes);
    l1: the "sum" or the "mean" of |theta| over all parameters that it acts on, or "none";
    outside: L1's gradient is added after the multiplication (the text), and not multiplied as well (Algorithm 1);
    biases: multiplier, L1 and smart initialisation act on biases too;
    start: the initialisation of the control and of EWC, see `model.Perceptron`;
    ewc: one penalty around the end of each task ("summed"), one around the end of the last ("online"), or "public", see
    `consolidation.ReestimatedEwc`, which also starts from its library's initialisation;
    alike: "public" starts as the control does.
    """

    inputs: str
    multiplied: str
    l1: str
    outside: bool = False
    biases: bool = False
    start: str = "fanin"
    ewc: str = "summed"
    alike: bool = False

    def ewc_start(self) -> str:
        """Return the initialisation of EWC."""
        return "library" if self.ewc == "public" and not self.alike else self.start


REQUIRED = {
    "inputs": ("unit", "centred", "standardised"),
    "multiplied": ("gradient", "step"),
    "l1": ("sum", "mean", "none"),
}
OPTIONS: dict[str, tuple[str, Any]] = {  # what may follow, each at most once, and which field it sets to what
    "outside": ("outside", True),
    "biases": ("biases", True),
    "fanout": ("start", "fanout"),
    "library": ("start", "library"),
    "online": ("ewc", "online"),
    "public": ("ewc", "public"),
    "alike": ("alike", True),
}


def reading(name: str) -> Reading:
    """Return the reading of this name. Raises ValueError for a name that is none."""
    chosen, options = name.split("-")[:3], name.split("-")[3:]
    known = [part in parts for part, parts in zip(chosen, REQUIRED.values())] + [part in OPTIONS for part in options]
    fields = [OPTIONS[part][0] for part in options if part in OPTIONS]
    if len(chosen) < 3 or not all(known) or len(set(fields)) < len(fields):
        raise ValueError(
            f"unknown reading {name!r}: write one of {', one of '.join(', '.join(parts) for parts in REQUIRED.values())}, "
            f"and any of {', '.join(OPTIONS)} that do not contradict each other, joined by '-'"
        )
    inputs, multiplied, l1 = chosen
    if "outside" in options and (multiplied == "step" or l1 == "none"):
        raise ValueError(f"reading {name!r}: 'outside' says where L1 stands beside a multiplied gradient; leave it out")
    if "alike" in options and "public" not in options:
        raise ValueError(f"reading {name!r}: EWC starts as the control does unless it is 'public'; leave out 'alike'")
    return Reading(inputs, multiplied, l1, **dict(OPTIONS[part] for part in options))


def name_of(choices: Reading) -> str:
    """Return the name of a reading, with its options in the order of OPTIONS; `reading` takes it apart again."""
    options = [option for option, (field, value) in OPTIONS.items() if getattr(choices, field) == value]
    return "-".join([choices.inputs, choices.multiplied, choices.l1, *options])


CONTROL, EWC, FULL = "control", "ewc", "sticky-l1-smart"
CELLS = (CONTROL, "l1", "smart", "l1-smart", "sticky", "sticky-l1", "sticky-smart", FULL)  # of the ablation
SEARCHED = "@searched"  # behind a condition: its hyperparameters are those that our own search found, not Table 1's
PARTS = ("sticky", "l1", "smart")  # of the method, in the order in which a condition's name lists them


def parts(condition: str) -> frozenset[str]:
    """Return what is on in a condition: nothing in "control", "ewc", or parts of the method, as in "sticky-smart".

    Behind parts of the method may stand "@searched". Raises ValueError for a condition that does not exist.
    """
    if condition in (CONTROL, EWC):
        return frozenset() if condition == CONTROL else frozenset({EWC})
    name = condition.removesuffix(SEARCHED)
    named = name.split("-")
    if not name or name != "-".join(part for part in PARTS if part in named):
        raise ValueError(f"unknown condition {condition!r}; known are control, ewc and parts of {'-'.join(PARTS)}")
    return frozenset(named)


def has_hyperparameters(condition: str) -> bool:
    """Return whether a condition has any of the method's hyperparameters, as all but the control and EWC do."""
    return not parts(condition).isdisjoint(PARTS)


def decisive(name: str, condition: str) -> str:
    """Return the name of a reading without the choices that do not touch a condition: the control, EWC or the full method.

    One run then serves all readings that differ in these alone. Such a choice becomes "gradient" or "none" where one is
    required, and no option else.
    """
    given = reading(name)
    if condition == FULL:
        return name_of(replace(given, start="fanin", ewc="summed", alike=False))
    bare = Reading(given.inputs, "gradient", "none")
    if condition == EWC:
        alike = given.alike and given.start != "library"
        start = given.start if alike or given.ewc != "public" else "fanin"
        return name_of(replace(bare, ewc=given.ewc, start=start, alike=alike))
    return name_of(replace(bare, start=given.start))
