"""What a transfer run shows of its regulation: noted at every image before its update, and summed up when it has ended."""

from __future__ import annotations

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from papers.tsar import activity, encodings
from papers.tsar.model import LAYERS, Tsar
from papers.tsar.network import Context
from papers.tsar.protocol import Analysis

CONVOLUTIONS = LAYERS[:3]
PAIR_BINS = 200  # of NPMI, from -1 to 1


class Activity:
    """The masks of one run, as float16 in memory: at paper width 1.5 GB.

    Called at every step with its number and context. classes: outputs that are used; per_class: images of a class; random:
    draws the window of Figure 4 C.
    """

    def __init__(
        self, network: Tsar, classes: int, per_class: int, settings: Analysis, random: np.random.Generator
    ) -> None:
        self.network, self.classes, self.per_class, self.settings = network, classes, per_class, settings
        steps, inputs = classes * per_class, network.fast["cp.weight"].shape[1]
        sizes = dict(zip(CONVOLUTIONS, network.mask_sizes))
        self.masks = {name: np.empty((steps, size), np.float16) for name, size in sizes.items()}
        self.cp_masks = np.empty((steps, classes, inputs), np.float16)
        synapses = random.choice(sizes["c3"], min(settings.synapses_in_window, sizes["c3"]), replace=False)
        self.window = torch.from_numpy(np.sort(synapses)).to(network.fast["c3.weight"].device)
        self.first = int(random.integers(max(1, steps - settings.images_in_window + 1)))
        self.synaptic = np.zeros((len(synapses), min(settings.images_in_window, steps)), np.float16)

    @torch.no_grad()
    def __call__(self, step: int, context: Context) -> None:
        _, *masks = context
        for name, mask in zip(CONVOLUTIONS, masks):
            self.masks[name][step] = _half(mask[0])
        self.cp_masks[step] = _half(masks[-1].view(-1, self.cp_masks.shape[2])[: self.classes])
        if 0 <= (place := step - self.first) < self.synaptic.shape[1]:
            weights = self.network.fast["c3.weight"].flatten()[self.window]
            self.synaptic[:, place] = _half(masks[2][0, self.window] * weights)

    def summary(self, images: Tensor, labels: Tensor, random: np.random.Generator) -> dict[str, ndarray]:
        """Return the arrays that Figures 2 to 19 are drawn from; call it after the last update.

        images [steps, 3, 28, 28], labels [steps]: of the run, in order; random: draws synapses for pairs, and t-SNE's start.
        """
        settings, per_class = self.settings, self.per_class
        weights = self.network.fast["cp.weight"].detach()[: self.classes].cpu().numpy()
        order = labels[::per_class].cpu().numpy()
        within, following = activity.class_windows(self.cp_masks, weights, per_class, order=order)
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
            "synaptic_activity": self.synaptic,
            "mean_masks": c3.mean(1, dtype=np.float32),
            "embedding": points.astype(np.float16),
            "labels": labels.cpu().numpy().astype(np.int16),
            "nearest_neighbours": encodings.nearest_neighbours(points, labels.cpu().numpy()),
        }
        for name, masks in self.masks.items():
            found[f"rank_rank_{name}"] = activity.rank_rank(masks, per_class).astype(np.int32)
            found[f"regulation_{name}"] = activity.regulation_ccdf(masks)
            found[f"bursts_{name}"] = activity.burst_sizes(masks, settings.thresholds).astype(np.int32)
        return found

    @torch.no_grad()
    def encodings(self, images: Tensor) -> ndarray:
        """Return the perception module's outputs, which transfer leaves as they are: float32 [images, units]."""
        return np.concatenate([self.network.encode(part).cpu().numpy() for part in images.split(256)])


def _half(values: Tensor) -> ndarray:
    return values.half().cpu().numpy()
