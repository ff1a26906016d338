"""What transfer runs would note of their regulation, had the masks been planted so; and the tables with these runs."""

import numpy
import pandas

from common.results.arrays import Arrays
from common.results.arrays import of_runs as arrays_of_runs
from common.results.readers import Tables
from papers.tsar import activity
from papers.tsar.protocol import VARIANTS, initial_bias
from papers.tsar.results import DIAGNOSTICS, META_LEARNING, READERS
from papers.tsar.runs import REGISTER
from tests.papers.tsar import constructed

PER_CLASS = 3
THRESHOLDS = (0.10, 0.25, 0.50)
LAYERS = ("c1", "c2", "c3")


def masks(classes, synapses, bias, generator):
    """Masks [images, synapses] in bursts: few images and few synapses are active, the fewer the lower the bias."""
    images = classes * PER_CLASS
    burst, own = generator.pareto(1.5, (images, 1)) + 0.3, generator.pareto(1.2, (1, synapses)) + 0.02
    noise = numpy.exp(generator.normal(0, 0.7, (images, synapses)))
    return (burst * own * noise * (1e-3 if bias < 0 else 0.3)).clip(0, 1).astype(numpy.float16)


def run(bias, seed, classes=25, channels=4):
    """The arrays of one run: the statistics of planted masks, and planted encodings."""
    generator = numpy.random.default_rng(seed)
    sizes = (27 * channels, 9 * channels**2, 9 * channels**2)
    layers = dict(zip(LAYERS, (masks(classes, size, bias, generator) for size in sizes), strict=True))
    c3, cp = layers["c3"], masks(classes, classes * channels, bias, generator).reshape(-1, classes, channels)
    weights = generator.normal(size=(classes, channels))
    within, following = activity.class_windows(cp, weights, PER_CLASS, order=numpy.arange(classes))
    values = {
        "thresholds": numpy.array(THRESHOLDS),
        "synapses": numpy.array(sizes),
        "time_lag_c3": activity.time_lag(c3, PER_CLASS),
    }
    for layer, own in layers.items():
        values[f"rank_rank_{layer}"] = activity.rank_rank(own, PER_CLASS)
        values |= {f"{kind}_{layer}": changes for kind, changes in activity.rank_changes(own, PER_CLASS).items()}
        values[f"regulation_{layer}"] = activity.regulation_ccdf(own)
        values[f"bursts_{layer}"] = activity.burst_sizes(own, THRESHOLDS)
    centiles = [activity.upstream_correlation(cp, weights, own) for own in layers.values()]
    window = c3[:30, :40].T * generator.normal(0, 0.1, (40, 1))
    counts = [activity.npmi(c3, threshold, 60, generator, 200) for threshold in THRESHOLDS]
    labels = numpy.repeat(generator.permutation(classes), PER_CLASS)
    points = generator.normal(size=(len(labels), 2)) + 8 * (values["bursts_c3"][:1].T > values["bursts_c3"][0].mean())
    return values | {
        "npmi_c3": numpy.stack(counts),
        "within_class": within,
        "following_classes": following,
        "by_sign": activity.by_sign(cp, weights)[["mean", "variance"]].to_numpy(),
        "upstream_correlation": numpy.stack(centiles),
        "synaptic_activity": window,
        "mean_masks": c3.mean(1),
        "recall_changes": numpy.append([numpy.nan] * PER_CLASS, generator.normal(0, 0.1, len(c3) - PER_CLASS)),
        "probability_changes": generator.normal(0.1, 0.1, len(c3)),
        "embedding": points,
        "labels": labels,
        "nearest_neighbours": generator.uniform(0, 0.1, 4),
    }


def arrays(dataset, *runs, **sizes):
    """The arrays of runs, each named by condition, meta-learning set and seed."""
    rows = [{"seed": seed, "condition": name, "meta_learning_set": learned} for name, learned, seed in runs]
    noted = [run(initial_bias(name), seed + 100 * len(learned), **sizes) for name, learned, seed in runs]
    about = pandas.DataFrame(rows).assign(dataset=dataset, learning_rate=1e-3, iterations=25000)
    return Arrays(about, {name: numpy.stack([own[name] for own in noted]) for name in noted[0]})


def variants(recalls, seeds=3):
    """The table of variants of Grow's transfer; recalls: in percent, by variant, and 0.1 more for each further seed."""
    parts = [
        constructed.table(constructed.runs("grow", "rich", *(final + seed / 10 for seed in range(seeds)))).assign(
            variant=name
        )
        for name, final in recalls.items()
    ]
    return pandas.concat(parts, ignore_index=True)


