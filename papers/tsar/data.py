"""The images that networks see: 28x28 with the authors' scaling, gathered by index, and in which order transfer shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from common.data.load import Dataset, load

# The authors divide by 256 once too often, so that strokes end near -0.043 and paper near 0.003. The scale matters: under
# strong suppression the normalisation's eps is larger than the variance of the activations.
OMNIGLOT_MEAN = 0.92206 * 256
OMNIGLOT_SD = 0.08426 * 256 * 256
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_SD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class DatasetOnDevice:
    """A data set as bytes on the device, scaled when it is shown to a network.

    pixels: uint8 [n, 1 or 3, 28, 28]; labels: [n]; mean, sd: of pixels from 0 to 255, [1, 1 or 3, 1, 1]; about: what the
    data set's file says about itself.
    """

    pixels: Tensor
    labels: Tensor
    mean: Tensor
    sd: Tensor
    about: dict

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images with these indices, (pixel - mean) / sd as float32 [B, 3, 28, 28], and their labels [B]."""
        indices = indices.to(self.pixels.device)
        images = (self.pixels[indices].float() - self.mean) / self.sd
        return images.expand(-1, 3, -1, -1), self.labels[indices]


def omniglot(path: str, device: torch.device) -> DatasetOnDevice:
    """Return the background set of a prepared Omniglot: grey, reduced from 105x105 (Lanczos)."""
    dataset = load(path)
    split = dataset.splits["background"]
    small = np.stack(
        [np.asarray(Image.fromarray(image).resize((28, 28), Image.Resampling.LANCZOS)) for image in split.images]
    )
    return _on_device(dataset, small[:, None], split.labels, (OMNIGLOT_MEAN,), (OMNIGLOT_SD,), device)


def imagenet(path: str, device: torch.device) -> DatasetOnDevice:
    """Return both splits of a prepared ImageNet together: the paper draws from all 600 images of a class."""
    dataset = load(path)
    pixels = np.concatenate([split.images for split in dataset.splits.values()]).transpose(0, 3, 1, 2)
    labels = np.concatenate([split.labels for split in dataset.splits.values()])
    mean, sd = (tuple(255 * value for value in values) for values in (IMAGENET_MEAN, IMAGENET_SD))
    return _on_device(dataset, pixels, labels, mean, sd, device)


def tuning_pool(labels: Tensor, tuning: bool) -> Tensor:
    """Return the indices of the images that learning rates are tuned on: every tenth of each class; or of all others."""
    order = torch.argsort(labels.cpu(), stable=True)
    sorted_labels = labels.cpu()[order]
    position = torch.arange(len(order)) - torch.searchsorted(sorted_labels, sorted_labels)
    return order[(position % 10 == 0) == tuning]


def class_by_class(
    labels: Tensor, classes: Sequence[int], images_per_class: int, generator: torch.Generator, pool: Tensor
) -> Tensor:
    """Return the indices [n_classes, images_per_class] of a sequence that shows one class after the other.

    labels: of every image [n_images]; classes: the labels to show, in any order; pool: indices of the images that may be
    drawn. The order of the classes is random, and so are the images of each class, drawn without replacement. Raises
    ValueError for a repeated class or a class with too few images.
    """
    if len(set(classes)) != len(classes):
        raise ValueError(f"class_by_class: a class is named twice in {list(classes)}")
    labels, pool = labels.cpu(), pool.cpu().unique()
    sequence = torch.empty(len(classes), images_per_class, dtype=torch.long)
    for row, position in enumerate(torch.randperm(len(classes), generator=generator).tolist()):
        candidates = pool[labels[pool] == classes[position]]
        if len(candidates) < images_per_class:
            raise ValueError(
                f"class_by_class: class {classes[position]} has {len(candidates)} images to draw from, "
                f"but {images_per_class} are needed: ask for fewer images per class, or leave the class out"
            )
        sequence[row] = candidates[torch.randperm(len(candidates), generator=generator)[:images_per_class]]
    return sequence


def _on_device(
    dataset: Dataset, pixels: np.ndarray, labels: np.ndarray, mean: tuple, sd: tuple, device: torch.device
) -> DatasetOnDevice:
    def channels(values: tuple) -> Tensor:
        return torch.tensor(values, device=device).view(1, -1, 1, 1)

    return DatasetOnDevice(
        torch.from_numpy(np.ascontiguousarray(pixels)).to(device),
        torch.from_numpy(labels).to(device),
        channels(mean),
        channels(sd),
        dataset.about,
    )
