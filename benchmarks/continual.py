"""Speed of continual training on one seed and on several at once, beside a bare PyTorch loop and what this machine can do.

    python -m benchmarks.continual                  fine-tuning, SI, EWC and MAS on 784-400-400-10, on one thread
    python -m benchmarks.continual --device cuda --steps 3000
    python -m benchmarks.continual split            split MNIST with SI at paper scale: seconds per seed
    python -m benchmarks.continual --no-onednn      the same with MKL's products, on AMD's processors
    python -m benchmarks.continual avalanche        the same methods beside Avalanche 0.6.0, which must be installed
    python -m benchmarks.continual sticky           what the sticky gradient's rule costs at paper scale, 784-2000-10

Steps are counted per network: one step of ten seeds trained as one batched model is ten steps. Every loop gets its turn in
every repeat, so that ratios compare what the machine did at the same time; medians over the repeats are printed. The data
are random, as large and as dark as MNIST: no step's time depends on what the images show.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from statistics import median

import torch
from torch.nn import functional

from common.learning.consolidation import Consolidation, Ewc, Mas, SynapticIntelligence
from common.learning.continual import Learner, Update, evaluate, train_epoch
from common.learning.images import Images
from common.learning.optimizers import Sgd
from common.learning.randomness import generator
from common.learning.replicas import Mlp, count
from common.learning.stream_data import Stream, TaskExamples
from common.learning.streams import Task, permuted, split
from common.results import environment
from common.running import command_line, devices, stage
from common.running.progress import Progress
from common.running.workflow import seeds_per_job
from papers.sticky_gradient import train as sticky_train
from papers.sticky_gradient.readings import reading
from papers.sticky_gradient.runs import REGISTER as STICKY_REGISTER
from papers.synaptic_intelligence import train
from papers.synaptic_intelligence.protocol import DIGITS, PIXELS
from papers.synaptic_intelligence.runs import REGISTER as SI_REGISTER

TRAIN_IMAGES, TEST_IMAGES, LIT = 60_000, 10_000, 0.2  # as in MNIST
SIZES, BATCH, LEARNING_RATE = (PIXELS, 400, 400, DIGITS), 64, 0.01
EXAMPLES = 200  # for the importances of EWC and MAS, which are not part of what is timed
BARE, PRODUCT, TUNING, WRITTEN = "bare loop", "matrix product", "fine-tuning", "no replay"
METHODS = {
    TUNING: lambda parameters: Consolidation(parameters, 0.0),
    "SI": lambda parameters: SynapticIntelligence(parameters, 0.1, xi=0.1),
    "EWC": lambda parameters: Ewc(parameters, 100.0, EXAMPLES),
    "MAS": lambda parameters: Mas(parameters, 0.1, EXAMPLES),
}


@dataclass(frozen=True)
class Loop:
    """Something to time: a call of `work` does so many `units`, network-steps or floating-point operations."""

    name: str
    seeds: int
    units: float
    work: Callable[[], object]


@dataclass(frozen=True)
class Speed:
    """Units per second of one loop, by CPU time and by the wall, repeat by repeat."""

    cpu: list[float]
    wall: list[float]

    def relative_to(self, other: Speed) -> tuple[float, float]:
        """Medians of the ratios of the same repeats, by CPU time and by the wall."""
        cpu = median(a / b for a, b in zip(self.cpu, other.cpu, strict=True))
        return cpu, median(a / b for a, b in zip(self.wall, other.wall, strict=True))


def seconds(work: Callable[[], object], device: torch.device) -> tuple[float, float]:
    """CPU and wall seconds of one call."""
    started = time.process_time(), time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.process_time() - started[0], time.perf_counter() - started[1]


def measure(loops: Sequence[Loop], repeats: int, device: torch.device) -> dict[tuple[str, int], Speed]:
    """The speeds of all loops by name and seeds: all in turn, `repeats` times, after one round to warm up."""
    speeds = {(loop.name, loop.seeds): Speed([], []) for loop in loops}
    for repeat in range(repeats + 1):
        for loop in loops:
            cpu, wall = seconds(loop.work, device)
            if repeat:
                speeds[loop.name, loop.seeds].cpu.append(loop.units / cpu)
                speeds[loop.name, loop.seeds].wall.append(loop.units / wall)
    return speeds


def random_images(images: int, device: torch.device) -> Images:
    """Images as large and as dark as MNIST's, with labels from 0 to 9."""
    source = generator(images, "random images")
    pixels = torch.randint(1, 256, (images, 28, 28), dtype=torch.uint8, generator=source)
    pixels *= torch.rand(pixels.shape, generator=source) < LIT
    labels = torch.randint(DIGITS, (images,), generator=source)
    return Images(pixels.numpy(), labels.numpy(), device, flat=True)


def epoch_of(task: Task, steps: int, batch: int) -> Task:
    """The task with as many training images as `steps` batches take, drawn with replacement."""
    chosen = torch.randint(len(task.train), (steps * batch,), generator=generator(steps, "epoch"))
    return replace(task, train=task.train[chosen])


