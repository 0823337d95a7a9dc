"""Holds one op of a candidate framework to PyTorch's, sample by sample, variant by variant."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import resolve
import torch
from calls import (
    Call,
    Raised,
    hold_raised,
    in_double_precision,
    run_call,
    widened,
)
from carry import BITS, PackedTensor, short_name, tensors_in
from compare import (
    Mismatch,
    Tolerance,
    ValueMismatch,
    as_near_to_the_truth,
    compare,
    compare_strides,
    same_but_for_ties,
    tolerances,
)
from derivatives import run_gradient, run_second
from samples import (
    STRIDES_DOCUMENTED,
    TIES,
    UNINITIALIZED,
    UP_TO_PHASE,
    VIEWS,
    Sample,
    differentiable,
    error_samples,
    label,
    samples,
    spread,
    supported,
)

# Variants that repeat the function's own work are held to it on the first samples only.
FEW = 3
FEW_TWICE = 6
SENTINEL = 1

# The dtypes for whose samples second derivatives are compared, in double precision.
TWICE = frozenset(("float64", "complex64"))
SECOND_ORDER: dict[str, Tolerance] = {"float64": (1e-6, 1e-6), "complex128": (1e-6, 1e-6)}

# A dtype that an ``out`` of the wrong kind has, by the kind of the right result.
UNCASTABLE = {"f": "int64", "c": "float32", "i": "bool"}


@dataclasses.dataclass(slots=True)
class Failure:
    """The first failure of one check at one dtype, and how many there were."""

    op: str
    dtype: str
    sample: int
    check: str
    message: str
    count: int = 1


@dataclasses.dataclass(slots=True)
class Verdict:
    op: str
    failures: list[Failure] = dataclasses.field(default_factory=list)
    checks: int = 0
    not_carried: int = 0
    judged_by_truth: int = 0
    seconds: float = 0.0


class OpCheck:
    """All checks of one op; ``run`` gives the verdict."""

    def __init__(
        self,
        op: Any,
        candidate: ModuleType,
        dtypes: tuple[str, ...],
        most: int,
    ) -> None:
        self.op = op
        self.candidate = candidate
        self.dtypes = dtypes
        self.most = most
        self.verdict = Verdict(label(op))
        self.dtype = ""
        self.table: dict[str, Tolerance] = {}
        self.oracle_function = resolve.function(op, torch)
        self.candidate_function = resolve.function(op, candidate)

    def run(self) -> Verdict:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for dtype in supported(self.op, self.dtypes):
                self.dtype = dtype
                self.table = tolerances(self.op, dtype)
                self.check_results()
                if differentiable(self.op, dtype):
                    self.check_gradients()
            self.dtype = "any"
            self.check_errors()
        return self.verdict

    def attempt(self, check: str, index: int, held: Callable[..., None], *args: Any) -> None:
        """Runs one comparison and notes its failure, a fault on the candidate's side included."""
        self.verdict.checks += 1
        try:
            held(*args)
        except Mismatch as mismatch:
            self.fail(check, index, str(mismatch))
        except Exception as error:
            self.fail(check, index, f"while comparing: {Raised(error)}")

    def fail(self, check: str, index: int, message: str) -> None:
        for known in self.verdict.failures:
            if known.dtype == self.dtype and known.check == check:
                known.count += 1
                return
        self.verdict.failures.append(Failure(self.verdict.op, self.dtype, index, check, message))

    # Values, dtypes, shapes, strides.

    def check_results(self) -> None:
        op = self.op
        found, lost = samples(op, self.dtype, False, self.most)
        self.verdict.not_carried += lost
        variants = self.variants()
        for position, sample in enumerate(found):
            self.attempt("function", sample.index, self.hold_function, sample)
            for check, oracle, candidate, in_place, few in variants:
                if few and position >= FEW:
                    continue
                if not check.startswith("alias") and not isinstance(sample.input, PackedTensor):
                    continue
                if "operator" in check and sample.kwargs:
                    continue
                self.attempt(
                    check, sample.index, self.hold_variant, oracle, candidate, sample, in_place
                )
            if op.supports_out:
                self.attempt("out", sample.index, self.hold_out, sample, self.strided_out)
                if position < FEW:
                    self.attempt("out resize", sample.index, self.hold_out, sample, self.empty_out)
                    self.attempt("out dtype", sample.index, self.hold_out, sample, self.wrong_out)

    def variants(self) -> list[tuple[str, Any, Any, bool, bool]]:
        """(check, PyTorch's callable, the candidate's or None, in place, first samples only)."""
        op, listed = self.op, []
        for check, given, in_place in (
            ("method", op.method_variant, False),
            ("in-place", op.inplace_variant, True),
        ):
            if resolve.is_method(given):
                ours = resolve.variant(given, self.candidate)
                listed.append((check, resolve.variant(given, torch), ours, in_place, False))
        for check, given, in_place in (
            ("operator", op.operator_variant, False),
            ("in-place operator", op.inplace_operator_variant, True),
        ):
            if given is not None:
                listed.append((check, given, given, in_place, True))
        for alias in op.aliases:
            theirs = resolve.look_up(torch, alias.name)
            ours = resolve.look_up(self.candidate, alias.name)
            if theirs is not None and ours is not None:
                listed.append((f"alias {alias.name}", theirs, ours, False, True))
        return listed

    def hold_function(self, sample: Sample) -> None:
        expected = run_call(self.oracle_function, sample, torch)
        actual = run_call(self.candidate_function, sample, self.candidate)
        self.hold(expected, actual, sample, self.oracle_function)

    def hold_variant(self, oracle: Any, candidate: Any, sample: Sample, in_place: bool) -> None:
        if candidate is None:
            raise Mismatch(f"the candidate lacks {getattr(oracle, '__name__', oracle)}")
        expected = run_call(oracle, sample, torch)
        actual = run_call(candidate, sample, self.candidate)
        self.hold(expected, actual, sample, oracle)
        if in_place and not expected.raised:
            if (expected.result is expected.arguments[0]) != (actual.result is actual.arguments[0]):
                raise Mismatch("the result is not the input tensor itself")
            compare_strides(expected.result, actual.result, "result")

    def hold(
        self,
        expected: Call,
        actual: Call,
        sample: Sample,
        oracle: Callable[..., Any],
    ) -> bool:
        """Raises Mismatch unless both calls did the same; whether values were within tolerance."""
        if hold_raised(expected, actual):
            return False
        one, other = expected.result, actual.result
        name = self.op.name
        known = name not in UNINITIALIZED
        processed = name in UP_TO_PHASE
        try:
            compare(
                one, other, self.candidate, self.table,
                values=known and not processed, strides=name in STRIDES_DOCUMENTED,
            )  # fmt: skip
            if processed:
                compare(
                    sample.process(one), sample.process(other), self.candidate, self.table,
                    where="processed result",
                )  # fmt: skip
        except ValueMismatch:
            if not self.near_the_truth(one, other, sample, oracle):
                if not self.differ_in_ties(expected, actual, sample):
                    raise
            known = False
        if name in VIEWS:
            hold_views(expected, actual, self.candidate)
        if known:
            compare(
                list(tensors_in(expected.arguments, torch.Tensor)),
                list(tensors_in(actual.arguments, self.candidate.Tensor)),
                self.candidate, self.table, where="inputs after the call",
            )  # fmt: skip
        return known and not processed

    def differ_in_ties(self, expected: Call, actual: Call, sample: Sample) -> bool:
        place = TIES.get(self.op.name)
        if place is None or sample.kwargs.get("stable"):
            return False
        dim = sample.args[place] if len(sample.args) > place else sample.kwargs.get("dim", -1)
        return same_but_for_ties(
            expected.result, actual.result, expected.arguments[0], dim, self.candidate
        )

    def near_the_truth(
        self, one: Any, other: Any, sample: Sample, oracle: Callable[..., Any]
    ) -> bool:
        truth = in_double_precision(run_call, oracle, sample)
        if truth.raised:
            return False
        results = (one, other, truth.result)
        if self.op.name in UP_TO_PHASE:
            results = tuple(sample.process(result) for result in results)
        near = as_near_to_the_truth(*results, self.candidate)
        self.verdict.judged_by_truth += near
        return near

    # out=

    def hold_out(self, sample: Sample, make: Callable[[torch.Tensor], PackedTensor]) -> None:
        plain = run_call(self.oracle_function, sample, torch)
        if plain.raised:
            return
        if isinstance(plain.result, torch.Tensor):
            out: Any = make(plain.result)
        elif isinstance(plain.result, (tuple, list)):
            if not all(isinstance(item, torch.Tensor) for item in plain.result):
                return
            out = tuple(make(item) for item in plain.result)
        else:
            return
        expected = run_call(self.oracle_function, sample, torch, out)
        actual = run_call(self.candidate_function, sample, self.candidate, out)
        values = self.hold(expected, actual, sample, self.oracle_function)
        if expected.raised:
            return
        wanted = list(tensors_in(expected.out, torch.Tensor))
        given = list(tensors_in(actual.out, self.candidate.Tensor))
        for index, (one, other) in enumerate(zip(wanted, given, strict=True)):
            where = f"out[{index}]" if len(wanted) > 1 else "out"
            compare(one, other, self.candidate, self.table, values=values, where=where)
            compare_strides(one, other, where)
        returned = list(tensors_in(expected.result, torch.Tensor))
        ours = list(tensors_in(actual.result, self.candidate.Tensor))
        if returned and all(one is other for one, other in zip(returned, wanted, strict=False)):
            if not all(one is other for one, other in zip(ours, given, strict=True)):
                raise Mismatch("the result is not the tensor given as out")

    @staticmethod
    def strided_out(result: torch.Tensor) -> PackedTensor:
        """An ``out`` of the right shape over every second element of a larger storage."""
        array = storage_array(2 * result.numel() + 1, short_name(result.dtype))
        stride, step = [], 2
        for size in reversed(result.shape):
            stride.append(step)
            step *= max(size, 1)
        shape = tuple(result.shape)
        return PackedTensor(array, short_name(result.dtype), shape, tuple(reversed(stride)), 1)

    @staticmethod
    def empty_out(result: torch.Tensor) -> PackedTensor:
        name = short_name(result.dtype)
        return PackedTensor(storage_array(0, name), name, (0,), (1,), 0)

    @staticmethod
    def wrong_out(result: torch.Tensor) -> PackedTensor:
        """An ``out`` of the right shape but a dtype that the result cannot be cast to."""
        kind = "c" if result.is_complex() else "f" if result.is_floating_point() else "i"
        name = UNCASTABLE[kind]
        fresh = torch.empty(tuple(result.shape))
        array = storage_array(result.numel(), name)
        return PackedTensor(array, name, tuple(result.shape), fresh.stride(), 0)

    # Gradients.

    def check_gradients(self) -> None:
        op = self.op
        found, lost = samples(op, self.dtype, True, self.most)
        self.verdict.not_carried += lost
        oracle, candidate = self.with_wrapper(torch), self.with_wrapper(self.candidate)
        theirs = ours = None
        if resolve.is_method(op.inplace_variant) and op.supports_inplace_autograd:
            theirs = resolve.variant(op.inplace_variant, torch)
            ours = resolve.variant(op.inplace_variant, self.candidate)
        twice = op.supports_gradgrad and self.dtype in TWICE
        chosen = spread(len(found), FEW_TWICE) if twice else []
        for position, sample in enumerate(found):
            self.attempt("gradient", sample.index, self.hold_gradients, oracle, candidate, sample)
            if position in chosen:
                self.attempt(
                    "second derivative", sample.index, self.hold_second, oracle, candidate, sample
                )
            if theirs and ours and position < FEW and isinstance(sample.input, PackedTensor):
                self.attempt(
                    "in-place gradient", sample.index, self.hold_gradients,
                    on_a_clone(theirs), on_a_clone(ours), sample,
                )  # fmt: skip

    def with_wrapper(self, module: ModuleType) -> Callable[..., Any]:
        """The op on inputs restricted to its domain (Hermitian, triangular) as for gradcheck."""
        func = resolve.function(self.op, module)
        wrapper = self.op.gradcheck_wrapper
        if getattr(wrapper, "__name__", "") not in DOMAIN_WRAPPERS:
            return func
        bound = resolve.rebind(wrapper, module)
        return lambda *args, **kwargs: bound(func, *args, **kwargs)

    def hold_gradients(self, oracle: Any, candidate: Any, sample: Sample) -> None:
        expected = run_gradient(oracle, sample, torch)
        actual = run_gradient(candidate, sample, self.candidate)
        if hold_raised(expected, actual):
            return
        try:
            compare(expected.result, actual.result, self.candidate, self.table, where="gradient")
        except ValueMismatch:
            truth = in_double_precision(run_gradient, oracle, sample)
            if truth.raised or not as_near_to_the_truth(
                expected.result["gradients"], actual.result["gradients"],
                truth.result["gradients"], self.candidate, together=True,
            ):  # fmt: skip
                raise
            self.verdict.judged_by_truth += 1

    def hold_second(self, oracle: Any, candidate: Any, sample: Sample) -> None:
        """In double precision; PyTorch may lack a second derivative that the candidate has."""
        wide = widened(sample)
        expected = run_second(oracle, wide, torch)
        if expected.raised:
            return
        actual = run_second(candidate, wide, self.candidate)
        hold_raised(expected, actual)
        compare(expected.result, actual.result, self.candidate, SECOND_ORDER, where="result")

    # Errors.

    def check_errors(self) -> None:
        found, lost = error_samples(self.op)
        self.verdict.not_carried += lost
        for sample in found:
            self.attempt("error", sample.index, self.hold_error, sample)

    def hold_error(self, sample: Sample) -> None:
        expected = run_call(self.oracle_function, sample, torch)
        if expected.raised:
            hold_raised(expected, run_call(self.candidate_function, sample, self.candidate))


