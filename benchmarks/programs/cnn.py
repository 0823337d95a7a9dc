"""A training step of the convolutional network of `examples/digits`: 8x8 images, batch 64."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from measure import load, read_arguments
from training import make_step, report_training

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


def main() -> None:
    arguments = read_arguments(__doc__)
    torch = load(arguments.framework)
    torch.manual_seed(0)
    model = build(torch)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    inputs = torch.randn(BATCH, 1, 8, 8)
    labels = torch.randint(0, CLASSES, (BATCH,))
    report_training(make_step(torch, model, optimizer, inputs, labels))


if __name__ == "__main__":
    main()
