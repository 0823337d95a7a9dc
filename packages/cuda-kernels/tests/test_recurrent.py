"""Recurrent layers on CUDA against their equations in NumPy; skipped where there is no GPU.

The gradients are compared with differences of the equations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella_core as lc

cupy = pytest.importorskip("cupy", reason="CuPy is not installed (extras cuda12, cuda13)")

lc.load_backends()
if "cuda" not in lc.backends:
    pytest.skip("CuPy sees no CUDA device", allow_module_level=True)

ops = pytest.importorskip("lamella_nn.ops.recurrent", reason="the layers are those of lamella-nn")

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
FEATURES, SIZE = 5, 6
EQUAL, RAGGED = (3, 3, 3), (4, 3, 3, 1)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _step(kind: str, x: Any, states: Any, weights: Any, nonlinearity: str) -> Any:
    """A step as the ops' docstrings have it."""
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    h = states[0]
    of_x, of_h = x @ w_ih.T + b_ih, h @ w_hh.T + b_hh
    if kind == "rnn":
        return (np.tanh(of_x + of_h) if nonlinearity == "tanh" else np.maximum(of_x + of_h, 0),)
    if kind == "gru":
        (x_r, x_z, x_n), (h_r, h_z, h_n) = np.split(of_x, 3, 1), np.split(of_h, 3, 1)
        z = _sigmoid(x_z + h_z)
        return ((1 - z) * np.tanh(x_n + _sigmoid(x_r + h_r) * h_n) + z * h,)
    i, f, g, o = np.split(of_x + of_h, 4, 1)
    c = _sigmoid(f) * states[1] + _sigmoid(i) * np.tanh(g)
    h = _sigmoid(o) * np.tanh(c)
    return h if w_hr is None else h @ w_hr.T, c


def _layer(kind: str, values: dict[str, Any], batch_sizes: Any, reverse: bool, how: str) -> Any:
    """The output and the last states."""
    weights = [values.get(name) for name in ("w_ih", "w_hh", "b_ih", "b_hh", "w_hr")]
    weights[2:4] = [0 if each is None else each for each in weights[2:4]]
    states = [values[name].copy() for name in ("hx", "cx") if name in values]
    starts = np.cumsum([0, *batch_sizes[:-1]])
    steps = list(zip(starts, batch_sizes, strict=True))
    output = np.empty((len(values["x"]), states[0].shape[1]))
    for start, width in reversed(steps) if reverse else steps:
        rows = values["x"][start : start + width]
        found = _step(kind, rows, [each[:width] for each in states], weights, how)
        for state, new in zip(states, found, strict=True):
            state[:width] = new
        output[start : start + width] = found[0]
    return [output, *states]


def _values(kind: str, batch_sizes: Any, biased: bool, projected: bool) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    height, batch = GATES[kind] * SIZE, batch_sizes[0]
    out = 4 if projected else SIZE
    shapes = {"x": (sum(batch_sizes), FEATURES), "hx": (batch, out)}
    if kind == "lstm":
        shapes["cx"] = (batch, SIZE)
    shapes |= {"w_ih": (height, FEATURES), "w_hh": (height, out)}
    if biased:
        shapes |= {"b_ih": (height,), "b_hh": (height,)}
    if projected:
        shapes["w_hr"] = (out, SIZE)
    return {name: random.normal(size=shape) for name, shape in shapes.items()}


CASES = [
    (kind, sizes, reverse, biased, how, projected)
    for kind, how, projected in [
        ("rnn", "tanh", False), ("rnn", "relu", False), ("gru", "", False),
        ("lstm", "", False), ("lstm", "", True),
    ]
    for sizes, reverse, biased in [
        (EQUAL, False, True), (EQUAL, True, False), (RAGGED, False, False), (RAGGED, True, True),
    ]
]  # fmt: skip


def _forward(kind: str, on: dict[str, Any], sizes: Any, reverse: bool, how: str) -> Any:
    given = [on[n] for n in ("x", "hx", "cx", "w_ih", "w_hh") if n in on]
    given += [on.get("b_ih"), on.get("b_hh")]
    if kind == "lstm":
        given.append(on.get("w_hr"))
    further = (how if kind == "rnn" else True,)
    return getattr(ops, f"{kind}_layer")(*given, sizes, reverse, *further)


@pytest.mark.parametrize(("kind", "sizes", "reverse", "biased", "how", "projected"), CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layers(
    dtype: str, kind: str, sizes: Any, reverse: bool, biased: bool, how: str, projected: bool
) -> None:
    values = _values(kind, sizes, biased, projected)
    on = {n: lc.from_numpy(v).to(getattr(lc, dtype)).to("cuda") for n, v in values.items()}
    found = _forward(kind, on, sizes, reverse, how)
    close = {"float32": 2e-5, "float64": 1e-12}[dtype]
    for mine, theirs in zip(found, _layer(kind, values, sizes, reverse, how), strict=False):
        np.testing.assert_allclose(mine.cpu().numpy(), theirs, rtol=close, atol=close)


@pytest.mark.parametrize(("kind", "sizes", "reverse", "biased", "how", "projected"), CASES)
def test_gradients(
    kind: str, sizes: Any, reverse: bool, biased: bool, how: str, projected: bool
) -> None:
    values = _values(kind, sizes, biased, projected)
    on = {n: lc.from_numpy(v).to("cuda") for n, v in values.items()}
    results = _layer(kind, values, sizes, reverse, how)
    grads = [np.random.default_rng(i).normal(size=r.shape) for i, r in enumerate(results)]
    output, *_, last = _forward(kind, on, sizes, reverse, how)
    kept = [] if kind == "rnn" else [last]
    hr = [on.get("w_hr")] if kind == "lstm" else []
    needs = (True,) * (4 + 2 * (kind == "gru") + (kind == "rnn"))
    if kind == "lstm":
        needs = (True, True, True, True, True, projected, True)
    found = getattr(ops, f"{kind}_layer_backward")(
        *(on["x"], *(lc.from_numpy(g).to("cuda") for g in grads), on["hx"], on["w_ih"]),
        *(on["w_hh"], *hr, output, *kept, sizes, reverse, *((how,) if kind == "rnn" else ())),
        needs,
    )
    names = {
        "rnn": ["x", "hx", "w_ih", "w_hh", "b_ih"],
        "gru": ["x", "hx", "w_ih", "w_hh", "b_ih", "b_hh"],
        "lstm": ["x", "hx", "cx", "w_ih", "w_hh", "w_hr", "b_ih"],
    }[kind]
    random = np.random.default_rng(9)
    for name, gradient in zip(names, found, strict=True):
        if name not in values:
            continue
        # Along a direction, by a central difference.
        way = random.normal(size=values[name].shape)
        step = 1e-6
        ends = []
        for sign in (step, -step):
            moved = _layer(kind, values | {name: values[name] + sign * way}, sizes, reverse, how)
            ends.append(sum((g * r).sum() for g, r in zip(grads, moved, strict=True)))
        expected = (ends[0] - ends[1]) / (2 * step)
        assert (gradient.cpu().numpy() * way).sum() == pytest.approx(expected, rel=1e-6, abs=1e-6)
