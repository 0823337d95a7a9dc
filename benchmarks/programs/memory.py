"""Resident memory while a tiny network trains for 100,000 steps without the cyclic collector.

A step that leaves a reference cycle behind keeps its graph for ever here, so memory grows.
"""

from __future__ import annotations

import gc

from measure import load, read_arguments, report
from resident import resident_bytes
from training import make_step

EARLY_STEPS, ALL_STEPS = 1_000, 100_000


def main() -> None:
    arguments = read_arguments(__doc__)
    torch = load(arguments.framework)
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    inputs, labels = torch.randn(16, 8), torch.randint(0, 4, (16,))
    step = make_step(torch, model, optimizer, inputs, labels)

    gc.collect()
    gc.disable()
    for _ in range(EARLY_STEPS):
        step()
    early = resident_bytes()
    for _ in range(ALL_STEPS - EARLY_STEPS - 1):
        step()
    loss = step()
    late = resident_bytes()
    unreachable = gc.collect()
    detail = (
        f"{early / 1e6:.1f} MB resident after {EARLY_STEPS:,} steps, {late / 1e6:.1f} MB after "
        f"{ALL_STEPS:,}; {unreachable:,} unreachable objects left to the collector"
    )
    report(late - early, "B", check=loss.item(), detail=detail)


if __name__ == "__main__":
    main()
