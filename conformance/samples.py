"""What of the operator database is run, in one place: which ops, which dtypes, how many samples.

Also the facts about single ops that decide how their results may be compared.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from carry import NotCarried, pack
from resolve import uses_internal_ops

DEFAULT_DTYPES = (
    "float32", "float64", "int64", "int32", "uint8", "bool", "complex64", "complex128",
    "bfloat16", "float16",
)  # fmt: skip
GRADIENT_DTYPES = ("float32", "float64", "complex64", "complex128")
DEFAULT_MAX_SAMPLES = 400

# The values of these results are whatever was in memory: only dtype, shape and strides count.
UNINITIALIZED = frozenset(
    """empty empty_like empty_permuted empty_strided new_empty new_empty_strided resize_
    resize_as_""".split()
)

# PyTorch documents the strides of these results though they are not views.
STRIDES_DOCUMENTED = frozenset(
    """as_strided_copy clone contiguous empty_like empty_permuted empty_strided full_like
    new_empty_strided ones_like rand_like randint_like randn_like to zeros_like""".split()
)

# PyTorch documents these results as views of the input, always or where strides allow.
VIEWS = frozenset(
    """H T __getitem__ as_strided atleast_1d atleast_2d atleast_3d broadcast_tensors broadcast_to
    chunk conj contiguous diagonal dsplit expand expand_as flatten hsplit imag linalg.diagonal mH
    mT movedim narrow permute positive ravel real reshape reshape_as resolve_conj resolve_neg
    select split split_with_sizes squeeze t tensor_split to transpose unbind unflatten unfold
    unsqueeze view view_as view_as_complex view_as_real vsplit""".split()
)

# Singular and eigenvectors are fixed only up to a sign or a phase. For these the database's own
# ``output_process_fn_grad`` (absolute values, products) gives the part that is fixed.
UP_TO_PHASE = frozenset("linalg.eig linalg.eigh linalg.svd pca_lowrank svd svd_lowrank".split())

# Which of equal elements these find, or in which order, is not specified unless they are told to be
# stable; the position of ``dim`` among the arguments after the input.
TIES = {"argsort": 0, "kthvalue": 1, "mode": 0, "sort": 0, "topk": 1}


def label(op: Any) -> str:
    return f"{op.name}/{op.variant_test_name}" if op.variant_test_name else op.name


def left_out(op: Any) -> str | None:
    """Why an entry of the database is no public op of a dense CPU tensor library, or None."""
    if op.name.startswith("_") and not op.name.startswith("__"):
        return "internal (leading underscore)"
    if op.name.startswith("torch.") or uses_internal_ops(op.op):
        return "internal (torch.ops or a private function)"
    if op.name.startswith("jiterator_") or not op.supported_dtypes("cpu"):
        return "CUDA only"
    if op.name.startswith("sparse.") or op.name == "to_sparse":
        return "sparse tensors"
    return None


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    index: int
    input: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    # The part of the result that is differentiable and unique, as the database defines it.
    process: Callable[[Any], Any]

    @property
    def arguments(self) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
        return self.input, self.args, self.kwargs


def supported(op: Any, dtypes: tuple[str, ...]) -> list[str]:
    """Those of the dtypes that PyTorch's op supports on the CPU."""
    return [name for name in dtypes if getattr(torch, name) in op.supported_dtypes("cpu")]


def differentiable(op: Any, dtype: str) -> bool:
    return (
        op.supports_autograd
        and dtype in GRADIENT_DTYPES
        and getattr(torch, dtype) in op.supported_backward_dtypes("cpu")
    )


def samples(op: Any, dtype: str, requires_grad: bool, most: int) -> tuple[list[Sample], int]:
    """At most ``most`` of the op's samples, evenly spread, and how many could not be carried."""
    _seed_everything()
    found = list(op.sample_inputs("cpu", getattr(torch, dtype), requires_grad=requires_grad))
    packed, lost = [], 0
    for index in spread(len(found), most):
        item = found[index]
        try:
            packed.append(_pack_sample(index, item))
        except NotCarried:
            lost += 1
    return packed, lost


def error_samples(op: Any) -> tuple[list[Sample], int]:
    """The op's error inputs, and how many could not be carried."""
    if op.error_inputs_func is None:
        return [], 0
    _seed_everything()
    packed, lost = [], 0
    for index, item in enumerate(op.error_inputs("cpu")):
        try:
            packed.append(_pack_sample(index, item.sample_input))
        except NotCarried:
            lost += 1
    return packed, lost


def spread(count: int, most: int) -> list[int]:
    """Indices 0 to count - 1, thinned evenly to at most ``most`` with the first and last kept."""
    if count <= most:
        return list(range(count))
    return sorted({round(step * (count - 1) / max(most - 1, 1)) for step in range(most)})


def _pack_sample(index: int, item: Any) -> Sample:
    return Sample(
        index,
        pack(item.input),
        pack(tuple(item.args)),
        pack(dict(item.kwargs)),
        item.output_process_fn_grad,
    )


def _seed_everything() -> None:
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
