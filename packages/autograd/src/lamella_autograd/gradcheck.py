"""Derivatives against finite differences.

A function of complex numbers is taken as one of their real and imaginary parts: the Jacobian here
is the real one. For a loss L the engine's gradient of a complex x is ``dL/dRe(x) + i dL/dIm(x)``,
so its parts are what the rows of that Jacobian give.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lamella_autograd.backward import grad
from lamella_autograd.modes import enable_grad
from lamella_core import float64
from lamella_core.ops.creation_data import tensor as make_tensor
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class GradcheckError(RuntimeError):
    """What ``gradcheck`` raises when a derivative is wrong."""


class _Settings(NamedTuple):
    eps: float
    atol: float
    rtol: float
    nondet_tol: float
    check_undefined_grad: bool
    check_grad_dtypes: bool
    fast_mode: bool
    masked: bool


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Checks the derivatives of a function against central finite differences.

    The numerical Jacobian is ``(f(x + eps) - f(x - eps)) / (2 eps)``, an element of an input at a
    time; the analytical one comes from a backward pass an element of an output. They agree where
    ``|n - a| <= atol + rtol * |a|``.

    Args:
        func: returns a tensor or a tuple of them. Integer outputs, and those that do not require
            grad, are left out.
        inputs: its arguments; those that require grad are checked. They should be float64.
        eps: the step.
        atol, rtol: the tolerances.
        raise_exception: raise for a wrong derivative, instead of returning False.
        nondet_tol: how far two backward passes may differ.
        check_undefined_grad: check that an output without a gradient counts as one with zeros.
        check_grad_dtypes: check that a gradient has the type of its input.
        fast_mode: check one random projection ``u' J v`` of each Jacobian.
        masked: leave out of account the gradients of elements that a sparse input does not specify,
            and allow dense gradients for it. Only the specified ones are ever moved.
        check_backward_ad: check the backward pass.
        check_forward_ad: check forward mode.
        check_batched_grad: check that a batched backward pass (``vmap``) gives what passes one
            after the other do; ``check_batched_forward_grad`` the same of forward mode.

    Returns:
        True when all derivatives agree.

    Raises:
        GradcheckError: when one does not.
        ValueError: when no input requires grad, when an output is sparse.
        TypeError: when the function returns something else than tensors.
        AssertionError: when no mode is to be checked, or batches of one that is not.
    """
    if not check_forward_ad and not check_backward_ad:
        raise AssertionError(
            "Expected at least one of check_forward_ad or check_backward_ad to be True, but both "
            "are False"
        )
    if check_batched_grad and not check_backward_ad:
        raise AssertionError(
            "Setting check_batched_grad=True requires check_backward_ad to be True"
        )
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError(
            "Setting check_batched_forward_grad=True requires check_forward_ad to be True"
        )
    settings = _Settings(
        eps, atol, rtol, nondet_tol, check_undefined_grad, check_grad_dtypes, fast_mode,
        bool(masked),
    )  # fmt: skip
    arguments = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    _check_inputs(arguments)
    try:
        with enable_grad():
            if check_backward_ad:
                _check(func, arguments, settings)
            if check_forward_ad or check_batched_grad:
                from lamella_autograd import gradcheck_modes

                if check_forward_ad:
                    gradcheck_modes.check_forward(func, arguments, settings)
                if check_batched_grad:
                    gradcheck_modes.check_batched_backward(func, arguments)
                if check_batched_forward_grad:
                    gradcheck_modes.check_batched_forward(func, arguments)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Checks second derivatives: :func:`gradcheck` of the function's backward pass.

    Args:
        grad_outputs: the gradients of the outputs to start from; random when None.
        gen_non_contig_grad_outputs: make the random ones strided.
        check_rev_over_rev, check_fwd_over_rev: which mode to check the backward pass with.

    The other arguments, the result and the errors are those of :func:`gradcheck`.
    """
    if not check_rev_over_rev and not check_fwd_over_rev:
        raise AssertionError(
            "Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True, but "
            "both are False"
        )
    if check_undefined_grad and not check_rev_over_rev:
        raise AssertionError(
            "Setting check_undefined_grad=True requires check_rev_over_rev to be True"
        )
    arguments = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if grad_outputs is None:
        cotangents = _random_cotangents(
            _differentiable(func(*arguments)), strided=gen_non_contig_grad_outputs
        )
    else:
        given = (grad_outputs,) if isinstance(grad_outputs, Tensor) else tuple(grad_outputs)
        cotangents = tuple(given)
    count = len(cotangents)

    def backward_of_func(*args: Any) -> tuple[Tensor, ...]:
        own, seeds = args[: len(args) - count], args[len(args) - count :]
        outputs = _differentiable(func(*own))
        targets = [a for a in own if isinstance(a, Tensor) and a.requires_grad]
        found = grad(outputs, targets, seeds, create_graph=True, allow_unused=True)
        return tuple(each for each in found if each is not None)

    return gradcheck(
        backward_of_func,
        (*arguments, *cotangents),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
        masked=masked,
    )


# ------------ inputs and outputs


def _check_inputs(arguments: tuple[Any, ...]) -> None:
    if not any(_is_checked(each) for each in arguments):
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them "
            "have requires_grad=True."
        )
    for i, each in enumerate(arguments):
        if not _is_checked(each):
            continue
        if each.dtype.to_real() is not float64:
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or "
                f"complex. This check will likely fail if all the inputs are not of double "
                f"precision floating point or complex.",
                stacklevel=3,
            )
        if each.is_sparse:
            if not each.is_coalesced():
                raise ValueError(f"gradcheck: sparse input {i} is not coalesced; call .coalesce()")
            continue
        if any(not step and size > 1 for step, size in zip(each.stride(), each.shape, strict=True)):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs "
                f"that are non-overlapping to be able to compute the numerical gradients "
                f"correctly. You should call .contiguous on the input before passing it to "
                f"gradcheck."
            )


def _is_checked(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _listed(outputs: Any) -> tuple[Any, ...]:
    return tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)


def _differentiable(outputs: Any) -> tuple[Tensor, ...]:
    return tuple(each for each in _listed(outputs) if _is_checked(each))


def _random_cotangents(outputs: tuple[Tensor, ...], *, strided: bool) -> tuple[Tensor, ...]:
    generator = np.random.default_rng(0)
    made = []
    for each in outputs:
        shape = (*each.shape, 2) if strided else tuple(each.shape)
        values = generator.standard_normal(shape)
        if each.dtype.is_complex:
            values = values + 1j * generator.standard_normal(shape)
        seed = make_tensor(values, dtype=each.dtype, device=each.device)
        made.append((seed[..., 0] if strided else seed).requires_grad_())
    return tuple(made)


# ------------ the Jacobians


def _parts(value: Tensor) -> np.ndarray:
    """The elements in one dimension, complex ones as pairs; all elements of a sparse tensor."""
    dense = value.to_dense() if value.is_sparse else value
    array = dense.detach().cpu().resolve_conj().numpy()
    if array.dtype.kind == "c":
        return np.stack([array.real, array.imag], -1).astype(float).reshape(-1)
    return array.astype(float).reshape(-1)


def _specified(tensor: Tensor) -> np.ndarray | None:
    """Which parts a sparse tensor specifies; None for a dense one."""
    if not tensor.is_sparse:
        return None
    ones = np.zeros(tuple(tensor.shape), bool)
    ones[tuple(tensor.detach()._indices().cpu().numpy())] = True
    return np.repeat(ones.reshape(-1), 2 if tensor.dtype.is_complex else 1)


def _from_parts(parts: np.ndarray, like: Tensor) -> Tensor:
    """The tensor of the shape and type of ``like`` that has these parts."""
    if like.dtype.is_complex:
        parts = parts.reshape(-1, 2)
        parts = parts[:, 0] + 1j * parts[:, 1]
    return make_tensor(parts.reshape(tuple(like.shape)), dtype=like.dtype, device=like.device)


def _outputs_at(
    func: Callable[..., Any], arguments: tuple[Any, ...], moved: Tensor, parts: np.ndarray
) -> list[np.ndarray]:
    """The outputs when one input has other values for the moment."""
    data = moved.data
    values = _from_parts(parts, moved)
    if data.is_sparse:
        values = values[tuple(data._indices())]
        data = data._values()
    before = data.clone()
    data.copy_(values)
    try:
        return [_parts(each) for each in _listed(func(*arguments)) if _is_floating(each)]
    finally:
        data.copy_(before)


def _is_floating(value: Any) -> bool:
    return isinstance(value, Tensor) and (value.is_floating_point() or value.is_complex())


def _slope(
    func: Callable[..., Any],
    arguments: tuple[Any, ...],
    moved: Tensor,
    direction: np.ndarray,
    eps: float,
) -> list[np.ndarray]:
    """The change of each output along a direction of one input."""
    start = _parts(moved)
    high = _outputs_at(func, arguments, moved, start + eps * direction)
    low = _outputs_at(func, arguments, moved, start - eps * direction)
    return [(after - before) / (2 * eps) for after, before in zip(high, low, strict=True)]


def _numerical(
    func: Callable[..., Any], arguments: tuple[Any, ...], moved: Tensor, eps: float
) -> list[np.ndarray]:
    """For each floating output, the Jacobian: a row for each part of the input."""
    directions = np.eye(_parts(moved).size)
    mask = _specified(moved)
    if mask is not None:
        outputs = [each for each in _listed(func(*arguments)) if _is_floating(each)]
        jacobians = [np.zeros((len(directions), _parts(each).size)) for each in outputs]
        for row in np.flatnonzero(mask):
            slopes = _slope(func, arguments, moved, directions[row], eps)
            for jacobian, slope in zip(jacobians, slopes, strict=True):
                jacobian[row] = slope
        return jacobians
    if not len(directions):
        outputs = [each for each in _listed(func(*arguments)) if _is_floating(each)]
        return [np.zeros((0, _parts(each).size)) for each in outputs]
    rows = [_slope(func, arguments, moved, each, eps) for each in directions]
    return [np.stack(column) for column in zip(*rows, strict=True)]


def _pull_back(
    output: Tensor, targets: list[Tensor], weights: np.ndarray, settings: _Settings, number: int
) -> list[np.ndarray]:
    """The gradients of the inputs for a gradient of one output."""
    found = grad(
        output, targets, _from_parts(weights, output), retain_graph=True, allow_unused=True
    )
    parts = []
    for i, (target, each) in enumerate(zip(targets, found, strict=True)):
        if each is None:
            parts.append(np.zeros(_parts(target).size))
            continue
        if tuple(each.shape) != tuple(target.shape):
            raise GradcheckError(
                f"grad is incorrect size: output {number} with respect to input {i} gives "
                f"{list(each.shape)}, expected {list(target.shape)}"
            )
        if each.layout != target.layout and not (settings.masked and target.is_sparse):
            raise GradcheckError(
                f"grad is incorrect layout: output {number} with respect to input {i} gives "
                f"{each.layout}, expected {target.layout}"
            )
        if settings.check_grad_dtypes and each.dtype != target.dtype:
            raise GradcheckError(
                f"grad is incorrect type: output {number} with respect to input {i} gives "
                f"{each.dtype}, expected {target.dtype}"
            )
        mask = _specified(target) if settings.masked else None
        parts.append(_parts(each) if mask is None else _parts(each) * mask)
    return parts


def _analytical(
    output: Tensor, targets: list[Tensor], settings: _Settings, number: int
) -> list[np.ndarray]:
    """For each input, the Jacobian of one output: a row for each part of the input."""
    weights = np.eye(_parts(output).size)
    if not len(weights):
        return [np.zeros((_parts(each).size, 0)) for each in targets]
    columns = [_pull_back(output, targets, each, settings, number) for each in weights]
    return [np.stack(column, -1) for column in zip(*columns, strict=True)]


# ------------ the checks


def _check(func: Callable[..., Any], arguments: tuple[Any, ...], settings: _Settings) -> None:
    targets = [each for each in arguments if _is_checked(each)]
    outputs = _listed(func(*arguments))
    for number, each in enumerate(outputs):
        if not isinstance(each, Tensor):
            raise TypeError(
                f"gradcheck expects func to return a tensor or a tuple of tensors, but output "
                f"{number} is of type {type(each).__name__}"
            )
        if each.is_sparse:
            raise ValueError(
                f"Sparse output is not supported at gradcheck yet (output {number}). Please call "
                f"to_dense(masked_grad=...) on the output of func for gradcheck."
            )
    floating = [each for each in outputs if _is_floating(each)]
    if not any(each.requires_grad for each in floating):
        for i, target in enumerate(targets):
            for number, jacobian in enumerate(_numerical(func, arguments, target, settings.eps)):
                if np.abs(jacobian).max(initial=0.0) > settings.atol:
                    raise GradcheckError(
                        f"Numerical gradient for function expected to be zero: output {number} "
                        f"does not require grad, but depends on input {i}:\n{jacobian}"
                    )
        return
    if settings.fast_mode:
        _compare_projections(func, arguments, targets, floating, settings)
    else:
        _compare_jacobians(func, arguments, targets, floating, settings)
    _check_reentrant(targets, floating, settings)
    _check_zero_gradients(func, arguments, targets)
    if settings.check_undefined_grad:
        _check_undefined(func, arguments, targets)


def _agree(numerical: Any, analytical: Any, settings: _Settings) -> bool:
    return np.allclose(numerical, analytical, settings.rtol, settings.atol, equal_nan=True)


def _compare_jacobians(
    func: Callable[..., Any],
    arguments: tuple[Any, ...],
    targets: list[Tensor],
    floating: list[Tensor],
    settings: _Settings,
) -> None:
    numerical = [_numerical(func, arguments, each, settings.eps) for each in targets]
    for number, output in enumerate(floating):
        if not output.requires_grad:
            continue
        analytical = _analytical(output, targets, settings, number)
        for i, target in enumerate(targets):
            if not _agree(numerical[i][number], analytical[i], settings):
                raise GradcheckError(
                    _mismatch(number, i, numerical[i][number], analytical[i], target, output)
                )


def _mismatch(
    number: int,
    i: int,
    numerical: Any,
    analytical: Any,
    target: Tensor,
    output: Tensor,
    notes: str = "",
) -> str:
    if target.dtype.is_complex or output.dtype.is_complex:
        notes += "(complex elements as pairs of real and imaginary part)\n"
    with np.errstate(invalid="ignore"):
        difference = np.nan_to_num(np.abs(numerical - analytical), nan=np.inf)
    row, column = (int(each) for each in np.unravel_index(difference.argmax(), difference.shape))
    notes += (
        f"most at element {_place(column, output)} of the output by element {_place(row, target)} "
        f"of the input: numerical {numerical[row, column]}, analytical {analytical[row, column]}\n"
    )
    return (
        f"Jacobian mismatch for output {number} with respect to input {i},\n{notes}"
        f"numerical:{numerical}\nanalytical:{analytical}\n"
    )


def _place(part: int, tensor: Tensor) -> str:
    """The index of the element that one of the parts belongs to, and which part of it that is."""
    which = ""
    if tensor.dtype.is_complex:
        part, imaginary = divmod(part, 2)
        which = ".imag" if imaginary else ".real"
    index = np.unravel_index(part, tuple(tensor.shape)) if tensor.dim() else ()
    return f"({', '.join(str(int(each)) for each in index)}){which}"


def _compare_projections(
    func: Callable[..., Any],
    arguments: tuple[Any, ...],
    targets: list[Tensor],
    floating: list[Tensor],
    settings: _Settings,
) -> None:
    generator = np.random.default_rng(0)

    def direction(count: int) -> np.ndarray:
        values = generator.random(count)
        return values / max(float(np.linalg.norm(values)), 1e-300)

    weights = [direction(_parts(each).size) for each in floating]
    pulled = {
        number: _pull_back(output, targets, weights[number], settings, number)
        for number, output in enumerate(floating)
        if output.requires_grad
    }
    for i, target in enumerate(targets):
        along = direction(_parts(target).size)
        mask = _specified(target)
        if mask is not None:
            along = along * mask
        slopes = _slope(func, arguments, target, along, settings.eps)
        for number, gradients in pulled.items():
            numerical = float(slopes[number] @ weights[number])
            analytical = float(gradients[i] @ along)
            atol = settings.atol * float(along.sum() * weights[number].sum())
            if math.isclose(numerical, analytical, rel_tol=settings.rtol, abs_tol=atol):
                continue
            if math.isnan(numerical) and math.isnan(analytical):
                continue
            full = _mismatch(
                number,
                i,
                _numerical(func, arguments, target, settings.eps)[number],
                _analytical(floating[number], targets, settings, number)[i],
                target,
                floating[number],
            )
            note = f"along a random direction: numerical {numerical}, analytical {analytical}\n"
            raise GradcheckError(
                f"Jacobian mismatch for output {number} with respect to input {i},\n{note}"
                f"In full:\n{full}"
            )


def _check_reentrant(targets: list[Tensor], floating: list[Tensor], settings: _Settings) -> None:
    generator = np.random.default_rng(1)
    for number, output in enumerate(floating):
        if not output.requires_grad:
            continue
        weights = generator.standard_normal(_parts(output).size)
        first, second = (_pull_back(output, targets, weights, settings, number) for _ in range(2))
        for i, (one, other) in enumerate(zip(first, second, strict=True)):
            difference = np.abs(one - other).max(initial=0.0)
            if difference > settings.nondet_tol:
                raise GradcheckError(
                    f"Backward is not reentrant, i.e., running backward with same input and "
                    f"grad_output multiple times gives different values, although analytical "
                    f"gradient matches numerical gradient. Output {number} with respect to input "
                    f"{i} differs by {difference}; the tolerance for nondeterminism was "
                    f"{settings.nondet_tol}."
                )


def _check_zero_gradients(
    func: Callable[..., Any], arguments: tuple[Any, ...], targets: list[Tensor]
) -> None:
    outputs = _differentiable(func(*arguments))
    zeros = [each.detach().new_zeros(each.shape) for each in outputs]
    for i, each in enumerate(grad(outputs, targets, zeros, allow_unused=True)):
        if each is not None and not np.all(_parts(each) == 0):
            raise GradcheckError(
                f"backward not multiplied by grad_output: input {i} has a gradient for outputs "
                f"whose gradients are zero"
            )


def _check_undefined(
    func: Callable[..., Any], arguments: tuple[Any, ...], targets: list[Tensor]
) -> None:
    count = len(_differentiable(func(*arguments)))
    for left_out in range(count) if count > 1 else ():
        outputs = _differentiable(func(*arguments))
        seeds = list(_random_cotangents(outputs, strided=False))
        seeds = [each.detach() for each in seeds]
        seeds[left_out] = seeds[left_out] * 0
        expected = grad(outputs, targets, seeds, retain_graph=True, allow_unused=True)
        del seeds[left_out]
        others = outputs[:left_out] + outputs[left_out + 1 :]
        try:
            found = grad(others, targets, seeds, allow_unused=True)
        except Exception as error:
            raise GradcheckError(
                f"Expected backward function to handle undefined output grads: without a gradient "
                f"for output {left_out} it raised {type(error).__name__}: {error}"
            ) from error
        for i, (want, have) in enumerate(zip(expected, found, strict=True)):
            wanted = 0.0 if want is None else _parts(want)
            got = 0.0 if have is None else _parts(have)
            if not np.allclose(wanted, got, equal_nan=True):
                raise GradcheckError(
                    f"Expected backward function to handle undefined output grads: without a "
                    f"gradient for output {left_out} the gradient of input {i} is {got}, with "
                    f"zeros it is {wanted}"
                )