DOMAIN_WRAPPERS = frozenset(
    """gradcheck_wrapper_hermitian_input gradcheck_wrapper_ctc_loss
    gradcheck_wrapper_triangular_input_real_positive_diagonal""".split()
)


def hold_views(expected: Call, actual: Call, candidate: ModuleType) -> None:
    """Where PyTorch's result is a view of the input the candidate's must be, stride by stride."""
    if not isinstance(expected.arguments[0], torch.Tensor):
        return
    base, own_base = expected.arguments[0], actual.arguments[0]
    pairs = zip(
        tensors_in(expected.result, torch.Tensor),
        tensors_in(actual.result, candidate.Tensor),
        strict=True,
    )
    for one, other in pairs:
        if one.numel() == 0 or not same_storage(one, base):
            continue
        if not same_storage(other, own_base):
            raise Mismatch("the result is a copy, expected a view of the input")
        compare_strides(one, other, "view")
        if other.storage_offset() != one.storage_offset():
            raise Mismatch(
                f"view has storage offset {other.storage_offset()}, expected {one.storage_offset()}"
            )


def same_storage(one: Any, other: Any) -> bool:
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def storage_array(count: int, dtype: str) -> np.ndarray:
    """A flat array that stands for a storage of ``dtype``, filled with ones."""
    return np.full(count, SENTINEL, dtype=BITS.get(dtype, dtype))


def on_a_clone(func: Callable[..., Any]) -> Callable[..., Any]:
    """An in-place variant made usable on a leaf that requires grad."""
    return lambda input, *args, **kwargs: func(input.clone(), *args, **kwargs)
