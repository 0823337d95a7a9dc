"""A training step of a multilayer perceptron: two small ones and one that is all arithmetic."""

from __future__ import annotations

import os
from itertools import pairwise
from types import ModuleType
from typing import Any

from measure import load, read_arguments
from training import make_step, report_training


def build(torch: ModuleType, widths: list[int]) -> Any:
    """Linear layers of these widths with ReLU between them."""
    layers: list[Any] = []
    for inputs, outputs in pairwise(widths):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def main() -> None:
    arguments = read_arguments(__doc__, variants=("sgd", "sgd-numpy", "adam", "adam-numpy", "wide"))
    if arguments.variant.endswith("-numpy"):
        os.environ["LAMELLA_CPU_KERNELS"] = "0"
    torch = load(arguments.framework)
    torch.manual_seed(0)
    wide = arguments.variant == "wide"
    widths, batch = ([1024, 4096, 4096, 1000], 256) if wide else ([784, 128, 10], 32)
    model = build(torch, widths)
    if arguments.variant.startswith("adam"):
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    inputs = torch.randn(batch, widths[0])
    labels = torch.randint(0, widths[-1], (batch,))
    report_training(make_step(torch, model, optimizer, inputs, labels))


if __name__ == "__main__":
    main()
