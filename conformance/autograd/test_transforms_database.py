"""Batching and forward mode on the operator database.

For every differentiable op, samples in float64 and complex128: ``vmap`` over a batch of two must
equal the loop over the two, in lamella itself, also of in-place variants and of gradients; and
``jvp`` must equal PyTorch's where PyTorch has forward mode for the op.
"""

from __future__ import annotations

import tomllib
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
lamella = pytest.importorskip("lamella")

from carry import tensors_in, to_numpy, unpack  # noqa: E402
from resolve import function, has_op, is_method, rebind, seed, variant  # noqa: E402
from samples import UP_TO_PHASE, Sample, differentiable, label, left_out, samples  # noqa: E402
from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402

from lamella_autograd import func as transforms  # noqa: E402

# How many samples of each op, by dtype.
SAMPLES = {"float64": 3, "complex128": 1}
PARTS = 8
BATCH = 2
TOLERANCE = 1e-6
# What a check returns that had nothing to do: no floating tensor, or a call that errs by itself.
NOTHING = "nothing to check"

# The database's ways to make, of any matrix, one that the op is defined for.
PROJECTIONS = (
    "gradcheck_wrapper_hermitian_input",
    "gradcheck_wrapper_triangular_input",
    "gradcheck_wrapper_triangular_input_real_positive_diagonal",
    "<lambda>",
)

EXCEPTIONS = tomllib.loads(Path(__file__).with_name("transforms_exceptions.toml").read_text())

OPS = [
    op
    for op in op_db
    if left_out(op) is None and differentiable(op, "float64") and has_op(op, lamella)
]


def floating(tensor: Any) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


class Call:
    """A sample as a function of its floating tensors alone."""

    def __init__(self, op: Any, sample: Sample, module: Any) -> None:
        self.module = module
        self.wrapped: Callable[..., Any] = function(op, module)
        if op.gradcheck_wrapper.__name__ in PROJECTIONS:
            self.wrapped = partial(rebind(op.gradcheck_wrapper, module), self.wrapped)
        self.arguments = unpack(sample.arguments, module)
        self.process = sample.process
        self.up_to_phase = label(op) in UP_TO_PHASE
        self.tensors = [t for t in tensors_in(self.arguments, module.Tensor) if floating(t)]

    def __call__(self, *tensors: Any) -> Any:
        """The floating results for other tensors in the places of those of the sample."""
        given = {id(old): new for old, new in zip(self.tensors, tensors, strict=True)}
        input, args, kwargs = _replaced(self.arguments, given, self.module)
        seed(self.module)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = self.wrapped(input, *args, **kwargs)
        if self.up_to_phase:
            result = self.process(result)
        return tuple(t for t in tensors_in(result, self.module.Tensor) if floating(t))


def _replaced(value: Any, given: dict[int, Any], module: Any) -> Any:
    if isinstance(value, module.Tensor):
        return given.get(id(value), value)
    if type(value) in (list, tuple):
        return type(value)(_replaced(each, given, module) for each in value)
    if isinstance(value, dict):
        return {name: _replaced(each, given, module) for name, each in value.items()}
    return value


def close(expected: np.ndarray, got: np.ndarray) -> bool:
    if expected.shape != got.shape:
        return False
    scale = float(np.abs(expected[np.isfinite(expected)]).max(initial=0.0))
    return np.allclose(
        got, expected, rtol=TOLERANCE, atol=TOLERANCE * max(1.0, scale), equal_nan=True
    )


def check_vmap(op: Any, sample: Sample, chosen: str) -> str | None:
    """What is wrong with vmap over all the tensors, or over the first alone; None if nothing."""
    call = Call(op, sample, lamella)
    if not call.tensors:
        return NOTHING
    tensors = [t.detach() for t in call.tensors]
    batched = [chosen == "all" or i == 0 for i in range(len(tensors))]
    examples = [
        [t if k == 0 or not b else t * 0.875 for t, b in zip(tensors, batched, strict=True)]
        for k in range(BATCH)
    ]
    try:
        expected = [call(*each) for each in examples]
    except Exception:
        return NOTHING
    given = [
        lamella.stack([each[i] for each in examples]) if b else tensors[i]
        for i, b in enumerate(batched)
    ]
    in_dims = tuple(0 if b else None for b in batched)
    got = transforms.vmap(call, in_dims=in_dims)(*given)
    for i, result in enumerate(got):
        for k in range(BATCH):
            want = to_numpy(expected[k][i], lamella)
            if not close(want, to_numpy(result, lamella)[k]):
                return f"vmap of {chosen}: result {i} differs from the loop's"
    return None


