"""Batches for many replicas at once, gathered by index from images that stay as bytes on the device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
import torch
from torch import Tensor


class Images:
    """One split of a data set on a device: images uint8 [n, ...] and labels int64 [n].

    flat: a batch's images are vectors [n_pixels] in row order; otherwise channels come first, [C, H, W].
    """

    def __init__(self, images: numpy.ndarray, labels: numpy.ndarray, device: torch.device, flat: bool) -> None:
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
        """Return inputs in [0, 1], float32 [R, B, ...], and labels [R, B], of the images with these indices [R, B].

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
        return pixels.to(torch.float32).div_(255), labels
