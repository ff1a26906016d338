"""Task sequences as index tensors: which images of a data set a learner sees, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def class_by_class(
    labels: torch.Tensor,
    classes: Sequence[int],
    images_per_class: int,
    generator: torch.Generator,
    pool: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the indices [n_classes, images_per_class] of a stream that shows one class after the other.

    labels: the label of every image [n_images]; classes: the labels to show, in any order; pool: indices of the images
    that may be drawn (default: all). The order of the classes is random, and so are the images of each class, drawn
    without replacement. Raises ValueError for a repeated class or a class with too few images.
    """
    if len(set(classes)) != len(classes):
        raise ValueError(f"class_by_class: a class is named twice in {list(classes)}")
    labels = torch.as_tensor(labels).cpu()
    pool = torch.arange(len(labels)) if pool is None else torch.as_tensor(pool).cpu().unique()
    stream = torch.empty(len(classes), images_per_class, dtype=torch.long)
    for row, position in enumerate(torch.randperm(len(classes), generator=generator).tolist()):
        candidates = pool[labels[pool] == classes[position]]
        if len(candidates) < images_per_class:
            raise ValueError(
                f"class_by_class: class {classes[position]} has {len(candidates)} images to draw from, "
                f"but {images_per_class} are needed: ask for fewer images per class, or leave the class out"
            )
        stream[row] = candidates[torch.randperm(len(candidates), generator=generator)[:images_per_class]]
    return stream
