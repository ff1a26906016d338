"""The paper's collected tables by name: how each is read."""

from __future__ import annotations

from functools import partial

from common import collected

READERS = {
    "meta": collected.plain(["sharing", "n_channels", "seed", "sequence", "updates", "loss"]),
    "stages": collected.plain(["network", "seed", "function", "after", "task", "loss", "variance"]),
    "curves": collected.plain(["network", "seed", "update", "quantity", "mean", "sd", "functions"]),
    "predictions": collected.plain(["seed", "function", "after", "x", "target", "prediction"]),
    "image_meta": collected.plain(["condition", "seed", "sequence", "updates", "loss"]),
    "image_errors": collected.plain(["condition", "seed", "step", "digit", "loss"]),
    "image_grids": collected.plain(["condition", "seed", "shown", "digit", "row", "column", "value"]),
    "diagram": collected.plain(["kind", "layer", "node", "target_layer", "target", "channel", "value"]),
}

table = partial(collected.table, readers=READERS)
