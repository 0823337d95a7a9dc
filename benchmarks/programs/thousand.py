"""The backward pass alone of a thousand recorded ops on 8x8 tensors; recording is not timed.

`chain`: 333 times `y = tanh(y * 1.01 + 0.5)`. `leaves`: 250 times `y = y + tanh(y * w + b)`, where
`w` and `b` require grad, so that half of the ops add to the gradient of a leaf.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from measure import load, read_arguments, report, seconds_of_one


def record_chain(torch: ModuleType, x: Any) -> Any:
    """Records the ops and returns their result, a scalar."""
    tanh = torch.tanh
    y = x
    for _ in range(333):
        y = tanh(y * 1.01 + 0.5)
    return y.sum()


def record_leaves(torch: ModuleType, x: Any, w: Any, b: Any) -> Any:
    """Records the ops and returns their result, a scalar."""
    tanh = torch.tanh
    y = x
    for _ in range(250):
        y = y + tanh(y * w + b)
    return y.mean()


def main() -> None:
    arguments = read_arguments(__doc__, variants=("chain", "leaves"))
    torch = load(arguments.framework)
    torch.manual_seed(0)
    x = torch.randn(8, 8)
    if arguments.variant == "chain":
        leaves = [x.requires_grad_()]
    else:
        leaves = [(torch.randn(8, 8) * 0.01).requires_grad_() for _ in range(2)]

    def prepare() -> Any:
        for leaf in leaves:
            leaf.grad = None
        if arguments.variant == "chain":
            return record_chain(torch, x)
        return record_leaves(torch, x, *leaves)

    result = prepare()
    result.backward()
    # The gradient through the whole chain is too small to compare.
    check = (result if arguments.variant == "chain" else leaves[0].grad.sum()).item()
    seconds = seconds_of_one(prepare, lambda result: result.backward())
    report(seconds, "s", check=check)


if __name__ == "__main__":
    main()
