"""What the tests of continual learning share: networks in float64, small streams of random images, given examples."""

from __future__ import annotations

import torch

from common.learning.consolidation import Consolidation, Ewc, Mas, OnlineEwc, ReestimatedEwc, SynapticIntelligence
from common.learning.continual import Learner, Schedule, learn
from common.learning.images import Images
from common.learning.optimizers import Adam, Sgd
from common.learning.randomness import generator
from common.learning.replicas import Mlp
from common.learning.stream_data import Stream
from common.learning.streams import permuted, split

PIXELS, CLASSES = 9, 4
N_TRAIN, N_TEST = 47, 20  # no multiple of any batch size used here
SEEDS = [3, 0, 8]
METHODS = {
    "none": lambda p: Consolidation(p, 0.0),
    "ewc": lambda p: Ewc(p, 10.0, 20),
    "online": lambda p: OnlineEwc(p, 10.0, 20, 0.9),
    "reestimated": lambda p: ReestimatedEwc(p, 10.0, 20),
    "mas": lambda p: Mas(p, 1.0, 20),
    "si": lambda p: SynapticIntelligence(p, 1.0, 0.01),
}


class DoubleMlp(Mlp):
    """A perceptron that computes in float64, from the same random numbers."""

    def draw(self, source):
        return [tensor.double() for tensor in super().draw(source)]

    def logits(self, parameters, inputs, generators=None):
        return super().logits(parameters, inputs.double(), generators)


class Given:
    """A finished task's data: these examples, whatever number is asked for, in chunks of unequal size."""

    def __init__(self, inputs, labels, outputs=None, chunk=5):
        self.inputs, self.labels, self.outputs, self.chunk = inputs, labels, outputs, chunk
        self.asked = []  # whether for earlier tasks' examples as well, each time

    def examples(self, count, earlier=False):
        self.asked.append(earlier)
        for inputs, labels in zip(self.inputs.split(self.chunk, 1), self.labels.split(self.chunk, 1), strict=True):
            yield inputs, labels, self.outputs


def random(*shape, seed=0):
    """Standard normal numbers, float64."""
    return torch.randn(*shape, dtype=torch.float64, generator=generator(seed, "test"))


def images(n, key):
    """Images whose first pixel is their index and the others random, and labels that come in turn."""
    pixels = torch.randint(256, (n, 3, 3), dtype=torch.uint8, generator=generator(key))
    pixels[:, 0, 0] = torch.arange(n)
    return Images(pixels.numpy(), (torch.arange(n) % CLASSES).numpy(), torch.device("cpu"), flat=True)


def permuted_stream(seeds, n_tasks=2):
    """All images, in permutations of each seed's own."""
    runs = [permuted(N_TRAIN, N_TEST, PIXELS, n_tasks, generator(seed, "permutations")) for seed in seeds]
    return Stream(images(N_TRAIN, "train"), images(N_TEST, "test"), [list(task) for task in zip(*runs)])


def split_stream(seeds, groups=((0, 1), (2, 3))):
    """Two classes a task, with a masked softmax."""
    train, test = images(N_TRAIN, "train"), images(N_TEST, "test")
    return Stream(train, test, [[task] * len(seeds) for task in split(train.labels, test.labels, groups, CLASSES)])


def make(seeds, consolidation, network=None, optimizer="adam"):
    """A learner; consolidation: parameters -> Consolidation."""
    network = network or DoubleMlp((PIXELS, 8, CLASSES), dropout_rate=0.3)
    parameters = network.initial(seeds)

    def make_optimizer(tensors):
        return Adam(tensors, 0.01) if optimizer == "adam" else Sgd(tensors, 0.1)

    return Learner(network, parameters, make_optimizer, consolidation(parameters))


def train(
    learner,
    stream,
    seeds,
    epochs=3,
    batch=10,
    reset_optimizer=False,
    reset_network=False,
    reset_moments=False,
    **options,
):
    """The accuracy matrices of a run of `learn`."""
    schedule = Schedule(epochs, batch, reset_optimizer, reset_network, reset_moments)
    return learn(learner, stream, schedule, seeds, "test", **options)


def same(one, other):
    """Whether two nested states are equal to the last bit, nan to nan."""
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one.nan_to_num(-7.0), other.nan_to_num(-7.0))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other