def training_loop(name: str, learner: Learner, stream: Stream, batch: int, replayed: bool = True) -> Loop:
    """One epoch of the second task, over and over, once the first task's end has given the penalty something to hold.

    replayed: whether a GPU replays recorded steps, as runs do.
    """
    seeds = range(len(learner.parameters[0]))
    steps = len(stream.tasks[0][0].train) // batch

    def epoch(update: Update) -> None:
        silent = Progress(name, steps + 1, interval=math.inf)
        train_epoch(update, 0, batch, seeds, silent)

    epoch(Update(learner, stream, 0, replayed))
    learner.consolidation.end_task(learner.parameters, learner.network.logits, TaskExamples(stream, 0, seeds))
    return Loop(name, len(seeds), steps * len(seeds), partial(epoch, Update(learner, stream, 1, replayed)))


def method_loops(images: Images, seeds: int, steps: int, device: torch.device) -> list[Loop]:
    """All methods on permuted images, for a stack of seeds; `steps`: of all networks together, at most."""
    runs = [permuted(len(images), len(images), PIXELS, 2, generator(seed, "permutations")) for seed in range(seeds)]
    tasks = [[epoch_of(task, max(1, steps // seeds), BATCH) for task in replicas] for replicas in zip(*runs)]
    network, stream = Mlp(SIZES), Stream(images, images, tasks)
    loops = []
    for name, consolidation in METHODS.items():
        parameters = [parameter.to(device) for parameter in network.initial(range(seeds))]
        learner = Learner(network, parameters, lambda own: Sgd(own, LEARNING_RATE), consolidation(parameters))
        loops.append(training_loop(name, learner, stream, BATCH))
        if name == TUNING and device.type == "cuda":
            loops.append(training_loop(WRITTEN, learner, stream, BATCH, replayed=False))
    return loops


def bare_loop(images: Images, steps: int, device: torch.device) -> Loop:
    """The same network as one would write it down for a single task: float32 images in memory, weights updated in place."""
    layers = [torch.nn.Linear(n_in, n_out) for n_in, n_out in pairwise(SIZES)]
    network = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2]).to(device)
    pixels = images.pixels.float().div_(255)
    indices = torch.randint(len(images), (steps, BATCH), generator=generator(0, "order")).to(device)

    def work() -> None:
        for index in indices:
            functional.cross_entropy(network(pixels[index]), images.labels[index]).backward()
            with torch.no_grad():
                for parameter in network.parameters():
                    assert parameter.grad is not None
                    parameter.sub_(parameter.grad, alpha=LEARNING_RATE)
                    parameter.grad = None

    return Loop(BARE, 1, steps, work)


def product_loop(device: torch.device) -> Loop:
    """Square matrix products in float32; its units are floating-point operations."""
    side = 1024 if device.type == "cpu" else 8192
    a, b = (torch.randn(side, side, device=device, generator=torch.Generator(device)) for _ in range(2))
    return Loop(PRODUCT, 1, 10 * 2 * side**3, lambda: [a @ b for _ in range(10)])


def operations_per_step() -> int:
    """Floating-point operations of a step's matrix products: forward, and backward to weights and to all hidden layers."""
    weights = [n_in * n_out for n_in, n_out in pairwise(SIZES)]
    return 2 * BATCH * (3 * sum(weights) - weights[0])


def report_methods(speeds: dict[tuple[str, int], Speed]) -> list[str]:
    """One line per loop: steps per second, how much of the machine's product rate that is, and the speed beside another's."""
    product = speeds[PRODUCT, 1]
    lines = [f"{'':24}{'steps/s':>10}{'per CPU s':>11}{'of products':>13}   speed by CPU time (by the wall)"]
    for (name, seeds), speed in speeds.items():
        if name == PRODUCT:
            continue
        share = median(a * operations_per_step() / b for a, b in zip(speed.cpu, product.cpu, strict=True))
        line = f"{name + ',':13}{seeds:3} seed{'s' * (seeds > 1):5}{median(speed.wall):10.0f}{median(speed.cpu):11.0f}{share:13.0%}"
        if name != BARE:
            reference, words = ((BARE, 1), "the bare loop") if name == TUNING else ((TUNING, seeds), TUNING)
            cpu, wall = speed.relative_to(speeds[reference])
            line += f"   {cpu:.2f} ({wall:.2f}) of {words}"
        lines.append(line)
    return lines


def stacks(parameters: int, device: torch.device) -> list[int]:
    """Seeds at once to measure: one, as many as a training job takes of ten, and ten."""
    return sorted({1, seeds_per_job(parameters, 10, device.type), 10})


def methods(steps: int, repeats: int, device: torch.device) -> list[str]:
    """Time all methods; the first line is the machine's."""
    images = random_images(TRAIN_IMAGES, device)
    loops = [product_loop(device), bare_loop(images, steps, device)]
    for seeds in stacks(count(Mlp(SIZES).initial([0])), device):
        loops += method_loops(images, seeds, steps, device)
    speeds = measure(loops, repeats, device)
    cpu, wall = (median(rates) / 1e9 for rates in (speeds[PRODUCT, 1].cpu, speeds[PRODUCT, 1].wall))
    first = f"float32 products: {wall:.0f} GFLOP/s, {cpu:.0f} GFLOP per CPU s; batch {BATCH}, plain gradient descent"
    return [f"{first}, {'-'.join(map(str, SIZES))}", *report_methods(speeds)]


def split_mnist(steps: int, repeats: int, device: torch.device) -> list[str]:
    """Time steps and evaluations of split MNIST with SI, and add up what a whole run consists of."""
    settings = SI_REGISTER.protocol("paper").split_mnist
    images = random_images(TRAIN_IMAGES, device), random_images(TEST_IMAGES, device)
    pairs = [(digit, digit + 1) for digit in range(0, DIGITS, 2)]
    tasks = split(images[0].labels.cpu(), images[1].labels.cpu(), pairs, DIGITS)
    steps_of_run = settings.epochs * sum(math.ceil(len(task.train) / settings.batch) for task in tasks)
    evaluated = len(tasks) * (TRAIN_IMAGES + TEST_IMAGES)  # all images of both splits after every task
    loops = []
    for seeds in stacks(count(train.learner(settings, "si-1", [0], device, None).parameters), device):
        learner = train.learner(settings, "si-1", range(seeds), device, None)
        short = [[epoch_of(task, max(1, steps // seeds), settings.batch)] * seeds for task in tasks]
        loops.append(training_loop("steps", learner, Stream(*images, short), settings.batch))
        stream = Stream(*images, [[task] * seeds for task in tasks])
        loops.append(Loop("evaluation", seeds, TEST_IMAGES * seeds, partial(evaluate, learner, stream, "test")))
    speeds = measure(loops, repeats, device)
    lines = [f"split MNIST with SI at paper scale: {steps_of_run} steps and {evaluated} images evaluated per seed"]
    for seeds in (loop.seeds for loop in loops if loop.name == "steps"):
        step, evaluation = speeds["steps", seeds], speeds["evaluation", seeds]
        cpu, wall = (
            median(steps_of_run / a + evaluated / b for a, b in zip(*pair, strict=True))
            for pair in ((step.cpu, evaluation.cpu), (step.wall, evaluation.wall))
        )
        rates = f"{median(step.cpu):.0f} steps and {median(evaluation.cpu):.0f} images evaluated per CPU s"
        lines.append(f"seeds at once: {seeds:2}   {cpu:.1f} CPU s per seed ({wall:.1f} s by the wall); {rates}")
    return lines


def sticky_gradient(steps: int, repeats: int, device: torch.device) -> list[str]:
    """Time a step of the sticky gradient's network with and without its rule, and with EWC."""
    protocol = STICKY_REGISTER.protocol("paper")
    settings = replace(protocol.training, fisher_images=EXAMPLES)
    images, choices = random_images(TRAIN_IMAGES, device), reading(protocol.design.reading)
    orders = permuted(len(images), len(images), PIXELS, 2, generator(0, "permutations"))
    stream = Stream(images, images, [[epoch_of(task, steps, settings.batch)] for task in orders])
    loops = []
    for condition in ("control", "l1", "sticky", "sticky-l1", "ewc"):
        learner = sticky_train.learner(settings, condition, protocol.attractor, choices, [0], device)
        loops.append(training_loop(condition, learner, stream, settings.batch))
    speeds = measure(loops, repeats, device)
    lines = [f"sticky gradient at paper scale: {PIXELS}-{settings.hidden}-{DIGITS}, batch {settings.batch}, Adam"]
    for (condition, seeds), speed in speeds.items():
        cpu, wall = speed.relative_to(speeds["control", seeds])
        rate = f"{condition:12}{1000 / median(speed.cpu):6.2f} CPU ms a step"
        lines.append(f"{rate}, {1 / cpu - 1:+.0%} (by the wall {1 / wall - 1:+.0%}) beside control")
    return lines


def avalanche(steps: int, repeats: int, device: torch.device) -> list[str]:
    """Time the same methods of Avalanche in the same run."""
    from benchmarks.beside_avalanche import beside  # which imports this file

    return beside(steps, repeats, device)


WORK = {"methods": methods, "split": split_mnist, "sticky": sticky_gradient, "avalanche": avalanche}


def main() -> None:
    options = command_line.parser(__doc__)
    options.add_argument("work", nargs="?", choices=WORK, default="methods")
    options.add_argument("--device", type=command_line.device, default="cpu")
    options.add_argument("--threads", type=command_line.count, default=1)
    options.add_argument(
        "--steps", type=command_line.count, default=300, help="per measurement, of all networks together"
    )
    options.add_argument("--repeats", type=command_line.count, default=5)
    options.add_argument("--no-onednn", action="store_true", help="on AMD's processors, let MKL multiply")
    arguments = options.parse_args()
    device = devices.select(arguments.device, arguments.threads, wide=not arguments.no_onednn)
    print(f"{environment.device_name(device)}, {arguments.threads} thread(s), medians of {arguments.repeats}")
    print("\n".join(WORK[arguments.work](arguments.steps, arguments.repeats, device)))


if __name__ == "__main__":
    stage.run(main)
