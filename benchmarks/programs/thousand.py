"""The backward pass alone of a thousand recorded ops on 8x8 tensors.

250 times `y = y + tanh(y * w + b)`, where `w` and `b` require grad; recording is not timed.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from measure import load, read_arguments, report, seconds_of_one

ROUNDS = 250


def record(torch: ModuleType, x: Any, w: Any, b: Any) -> Any:
    """Records the ops and returns their result, a scalar."""
    tanh = torch.tanh
    y = x
    for _ in range(ROUNDS):
        y = y + tanh(y * w + b)
    return y.mean()


def main() -> None:
    arguments = read_arguments(__doc__)
    torch = load(arguments.framework)
    torch.manual_seed(0)
    x = torch.randn(8, 8)
    w = (torch.randn(8, 8) * 0.01).requires_grad_()
    b = (torch.randn(8, 8) * 0.01).requires_grad_()

    def prepare() -> Any:
        w.grad = b.grad = None
        return record(torch, x, w, b)

    prepare().backward()
    check = w.grad.sum().item()
    seconds = seconds_of_one(prepare, lambda result: result.backward())
    report(seconds, "s", check=check)


if __name__ == "__main__":
    main()
