"""How weights are distributed: histograms, densities, their modes, and shares of weights.

A histogram is a pandas.Series of counts, whose index are the numbers k of its bins [k * 0.01, (k + 1) * 0.01), without gaps.
"""

from __future__ import annotations

import numpy
import pandas
import scipy  # its parts are imported when they are used

from papers.sticky_gradient.protocol import WIDTH

COLUMNS = ["condition", "seed", "after_task", "low", "count"]
NEAR = 0.02  # of a mode: the weights counted as belonging to it
MODES = (-0.06, 0.0, 0.279)  # of the paper's Figure 5; the last is the attractor a1
FINE = 10  # points of the density within a bin
# A mode must stand out by five standard errors of the density, and hold one weight in ten thousand: less is chance.
ERRORS, SHARE = 5, 1e-4


def histograms(table: pandas.DataFrame, condition: str, after: int) -> pandas.DataFrame:
    """Return the histograms after so many tasks: one row per seed, one column per bin.

    table: the columns of `weights.Histograms.table`. Empty if there are no runs or fewer tasks. Raises ValueError if a bin
    is there twice.
    """
    rows = table[(table["condition"] == condition) & (table["after_task"] == after)]
    bins = (rows["low"].astype(float) / WIDTH).round().astype(int)
    rows = rows.assign(bin=bins)
    if rows.duplicated(["seed", "bin"]).any():
        raise ValueError(f"weights of {condition} are there twice: do not collect overlapping batches")
    if rows.empty:
        return pandas.DataFrame()
    wide = rows.pivot(index="seed", columns="bin", values="count")
    return wide.reindex(columns=range(bins.min(), bins.max() + 1)).fillna(0.0)


def tasks(table: pandas.DataFrame) -> int:
    """Return after how many tasks the last weights were counted; 0 if none were."""
    return 0 if table.empty else int(table["after_task"].max())


def centres(bins: pandas.Index) -> numpy.ndarray:
    """Return the middles of bins, [n]."""
    return (bins.to_numpy(float) + 0.5) * WIDTH


def share(histogram: pandas.Series, value: float, within: float = NEAR) -> float:
    """Return the share of weights in bins whose middle is nearer to the value than `within`."""
    near = numpy.abs(centres(histogram.index) - value) < within
    return float(histogram[near].sum() / histogram.sum())


def deviation(histogram: pandas.Series) -> float:
    """Return the standard deviation of the weights."""
    middles, counts = centres(histogram.index), histogram.to_numpy()
    return float(numpy.sqrt(numpy.cov(middles, fweights=counts.astype(int), ddof=0)))


def density(histogram: pandas.Series) -> pandas.Series:
    """Return the kernel density of the weights: its index are weights 0.001 apart, the kernel a Gaussian with SD 0.01."""
    padding = 6  # bins: where the kernel has died away
    spikes = numpy.zeros((len(histogram) + 2 * padding) * FINE + 1)
    first = (padding * FINE) + FINE // 2
    spikes[first : first + len(histogram) * FINE : FINE] = histogram.to_numpy() / histogram.sum()
    start = histogram.index[0] - padding
    places = (start + numpy.arange(len(spikes)) / FINE) * WIDTH
    smooth = scipy.ndimage.gaussian_filter1d(spikes, sigma=FINE, mode="constant", truncate=5)
    return pandas.Series(smooth * FINE / WIDTH, index=places)


def modes(histogram: pandas.Series) -> pandas.Series:
    """Return the height of the density at each of its modes; the index is where they lie.

    A local maximum is a mode if it rises above its surroundings by more than chance and has weights enough near it. The
    error of the density f of n weights with a Gaussian kernel of SD h is that of counting: sqrt(f / (2 sqrt(pi) h n)).
    """
    curve = density(histogram)
    peaks, about = scipy.signal.find_peaks(curve, prominence=0)
    errors = numpy.sqrt(curve.iloc[peaks] / (2 * numpy.sqrt(numpy.pi) * WIDTH * histogram.sum()))
    kept = [
        peak
        for peak, prominence, error in zip(peaks, about["prominences"], errors, strict=True)
        if prominence >= ERRORS * error and share(histogram, curve.index[peak]) >= SHARE
    ]
    return curve.iloc[kept]


def nearest_mode(histogram: pandas.Series, value: float) -> float:
    """Return where the mode nearest to a value lies; nan if there is none."""
    places = modes(histogram).index.to_numpy()
    return float(places[numpy.abs(places - value).argmin()]) if len(places) else numpy.nan


def highest_mode(histogram: pandas.Series) -> float:
    """Return where the highest mode lies; nan if there is none."""
    heights = modes(histogram)
    return float(heights.idxmax()) if len(heights) else numpy.nan
