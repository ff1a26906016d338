"""TSAR's preprocessing (sheet, section 2): 28x28 images with the authors' scaling, gathered by index from uint8."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from common.load import Dataset, load

# The authors divide by 256 once too often, so that strokes end near -0.043 and paper near 0.003.  The scale matters: under
# strong suppression the normalisation's eps is larger than the variance of the activations.
OMNIGLOT_MEAN = 0.92206 * 256
OMNIGLOT_SD = 0.08426 * 256 * 256
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_SD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Images:
    """A data set on the device: pixels uint8 [N, 1 or 3, 28, 28], labels [N], and the scaling that network inputs get."""

    pixels: Tensor
    labels: Tensor
    mean: Tensor
    sd: Tensor
    about: dict

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Scaled float images [B, 3, 28, 28] and their labels [B]."""
        indices = indices.to(self.pixels.device)
        images = (self.pixels[indices].float() - self.mean) / self.sd
        return images.expand(-1, 3, -1, -1), self.labels[indices]


def omniglot(path: str, device: torch.device) -> Images:
    """The background set, grey, 105x105 reduced to 28x28 (Lanczos)."""
    dataset = load(path)
    split = dataset.splits["background"]
    small = np.stack([np.asarray(Image.fromarray(image).resize((28, 28), Image.LANCZOS)) for image in split.images])
    return _images(dataset, small[:, None], split.labels, (OMNIGLOT_MEAN,), (OMNIGLOT_SD,), device)


def imagenet(path: str, device: torch.device) -> Images:
    """Both splits together: the paper draws from a pool of all 600 images of a class."""
    dataset = load(path)
    pixels = np.concatenate([split.images for split in dataset.splits.values()]).transpose(0, 3, 1, 2)
    labels = np.concatenate([split.labels for split in dataset.splits.values()])
    mean, sd = (tuple(255 * value for value in values) for values in (IMAGENET_MEAN, IMAGENET_SD))
    return _images(dataset, pixels, labels, mean, sd, device)


def tuning_pool(labels: Tensor, tuning: bool) -> Tensor:
    """Indices of the images that learning rates are tuned on (every tenth of each class), or of all the others."""
    order = torch.argsort(labels.cpu(), stable=True)
    sorted_labels = labels.cpu()[order]
    position = torch.arange(len(order)) - torch.searchsorted(sorted_labels, sorted_labels)
    return order[(position % 10 == 0) == tuning]


def _images(dataset: Dataset, pixels: np.ndarray, labels: np.ndarray, mean: tuple, sd: tuple, device) -> Images:
    def channels(values: tuple) -> Tensor:
        return torch.tensor(values, device=device).view(1, -1, 1, 1)

    return Images(
        torch.from_numpy(np.ascontiguousarray(pixels)).to(device),
        torch.from_numpy(labels).to(device),
        channels(mean),
        channels(sd),
        dataset.about,
    )