def variant_activity(trainable, seeds=3):
    """The arrays of all variants of Grow's runs; trainable: those of plain runs, of which the fixed masks are the squares."""
    rows, noted = [], []
    for seed in range(seeds):
        (means,) = trainable.of("mean_masks", condition="grow", meta_learning_set="rich", seed=seed)
        for place, variant in enumerate(VARIANTS):
            rows.append({"seed": seed, "condition": "grow", "meta_learning_set": "rich", "variant": variant})
            window = numpy.full((20, 30), place + 1 + 10 * seed, numpy.float16) * numpy.linspace(-1, 1, 30)
            noted.append({"synaptic_activity": window, "mean_masks": means.astype(float) ** 2})
    return arrays_of_runs(rows, noted)


def image_masks(seeds=3, classes=5, images=12):
    """The mean masks of all images before transfer: models agree on the lowest two of each class, and on no others."""
    noted = numpy.random.default_rng(0).uniform(0.2, 1, (seeds, classes, images))
    noted[:, :, 3:5] = 0.1
    rows = [{"seed": seed, "condition": "grow", "meta_learning_set": "rich"} for seed in range(seeds)]
    return arrays_of_runs(rows, [{"mean_masks": own} for own in noted])


def diagnostics(seeds=3):
    """The table of diagnostics of Grow and OML: accuracy on held-out images is a tenth of the classes learned."""
    rows = [
        (seed, name, "rich", "imagenet", 1e-3, 25000, classes, "held-out accuracy", (classes + seed) / 1000)
        for name in ("grow", "oml")
        for seed in range(seeds)
        for classes in constructed.CLASSES
    ]
    return pandas.DataFrame(rows, columns=DIAGNOSTICS)


def percentiles(*runs):
    """The logs of meta-learning: percentiles that rise, each run's a little higher than that of the seed before."""
    rows = [
        (
            condition,
            "rich",
            seed,
            iteration,
            f"C3 regulation, percentile {q:g}",
            start * (1 + seed + q * iteration / 500),
        )
        for condition, seed in runs
        for iteration in (100, 200, 300)
        for q, start in ((50, 1e-4), (99.9, 1e-3))
    ]
    return pandas.DataFrame(rows, columns=META_LEARNING)


def tables(**run):
    """The paper's tables, of which these were run, with the protocol of smoke scale."""
    return Tables(run, {}, READERS, REGISTER.protocol("smoke"))


def everything(**sizes):
    """The tables of some runs of every kind; of Grow on rich data there are three, of which seed 1 recalls most."""
    grow = [("grow", "rich", seed) for seed in range(3)]
    others = [("sculpt", "rich", 0), ("bias4", "rich", 0), ("grow", "scarce", 0), ("grow", "scarce", 1)]
    kinds = {(name, learned): [] for name, learned, _ in grow + others}
    for name, learned, seed in grow + others:
        kinds[name, learned].append((80, 90, 85)[seed] - (40 if initial_bias(name) >= 0 else 0))
    recall = constructed.table(
        *(constructed.runs(*kind, *finals) for kind, finals in kinds.items()), constructed.runs("oml", "rich", 14)
    )
    activity_imagenet = arrays("imagenet", *grow, *others, **sizes)
    return tables(
        transfer=recall,
        diagnostics=diagnostics(),
        variants=variants({"enhancing": 60, "diminishing": 50, "mixed": 80, "cp_only": 70}),
        controls=constructed.table(
            constructed.runs("reservoir-8", "rich", 20), constructed.runs("no_regulation", "rich", 30)
        ),
        variant_activity=variant_activity(activity_imagenet),
        image_masks=image_masks(),
        omniglot=constructed.on_omniglot({("anml", "plain"): (88, 65), ("grow", "cp_only"): (80, 54)}, 30),
        transfer_cifar100=recall.assign(dataset="cifar100"),
        meta_learning=percentiles(*((name, seed) for name in ("grow", "sculpt") for seed in range(3))),
        activity_imagenet=activity_imagenet,
        activity_cifar100=arrays("cifar100", *grow, *others, **sizes),
    )


def single():
    """The tables of one run of Grow on ImageNet."""
    activity_imagenet = arrays("imagenet", ("grow", "rich", 0))
    return tables(
        transfer=constructed.table(constructed.runs("grow", "rich", 90)),
        diagnostics=diagnostics(1),
        variants=variants({"mixed": 80}, 1),
        variant_activity=variant_activity(activity_imagenet, 1),
        image_masks=image_masks(1),
        omniglot=constructed.on_omniglot({("grow", "plain"): (95, 44)}, seeds=1),
        meta_learning=percentiles(("grow", 0)),
        activity_imagenet=activity_imagenet,
    )
