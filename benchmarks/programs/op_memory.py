"""What one call of an op allocates beyond its result, by `tracemalloc`: the worst of many ops.

NumPy tells `tracemalloc` of its arrays, PyTorch does not tell of its tensors, so the figure is
lamella's alone; the baseline's is 0.

`plain`: pointwise ops, in-place ones, reductions, products, gathering, copies and layers, which are
to need a constant at most: blocks that fit the cache.

`workspace`: ops whose methods need room that grows with the operands.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

from measure import load, read_arguments, report
from op_memory_calls import (
    creation,
    elementwise,
    gathering,
    gradients,
    layers,
    products,
    reductions,
    workspace,
)

VARIANTS = {
    "plain": (elementwise, reductions, products, gathering, creation, layers, gradients),
    "workspace": (workspace,),
}


def bytes_of(result: Any) -> int:
    if isinstance(result, (tuple, list)):
        return sum(map(bytes_of, result))
    return result.numel() * result.element_size()


def excess(call: Callable[[], Any], writes: bool) -> int:
    """The peak of a call's traced memory, less what its result holds, in bytes."""
    call()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    result = call()
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    # What is not traced has a peak of nothing.
    return max(peak - (0 if writes else bytes_of(result)), 0)


def main() -> None:
    arguments = read_arguments(__doc__, variants=tuple(VARIANTS))
    torch = load(arguments.framework)
    torch.manual_seed(0)
    found: dict[str, int] = {}
    for family in VARIANTS[arguments.variant]:
        new, inside = family.calls(torch)
        found |= {name: excess(call, writes=False) for name, call in new.items()}
        found |= {name: excess(call, writes=True) for name, call in inside.items()}
    most = sorted(found, key=found.__getitem__, reverse=True)
    detail = ", ".join(f"{name} {found[name] / 1e6:.1f} MB" for name in most[:15])
    report(found[most[0]], "B", check=len(found), detail=detail)


if __name__ == "__main__":
    main()
