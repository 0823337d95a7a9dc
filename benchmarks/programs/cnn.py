"""A training step of the convolutional network of `examples/digits`: 8x8 images, batch 64."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from measure import load, read_arguments
from training import Steps, make_step, report_peak, report_training

BATCH, CLASSES = 64, 10


def build(torch: ModuleType) -> Any:
    """Two convolutions, a pooling and two linear layers, on images of shape (1, 8, 8)."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(512, 64),
        nn.ReLU(),
        nn.Dropout(0.25),
        nn.Linear(64, CLASSES),
    )


def make(torch: ModuleType, batch: int = BATCH) -> Steps:
    """A network, its optimizer and a batch of random images, ready to train."""
    torch.manual_seed(0)
    model = build(torch)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    inputs = torch.randn(batch, 1, 8, 8)
    labels = torch.randint(0, CLASSES, (batch,))
    return make_step(torch, model, optimizer, inputs, labels)


def main() -> None:
    arguments = read_arguments(__doc__, variants=("time", "memory"))
    torch = load(arguments.framework)
    if arguments.variant == "memory":
        report_peak(lambda: make(torch, 1), lambda: make(torch))
    else:
        report_training(make(torch))


if __name__ == "__main__":
    main()
