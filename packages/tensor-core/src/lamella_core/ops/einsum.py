"""Einstein summation, as a sequence of products over permuted and reshaped operands."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

from lamella_core.conventions.results import write_out
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["einsum"]

# Dimensions that "..." stands for are numbered from the last one: -1, -2, ...
Label = str | int

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def einsum(*args: Any) -> Tensor:
    """Sums of products named by labels: ``einsum("ij,jk->ik", a, b)`` is ``a @ b``.

    Each operand has a letter for each of its dimensions. Dimensions of one letter are multiplied
    with one another (a repeated letter in one operand takes its diagonal) and summed, unless the
    letter stands after ``->``. Without ``->`` the result has the letters that occur once, in
    alphabetical order (capitals first), after the dimensions of ``...``, which stands for any
    dimensions and broadcasts.

    Operands are taken from left to right, two at a time, as batches of matrix products.

    Args:
        args: the equation and the operands (or one list of them); or operands, each followed by
            its list of labels in [0, 52), and at the end the result's list, which may be left out.

    Raises:
        RuntimeError: when the equation is not well-formed or does not fit the operands.
    """
    if not args:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one "
            "operand and its subscripts list"
        )
    equation, operands = args[0], list(args[1:])
    if isinstance(equation, Tensor):
        equation, operands = _from_lists(args)
    elif len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = list(operands[0])
    for each in operands:
        if not isinstance(each, Tensor):
            raise TypeError(f"einsum(): operands must be Tensors, not {type(each).__name__}")
    dims = tuple([operand._array.ndim for operand in operands])
    inputs, output = _labels(equation, dims)
    sizes: dict[Label, int] = {}
    for place, (operand, labels) in enumerate(zip(operands, inputs, strict=True)):
        for label, size in zip(labels, operand._array.shape, strict=True):
            known = sizes.setdefault(label, size)
            if known != size and 1 not in (known, size):
                raise RuntimeError(
                    f"einsum(): subscript {_text(label)} has size {size} for operand {place} which "
                    f"does not broadcast with previously seen size {known}"
                )
            if known == 1:
                sizes[label] = size
    terms = [_without_repeats(*pair) for pair in zip(operands, inputs, strict=True)]
    current, labels = _sum_out(*terms[0], _wanted(output, terms[1:]))
    for place in range(1, len(terms)):
        wanted = _wanted(output, terms[place + 1 :])
        current, labels = _multiply(current, labels, *terms[place], wanted)
    missing = [label for label in output if label not in labels]
    for label in missing:
        current, labels = current.unsqueeze(-1), [*labels, label]
    result = current.permute([labels.index(label) for label in output])
    if len(terms) == 1 and len(labels) == len(terms[0][1]):
        return result
    return write_out("einsum", result, None)


def _text(label: Label) -> str:
    return label if isinstance(label, str) else "..."


def _from_lists(args: Sequence[Any]) -> tuple[str, list[Tensor]]:
    # The equation that operands followed by lists of labels stand for.
    operands = list(args[0 : len(args) - len(args) % 2 : 2])
    lists = list(args[1::2]) + ([args[-1]] if len(args) % 2 else [])

    def text(labels: Sequence[Any]) -> str:
        for label in labels:
            if label is not Ellipsis and not 0 <= label < 52:
                raise ValueError(f"einsum(): subscript {label} is not in the range [0, 52)")
        return "".join("..." if label is Ellipsis else _LETTERS[label] for label in labels)

    terms = [text(labels) for labels in lists]
    if len(args) % 2:
        return f"{','.join(terms[:-1])}->{terms[-1]}", operands
    return ",".join(terms), operands


@lru_cache(maxsize=256)
def _labels(equation: str, dims: tuple[int, ...]) -> tuple[list[list[Label]], list[Label]]:
    # The labels of every operand's dimensions, and of the result's.
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if not dims:
        raise RuntimeError("einsum(): must provide at least one operand")
    if len(terms) != len(dims):
        more = "more" if len(dims) > len(terms) else "fewer"
        raise RuntimeError(
            f"einsum(): {more} operands were provided than specified in the equation "
            f"({len(dims)} and {len(terms)} in {equation!r})"
        )
    inputs: list[list[Label]] = []
    for place, (term, ndim) in enumerate(zip(terms, dims, strict=True)):
        before, dots, after = _split(term, f"operand {place}")
        hidden = ndim - len(before) - len(after)
        if hidden < 0 or (hidden and not dots):
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({len(before) + len(after)}) "
                f"is {'more' if hidden < 0 else 'less'} than the number of dimensions "
                f"({ndim}) for operand {place}" + ("" if dots else " and no ellipsis was given")
            )
        inputs.append([*before, *range(-hidden, 0), *after])
    hidden_names = sorted({x for labels in inputs for x in labels if isinstance(x, int)})
    if not arrow:
        letters = [x for labels in inputs for x in labels if isinstance(x, str)]
        single = sorted(x for x in letters if letters.count(x) == 1)
        return inputs, [*hidden_names, *single]
    before, dots, after = _split(right, "the output")
    letters = [*before, *after]
    for x in letters:
        if letters.count(x) > 1:
            raise RuntimeError(
                f"einsum(): output subscript {x} appears more than once in the output"
            )
        if not any(x in labels for labels in inputs):
            raise RuntimeError(
                f"einsum(): output subscript {x} does not appear in the equation for any input "
                f"operand"
            )
    return inputs, [*before, *(hidden_names if dots else ()), *after]


def _split(term: str, where: str) -> tuple[str, str, str]:
    before, dots, after = term.partition("...")
    for x in before + after:
        if x == ".":
            raise RuntimeError(
                f"einsum(): found '.' for {where} that is not part of any ellipsis"
                if "..." not in after
                else f"einsum(): found '.' for {where} for which an ellipsis was already found"
            )
        if x not in _LETTERS:
            raise RuntimeError(
                f"einsum(): invalid subscript given for {where}, subscripts must be in [a-zA-Z], "
                f"got {x!r}"
            )
    return before, dots, after


def _wanted(output: list[Label], later: list[tuple[Tensor, list[Label]]]) -> set[Label]:
    # The labels that must outlive a product.
    return set(output).union(*(labels for _, labels in later))


def _without_repeats(operand: Tensor, labels: list[Label]) -> tuple[Tensor, list[Label]]:
    # The operand with the diagonal taken for every label that it has twice.
    labels = list(labels)
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            i = labels.index(label)
            j = labels.index(label, i + 1)
            if operand._array.shape[i] != operand._array.shape[j]:
                raise RuntimeError(
                    f"einsum(): subscript {_text(label)} is repeated for an operand but the sizes "
                    f"don't match, {operand._array.shape[j]} != {operand._array.shape[i]}"
                )
            operand = operand.diagonal(0, i, j)
            del labels[j], labels[i]
            labels.append(label)
    return operand, labels


def _sum_out(
    operand: Tensor, labels: list[Label], wanted: set[Label]
) -> tuple[Tensor, list[Label]]:
    # Sums over the dimensions whose labels no one asks for.
    dims = [i for i, label in enumerate(labels) if label not in wanted]
    if not dims:
        return operand, labels
    return operand.sum(dims), [label for label in labels if label in wanted]


def _multiply(
    a: Tensor, a_labels: list[Label], b: Tensor, b_labels: list[Label], wanted: set[Label]
) -> tuple[Tensor, list[Label]]:
    # The product of two operands, summed over the labels that are not wanted.
    for label in [x for x in a_labels if x in b_labels]:
        i, j = a_labels.index(label), b_labels.index(label)
        m, n = a._array.shape[i], b._array.shape[j]
        if m == 1 != n:
            a, a_labels = a.squeeze(i), a_labels[:i] + a_labels[i + 1 :]
        elif n == 1 != m:
            b, b_labels = b.squeeze(j), b_labels[:j] + b_labels[j + 1 :]
    a, a_labels = _sum_out(a, a_labels, wanted | set(b_labels))
    b, b_labels = _sum_out(b, b_labels, wanted | set(a_labels))
    shared = [x for x in a_labels if x in b_labels]
    batch = [x for x in shared if x in wanted]
    summed = [x for x in shared if x not in wanted]
    left = [x for x in a_labels if x not in shared]
    right = [x for x in b_labels if x not in shared]
    size_of = dict(zip([*a_labels, *b_labels], [*a._array.shape, *b._array.shape], strict=True))
    result_labels = [*batch, *left, *right]
    if not summed:
        a = a.permute([a_labels.index(x) for x in (*batch, *left)])
        b = b.permute([b_labels.index(x) for x in (*batch, *right)])
        a = a.reshape([*a._array.shape, *(1 for _ in right)])
        middle = [1 for _ in left]
        b = b.reshape([*b._array.shape[: len(batch)], *middle, *b._array.shape[len(batch) :]])
        return a * b, result_labels

    def count(labels: list[Label]) -> int:
        return prod(size_of[x] for x in labels)

    lead = [count(batch)] if batch else []
    a = a.permute([a_labels.index(x) for x in (*batch, *left, *summed)])
    b = b.permute([b_labels.index(x) for x in (*batch, *summed, *right)])
    product = a.reshape([*lead, count(left), count(summed)]).matmul(
        b.reshape([*lead, count(summed), count(right)])
    )
    return product.reshape([size_of[x] for x in result_labels]), result_labels
