"""What a graph keeps beside inputs and results, and what gradients need beside themselves."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest

import lamella_core as lc
from lamella_autograd import grad
from lamella_core import linalg
from lamella_core.ops.spectral import fft_r2c

# By name: a call, its inputs' shapes; the megabytes that are kept, and those that the gradients
# need beside themselves: PyTorch's at most.
CASES: dict[str, tuple[Any, Any, float, float]] = {
    "addbmm": (lc.addbmm, [(500, 500), (5, 500, 100), (5, 100, 500)], 0, 0.5),
    "addmm of float16": (
        lambda x, y, z: lc.addmm(x.half(), y.half(), z.half()),
        [(500, 500), (500, 500), (500, 500)],
        1,
        3.6,
    ),
    "addmm with factors": (
        lambda x, y, z: lc.addmm(x, y, z, beta=2, alpha=3),
        [(500, 500), (500, 500), (500, 500)],
        0,
        0,
    ),
    "addr": (lc.addr, [(500, 1000), (500,), (1000,)], 0, 0),
    "as_strided": (lambda x: x.as_strided((499_999, 2), (1, 1)), [(500_000,)], 0, 6),
    "copysign": (lc.copysign, [(500_000,), (500_000,)], 0, 2),
    "dist": (lc.dist, [(500_000,), (500_000,)], 0, 0.5),
    "eigh": (linalg.eigh, [(1500, 18, 18)], 0, 6),
    "fft_r2c": (lambda x: fft_r2c(x, (1,), "backward"), [(500, 1000)], 0, 2),
    "fmod": (lc.fmod, [(500_000,), (500_000,)], 0, 0),
    "householder_product": (
        linalg.householder_product,
        [(1500, 18, 18), (1500, 18)],
        0,
        12,
    ),
    "index_fill": (
        lambda x, y: x.index_fill(0, lc.arange(100), y.reshape(())),
        [(500, 1000), (1,)],
        0,
        0.4,
    ),
    "ldexp": (lc.ldexp, [(500_000,), (500_000,)], 0, 2),
    "lu": (linalg.lu, [(1500, 18, 18)], 0, 6),
    "mvlgamma": (lambda x: lc.mvlgamma(x, 3), [(500_000,)], 0, 4),
    "polar": (lc.polar, [(500_000,), (500_000,)], 0, 4),
    "remainder": (lc.remainder, [(500_000,), (500_000,)], 0, 0),
    "svdvals": (linalg.svdvals, [(1500, 18, 18)], 0, 4.2),
}

NEED_SCIPY = frozenset(["lu", "mvlgamma"])


def _traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.parametrize("name", CASES)
def test_memory(name: str) -> None:
    if name in NEED_SCIPY:
        pytest.importorskip("scipy")
    call, shapes, kept, needed = CASES[name]
    inputs = [(lc.rand(*shape) + 3).requires_grad_() for shape in shapes]

    def results() -> Any:
        found = call(*inputs)
        return found if isinstance(found, tuple) else (found,)

    def slopes(found: Any) -> Any:
        found = [each for each in found if each.requires_grad]
        return grad(found, inputs, seeds)

    seeds = [lc.ones(each.shape, dtype=each.dtype) for each in results() if each.requires_grad]
    slopes(results())
    tracemalloc.start()
    try:
        found = results()
        with_graph = _traced()
        found = [each.detach() for each in found]
        assert with_graph - _traced() < (kept + 0.1) * 1e6
        found = results()
        before = _traced()
        tracemalloc.reset_peak()
        made = slopes(found)
        peak = tracemalloc.get_traced_memory()[1]
        own = _traced()
        del made
        assert peak - before - (own - _traced()) < (needed + 0.6) * 1e6
    finally:
        tracemalloc.stop()
