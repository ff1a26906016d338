"""What a transfer run shows of its regulation: noted around every update, and summed up when the run has ended."""

from __future__ import annotations

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from papers.tsar import activity, encodings
from papers.tsar.data import DatasetOnDevice
from papers.tsar.model import CONVOLUTIONS, LAYERS, Tsar
from papers.tsar.network import Context, ContextOf
from papers.tsar.protocol import Analysis

PAIR_BINS = 200  # of NPMI, from -1 to 1


@torch.no_grad()
def mean_masks(network: Tsar, images: DatasetOnDevice, indices: Tensor) -> Tensor:
    """Return the mean C3 mask of images as the network is now, on the CPU, in the shape of their indices."""
    rows, means = network.layer("c3"), []
    for part in indices.flatten().split(256):
        encoding = network.encode(images.batch(part)[0])
        masks = torch.sigmoid(torch.addmm(network.output.bias[rows], encoding, network.output.weight[rows].T))
        means.append(masks.mean(1).cpu())
    return torch.cat(means).view(indices.shape)


class Window:
    """The mean mask of C3 at every image, and mask times weight of some of its synapses over a window of images.

    steps: images of the run; random: draws synapses and window.
    """

    def __init__(self, network: Tsar, steps: int, settings: Analysis, random: np.random.Generator) -> None:
        self.network, size = network, network.fast["c3.weight"].numel()
        synapses = random.choice(size, min(settings.synapses_in_window, size), replace=False)
        self.synapses = torch.from_numpy(np.sort(synapses)).to(network.fast["c3.weight"].device)
        self.first = int(random.integers(max(1, steps - settings.images_in_window + 1)))
        self.synaptic = np.zeros((len(synapses), min(settings.images_in_window, steps)), np.float16)
        self.mean_masks = np.empty(steps, np.float32)

    @torch.no_grad()
    def before(self, step: int, context: ContextOf) -> None:
        self.note(step, context(slice(step, step + 1)))

    def after(self, step: int, context: ContextOf) -> None:
        """Nothing is noted after an update."""

    def note(self, step: int, context: Context) -> None:
        """Note the image of a step; context: of this image alone."""
        mask = context[1 + LAYERS.index("c3")][0]
        self.mean_masks[step] = float(mask.mean())
        if 0 <= (place := step - self.first) < self.synaptic.shape[1]:
            weights = self.network.fast["c3.weight"].detach().flatten()[self.synapses]
            self.synaptic[:, place] = _half(mask[self.synapses] * weights)

    def summary(self) -> dict[str, ndarray]:
        """Return what was noted, as arrays."""
        return {"synaptic_activity": self.synaptic, "mean_masks": self.mean_masks}


class Probes:
    """What each update changes: the recall of a few earlier images, and the probability of its own image's class.

    The earlier images are drawn anew before each class, from all classes learned until then. labels: of the run's images;
    per_class: images of a class; count: of the earlier images; random: draws them.
    """

    def __init__(self, network: Tsar, labels: Tensor, per_class: int, count: int, random: np.random.Generator) -> None:
        self.network, self.labels, self.per_class = network, labels, per_class
        self.count, self.random = count, random
        self.recall_changes, self.probability_changes = np.full((2, len(labels)), np.nan, np.float32)

    def before(self, step: int, context: ContextOf, own: Context) -> None:
        """Probe before the update; own: the context of the step's image alone."""
        if step % self.per_class == 0:
            earlier = self.random.choice(step, min(self.count, step), replace=False)
            self.places = torch.from_numpy(np.append(earlier, step)).to(self.labels.device)
            self.recall, self.probability = self._probe(context)
        else:  # the last update left the recall as it was probed then
            self.places[-1] = step
            self.probability = self._probability(self.network.logits(self.network.fast, own))

    def after(self, step: int, context: ContextOf) -> None:
        """Probe after the update."""
        recall, probability = self._probe(context)
        self.recall_changes[step], self.probability_changes[step] = recall - self.recall, probability - self.probability
        self.recall = recall

    def summary(self) -> dict[str, ndarray]:
        """Return the changes that each update caused [steps]; of recall nan before there are earlier images."""
        return {"recall_changes": self.recall_changes, "probability_changes": self.probability_changes}

    def _probe(self, context: ContextOf) -> tuple[float, float]:
        """Return recall of the earlier images, nan without any, and the probability of the current image's class."""
        logits = self.network.logits(self.network.fast, context(self.places))
        right = logits[:-1].argmax(1) == self.labels[self.places[:-1]]
        return float(right.double().mean()), self._probability(logits[-1:])

    def _probability(self, logits: Tensor) -> float:
        return float(logits[0].softmax(0)[self.labels[self.places[-1]]])


