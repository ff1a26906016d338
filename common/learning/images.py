"""Batches for many replicas at once, gathered by index from images that stay as bytes on the device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
import torch
from torch import Tensor

from common.data.catalog import DataError
from common.data.load import Split
from common.learning.randomness import generator


class Images:
    """One split of a data set on a device: images uint8 [n, ...] and labels int64 [n].

    flat: a batch's images are vectors [n_pixels] in row order; otherwise channels come first, [C, H, W].
    mean, sd: of pixels in [0, 1]; batches are standardised by them.
    """

    def __init__(
        self,
        images: numpy.ndarray,
        labels: numpy.ndarray,
        device: torch.device,
        flat: bool,
        mean: float = 0.0,
        sd: float = 1.0,
    ) -> None:
        self.mean, self.sd = mean, sd
        pixels = torch.from_numpy(images)
        if flat:
            pixels = pixels.reshape(len(pixels), -1)
        else:
            pixels = pixels.unsqueeze(1) if pixels.dim() == 3 else pixels.permute(0, 3, 1, 2)
        self.pixels = pixels.contiguous().to(device)
        self.labels = torch.from_numpy(labels).to(device)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Tensor, permutations: Sequence[Tensor | None]) -> tuple[Tensor, Tensor]:
        """Return inputs (pixel / 255 - mean) / sd, float32 [R, B, ...], and labels [R, B], of the images with these indices [R, B].

        permutations: one per replica, as `streams.Task` describes them, on the device; None for images as they are.
        """
        n = len(self)
        pixels = self.pixels.index_select(0, (indices % n).flatten()).unflatten(0, indices.shape)
        given = [orders for orders in permutations if orders is not None]
        if given:
            if len(given[0]) == 1:
                columns = torch.stack(given).expand(-1, indices.shape[1], -1)
            else:
                columns = torch.stack([orders[row // n] for orders, row in zip(given, indices, strict=True)])
            pixels = pixels.gather(2, columns)
        labels = self.labels.index_select(0, (indices % n).flatten()).view(indices.shape)
        inputs = pixels.to(torch.float32).div_(255)
        if (self.mean, self.sd) != (0.0, 1.0):
            inputs.sub_(self.mean).div_(self.sd)
        return inputs, labels


def hold_out(train: Split, count: int, where: str) -> tuple[Split, Split]:
    """Return the training images without `count` of them, drawn once and for all, and those.

    Raises DataError, naming the file `where` they came from, if there are too few.
    """
    if count >= len(train.labels):
        raise DataError(f"{where} has {len(train.labels)} training images: too few to hold {count} out")
    shuffled = torch.randperm(len(train.labels), generator=generator("held-out images")).numpy()
    kept, apart = numpy.sort(shuffled[count:]), numpy.sort(shuffled[:count])
    return Split(train.images[kept], train.labels[kept]), Split(train.images[apart], train.labels[apart])
