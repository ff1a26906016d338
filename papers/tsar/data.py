"""The images that networks see: 28x28 with the authors' scaling, gathered by index, and in which order transfer shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from common.data.catalog import DataError
from common.data.load import Dataset, load

# The authors divide by 256 once too often, so that strokes end near -0.043 and paper near 0.003. The scale matters: under
# strong suppression the normalisation's eps is larger than the variance of the activations.
OMNIGLOT_MEAN = 0.92206 * 256
OMNIGLOT_SD = 0.08426 * 256 * 256
SIDE = 28  # pixels, of what every network sees
# Mean and SD of channels, of pixels from 0 to 1. The authors scale CIFAR-100 by the statistics of CIFAR-10.
CHANNELS = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "cifar100": ((0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261)),
}


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


def omniglot(path: str, device: torch.device, split: str = "background") -> DatasetOnDevice:
    """Return the background or evaluation set of a prepared Omniglot: grey, reduced from 105x105 (Lanczos)."""
    dataset = load(path)
    drawings = dataset.splits[split]
    small = _resized(drawings.images, Image.Resampling.LANCZOS)
    return _on_device(dataset, small[:, None], drawings.labels, (OMNIGLOT_MEAN,), (OMNIGLOT_SD,), device)


def photographs(path: str, device: torch.device) -> DatasetOnDevice:
    """Return the images of a prepared ImageNet or CIFAR-100 that transfer draws from, at 28x28.

    Of ImageNet both splits: the paper draws from all 600 images of a class. Of CIFAR-100 the training images, as the
    authors' code does. Raises DataError for another data set.
    """
    dataset = load(path)
    name = dataset.about["name"]
    if name not in CHANNELS:
        raise DataError(f"{path} holds {name}, but transfer takes {' or '.join(CHANNELS)}")
    splits = [split for key, split in dataset.splits.items() if name == "imagenet" or key == "train"]
    labels = np.concatenate([split.labels for split in splits])
    pixels = np.concatenate([split.images for split in splits])
    if pixels.shape[1] != SIDE:
        pixels = _resized(pixels, Image.Resampling.BILINEAR)
    mean, sd = (tuple(255 * value for value in values) for values in CHANNELS[name])
    return _on_device(dataset, pixels.transpose(0, 3, 1, 2), labels, mean, sd, device)


def tuning_pool(labels: Tensor, tuning: bool) -> Tensor:
    """Return the indices of the images that learning rates are tuned on: every tenth of each class; or of all others."""
    order = torch.argsort(labels.cpu(), stable=True)
    sorted_labels = labels.cpu()[order]
    position = torch.arange(len(order)) - torch.searchsorted(sorted_labels, sorted_labels)
    return order[(position % 10 == 0) == tuning]


def by_class(labels: Tensor, pool: Tensor, classes: int) -> Tensor:
    """Return the indices of a pool [n] of the first `classes` labels, a row for each: [classes, images of a class].

    Raises DataError if one class has more images than another.
    """
    labels, pool = labels.cpu(), pool[labels.cpu()[pool] < classes]
    counts = torch.bincount(labels[pool], minlength=classes)
    if counts.min() != counts.max():
        raise DataError(
            f"classes have {counts.min()} to {counts.max()} images, so these cannot be ranked alike: prepare the data set again"
        )
    return pool[torch.argsort(labels[pool], stable=True)].view(classes, -1)


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


def _resized(images: np.ndarray, resampling: Image.Resampling) -> np.ndarray:
    return np.stack([np.asarray(Image.fromarray(image).resize((SIDE, SIDE), resampling)) for image in images])


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