def check_gradients(op: Any, sample: Sample) -> str | None:
    """What is wrong with gradients for each example of a batch; None if nothing."""
    call = Call(op, sample, lamella)
    if not call.tensors:
        return NOTHING
    tensors = [t.detach() for t in call.tensors]
    examples = [tensors, [t * 0.875 for t in tensors]]

    def gradients(*primals: Any) -> Any:
        results, pull = transforms.vjp(call, *primals)
        return pull(tuple(lamella.cos(lamella.arange(r.numel())).reshape(r.shape).to(r.dtype)
                          for r in results))  # fmt: skip

    try:
        expected = [gradients(*each) for each in examples]
    except Exception:
        return NOTHING
    got = transforms.vmap(gradients)(
        *[lamella.stack(column) for column in zip(*examples, strict=True)]
    )
    for i, result in enumerate(got):
        for k in range(BATCH):
            want = to_numpy(expected[k][i], lamella)
            if not close(want, to_numpy(result, lamella)[k]):
                return f"vmap of vjp: gradient {i} differs from the loop's"
    return None


def check_jvp(op: Any, sample: Sample) -> str | None:
    """What is wrong with the derivative along a direction; None if nothing."""
    theirs, ours = Call(op, sample, torch), Call(op, sample, lamella)
    if not theirs.tensors:
        return NOTHING
    generator = np.random.default_rng(0)
    directions = [generator.standard_normal(tuple(t.shape)) for t in theirs.tensors]
    if any(t.is_complex() for t in theirs.tensors):
        directions = [
            d + 1j * generator.standard_normal(d.shape) if t.is_complex() else d
            for d, t in zip(directions, theirs.tensors, strict=True)
        ]

    def pushed(call: Call, module: Any) -> Any:
        primals = tuple(t.detach() for t in call.tensors)
        tangents = tuple(
            module.from_numpy(np.array(d)).to(t.dtype)
            for d, t in zip(directions, primals, strict=True)
        )
        jvp = torch.func.jvp if module is torch else transforms.jvp
        return jvp(call, primals, tangents)

    try:
        expected = pushed(theirs, torch)
    except Exception:
        return NOTHING
    got = pushed(ours, lamella)
    for i, (want, have) in enumerate(zip(expected[1], got[1], strict=True)):
        if not close(to_numpy(want, torch), to_numpy(have, lamella)):
            return f"jvp: tangent {i} differs from PyTorch's"
    return None


def check_in_place(op: Any, sample: Sample) -> str | None:
    """What is wrong with vmap of the in-place variant; None if nothing."""
    method = variant(op.inplace_variant, lamella) if is_method(op.inplace_variant) else None
    input, args, kwargs = unpack(sample.arguments, lamella)
    if method is None or not isinstance(input, lamella.Tensor):
        return NOTHING

    def written(x: Any) -> Any:
        x = x.clone()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            method(x, *args, **kwargs)
        return x

    examples = [input, input * 0.875]
    try:
        expected = [written(each) for each in examples]
    except Exception:
        return NOTHING
    got = transforms.vmap(written)(lamella.stack(examples))
    for k in range(BATCH):
        if not close(to_numpy(expected[k], lamella), to_numpy(got, lamella)[k]):
            return "vmap of the in-place variant differs from the loop"
    return None


def failures(op: Any, dtype: str) -> tuple[list[str], int]:
    """What is wrong, a line each, and how many checks compared something."""
    found, ran = [], 0
    if not differentiable(op, dtype):
        return found, ran
    for sample in samples(op, dtype, False, SAMPLES[dtype])[0]:
        checks: list[Callable[[], str | None]] = [
            lambda sample=sample: check_vmap(op, sample, "all"),
            lambda sample=sample: check_vmap(op, sample, "the first"),
            lambda sample=sample: check_in_place(op, sample),
            lambda sample=sample: check_gradients(op, sample),
        ]
        if op.supports_forward_ad:
            checks.append(lambda sample=sample: check_jvp(op, sample))
        for number, check in enumerate(checks):
            what = ("vmap", "vmap", "vmap", "gradients", "jvp")[number]
            if not EXCEPTIONS[what].keys().isdisjoint((label(op), f"{label(op)} {dtype}")):
                continue
            try:
                wrong = check()
            except Exception as error:
                wrong = f"{what}: {type(error).__name__}: {str(error)[:200]}"
            ran += wrong != NOTHING
            if wrong not in (None, NOTHING):
                found.append(f"{label(op)}, {dtype}, sample {sample.index}: {wrong}")
    return found, ran


@pytest.mark.parametrize("dtype", SAMPLES)
@pytest.mark.parametrize("part", range(PARTS))
def test_database(part: int, dtype: str) -> None:
    results = [failures(op, dtype) for op in OPS[part::PARTS]]
    found = [line for lines, _ in results for line in lines]
    assert not found, "\n".join(found)
    assert sum(ran for _, ran in results) > 100


def test_exceptions_name_ops() -> None:
    names = {label(op) for op in OPS}
    listed = {name.partition(" ")[0] for table in EXCEPTIONS.values() for name in table}
    assert listed <= names, f"no such op in the database: {sorted(listed - names)}"
