"""Many kinds of one small call: the geometric mean of the seconds that each takes.

Both frameworks run on one thread. Each kind is timed for itself, in batches as every program does
it, and the detail names the slowest ones, so that a row that misses its target says where.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

from measure import load, read_arguments, report, seconds_per_round

# Seconds for each statement.
BUDGET = 0.3

Rounds = Callable[[int], object]

# Statements, with what they use: x of shape (4, 5, 6), v of five numbers, a tensor `one` without
# dimensions, index tensors `places` and `mask` for the first dimension of x, a matrix `rows`.
STATEMENTS = {
    "indexing": (
        "x[3]", "x[-1]", "x[1, 2]", "x[1, 2, 3]", "x[..., 2]", "x[None]", "x[mask]", "x[places]",
        "x.select(0, 1)",
    ),
    "slicing": ("x[1:5]", "x[:, 1:3]", "x[::2]", "x[0:2, 1]", "x[:, None]", "x.narrow(1, 1, 2)"),
    "assignment": (
        "x[3] = 1.0", "x[1, 2] = 0.5", "v[2] = 1.5", "x[1:3] = 0.0", "x[..., 0] = 2.0",
        "x[0] = rows", "x[places] = rows",
    ),
    "view": (
        "x.view(20, 6)", "x.view(-1)", "x.reshape(4, 30)", "x.unsqueeze(0)", "x.squeeze()",
        "x.flatten()", "x.detach()",
    ),
    "permute": (
        "x.permute(2, 0, 1)", "x.transpose(0, 1)", "x.swapaxes(1, 2)", "rows.t()", "rows.T", "x.mT",
    ),
    "item": ("one.item()", "v[2].item()", "x[1, 2, 3].item()", "float(one)", "v.tolist()"),
    "creation": (
        "torch.zeros(2, 3)", "torch.zeros((2, 3))", "torch.ones(3)", "torch.empty(2, 3)",
        "torch.full((2, 3), 1.5)", "torch.tensor([1.0, 2.0, 3.0])", "torch.tensor(1.5)",
        "torch.tensor([1, 2, 3])", "torch.arange(5)", "torch.zeros_like(x)", "torch.ones_like(x)",
        "x.clone()",
    ),
    "random": ("torch.rand(3)", "torch.randn(3)", "torch.randn(16)", "torch.randint(0, 10, (3,))"),
}  # fmt: skip


def rounds_of(statement: str, names: dict[str, Any]) -> Rounds:
    """A function that runs a statement a number of times in a loop of its own."""
    namespace = dict(names)
    exec(f"def rounds(count):\n    for _ in range(count):\n        {statement}", namespace)
    return namespace["rounds"]


def operands(torch: ModuleType) -> dict[str, Any]:
    x = torch.arange(120.0).reshape(4, 5, 6)
    return {
        "torch": torch,
        "x": x,
        "v": torch.arange(5.0),
        "one": torch.tensor(3.5),
        "places": torch.tensor([0, 2, 1]),
        "mask": torch.arange(4) % 2 == 0,
        "rows": torch.ones(5, 6),
    }


def main() -> None:
    arguments = read_arguments(__doc__, variants=tuple(STATEMENTS))
    torch = load(arguments.framework)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    names = operands(torch)
    taken = {}
    for statement in STATEMENTS[arguments.variant]:
        taken[statement] = seconds_per_round(rounds_of(statement, names), BUDGET)
    mean = math.exp(sum(map(math.log, taken.values())) / len(taken))
    slowest = sorted(taken, key=taken.__getitem__)[-3:]
    detail = ", ".join(f"{statement} {taken[statement] * 1e6:.2f} us" for statement in slowest)
    report(mean, "s", check=names["x"].sum().item(), detail=f"slowest: {detail}")


if __name__ == "__main__":
    main()
