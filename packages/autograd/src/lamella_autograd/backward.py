"""``backward`` and ``grad``: the ways into the engine."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_autograd import engine
from lamella_autograd.graph import GradientEdge, edge_at
from lamella_autograd.inplace import edge_of
from lamella_autograd.modes import TRANSFORMING
from lamella_core.dispatch import backend_of_tensor, modes
from lamella_core.dtype import FLOATING
from lamella_core.tensor import Tensor, wrap
from lamella_core.warning import warn_once

if TYPE_CHECKING:
    from collections.abc import Sequence


def _listed(tensors: Any) -> tuple[Any, ...]:
    if isinstance(tensors, (Tensor, GradientEdge)) or not isinstance(tensors, Iterable):
        return (tensors,)
    return tuple(tensors)


def _target(given: Any) -> Any:
    return edge_at(given) if isinstance(given, GradientEdge) else edge_of(given)


def _roots(outputs: Sequence[Any], grads: Sequence[Any]) -> list[tuple[Any, Tensor]]:
    """The edges of the outputs, each with the gradient that enters there."""
    if len(outputs) != len(grads):
        raise RuntimeError(
            f"got {len(outputs)} tensors and {len(grads)} gradients; give one gradient a tensor"
        )
    roots = []
    for i, (output, given) in enumerate(zip(outputs, grads, strict=True)):
        if isinstance(output, GradientEdge):
            if given is None:
                raise RuntimeError(
                    f"output {i} is a GradientEdge, whose shape is not known; give its gradient"
                )
            roots.append((edge_at(output), given))
            continue
        edge = edge_of(output)
        if edge is None:
            raise RuntimeError(
                f"element {i} of tensors does not require grad and does not have a grad_fn"
            )
        if given is None:
            if output.numel() != 1:
                raise RuntimeError(
                    f"grad can be implicitly created only for scalar outputs; output {i} has shape "
                    f"{list(output.shape)}: give its gradient, or reduce it first"
                )
            if output._dtype.category != FLOATING:
                raise RuntimeError(
                    f"grad can be implicitly created only for real scalar outputs but got "
                    f"{output.dtype}"
                )
            given = _one(output)
        elif not isinstance(given, Tensor):
            raise TypeError(
                f"gradients can be either Tensors or None, but got {type(given).__name__}"
            )
        elif given._array.shape != output._array.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of {given.shape} and output[{i}] "
                f"has a shape of {output.shape}."
            )
        elif given._dtype.is_complex is not output._dtype.is_complex:
            raise RuntimeError(
                f"For complex Tensors, both grad_output and output are required to have the same "
                f"dtype. Mismatch in dtype: grad_output[{i}] has a dtype of {given.dtype} and "
                f"output[{i}] has a dtype of {output.dtype}."
            )
        elif given._dtype.category < FLOATING:
            given = given.to(output._dtype)
        roots.append((edge, given))
    return roots


def _one(output: Tensor) -> Tensor:
    """The gradient of an output of one element with respect to itself."""
    backend = backend_of_tensor(output)
    one = np.empty(output._array.shape, output._dtype.numpy)
    one.fill(1)
    if backend.array_type is not np.ndarray:
        one = backend.from_numpy(one, output.device)
    return wrap(one, output._dtype, backend.key)


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Tensor | Sequence[Any] | dict[str, Any] | None = None,
) -> None:
    """Adds to the ``.grad`` of the leaves the gradients of the sum of ``tensors``.

    Computes the vector-Jacobian products of each tensor with its gradient by reverse accumulation
    (Linnainmaa, 1970) and adds them up.

    Args:
        tensors: what to differentiate.
        grad_tensors: for each, the gradient that enters there, of its shape; None for scalars.
        retain_graph: keep what the graph saved, for another pass; by default ``create_graph``.
        create_graph: record the pass, so that the gradients can be differentiated.
        grad_variables: the old name of ``grad_tensors``, deprecated.
        inputs: the tensors to compute gradients for; by default all leaves. A dictionary stands
            for its values.

    Raises:
        RuntimeError: for a tensor that does not require grad, for no gradient where there is more
            than one element, for mismatched shapes, for a graph that was freed by an earlier pass.
    """
    if grad_variables is not None:
        warnings.warn(
            "`grad_variables` is deprecated. Use `grad_tensors` instead.",
            FutureWarning,
            stacklevel=2,
        )
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to "
                "backward(). Please only use `grad_tensors`."
            )
        grad_tensors = grad_variables
    if modes.bits & TRANSFORMING:
        raise RuntimeError(
            "backward() called inside a functorch transform. This is not supported, please use "
            "torch.func.grad or torch.func.vjp instead or call backward() outside of the transforms"
        )
    outputs = _listed(tensors)
    grads = (None,) * len(outputs) if grad_tensors is None else _listed(grad_tensors)
    targets = None
    if inputs is not None:
        listed = _listed(inputs.values() if isinstance(inputs, dict) else inputs)
        if not listed:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
        targets = [_target(each) for each in listed]
    roots = _roots(outputs, grads)
    keep = create_graph if retain_graph is None else retain_graph
    if create_graph:
        warn_once(
            "Using backward() with create_graph=True makes a reference cycle of each leaf and its "
            "gradient, whose memory is kept until the garbage collector runs: take autograd.grad, "
            "or set the .grad of the leaves to None when done."
        )
    if targets is None:
        engine.run(roots, retain_graph=keep, create_graph=create_graph)
        return
    found = engine.run(roots, retain_graph=keep, create_graph=create_graph, inputs=targets)
    for tensor, grad in zip(listed, found, strict=True):
        if grad is not None and isinstance(tensor, Tensor) and not tensor.is_leaf:
            tensor._grad = grad if tensor._grad is None else tensor._grad + grad


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Any] | dict[str, Any],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """The gradients of the sum of ``outputs`` with respect to ``inputs``; no ``.grad`` changes.

    Args:
        outputs: what to differentiate.
        inputs: what to differentiate with respect to; in a dictionary, to have one back.
        grad_outputs: for each output, the gradient that enters there; None for scalars.
        retain_graph: keep what the graph saved; by default ``create_graph``.
        create_graph: record the pass, so that the gradients can be differentiated.
        only_inputs: deprecated; True, or a warning.
        allow_unused: return None for an input that the outputs do not depend on, instead of an
            error; by default ``materialize_grads``.
        is_grads_batched: the first dimension of each grad output is a batch of them.
        materialize_grads: return zeros instead of None.

    Returns:
        a tuple with one gradient an input, or a dictionary with the keys of ``inputs``.

    Raises:
        RuntimeError: as ``backward``, and for an input that was not used.
        TypeError: for a flag that is neither a bool nor an integer.
        ValueError: when ``materialize_grads`` is set and ``allow_unused`` is False.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, "
            "but got: allow_unused=False."
        )
    if allow_unused is None:
        allow_unused = materialize_grads
    if not (allow_unused.__class__ is materialize_grads.__class__ is bool):
        index(allow_unused), index(materialize_grads)
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To "
            "accumulate gradient for other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    keys = inputs.keys() if isinstance(inputs, dict) else None
    outputs = _listed(outputs)
    inputs = _listed(inputs.values() if isinstance(inputs, dict) else inputs)
    if not inputs:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    grads = (None,) * len(outputs) if grad_outputs is None else _listed(grad_outputs)
    if is_grads_batched:
        found = _batched(
            outputs, inputs, grads, retain_graph, create_graph, allow_unused, materialize_grads
        )
    else:
        found = _gradients(
            outputs, inputs, grads, retain_graph, create_graph, allow_unused, materialize_grads
        )
    return found if keys is None else dict(zip(keys, found, strict=True))


