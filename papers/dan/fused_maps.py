"""The autoencoder's DANs on CPUs, compiled: their convolutions and pool, with the gradient.

By torch's operations most of a step goes to the thousands of patches that DANs convolve. Convolutions with so few maps are
slow, and as matrix products nine tenths of their factors are zeros. Here LANES patches are at hand at a time, next to each
other in memory, so that a processor convolves several of them by one instruction. What lies between the inputs and the
pooled maps never leaves the cache; backwards it is computed again. The numbers differ from torch's by rounding alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor

LANES = 128  # patches at a time
SLOPE = 0.01  # of leaky ReLU below zero, as in torch

# A product and a sum may be rounded as one, and sums be taken in another order: by so many parts as a processor adds at once.
compiled: Any = njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})

# Below, maps are [n, height, width * LANES], float32 or float64: row by row, and of each pixel all patches at hand. A loop that
# needs a pixel's neighbours is given slices: of places like t + LANES the compiler cannot tell that they lie inside.


@compiled
def _add_products(target, a, b, c, d, weights):
    p, q, r, s = weights[0], weights[1], weights[2], weights[3]
    for t in range(target.size):
        target[t] += p * a[t] + q * b[t] + r * c[t] + s * d[t]


@compiled
def _add_sums(sums, gradient, a, b, c, d):
    p = q = r = s = gradient.dtype.type(0)
    for t in range(gradient.size):
        g = gradient[t]
        p += g * a[t]
        q += g * b[t]
        r += g * c[t]
        s += g * d[t]
    sums[0] += p
    sums[1] += q
    sums[2] += r
    sums[3] += s


@compiled
def _convolve(maps, kernels, biases, results):
    """Windows of 2x2: kernels [n_out, n_in, 4]; results are a pixel less high and wide than the maps."""
    size = results.shape[2]
    for y in range(results.shape[1]):
        for o in range(results.shape[0]):
            results[o, y] = biases[o]
        for i in range(maps.shape[0]):
            above, below = maps[i, y], maps[i, y + 1]
            for o in range(results.shape[0]):
                _add_products(results[o, y], above[:size], above[LANES:], below[:size], below[LANES:], kernels[o, i])


@compiled
def _add_kernel_gradients(of_results, maps, of_kernels, of_biases):
    """Of _convolve; of_results with a border, as all gradients of results."""
    size = maps.shape[2] - LANES
    inner = slice(LANES, LANES + size)
    for y in range(maps.shape[1] - 1):
        for o in range(of_kernels.shape[0]):
            of_biases[o] += of_results[o, y + 1, inner].sum()
        for i in range(maps.shape[0]):
            above, below = maps[i, y], maps[i, y + 1]
            for o in range(of_kernels.shape[0]):
                row = of_results[o, y + 1, inner]
                _add_sums(of_kernels[o, i], row, above[:size], above[LANES:], below[:size], below[LANES:])


@compiled
def _leaky_relu(maps):
    values, slope = maps.reshape(-1), maps.dtype.type(SLOPE)
    for t in range(values.size):
        values[t] = max(values[t], values[t] * slope)


@compiled
def _leaky_relu_gradient(gradient, maps, of_results):
    """maps: what _leaky_relu left, whose signs are those of its inputs."""
    size, slope, one = maps.shape[2], maps.dtype.type(SLOPE), maps.dtype.type(1)
    for i in range(maps.shape[0]):
        for y in range(maps.shape[1]):
            row, values, given = of_results[i, y + 1, LANES : LANES + size], maps[i, y], gradient[i, y]
            for t in range(size):
                row[t] = given[t] * (one if values[t] > 0 else slope)


@compiled
def _largest(results, a, b, c):
    for t in range(results.size):
        results[t] = max(max(a[t], b[t]), c[t])


@compiled
def _add_to_largest(gradient, a, b, c, of_a, of_b, of_c):
    """The gradient of _largest; of equal values the first one gets it."""
    zero = gradient.dtype.type(0)
    for t in range(gradient.size):
        g = gradient[t]
        first, second = a[t] >= max(b[t], c[t]), b[t] >= c[t]
        of_a[t] += g if first else zero
        of_b[t] += zero if first else (g if second else zero)
        of_c[t] += zero if first or second else g


@compiled
def _pool(maps, highest, results):
    """Maxima over 3x3 pixels with stride 1: first of columns (highest), then of rows."""
    size = results.shape[2]
    for i in range(maps.shape[0]):
        for y in range(highest.shape[1]):
            row = highest[i, y]
            _largest(row, maps[i, y], maps[i, y + 1], maps[i, y + 2])
            _largest(results[i, y], row[:size], row[LANES : LANES + size], row[2 * LANES :])


@compiled
def _pool_gradient(gradient, maps, highest, of_highest, of_maps):
    of_highest[:] = 0
    of_maps[:] = 0
    size, inner = gradient.shape[2], slice(LANES, LANES + maps.shape[2])
    second, third = slice(LANES, LANES + size), slice(2 * LANES, 2 * LANES + size)
    for i in range(maps.shape[0]):
        for y in range(highest.shape[1]):
            row, of_row, below = highest[i, y], of_highest[i, y], of_maps[i, y + 1 :]
            _add_to_largest(
                gradient[i, y], row[:size], row[second], row[third], of_row[:size], of_row[second], of_row[third]
            )
            _add_to_largest(
                of_row, maps[i, y], maps[i, y + 1], maps[i, y + 2], below[0, inner], below[1, inner], below[2, inner]
            )


@compiled
def _take(rows, first, maps):
    """Rows [N, n * height * width] from the first one on, as maps; zeros where there are no more."""
    values, count = maps.reshape(-1), min(LANES, rows.shape[0] - first)
    for place in range(rows.shape[1]):
        pixel = values[place * LANES : (place + 1) * LANES]
        for lane in range(count):
            pixel[lane] = rows[first + lane, place]
        pixel[count:] = 0


@compiled
def _put(maps, first, rows):
    """The reverse of _take."""
    values = maps.reshape(-1)
    for lane in range(min(LANES, rows.shape[0] - first)):
        for place in range(rows.shape[1]):
            rows[first + lane, place] = values[place * LANES + lane]


@compiled
def _pooled_maps(rows, first, kernels, biases, kernels_2, biases_2, patch, hidden, maps, highest, pooled):
    """Of the patches from the first one on, by one phenotype; the last five arguments are filled, in turn."""
    _take(rows, first, patch)
    _convolve(patch, kernels, biases, hidden)
    _leaky_relu(hidden)
    _convolve(hidden, kernels_2, biases_2, maps)
    _pool(maps, highest, pooled)


@compiled
def _forward(inputs, kernels, biases, kernels_2, biases_2, results):
    """inputs [P, N, side^2], kernels [P, n, 1, 4] and [P, m, n, 4] -> results [P, N, m * (side - 4)^2]."""
    side, kind = round(inputs.shape[2] ** 0.5), inputs.dtype
    n, m = kernels.shape[1], kernels_2.shape[1]
    patch = np.empty((1, side, side * LANES), kind)
    hidden = np.empty((n, side - 1, (side - 1) * LANES), kind)
    maps = np.empty((m, side - 2, (side - 2) * LANES), kind)
    highest = np.empty((m, side - 4, (side - 2) * LANES), kind)
    pooled = np.empty((m, side - 4, (side - 4) * LANES), kind)
    for p in range(inputs.shape[0]):
        weights = kernels[p], biases[p], kernels_2[p], biases_2[p]
        for first in range(0, inputs.shape[1], LANES):
            _pooled_maps(inputs[p], first, *weights, patch, hidden, maps, highest, pooled)
            _put(pooled, first, results[p])


@compiled
def _backward(given, inputs, kernels, biases, kernels_2, biases_2, of_inputs, of_weights, plastic):
    """The gradient of _forward; that of the weights, to which it is added, only where they are plastic."""
    of_kernels, of_biases, of_kernels_2, of_biases_2 = of_weights
    side, kind = round(inputs.shape[2] ** 0.5), inputs.dtype
    n, m = kernels.shape[1], kernels_2.shape[1]
    patch, of_patch = np.empty((1, side, side * LANES), kind), np.empty((1, side, side * LANES), kind)
    hidden, back = np.empty((n, side - 1, (side - 1) * LANES), kind), np.empty((n, side - 1, (side - 1) * LANES), kind)
    maps, of_maps = np.empty((m, side - 2, (side - 2) * LANES), kind), np.empty((m, side, side * LANES), kind)
    highest = np.empty((m, side - 4, (side - 2) * LANES), kind)
    of_highest, pooled = np.empty_like(highest), np.empty((m, side - 4, (side - 4) * LANES), kind)
    # Gradients of results have a border of zeros a pixel wide: with it, what a convolution passes on to its inputs is the
    # convolution by the kernels turned round, from its outputs to its inputs.
    of_hidden, none = np.zeros((n, side + 1, (side + 1) * LANES), kind), np.zeros(n, kind)
    for p in range(inputs.shape[0]):
        weights = kernels[p], biases[p], kernels_2[p], biases_2[p]
        turned = np.ascontiguousarray(kernels[p].transpose(1, 0, 2)[:, :, ::-1])
        turned_2 = np.ascontiguousarray(kernels_2[p].transpose(1, 0, 2)[:, :, ::-1])
        for first in range(0, inputs.shape[1], LANES):
            _pooled_maps(inputs[p], first, *weights, patch, hidden, maps, highest, pooled)
            _take(given[p], first, pooled)
            _pool_gradient(pooled, maps, highest, of_highest, of_maps)
            _convolve(of_maps, turned_2, none, back)
            _leaky_relu_gradient(back, hidden, of_hidden)
            _convolve(of_hidden, turned, none, of_patch)
            _put(of_patch, first, of_inputs[p])
            if plastic:
                _add_kernel_gradients(of_maps, hidden, of_kernels_2[p], of_biases_2[p])
                _add_kernel_gradients(of_hidden, patch, of_kernels[p], of_biases[p])


def arrays(tensors: Sequence[Tensor]) -> tuple[np.ndarray, ...]:
    """Tensors as the functions here take them, kernels [P, n_out, n_in, 2, 2] with one last axis; copies only if they lie apart."""
    whole = (tensor.detach().contiguous() for tensor in tensors)
    return tuple((tensor.flatten(3) if tensor.dim() == 5 else tensor).numpy() for tensor in whole)


class PooledMaps(torch.autograd.Function):
    """`plain(inputs, *weights)`, that is `model.pooled_maps`: inputs [P, N, side^2] -> [P, N, m * (side - 4)^2].

    plain: the same function of torch's operations, by which the gradient's own gradient is found where it is asked for.
    """

    @staticmethod
    def forward(ctx: Any, plain: Callable[..., Tensor], inputs: Tensor, *weights: Tensor) -> Tensor:
        ctx.plain = plain
        ctx.save_for_backward(inputs, *weights)
        side, maps = round(inputs.shape[2] ** 0.5), weights[-1].shape[-1]
        results = inputs.new_empty(*inputs.shape[:2], maps * (side - 4) ** 2)
        _forward(*arrays([inputs, *weights]), results.numpy())
        return results

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        inputs, *weights = ctx.saved_tensors
        plastic = any(ctx.needs_input_grad[2:])
        if torch.is_grad_enabled():
            wanted = [inputs, *weights] if plastic else [inputs]
            gradients = torch.autograd.grad(ctx.plain(inputs, *weights), wanted, gradient, create_graph=True)
            return None, *gradients, *([] if plastic else [None] * len(weights))
        of_inputs, of_weights = inputs.new_empty(inputs.shape), [tensor.new_zeros(tensor.shape) for tensor in weights]
        _backward(*arrays([gradient, inputs, *weights, of_inputs]), arrays(of_weights), plastic)
        return None, of_inputs, *of_weights
