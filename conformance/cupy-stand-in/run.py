"""Runs the operator database on lamella's CUDA backend, over the stand-in for CuPy or on a GPU.

    python conformance/cupy-stand-in/run.py [OP ...] [--samples 4]
    python conformance/cupy-stand-in/run.py --gpu [--jobs 8]        # CuPy itself and a device

Each op gets its samples once on the CPU and once on ``cuda``: function, in-place variant and
gradients must agree in structure, shape, dtype and (random ones aside) values, or raise the same.
PyTorch gives the samples only. The last line is ``operators right N of M``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
import traceback
import warnings
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "src")]

import lamella_cuda_kernels
import lamella_cupy_stand_in

GPU = "--gpu" in sys.argv
if not GPU:
    lamella_cupy_stand_in.install()

import carry
import numpy as np
import resolve
import torch
from isolate import Lost, run_each
from samples import (
    DEFAULT_DTYPES,
    UNINITIALIZED,
    Sample,
    differentiable,
    label,
    left_out,
    supported,
)
from samples import samples as samples_of
from torch.testing._internal.common_methods_invocations import op_db

import lamella

# Random numbers differ between devices, and singular vectors between any two calls.
ANY_VALUES = UNINITIALIZED | frozenset(
    """bernoulli cauchy exponential geometric log_normal multinomial normal rand rand_like randint
    randint_like randn randn_like random randperm uniform pca_lowrank svd_lowrank
    nn.functional.alpha_dropout nn.functional.dropout nn.functional.dropout2d
    nn.functional.dropout3d nn.functional.feature_alpha_dropout nn.functional.rrelu
    nn.functional.fractional_max_pool2d nn.functional.fractional_max_pool3d
    nn.functional.scaled_dot_product_attention
    nn.functional.multi_head_attention_forward""".split()
)
# Vectors that are given up to a factor: what does not depend on it.
INVARIANTS: dict[str, Callable[[Any], Any]] = {
    "linalg.eig": lambda found: (found[0], abs(found[1])),
    "linalg.eigh": lambda found: (found[0], abs(found[1])),
    "linalg.svd": lambda found: (abs(found[0]), found[1], abs(found[2])),
    "svd": lambda found: (abs(found[0]), found[1], abs(found[2])),
}
TOLERANCE = {"float64": 1e-7, "complex128": 1e-7, "float16": 1e-2, "bfloat16": 5e-2}
GRADIENTS = ("float32", "complex64")


class Difference(Exception):
    """What differs between the devices."""


def on_device(sample: Sample, device: str, creates: bool) -> Any:
    """The sample's arguments on a device."""

    def moved(value: Any) -> Any:
        if isinstance(value, carry.PackedTensor):
            flat = shared.get(value.key)
            if flat is None:
                # A clone owns its memory, so that it can be resized on either device.
                flat = lamella.from_numpy(value.storage).clone()
                if value.dtype in carry.BITS:
                    flat = flat.view(getattr(lamella, value.dtype))
                flat = flat.to(device)
                if value.key is not None:
                    shared[value.key] = flat
            tensor = flat.as_strided(value.size, value.stride, value.offset)
            tensor = tensor.conj() if value.conjugated else tensor
            return tensor.requires_grad_(value.requires_grad)
        if isinstance(value, (list, tuple)):
            return type(value)(moved(each) for each in value)
        if isinstance(value, dict):
            return {name: moved(each) for name, each in value.items()}
        if isinstance(value, carry.PackedDevice) or (isinstance(value, str) and value == "cpu"):
            return device
        if isinstance(value, carry.PackedGenerator):
            return lamella.Generator(device).manual_seed(value.seed)
        if isinstance(value, carry.PackedSlice):
            return slice(moved(value.start), moved(value.stop), moved(value.step))
        return carry.unpack(value, lamella, shared)

    shared: dict[Any, Any] = {}
    input, args, kwargs = moved(sample.arguments)
    if creates and "device" not in kwargs:
        kwargs["device"] = device
    return input, args, kwargs


def called(func: Callable[..., Any], sample: Sample, device: str, how: str, creates: bool) -> Any:
    """The result, or the gradients, of a call on a device; an exception as it is."""
    resolve.seed(lamella)
    try:
        input, args, kwargs = on_device(sample, device, creates)
        result = func(input, *args, **kwargs)
        if how != "gradient":
            return result
        tensors = carry.tensors_in((input, args, kwargs), lamella.Tensor)
        given = [t for t in tensors if t.requires_grad]
        outputs = [t for t in carry.tensors_in(result, lamella.Tensor) if t.requires_grad]
        if not outputs:
            return None
        ones = [lamella.ones_like(t) for t in outputs]
        return lamella.autograd.grad(outputs, given, ones, allow_unused=True)
    except Exception as error:
        return error


def hold(expected: Any, found: Any, values: bool) -> None:
    """Raises Difference where the results on the two devices differ."""
    if isinstance(found, Exception):
        if type(found) is not type(expected):
            frames = [f for f in traceback.extract_tb(found.__traceback__) if "lamella_" in f[0]]
            places = " < ".join(f"{Path(f[0]).name}:{f[1]}" for f in reversed(frames[-3:]))
            raise Difference(f"{type(found).__name__}: {str(found)[:160]} at {places}")
    elif isinstance(expected, lamella.Tensor):
        if not isinstance(found, lamella.Tensor):
            raise Difference(f"{type(found).__name__} for a tensor")
        if (found.dtype, found.shape) != (expected.dtype, expected.shape):
            raise Difference(
                f"{found.dtype} {list(found.shape)} for {expected.dtype} {list(expected.shape)}"
            )
        if values:
            _hold_values(expected, found)
    elif isinstance(expected, (tuple, list)):
        for one, other in zip(expected, found, strict=True):
            hold(one, other, values)
    elif isinstance(expected, Exception):
        raise Difference(f"nothing raised, expected {type(expected).__name__}: {expected}")
    elif isinstance(expected, (bool, int, float)) and expected == expected and expected != found:
        raise Difference(f"{found} for {expected}")


