"""Tables and arrays that are like the paper says, small; and the same with something else planted in some runs."""

import functools
import itertools

import numpy
import pandas

from common.results import claims
from common.results.arrays import Arrays
from common.results.readers import Tables
from papers.tsar.claims import CLAIMS
from papers.tsar.protocol import initial_bias
from papers.tsar.results import META_LEARNING, READERS
from tests.papers.tsar.constructed import on_omniglot, runs, table

SEEDS = 3
RECALL = {  # on ImageNet: recall after 10 and after 100 classes
    ("grow", "rich"): (96, 92.2),
    ("sculpt", "rich"): (89, 57.5),
    ("oml", "rich"): (80, 13.87),
    ("scratch", "rich"): (10, 0.971),
    ("grow", "scarce"): (95, 86),
    ("sculpt", "scarce"): (70, 10),
    ("oml", "scarce"): (60, 1.2),
    ("bias-12", "rich"): (90, 75),
    ("bias-4", "rich"): (90, 70),
    ("bias4", "rich"): (90, 40),
}
CONTROLS = {("reservoir-8", "rich"): (30, 10), ("no_regulation", "rich"): (60, 20)}
CIFAR100 = {
    ("grow", "rich"): (96, 91.1),
    ("sculpt", "rich"): (89, 54.7),
    ("anml", "rich"): (80, 37),
    ("oml", "rich"): (60, 14.6),
    ("bias-12", "rich"): (90, 75),
    ("bias-4", "rich"): (90, 70),
    ("bias4", "rich"): (90, 40),
}
CORRELATIONS = {"rich": (0.99, 0.97, 0.95), "scarce": (0.995, 0.98, 0.97)}  # of ranks in C1, C2 and C3
TASKS = numpy.arange(1, 11).repeat(3)  # that follow a class, with three images each
VARIED = {"mixed": 93, "enhancing": 70, "diminishing": 60, "cp_only": 65}  # recall after 100 classes
OMNIGLOT = {  # accuracy on the drawings that were learned, and on others
    ("grow", "plain"): (95.2, 43.8),
    ("anml", "plain"): (88.9, 65.06),
    ("grow", "cp_only"): (90, 53.75),
    ("grow", "cp_only_iid"): (95, 63.5),
}
MEDIANS = {"grow": 0.0006, "sculpt": 0.017}


def recall(dataset, recalls, seeds=SEEDS):
    """The table of transfers with so many seeds of each, whose spread is far below every margin."""
    finals = {names: [final + 0.02 * (seed % 3 - 1) for seed in range(seeds)] for names, (_, final) in recalls.items()}
    return table(*(runs(*names, *own, early=recalls[names][0]) for names, own in finals.items())).assign(
        dataset=dataset
    )


def histogram(bend, bins=1000):
    """Counts of regulation whose log-log CCDF is a line for bend 0, and ever less straight."""
    x = numpy.log10(numpy.linspace(0, 1, bins + 1)[1:])
    share = 10 ** (-0.5 * (x + 3) - bend * (x + 3) ** 2)
    return -numpy.diff(1e6 * share, append=0)


def noted(condition, meta_learning_set):
    """The arrays of a run; regulation is the straighter, the more the run recalls."""
    bend = 1 - RECALL[condition, meta_learning_set][1] / 100
    state = numpy.arange(40) % 2
    time_lag, pairs = numpy.zeros((250, 250), int), numpy.zeros((3, 200), int)
    time_lag[-1, [0, -1]] = 6, 4
    pairs[:, 110] = 100
    bursts = 2 * (numpy.arange(1, 201) / 200) ** (-1 / 1.2)
    values = {
        "thresholds": numpy.array([0.10, 0.25, 0.50]),
        "top_shared_c3": numpy.full(5, 0.9),
        "time_lag_c3": time_lag,
        "npmi_c3": pairs,
        "bursts_c3": numpy.stack([bursts * size for size in (4, 2, 1)]).astype(int),
        "within_class": numpy.array([[0, 5, 10], [0, -5, -10]]),
        "following_classes": numpy.stack([-4 * TASKS, TASKS]),
        "by_sign": numpy.array([[0.1, 0.01], [0.2, 0.02]]),
        "upstream_correlation": numpy.tile(numpy.linspace(0.5, -0.5, 100), (3, 1)),
        "embedding": numpy.stack([10 * state, numpy.arange(40) % 7], axis=1).astype(numpy.float16),
        "mean_masks": 0.1 + 0.2 * state,
        "recall_changes": -0.02 * state,
        "probability_changes": 0.1 + 0.2 * state,
        "nearest_neighbours": numpy.full(4, 0.02),
    }
    for place, layer in enumerate(("c1", "c2", "c3")):
        values[f"rank_correlation_{layer}"] = numpy.full(5, CORRELATIONS[meta_learning_set][place])
        values[f"largest_rank_change_{layer}"] = numpy.full(5, 1.2)
        values[f"regulation_{layer}"] = histogram(bend)
    return values


