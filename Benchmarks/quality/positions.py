"""Divergences position by position, and what can be said of two candidates by the same positions.

Positions of a window are not independent: a window is a cluster. The standard error of a mean is that of a ratio
of sums over windows (their sums of divergences by their positions), with windows taken as independent. Several
texts are strata: each keeps its own mean.
"""

import dataclasses
import json
import math

import numpy as np


@dataclasses.dataclass
class Positions:
    """For each text its windows, each an array of divergences in nats and one of whether the top token is the same."""

    texts: list

    @classmethod
    def read(cls, path):
        with open(path, encoding="utf-8") as file:
            saved = json.load(file)
        if saved["schema"] != 1:
            raise ValueError(f"{path}: layout {saved['schema']} of saved positions is not known")
        return cls([
            [(np.array(window["divergence"]), np.array(window["sameTop"], bool)) for window in text["windows"]]
            for text in saved["texts"]])

    def __add__(self, other):
        return Positions(self.texts + other.texts)

    def text(self, index):
        return Positions([self.texts[index]])

    @property
    def divergences(self):
        return np.concatenate([divergence for text in self.texts for divergence, _ in text])

    @property
    def mean(self):
        return float(self.divergences.mean())

    @property
    def error(self):
        return _error([[window for window, _ in text] for text in self.texts])

    @property
    def p99(self):
        return float(np.quantile(self.divergences, 0.99))

    @property
    def same_top(self):
        return float(np.concatenate([same for text in self.texts for _, same in text]).mean())

    def relative(self, other):
        """How far the mean is from another's of the same positions, as a share of it, and the error of that."""
        ratio = self.mean / other.mean
        residuals = [
            [ours - ratio * theirs for (ours, _), (theirs, _) in zip(mine, others, strict=True)]
            for mine, others in zip(self.texts, other.texts, strict=True)]
        return ratio - 1, _error(residuals) / other.mean


def _error(texts):
    """The standard error of the mean of all values of texts' windows."""
    variance, count = 0.0, 0
    for windows in texts:
        sums, counts = np.array([[window.sum(), window.size] for window in windows]).T
        count += counts.sum()
        if len(windows) < 2:
            return math.nan
        rest = sums - counts * (sums.sum() / counts.sum())
        variance += len(windows) / (len(windows) - 1) * float((rest ** 2).sum())
    return math.sqrt(variance) / count