def _hold_values(expected: Any, found: Any) -> None:
    one, other = (carry.to_numpy(each.detach().cpu(), lamella) for each in (expected, found))
    close = TOLERANCE.get(carry.short_name(expected.dtype), 1e-4)
    if one.dtype.kind in "fc":
        size = np.nanmax(np.where(np.isfinite(one), abs(one), 0), initial=0)
        wrong = ~np.isclose(other, one, close, close * max(1.0, float(size)) / 10, equal_nan=True)
    else:
        wrong = one != other
    if wrong.any():
        place = np.argwhere(np.atleast_1d(wrong))[0].tolist()
        pair = np.atleast_1d(other)[tuple(place)], np.atleast_1d(one)[tuple(place)]
        raise Difference(f"{pair[0]} for {pair[1]} at {place}, {wrong.sum()} wrong")


def _then(function: Callable[..., Any], more: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: more(function(*args, **kwargs))


def differences(op: Any, most: int) -> Iterator[tuple[str, str, int, str]]:
    """(dtype, how, sample, what) for the first difference of each dtype and way of calling."""
    # Not before the process is forked: the backend refuses to go on in a child.
    lamella_cuda_kernels.load()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    function = resolve.function(op, lamella)
    if op.name in INVARIANTS:
        function = _then(function, INVARIANTS[op.name])
    creates = op.name in CREATING
    ways = [("function", function)]
    if resolve.is_method(op.inplace_variant):
        method = resolve.variant(op.inplace_variant, lamella)
        ways += [("in-place", method)] if method else []
    for dtype in supported(op, DEFAULT_DTYPES):
        runs = list(ways)
        if dtype in GRADIENTS and differentiable(op, dtype) and op.name not in INVARIANTS:
            runs.append(("gradient", function))
        for how, func in runs:
            for sample in samples_of(op, dtype, how == "gradient", most)[0]:
                expected = called(func, sample, "cpu", how, creates)
                found = called(func, sample, "cuda", how, creates)
                try:
                    hold(expected, found, op.name not in ANY_VALUES)
                except Difference as difference:
                    yield dtype, how, sample.index, str(difference)
                    break


CREATING = frozenset(
    """arange empty empty_permuted empty_strided eye full linspace logspace ones zeros randn rand
    randint scalar_tensor tril_indices triu_indices randperm""".split()
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("ops", nargs="*", help="only these (wildcards)")
    parser.add_argument("--samples", type=int, default=4, help="per op and dtype (%(default)s)")
    parser.add_argument("--gpu", action="store_true", help="on a GPU, not over the stand-in")
    parser.add_argument("--jobs", type=int, default=2, help="processes (%(default)s)")
    parser.add_argument(
        "--part", metavar="K/N", help="every N-th op from the K-th, in this process"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    ops = [op for op in op_db if not left_out(op) and resolve.has_op(op, lamella)]
    if options.ops:
        ops = [op for op in ops if any(fnmatchcase(label(op), one) for one in options.ops)]
    if options.part:
        first, step = map(int, options.part.split("/"))
        for op in ops[first::step]:
            print(json.dumps([label(op), checked(op, options.samples)]), flush=True)
        return 0
    excepted = tomllib.loads((HERE / "exceptions.toml").read_text())
    wrong, known = 0, 0
    for name, answer in on_gpu(options.jobs) if GPU else on_stand_in(ops, options):
        if answer and name in excepted:
            known += 1
        elif answer:
            wrong += 1
            for dtype, how, sample, what in answer:
                print(f"WRONG {name} {dtype} {how} sample {sample}: {what}", flush=True)
    names = f"over the names of CuPy {lamella_cupy_stand_in.VERSION}; no GPU took part"
    print("on a GPU" if GPU else names)
    print(f"wrong: {wrong}; excepted with a reason: {known}")
    print(f"operators right {len(ops) - wrong - known} of {len(ops)}")
    return 1 if wrong else 0


def on_stand_in(ops: list[Any], options: argparse.Namespace) -> Iterator[tuple[str, list[Any]]]:
    """(name, differences) of each op, each in a process of its own."""
    answers = run_each(lambda op: checked(op, options.samples), ops, options.jobs, 120.0)
    for index, answer in answers:
        if isinstance(answer, Lost):
            answer = [("any", answer.check, -1, answer.message)]
        yield label(ops[index]), answer


def on_gpu(jobs: int) -> Iterator[tuple[str, list[Any]]]:
    """As ``on_stand_in``, in a few processes that share the ops.

    A process's first calls on a GPU take seconds, and one that knows the device cannot be forked.
    """
    parts = [
        subprocess.Popen(
            [sys.executable, *sys.argv, "--part", f"{each}/{jobs}"], stdout=subprocess.PIPE
        )
        for each in range(jobs)
    ]
    for part in parts:
        assert part.stdout is not None
        for line in part.stdout:
            name, answer = json.loads(line)
            yield name, answer
        if part.wait():
            yield f"what came after {name}", [("any", "crash", -1, f"exit code {part.returncode}")]


def checked(op: Any, most: int) -> list[tuple[str, str, int, str]]:
    try:
        return list(differences(op, most))
    except Exception as error:
        return [("any", "crash", -1, f"the harness raised {type(error).__name__}: {error}")]


if __name__ == "__main__":
    sys.exit(main())
