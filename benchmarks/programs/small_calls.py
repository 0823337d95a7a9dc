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
# dimensions, index tensors `places` and `mask` for the first dimension of x, a matrix `rows`; `a`
# and `c` of shape (32, 10) with `classes` for their rows, `m` of shape (8, 8) with the indices
# `at`, the mask `chosen` and a `part` of three rows, an `image` of 3 channels of 8x8, and `F`,
# nn.functional.
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
    "arithmetic": (
        "a + c", "a * 2.0", "1.0 - a", "a / c", "-a", "a ** 2", "a.abs()", "a.exp()", "a == c",
        "a > 0", "chosen & chosen", "~chosen", "a.isfinite()", "a.clamp(0, 1)", "a.add_(0.0)",
        "a.mul_(1.0)",
    ),
    "reductions": (
        "a.sum()", "a.sum(1)", "a.mean()", "a.mean(-1)", "a.var(1)", "a.norm()", "a.amax(1)",
        "a.any()", "chosen.all()", "a.cumsum(1)",
    ),
    "losses": (
        "F.softmax(a, dim=-1)", "F.log_softmax(a, dim=-1)", "F.cross_entropy(a, classes)",
        "F.nll_loss(a, classes)", "F.mse_loss(a, c)", "F.l1_loss(a, c)", "F.smooth_l1_loss(a, c)",
        "F.binary_cross_entropy_with_logits(a, c)",
    ),
    "joining": (
        "torch.cat((a, c))", "torch.cat([a, c], dim=-1)", "torch.stack([a, c])", "a.split(8)",
        "torch.chunk(a, 2, dim=1)", "v.repeat(2)", "v.expand(8, 5)", "m.flip(0)", "m.roll(1, 0)",
        "torch.tril(m)",
    ),
    "gathering": (
        "m.gather(1, at)", "m.index_select(0, places)", "m[places]", "m[chosen]",
        "torch.where(chosen, m, 0.0)", "m.masked_fill(chosen, 0.0)", "m.scatter(1, at, m)",
        "m.index_add_(0, places, part)", "F.embedding(classes, a)", "F.one_hot(classes, 10)",
    ),
    "sorting": (
        "a.sort(dim=1)", "a.argsort(dim=-1)", "a.topk(3, dim=1)", "a.max(1)", "a.argmax(1)",
        "v.sort(descending=True)", "v.topk(2)", "v.max()", "v.unique()",
    ),
    "layers": (
        "F.layer_norm(a, (10,))", "F.linear(a, c)", "F.relu(a)", "F.gelu(a)", "F.silu(a)",
        "F.dropout(a, 0.5)", "F.batch_norm(image, None, None, training=True)",
        "F.conv2d(image, kernel)", "F.max_pool2d(image, 2)", "a @ c.T",
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
        "F": torch.nn.functional,
        "a": torch.linspace(-3.0, 3.0, 320).reshape(32, 10),
        "c": torch.linspace(1.0, 0.0, 320).reshape(32, 10),
        "classes": torch.arange(32) % 10,
        "m": torch.linspace(-1.0, 1.0, 64).reshape(8, 8),
        "part": torch.zeros(3, 8),
        "at": torch.arange(64).reshape(8, 8) % 7,
        "chosen": torch.arange(64).reshape(8, 8) % 3 == 0,
        "image": torch.linspace(-1.0, 1.0, 192).reshape(1, 3, 8, 8),
        "kernel": torch.linspace(-1.0, 1.0, 108).reshape(4, 3, 3, 3),
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