class Activity:
    """The masks of one run, as float16 in memory: at paper width 1.5 GB; with a `Window`, and with `Probes`.

    labels: of the run's images; classes: how many outputs are used; per_class: images of a class; random: draws the window,
    probed images, pairs of synapses and the start of t-SNE.
    """

    def __init__(
        self,
        network: Tsar,
        labels: Tensor,
        classes: int,
        per_class: int,
        settings: Analysis,
        random: np.random.Generator,
    ) -> None:
        self.network, self.labels, self.classes, self.per_class = network, labels, classes, per_class
        self.settings, self.random = settings, random
        steps, inputs = len(labels), network.fast["cp.weight"].shape[1]
        sizes = dict(zip(CONVOLUTIONS, network.mask_sizes))
        self.masks = {name: np.empty((steps, size), np.float16) for name, size in sizes.items()}
        self.cp_masks = np.empty((steps, classes, inputs), np.float16)
        self.window = Window(network, steps, settings, random)
        self.probes = Probes(network, labels, per_class, settings.earlier_images, random)

    @torch.no_grad()
    def before(self, step: int, context: ContextOf) -> None:
        own = context(slice(step, step + 1))
        _, *masks = own
        for name, mask in zip(CONVOLUTIONS, masks):
            self.masks[name][step] = _half(mask[0])
        self.cp_masks[step] = _half(masks[-1].view(-1, self.cp_masks.shape[2])[: self.classes])
        self.window.note(step, own)
        self.probes.before(step, context, own)

    @torch.no_grad()
    def after(self, step: int, context: ContextOf) -> None:
        self.probes.after(step, context)

    def summary(self, images: Tensor) -> dict[str, ndarray]:
        """Return the arrays that Figures 2 to 19 are drawn from; call it after the last update.

        images [steps, 3, 28, 28]: of the run, in order.
        """
        settings, per_class, random = self.settings, self.per_class, self.random
        weights = self.network.fast["cp.weight"].detach()[: self.classes].cpu().numpy()
        labels = self.labels.cpu().numpy()
        within, following = activity.class_windows(self.cp_masks, weights, per_class, order=labels[::per_class])
        points = encodings.embed(self.encodings(images), int(random.integers(2**31)))
        c3 = self.masks["c3"]
        pairs = [
            activity.npmi(c3, threshold, settings.synapses_in_pairs, random, PAIR_BINS)
            for threshold in settings.thresholds
        ]
        found = {
            "thresholds": np.array(settings.thresholds),
            "synapses": np.array([masks.shape[1] for masks in self.masks.values()]),
            "time_lag_c3": activity.time_lag(c3, per_class).astype(np.int32),
            "npmi_c3": np.stack(pairs),
            "within_class": within,
            "following_classes": following,
            "by_sign": activity.by_sign(self.cp_masks, weights)[["mean", "variance"]].to_numpy(),
            "upstream_correlation": np.stack(
                [activity.upstream_correlation(self.cp_masks, weights, own) for own in self.masks.values()]
            ),
            "embedding": points.astype(np.float16),
            "labels": labels.astype(np.int16),
            "nearest_neighbours": encodings.nearest_neighbours(points, labels),
        }
        for name, masks in self.masks.items():
            found[f"rank_rank_{name}"] = activity.rank_rank(masks, per_class).astype(np.int32)
            found |= {f"{kind}_{name}": own for kind, own in activity.rank_changes(masks, per_class).items()}
            found[f"regulation_{name}"] = activity.regulation_ccdf(masks)
            found[f"bursts_{name}"] = activity.burst_sizes(masks, settings.thresholds).astype(np.int32)
        return found | self.window.summary() | self.probes.summary()

    @torch.no_grad()
    def encodings(self, images: Tensor) -> ndarray:
        """Return the perception module's outputs, which transfer leaves as they are: float32 [images, units]."""
        return np.concatenate([self.network.encode(part).cpu().numpy() for part in images.split(256)])


def _half(values: Tensor) -> ndarray:
    return values.half().cpu().numpy()
