"""A training step of an LSTM of hidden size 256: 32 sequences of 64 steps with 128 features."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from measure import load, read_arguments
from training import make_step, report_training

BATCH, STEPS, FEATURES, HIDDEN, CLASSES = 32, 64, 128, 256, 10


def build(torch: ModuleType) -> Any:
    """An LSTM whose states at all steps go through one linear layer, to (batch, classes, steps)."""
    nn = torch.nn

    class Tagger(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(FEATURES, HIDDEN, batch_first=True)
            self.head = nn.Linear(HIDDEN, CLASSES)

        def forward(self, input: Any) -> Any:
            output, _ = self.lstm(input)
            return self.head(output).transpose(1, 2)

    return Tagger()


def main() -> None:
    arguments = read_arguments(__doc__)
    torch = load(arguments.framework)
    torch.manual_seed(0)
    model = build(torch)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    inputs = torch.randn(BATCH, STEPS, FEATURES)
    labels = torch.randint(0, CLASSES, (BATCH, STEPS))
    report_training(make_step(torch, model, optimizer, inputs, labels))


if __name__ == "__main__":
    main()
