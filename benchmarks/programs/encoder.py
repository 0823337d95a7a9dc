"""Inference of a transformer encoder: 6 layers of 512, 8 heads, 8 sequences of 128, as modules.

Without gradients and in evaluation mode, where PyTorch takes a path of its own through its layers.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from measure import load, read_arguments, report, seconds_per_round

LAYERS, WIDTH, HEADS, INNER, BATCH, LENGTH = 6, 512, 8, 2048, 8, 128


def build(torch: ModuleType) -> Any:
    """The encoder in evaluation mode, with GELU as in BERT (Devlin et al., 2018)."""
    nn = torch.nn
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, INNER, activation="gelu", batch_first=True)
    return nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False).eval()


def main() -> None:
    arguments = read_arguments(__doc__)
    torch = load(arguments.framework)
    torch.manual_seed(0)
    model = build(torch)
    inputs = torch.randn(BATCH, LENGTH, WIDTH)

    def rounds(count: int) -> None:
        with torch.no_grad():
            for _ in range(count):
                model(inputs)

    with torch.no_grad():
        check = model(inputs).square().mean().item()
    report(seconds_per_round(rounds), "s", check=check)


if __name__ == "__main__":
    main()