@functools.cache
def activity(seeds=SEEDS):
    """The arrays of all runs that have a regulator."""
    kinds = [(name, learned) for name, learned in RECALL if initial_bias(name) is not None]
    named = pandas.DataFrame(
        [(*kind, seed) for kind in kinds for seed in range(seeds)], columns=["condition", "meta_learning_set", "seed"]
    )
    values = [noted(*kind) for kind in kinds for _ in range(seeds)]
    return Arrays(named, {name: numpy.stack([own[name] for own in values]) for name in values[0]})


def planted(arrays, name, value, **kind):
    """The same arrays with one value in place of an array in all runs of a kind."""
    changed = arrays.values[name].astype(float)
    chosen = (arrays.runs[[*kind]] == pandas.Series(kind)).all(axis=1).to_numpy()
    changed[chosen] = value
    return Arrays(arrays.runs, {**arrays.values, name: changed})


def variants(seeds=SEEDS, **changed):
    """The table of variants of Grow's transfer, with recall as in `VARIED` or `changed`."""
    parts = [
        recall("imagenet", {("grow", "rich"): (95, final)}, seeds).assign(variant=name)
        for name, final in {**VARIED, **changed}.items()
    ]
    return pandas.concat(parts, ignore_index=True)


def fixed_activity(seeds=SEEDS, mean_masks=None):
    """The mean masks of runs with fixed maps: those of `noted`, or others."""
    grow = {"condition": "grow", "meta_learning_set": "rich", "variant": "cp_only"}
    own = noted("grow", "rich")["mean_masks"] ** 2 if mean_masks is None else mean_masks
    return Arrays(
        pandas.DataFrame([{**grow, "seed": seed} for seed in range(seeds)]), {"mean_masks": numpy.stack([own] * seeds)}
    )


def image_masks(seeds=SEEDS, shared=0.9):
    """Mean masks of 20 classes of 60 images, in which models share a part; 0: each has its own."""
    random = numpy.random.default_rng(0)
    own = random.normal(size=(seeds, 20, 60))
    runs = [{"condition": "grow", "meta_learning_set": "rich", "seed": seed} for seed in range(seeds)]
    return Arrays(pandas.DataFrame(runs), {"mean_masks": shared * own[0] + (1 - shared) * own})


def held_out(accuracy=20, seeds=SEEDS):
    """The diagnostics with Grow's accuracy on images that were not learned, in percent."""
    table = recall("imagenet", {("grow", "rich"): (30, accuracy)}, seeds).rename(columns={"recall": "value"})
    return table.assign(quantity="held-out accuracy")


def percentiles(seeds=SEEDS, **ends):
    """The logs of meta-learning: C3's median as in `MEDIANS` or `ends`, and the 99th percentile falling to 0.3 or p99."""
    p99 = ends.pop("p99", 0.3)
    return pandas.DataFrame(
        [
            (name, "rich", seed, iteration, f"C3 regulation, percentile {q}", value + (300 - iteration) / 1000)
            for (name, median), seed, iteration in itertools.product(
                {**MEDIANS, **ends}.items(), range(seeds), (100, 300)
            )
            for q, value in ((50, median), (99, p99))
        ],
        columns=META_LEARNING,
    )


def collected(seeds=SEEDS, **changed):
    """The paper's tables and arrays; changed: those in place of what is like the paper, by name."""
    run = {
        "transfer": recall("imagenet", RECALL, seeds),
        "transfer_cifar100": recall("cifar100", CIFAR100, seeds),
        "activity_imagenet": activity(seeds),
        "activity_cifar100": activity(seeds),
        "meta_learning": percentiles(seeds),
        "controls": recall("imagenet", CONTROLS, seeds),
        "variants": variants(seeds),
        "variant_activity": fixed_activity(seeds),
        "image_masks": image_masks(seeds),
        "diagnostics": held_out(seeds=seeds),
        "omniglot": on_omniglot(OMNIGLOT, seeds=seeds),
    }
    return Tables(run | changed, {}, READERS)


def outcomes(run, *ids):
    """The outcome of each claim, or of those named."""
    chosen = [claim for claim in CLAIMS if not ids or claim.id in ids]
    return claims.check(chosen, run).set_index("id")["outcome"].to_dict()


def findings(run, claim):
    """The findings of a claim."""
    return next(own for own in CLAIMS if own.id == claim).predicate(run)
