"""``gradcheck`` of forward mode and of batches: the other ways to a derivative."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_autograd.backward import grad
from lamella_autograd.forward_ad import dual_level, make_dual, unpack_dual
from lamella_autograd.gradcheck import (
    GradcheckError,
    _agree,
    _from_parts,
    _is_checked,
    _is_floating,
    _listed,
    _mismatch,
    _numerical,
    _parts,
    _slope,
)
from lamella_autograd.vmap import vmap
from lamella_core.ops.joining import stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_autograd.gradcheck import _Settings
    from lamella_core.tensor import Tensor

_BATCH = 2


def _pushed(
    func: Callable[..., Any], arguments: tuple[Any, ...], moved: Tensor, tangent: Tensor
) -> list[tuple[Tensor, Tensor]]:
    """For each floating output its value, and its derivative along a tangent of one input."""
    with dual_level():
        given = [make_dual(each, tangent) if each is moved else each for each in arguments]
        found = []
        for each in _listed(func(*given)):
            if _is_floating(each):
                primal, along = unpack_dual(each)
                found.append(
                    (primal, primal.detach().new_zeros(primal.shape) if along is None else along)
                )
        return found


def check_forward(
    func: Callable[..., Any], arguments: tuple[Any, ...], settings: _Settings
) -> None:
    """Compares the derivatives of forward mode with finite differences.

    Raises:
        GradcheckError: where they differ.
    """
    generator = np.random.default_rng(2)
    for i, target in enumerate(each for each in arguments if _is_checked(each)):
        count = _parts(target).size
        directions = np.eye(count)
        if settings.fast_mode:
            directions = generator.random((1, count))
            directions /= max(float(np.linalg.norm(directions)), 1e-300)
            slopes = _slope(func, arguments, target, directions[0], settings.eps)
            numerical = [each[None] for each in slopes]
        else:
            numerical = _numerical(func, arguments, target, settings.eps)
        outputs: list[Tensor] = []
        rows = []
        for direction in directions:
            pairs = _pushed(func, arguments, target, _from_parts(direction, target))
            outputs = [primal for primal, _ in pairs]
            rows.append([_parts(along) for _, along in pairs])
        for number, column in enumerate(zip(*rows, strict=True)):
            analytical = np.stack(column)
            if _agree(numerical[number], analytical, settings):
                continue
            if settings.fast_mode:
                raise GradcheckError(
                    f"Jacobian computed with forward mode mismatch for output {number} with "
                    f"respect to input {i},\nalong a random direction:\n"
                    f"numerical:{numerical[number]}\nanalytical:{analytical}\n"
                )
            text = _mismatch(number, i, numerical[number], analytical, target, outputs[number])
            raise GradcheckError(text.replace("Jacobian", "Jacobian computed with forward mode", 1))


def _seeds(like: Tensor) -> Tensor:
    """A batch of random tensors of a shape and type."""
    generator = np.random.default_rng(3)
    return stack(
        [_from_parts(generator.standard_normal(_parts(like).size), like) for _ in range(_BATCH)]
    )


def _compare_batch(what: str, number: int, i: int, batched: Any, single: list[Any]) -> None:
    for k, want in enumerate(single):
        wanted = np.zeros(()) if want is None else _parts(want)
        have = np.zeros(()) if batched is None else _parts(batched[k])
        if not np.allclose(wanted, have, equal_nan=True):
            raise GradcheckError(
                f"{what} of output {number} with respect to input {i} differ from those computed "
                f"one after the other: example {k} is {have}, expected {wanted}"
            )


def check_batched_backward(func: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Compares a batched backward pass with passes one after the other.

    Raises:
        GradcheckError: where they differ, or where the batched pass fails.
    """
    targets = [each for each in arguments if _is_checked(each)]
    for number, output in enumerate(_listed(func(*arguments))):
        if not _is_checked(output):
            continue
        seeds = _seeds(output.detach())
        options: dict[str, Any] = {"retain_graph": True, "allow_unused": True}
        single = [grad(output, targets, seeds[k], **options) for k in range(_BATCH)]
        try:
            found = grad(output, targets, seeds, is_grads_batched=True, **options)
        except RuntimeError as error:
            raise GradcheckError(
                f"While computing batched gradients, got: {error}\n\ngradcheck or gradgradcheck "
                f"failed while testing batched gradient computation; a formula or a Function's "
                f"backward does what vmap cannot batch. check_batched_grad=False leaves this check "
                f"out."
            ) from error
        for i, each in enumerate(found):
            _compare_batch("Batched gradients", number, i, each, [row[i] for row in single])


def check_batched_forward(func: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Compares forward mode for a batch of tangents with one tangent after the other.

    Raises:
        GradcheckError: where they differ, or where the batched computation fails.
    """
    for i, target in enumerate(each for each in arguments if _is_checked(each)):
        tangents = _seeds(target.detach())

        def pushed(tangent: Tensor, target: Tensor = target) -> list[Tensor]:
            return [along for _, along in _pushed(func, arguments, target, tangent)]

        single = [pushed(tangents[k]) for k in range(_BATCH)]
        try:
            found = vmap(pushed)(tangents)
        except RuntimeError as error:
            raise GradcheckError(
                f"While computing batched gradients, got: {error}\n\ngradcheck failed while "
                f"testing batched forward gradient computation. check_batched_forward_grad=False "
                f"leaves this check out."
            ) from error
        for number, each in enumerate(found):
            rows = [row[number] for row in single]
            _compare_batch("Batched tangents", number, i, each, rows)
