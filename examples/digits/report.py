"""What the network gets wrong: a table for the terminal, a picture for the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

TRAINING, TEST, WRONG = "#4477aa", "#ee7733", "#bb3344"
COLUMNS, MOST_SHOWN = 10, 30


@dataclass
class Result:
    """The network's reading of N test images."""

    index: np.ndarray  # of each image in scikit-learn's data, (N,)
    images: np.ndarray  # (N, 8, 8), from 0 (paper) to 1 (ink)
    true: np.ndarray  # the digit that each shows, (N,)
    predicted: np.ndarray  # the digit that the network reads, (N,)
    confidence: np.ndarray  # the probability that it gives to that digit, (N,)

    @property
    def correct(self) -> int:
        return int((self.true == self.predicted).sum())

    @property
    def accuracy(self) -> float:
        return self.correct / len(self.true)

    def mistakes(self) -> np.ndarray:
        """Positions of the misread images, the most confident mistake first."""
        wrong = np.flatnonzero(self.true != self.predicted)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")]

    def confusion(self) -> np.ndarray:
        """How many images of each true digit (row) were read as each digit (column), (10, 10)."""
        counts = np.zeros((10, 10), int)
        np.add.at(counts, (self.true, self.predicted), 1)
        return counts


def table_of_mistakes(result: Result) -> str:
    mistakes = result.mistakes()
    if not len(mistakes):
        return "no mistakes"
    lines = ["mistakes:", "index  true  predicted  confidence"]
    for i in mistakes:
        lines.append(
            f"{result.index[i]:5}  {result.true[i]:4}  {result.predicted[i]:9}"
            f"  {result.confidence[i]:10.1%}"
        )
    return "\n".join(lines)


def draw(result: Result, losses: dict[str, list[float]], path: Path) -> None:
    """Writes the loss curve, the confusion matrix and the misread digits as a PNG."""
    shown = result.mistakes()[:MOST_SHOWN]
    rows = math.ceil(len(shown) / COLUMNS)
    upper_height, lower_height = 5.6, 0.6 + 1.7 * rows
    figure = Figure(figsize=(12, upper_height + lower_height), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(upper_height, lower_height))
    upper.suptitle(
        f"Scanned digits: {result.accuracy:.2%} of {len(result.true)} test images read correctly",
        fontsize=16,
    )
    left, right = upper.subplots(1, 2, width_ratios=(1.2, 1))
    draw_losses(left, losses)
    draw_confusion(right, result.confusion())
    draw_mistakes(lower, result, shown, rows)
    figure.savefig(path, dpi=120)


def draw_losses(axes: Axes, losses: dict[str, list[float]]) -> None:
    epochs = range(1, len(losses["test"]) + 1)
    axes.plot(
        epochs, losses["training"], "o-", ms=4, color=TRAINING, label="training, with dropout"
    )
    axes.plot(epochs, losses["test"], "s-", ms=4, color=TEST, label="test")
    axes.set(title="Loss of each epoch", xlabel="epoch", ylabel="mean cross-entropy", yscale="log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3, which="both")
    # Plain numbers read better than powers of ten over the few decades of a loss.
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.legend()


def draw_confusion(axes: Axes, counts: np.ndarray) -> None:
    # Each row as a share, so that a rare mistake still shows beside a full diagonal.
    axes.imshow(counts / np.maximum(counts.sum(1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    for (true, predicted), n in np.ndenumerate(counts):
        if n:
            color = "white" if true == predicted else WRONG
            axes.text(predicted, true, n, ha="center", va="center", color=color)
    axes.set(title="Confusion matrix, in images", xlabel="predicted digit", ylabel="true digit")
    axes.set(xticks=range(10), yticks=range(10))


def draw_mistakes(figure: SubFigure, result: Result, shown: np.ndarray, rows: int) -> None:
    total = len(result.true) - result.correct
    which = "all" if len(shown) == total else f"the {len(shown)} most confident"
    title = f"Misread digits: {which} of {total}" if total else "No digit was misread"
    figure.suptitle(title, fontsize=13)
    if not rows:
        return
    for k, axes in enumerate(figure.subplots(rows, COLUMNS, squeeze=False).flat):
        if k >= len(shown):
            axes.set_axis_off()
            continue
        i = shown[k]
        axes.imshow(result.images[i], cmap="gray_r", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[], xlabel=f"{result.confidence[i]:.0%} sure")
        axes.set_title(f"{result.true[i]} read as {result.predicted[i]}", fontsize=10, color=WRONG)
