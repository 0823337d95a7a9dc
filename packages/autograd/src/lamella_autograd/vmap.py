"""``vmap``: a function of one example, run once for a whole batch."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from lamella_autograd.batching.level import Batch, lifted_value
from lamella_autograd.levels import settled
from lamella_autograd.pytree import broadcast, flatten, unflatten
from lamella_core.ops.joining import cat
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_autograd.pytree import Spec

_RANDOMNESS = ("error", "different", "same")


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that applies ``func`` to every example of a batch at once.

    Inside, tensors look like one example. A call on them is one call on the whole batch where its
    op has a batching rule; otherwise the op runs for each example, which is as slow as a loop.

    Args:
        func: takes tensors, or nested tuples, lists and dictionaries of them; returns such.
        in_dims: for each argument (a nested tuple like the arguments, or one number for all), the
            dimension that counts the examples; None where an argument is the same for all.
        out_dims: where in the results that dimension goes.
        randomness: what random ops draw: ``"different"`` numbers for each example, the ``"same"``
            for all; ``"error"`` refuses them.
        chunk_size: how many examples to take at a time, None for all.

    Returns:
        a function of the arguments of ``func``; keyword arguments are the same for all examples.

    Raises:
        ValueError: when ``in_dims`` or ``out_dims`` does not fit the arguments or results, sizes
            differ, or ``func`` returns something else than tensors.
        RuntimeError: where ``func`` asks for the value of a tensor (``if x > 0``, ``.item()``),
            has results whose shape depends on values, draws random numbers unbidden, or writes a
            batched value into a tensor that is not batched.
    """
    if randomness not in _RANDOMNESS:
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. "
            f"Got {randomness}"
        )
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @wraps(func)
    def batched(*args: Any, **kwargs: Any) -> Any:
        leaves, dims, spec = _inputs(func, in_dims, args)
        size = _batch_size(leaves, dims)

        def run(parts: list[Any], count: int) -> tuple[list[Any], Spec]:
            with Batch(count, randomness) as level:
                inner = [
                    part if dim is None else lifted_value(level, settled(part), dim)
                    for part, dim in zip(parts, dims, strict=True)
                ]
                results = func(*unflatten(inner, spec), **kwargs)
                return _outputs(func, level, results, out_dims)

        if chunk_size is None or chunk_size >= size:
            results, structure = run(leaves, size)
            return unflatten(results, structure)
        chunks = []
        for start in range(0, size, chunk_size):
            count = min(chunk_size, size - start)
            parts = [
                each if dim is None else each.narrow(dim, start, count)
                for each, dim in zip(leaves, dims, strict=True)
            ]
            chunks.append(run(parts, count))
        structure = chunks[0][1]
        places = broadcast(out_dims, structure) or []
        joined = [
            column[0] if dim is None else cat(column, dim)
            for column, dim in zip(
                zip(*[results for results, _ in chunks], strict=True), places, strict=True
            )
        ]
        return unflatten(joined, structure)

    return batched


def _name(func: Callable[..., Any]) -> str:
    return getattr(func, "__name__", repr(func))


def _inputs(
    func: Callable[..., Any], in_dims: Any, args: tuple[Any, ...]
) -> tuple[list[Any], list[int | None], Spec]:
    """The leaves of the arguments, the batch dimension of each, and the structure."""
    head = f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>)"
    if in_dims.__class__ is not int and not isinstance(in_dims, tuple):
        raise ValueError(
            f"{head}: expected `in_dims` to be int or a (potentially nested) tuple matching the "
            f"structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({_name(func)})(<inputs>): got no inputs; the size of the batch is read off the "
            f"arguments, so there must be one"
        )
    leaves, spec = flatten(args)
    dims = broadcast(in_dims, spec)
    if dims is None:
        raise ValueError(
            f"{head}: in_dims is not compatible with the structure of `inputs`. in_dims has "
            f"structure {flatten(in_dims)[1]} but inputs has structure {spec}."
        )
    for i, (leaf, dim) in enumerate(zip(leaves, dims, strict=True)):
        if dim is None:
            continue
        if not isinstance(dim, int):
            raise ValueError(
                f"{head}: Got in_dim={dim} for an input but in_dim must be either an integer "
                f"dimension or None."
            )
        if not isinstance(leaf, Tensor):
            raise ValueError(
                f"{head}: Got in_dim={dim} for an input but the input is of type {type(leaf)}; "
                f"only tensors can be batched, use None as its in_dim"
            )
        ndim = leaf._array.ndim
        if not -ndim <= dim < ndim:
            raise ValueError(
                f"{head}: Got in_dim={dim} for some input, but that input is a Tensor of "
                f"dimensionality {ndim} so expected in_dim to satisfy -{ndim} <= in_dim < {ndim}."
            )
        dims[i] = dim % ndim
    return leaves, dims, spec


def _batch_size(leaves: list[Any], dims: list[int | None]) -> int:
    sizes = [
        leaf._array.shape[dim] for leaf, dim in zip(leaves, dims, strict=True) if dim is not None
    ]
    if not sizes:
        raise ValueError("vmap: at least one input must have an in_dim that is not None")
    if any(size != sizes[0] for size in sizes):
        raise ValueError(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return sizes[0]


def _outputs(
    func: Callable[..., Any], level: Batch, results: Any, out_dims: Any
) -> tuple[list[Any], Spec]:
    """The leaves of the results with the batch where it is wanted, and the structure."""
    leaves, spec = flatten(results)
    head = f"vmap({_name(func)}, ..., out_dims={out_dims})"
    given, _ = flatten(out_dims)
    if any(dim is not None and not isinstance(dim, int) for dim in given):
        raise ValueError(
            f"{head}: `out_dims` must be an int, None or a nested collection of them: where in the "
            f"outputs the batch dimension should appear."
        )
    dims = broadcast(out_dims, spec)
    if dims is None and isinstance(out_dims, tuple) and len(out_dims) == 1 and len(leaves) == 1:
        dims = list(out_dims)
    if dims is None:
        raise ValueError(
            f"{head}(<inputs>): out_dims is not compatible with the structure of `outputs`. "
            f"out_dims has structure {flatten(out_dims)[1]} but outputs has structure {spec}."
        )
    found = []
    for leaf, dim in zip(leaves, dims, strict=True):
        if not isinstance(leaf, Tensor):
            if dim is None:
                found.append(leaf)
                continue
            raise ValueError(
                f"vmap({_name(func)}, ...): `{_name(func)}` must only return Tensors, got type "
                f"{type(leaf)}. Did you mean to set out_dims= to None for output?"
            )
        leaf = settled(leaf)
        if dim is None:
            if level.is_own(leaf):
                raise ValueError(
                    f"vmap({_name(func)}, ...): `{_name(func)}` can not return a BatchedTensor "
                    f"when out_dim is None"
                )
            found.append(leaf)
            continue
        found.append(_placed(level, leaf, dim))
    return found, spec


def _placed(level: Batch, leaf: Tensor, dim: int) -> Tensor:
    """A result with the dimension that counts the examples at ``dim``."""
    from lamella_autograd.levels import Below

    with Below(level):
        value = level.full(leaf)
        return value.movedim(0, dim) if dim else value