def _gradients(
    outputs: Any,
    inputs: Any,
    grads: Any,
    retain_graph: bool | None,
    create_graph: bool,
    allow_unused: bool,
    materialize_grads: bool,
) -> tuple[Tensor | None, ...]:
    for i, each in enumerate(inputs):
        if not isinstance(each, GradientEdge) and not each.requires_grad:
            raise RuntimeError(
                f"One of the differentiated Tensors does not require grad (input {i}); call "
                f".requires_grad_() on it before it is used"
            )
    targets = [_target(each) for each in inputs]
    found = engine.run(
        _roots(outputs, grads),
        retain_graph=create_graph if retain_graph is None else retain_graph,
        create_graph=create_graph,
        inputs=targets,
        accumulate=False,
    )
    result: list[Tensor | None] = []
    for i, (each, value) in enumerate(zip(inputs, found, strict=True)):
        if value is None:
            if not allow_unused:
                raise RuntimeError(
                    f"The differentiated Tensor at index {i} appears to not have been used in the "
                    f"graph. Set allow_unused=True if this is the desired behavior."
                )
            if materialize_grads and isinstance(each, Tensor):
                value = each.detach().new_zeros(each.shape)
        result.append(value)
    return tuple(result)


def _batched(
    outputs: Any, inputs: Any, grads: Any, retain: Any, create: bool, allow: bool, fill: bool
) -> tuple[Tensor | None, ...]:
    """The gradients for a batch of grad outputs, in one pass at the level of the batch."""
    from lamella_autograd.batching.level import Batch, lifted_value
    from lamella_autograd.levels import Below, settled

    sizes = []
    for output, given in zip(outputs, grads, strict=True):
        if isinstance(given, Tensor) and isinstance(output, Tensor):
            if given._array.shape[1:] != output._array.shape or not given._array.ndim:
                raise RuntimeError(
                    f"If `is_grads_batched=True`, the first dimension of each grad_output is the "
                    f"batch dimension, and the others are those of its output; got a grad_output "
                    f"of shape {list(given.shape)} for an output of shape {list(output.shape)}"
                )
        if isinstance(given, Tensor):
            sizes.append(given._array.shape[0])
    if not sizes:
        raise RuntimeError(
            "grad can be implicitly created only for scalar outputs; with is_grads_batched=True "
            "give grad_outputs, with the batch as their first dimension"
        )
    if any(size != sizes[0] for size in sizes):
        raise ValueError(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    with Batch(sizes[0], "error") as level:
        seeds = tuple(
            lifted_value(level, settled(each), 0) if isinstance(each, Tensor) else each
            for each in grads
        )
        found = grad(
            outputs,
            inputs,
            seeds,
            retain_graph=retain,
            create_graph=create,
            allow_unused=allow,
            materialize_grads=fill,
        )
        with Below(level):
            return tuple(None if each is None else level.full(settled(each)) for each in found)
