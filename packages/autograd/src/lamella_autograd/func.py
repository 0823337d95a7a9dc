"""``torch.func``: transforms of functions, which nest in any order.

A transform puts a level on the tensors that its function gets; see :mod:`lamella_autograd.levels`.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from lamella_autograd.backward import grad as gradients
from lamella_autograd.dual import Dual
from lamella_autograd.functionalization import functionalize
from lamella_autograd.graph import disable_saved_tensors_hooks
from lamella_autograd.levels import LIFTED, settled
from lamella_autograd.modes import is_grad_enabled
from lamella_autograd.pytree import flatten, mapped_tree, unflatten
from lamella_autograd.tracking import Tracking
from lamella_autograd.vmap import vmap
from lamella_core.dispatch import REQUIRES_GRAD, innermost
from lamella_core.dtype import FLOATING
from lamella_core.ops.creation_likes import zeros_like
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_autograd.levels import Level

__all__ = [
    "debug_unwrap",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "vjp",
    "vmap",
]

_NO_HOOKS = (
    "torch.func.{grad, vjp, jacrev, hessian} don't yet support saved tensor hooks. Please open an "
    "issue with your use case."
)

argnums_t = int | tuple[int, ...]


def _chosen(args: tuple[Any, ...], argnums: Any) -> tuple[int, ...]:
    """The positions of the arguments to differentiate with respect to.

    Raises:
        RuntimeError: when there is no such argument.
    """
    if not isinstance(argnums, (int, tuple)):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    if argnums == ():
        raise RuntimeError("argnums must be non-empty")
    found = []
    for number in (argnums,) if isinstance(argnums, int) else argnums:
        if not isinstance(number, int):
            raise RuntimeError(
                f"argnums must be int or Tuple[int, ...], got a tuple with {type(number)}"
            )
        if not -len(args) <= number < len(args):
            raise RuntimeError(f"Got argnum={number}, but only {len(args)} positional inputs")
        found.append(number % len(args))
    if len(set(found)) != len(found):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return tuple(found)


def _lowered(level: Level, tree: Any) -> Any:
    """The values of a level's tensors in a tree."""
    return mapped_tree(lambda leaf: level.value(leaf) if isinstance(leaf, Tensor) else leaf, tree)


def _split_aux(name: str, result: Any) -> tuple[Any, Any]:
    if not isinstance(result, tuple) or len(result) != 2:
        raise RuntimeError(
            f"{name}: output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    return result


class _Traced:
    """A function's outputs at a level, ready to be differentiated with respect to its inputs.

    Attributes:
        values: the outputs as the level below knows them, as a tree.
        aux: what else the function returned.
    """

    def __init__(
        self, func: Callable[..., Any], args: tuple[Any, ...], numbers: tuple[int, ...],
        has_aux: bool, name: str, kwargs: dict[str, Any],
    ) -> None:  # fmt: skip
        with disable_saved_tensors_hooks(_NO_HOOKS), Tracking() as level:
            chosen, self.spec = flatten(tuple(args[i] for i in numbers))
            for leaf in chosen:
                if not isinstance(leaf, Tensor):
                    raise RuntimeError(
                        f"{name}: the arguments to differentiate with respect to must be Tensors "
                        f"or nested collections of them, got {type(leaf)}"
                    )
            self.primals = chosen
            self.leaves = [level.leaf(leaf) for leaf in chosen]
            given = list(args)
            for i, tracked in zip(numbers, unflatten(self.leaves, self.spec), strict=True):
                given[i] = tracked
            result = func(*given, **kwargs)
            self.aux = None
            if has_aux:
                result, aux = _split_aux(name, result)
                self.aux = _lowered(level, aux)
            self.result = result
            self.outputs, self.out_spec = flatten(result)
            self.lowered = [
                level.value(each) if isinstance(each, Tensor) else each for each in self.outputs
            ]
        self.values = unflatten(self.lowered, self.out_spec)

    def pulled_back(
        self, cotangents: list[Any], retain_graph: bool = True, create_graph: bool | None = None
    ) -> list[Tensor]:
        """The gradients of the inputs for given gradients of the outputs."""
        if create_graph is None:
            create_graph = is_grad_enabled()
        pairs = [
            (output, cotangent)
            for output, cotangent in zip(self.outputs, cotangents, strict=True)
            if output._key & REQUIRES_GRAD
        ]
        found: tuple[Any, ...] = (None,) * len(self.leaves)
        if pairs:
            found = gradients(
                [output for output, _ in pairs],
                self.leaves,
                [cotangent for _, cotangent in pairs],
                retain_graph=retain_graph,
                create_graph=create_graph,
                allow_unused=True,
            )
        return [
            zeros_like(primal) if each is None else settled(each)
            for each, primal in zip(found, self.primals, strict=True)
        ]

    def tree(self, grads: list[Tensor], argnums: Any) -> Any:
        """Gradients in the structure of the chosen arguments."""
        found = unflatten(grads, self.spec)
        return found[0] if isinstance(argnums, int) else found


def grad_and_value(
    func: Callable[..., Any], argnums: argnums_t = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns the gradient of ``func`` and its value.

    Args:
        func: returns a tensor of one element, without dimensions; or, with ``has_aux``, a pair of
            it and anything else.
        argnums: the position of the argument, or a tuple of positions, to differentiate with
            respect to: a tensor or a nested collection of tensors.
        has_aux: whether ``func`` returns a pair.

    Returns:
        a function that returns ``(gradient, value)``, or ``(gradient, (value, aux))``.

    Raises:
        RuntimeError: when ``func`` returns something else.
    """

    @wraps(func)
    def both(*args: Any, **kwargs: Any) -> Any:
        name = "grad_and_value(f)(*args)"
        traced = _Traced(func, args, _chosen(args, argnums), has_aux, name, kwargs)
        output = traced.result
        if not isinstance(output, Tensor):
            raise RuntimeError(f"{name}: Expected f(*args) to return a Tensor, got {type(output)}")
        if output._array.ndim:
            raise RuntimeError(
                f"{name}: Expected f(*args) to return a scalar Tensor, got tensor with "
                f"{output._array.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs "
                f"instead?"
            )
        if output._key & REQUIRES_GRAD and output._dtype.is_complex:
            raise RuntimeError(
                f"grad can be implicitly created only for real scalar outputs but got "
                f"{output.dtype}"
            )
        value = traced.lowered[0]
        grads = traced.pulled_back([value.detach().new_ones(())], retain_graph=False)
        found = traced.tree(grads, argnums)
        return found, ((value, traced.aux) if has_aux else value)

    return both


def grad(
    func: Callable[..., Any], argnums: argnums_t = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns the gradient of ``func``; see :func:`grad_and_value`.

    With ``has_aux`` it returns ``(gradient, aux)``.
    """

    @wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        found, value = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def _checked_outputs(traced: _Traced, name: str) -> None:
    if not traced.outputs:
        raise RuntimeError(f"{name}: Expected f to be a function that has non-empty output")
    for each in traced.outputs:
        if not isinstance(each, Tensor):
            raise RuntimeError(
                f"{name}: Expected f(*primals) to return only tensors, got unsupported type "
                f"{type(each)}"
            )


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The outputs of ``func``, and the function of vector-Jacobian products.

    Args:
        func: takes the primals; returns a tensor or a nested collection of tensors; with
            ``has_aux`` a pair of that and anything else.
        primals: tensors, or nested collections of tensors.
        has_aux: whether ``func`` returns a pair.

    Returns:
        ``(outputs, vjp_fn)`` or ``(outputs, vjp_fn, aux)``. ``vjp_fn`` takes cotangents in the
        structure of the outputs and returns a tuple of gradients, one a primal; it may be called
        often.

    Raises:
        RuntimeError: when ``func`` returns something else, or the structures differ.
    """
    name = "vjp(f, *primals)"
    numbers = tuple(range(len(primals)))
    traced = _Traced(func, primals, numbers, has_aux, name, {})
    _checked_outputs(traced, name)

    def vjp_fn(
        cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None
    ) -> tuple[Any, ...]:
        leaves, spec = flatten(cotangents)
        if spec != traced.out_spec:
            raise RuntimeError(
                f"Expected pytree structure of cotangents to be the same as pytree structure of "
                f"outputs to the function. cotangents: {spec}, primal output: {traced.out_spec}"
            )
        return traced.tree(traced.pulled_back(leaves, retain_graph, create_graph), ())

    return (traced.values, vjp_fn, traced.aux) if has_aux else (traced.values, vjp_fn)


def jvp(
    func: Callable[..., Any],
    primals: Any,
    tangents: Any,
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> tuple[Any, ...]:
    """The outputs of ``func``, and its derivative along ``tangents``, in forward mode.

    Args:
        func: takes the primals; returns a tensor or a nested collection of tensors; with
            ``has_aux`` a pair of that and anything else.
        primals: a tuple of the arguments, tensors or nested collections of tensors.
        tangents: of the structure and shapes of ``primals``.
        strict: raise where an output does not depend on the primals, instead of returning zeros.
        has_aux: whether ``func`` returns a pair.

    Returns:
        ``(outputs, output_tangents)`` or ``(outputs, output_tangents, aux)``.

    Raises:
        RuntimeError: when the structures or shapes do not fit.
        ValueError: for primals or tangents that are neither floating nor complex.
    """
    return _jvp(func, primals, tangents, None, strict=strict, has_aux=has_aux)


def _jvp(
    func: Callable[..., Any],
    primals: Any,
    tangents: Any,
    numbers: tuple[int, ...] | None,
    *,
    strict: bool = False,
    has_aux: bool = False,
    kwargs: dict[str, Any] | None = None,
) -> tuple[Any, ...]:
    name = "jvp(f, primals, tangents)"
    if not isinstance(primals, tuple):
        raise RuntimeError(
            f"{name}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals)."
        )
    chosen = primals if numbers is None else tuple(primals[i] for i in numbers)
    values, spec = flatten(chosen)
    directions, tangent_spec = flatten(tangents)
    if spec != tangent_spec:
        raise RuntimeError(
            f"{name}: Expected primals and tangents to have the same python structure. For "
            f"example, if primals is a tuple of 3 tensors, tangents also must be. Got primals "
            f"with structure {spec} and tangents with structure {tangent_spec}"
        )
    for what, leaves in (("primals", values), ("tangents", directions)):
        for leaf in leaves:
            if not isinstance(leaf, Tensor):
                raise RuntimeError(
                    f"{name}: Expected {what} to contain only Tensors, got {type(leaf)}"
                )
    if not values:
        raise RuntimeError(f"{name}: Expected primals to be non-empty")
    directions = [
        checked_tangent(value, direction)
        for value, direction in zip(values, directions, strict=True)
    ]
    with Dual() as level:
        duals = [
            level.make(settled(value), direction)
            for value, direction in zip(values, directions, strict=True)
        ]
        given = list(primals)
        tree = unflatten(duals, spec)
        for i, dual in zip(range(len(given)) if numbers is None else numbers, tree, strict=True):
            given[i] = dual
        result = func(*given, **(kwargs or {}))
        aux = None
        if has_aux:
            result, aux = _split_aux(name, result)
            aux = _lowered(level, aux)
        outputs, out_spec = flatten(result)
        if not outputs:
            raise RuntimeError(f"{name}: Expected f to be a function that has non-empty output")
        found, pushed = [], []
        for each in outputs:
            if not isinstance(each, Tensor):
                raise RuntimeError(
                    f"{name}: Expected f(*primals) to return only tensors, got unsupported type "
                    f"{type(each)}"
                )
            value, tangent = level.value(each), level.tangent(each)
            if tangent is None and strict:
                raise RuntimeError(
                    "jvp(f, primals, tangents, strict=True): The output of f is independent of "
                    "the inputs. This is not allowed with strict=True."
                )
            found.append(value)
            pushed.append(tangent)
    pushed = [
        zeros_like(value) if tangent is None else tangent
        for value, tangent in zip(found, pushed, strict=True)
    ]
    pair = unflatten(found, out_spec), unflatten(pushed, out_spec)
    return (*pair, aux) if has_aux else pair


def checked_tangent(value: Tensor, tangent: Tensor) -> Tensor:
    """A tangent that fits its value, of its type.

    Raises:
        RuntimeError: when the shape is another.
        ValueError: for a type that is neither floating nor complex.
    """
    value, tangent = settled(value), settled(tangent)
    if value._array.shape != tangent._array.shape:
        raise RuntimeError(
            f"Trying to set a forward gradient that has a different size than that of the "
            f"original Tensor, this is not supported. Tensor is of size {list(value.shape)} while "
            f"the given forward gradient is of size {list(tangent.shape)}."
        )
    for what, each in (("primal", value), ("tangent", tangent)):
        if each._dtype.category < FLOATING:
            raise ValueError(
                f"Expected {what} to be floating point or complex, but got: {each.dtype}"
            )
    return tangent if tangent._dtype is value._dtype else tangent.to(value._dtype)


# ------------ whole matrices


def basis(leaves: list[Tensor]) -> list[Tensor]:
    """For each tensor, its part of all unit vectors of the tensors taken together."""
    from lamella_core.ops.creation import zeros

    total = sum(leaf.numel() for leaf in leaves)
    parts = []
    start = 0
    for leaf in leaves:
        count = leaf.numel()
        part = zeros(total, count, dtype=leaf.dtype, device=leaf.device)
        part.narrow(0, start, count).diagonal().fill_(1)
        parts.append(part.view(total, *leaf.shape))
        start += count
    return parts


def jacrev(
    func: Callable[..., Any],
    argnums: argnums_t = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """A function that returns the Jacobian of ``func``, in reverse mode: row by row, batched.

    Args:
        func: returns a tensor or a nested collection of tensors; with ``has_aux`` a pair of that
            and anything else.
        argnums: the position of the argument, or a tuple of positions.
        has_aux: whether ``func`` returns a pair.
        chunk_size: how many rows to compute at a time; None for all at once.

    Returns:
        a function whose result has, in the place of each output, the structure of the chosen
        arguments, with tensors of the output's shape followed by the argument's.

    Raises:
        RuntimeError: when ``func`` returns something else.
        ValueError: when ``chunk_size`` is not positive.
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        name = "jacrev(f, *args)"
        traced = _Traced(func, args, _chosen(args, argnums), has_aux, name, kwargs)
        _checked_outputs(traced, name)
        outputs = traced.lowered
        sizes = [each.numel() for each in outputs]
        if sum(sizes):
            rows = vmap(lambda seeds: traced.pulled_back(seeds), chunk_size=chunk_size)(
                basis(outputs)
            )
        else:
            rows = [each.new_zeros((0, *each.shape)) for each in traced.primals]
        parts = [each.split(sizes, 0) for each in rows]
        found = []
        for i, output in enumerate(outputs):
            blocks = [
                part[i].view(*output.shape, *primal.shape)
                for part, primal in zip(parts, traced.primals, strict=True)
            ]
            found.append(traced.tree(blocks, argnums))
        result = unflatten(found, traced.out_spec)
        return (result, traced.aux) if has_aux else result

    return jacobian


def jacfwd(
    func: Callable[..., Any],
    argnums: argnums_t = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Callable[..., Any]:
    """A function that returns the Jacobian of ``func``, in forward mode: column by column, batched.

    Args:
        func, argnums, has_aux: see :func:`jacrev`.
        randomness: what random ops in ``func`` draw; see :func:`vmap`.

    The result is that of :func:`jacrev`.
    """

    @wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        name = "jacfwd(f, *args)"
        numbers = _chosen(args, argnums)
        primals, spec = flatten(tuple(args[i] for i in numbers))
        for each in primals:
            if not isinstance(each, Tensor):
                raise RuntimeError(
                    f"{name}: the arguments to differentiate with respect to must be Tensors or "
                    f"nested collections of them, got {type(each)}"
                )
        kept: list[Any] = []

        def column(directions: list[Tensor]) -> Any:
            tangents = unflatten(directions, spec)
            outputs, pushed, *aux = _jvp(
                func, args, tangents, numbers, has_aux=has_aux, kwargs=kwargs
            )
            kept[:] = flatten(outputs)
            return flatten(pushed)[0], *aux

        dims: Any = (0, None) if has_aux else (0,)
        columns, *aux = vmap(column, out_dims=dims, randomness=randomness)(basis(primals))
        shapes, out_spec = [tuple(each.shape) for each in kept[0]], kept[1]
        sizes = [each.numel() for each in primals]
        found = []
        for each, shape in zip(columns, shapes, strict=True):
            blocks = [
                part.movedim(0, -1).reshape(*shape, *primal.shape)
                for part, primal in zip(each.split(sizes, 0), primals, strict=True)
            ]
            tree = unflatten(blocks, spec)
            found.append(tree[0] if isinstance(argnums, int) else tree)
        result = unflatten(found, out_spec)
        return (result, aux[0]) if has_aux else result

    return jacobian


def hessian(func: Callable[..., Any], argnums: argnums_t = 0) -> Callable[..., Any]:
    """A function that returns the Hessian of ``func``: forward mode over reverse mode.

    Args:
        func, argnums: see :func:`jacrev`.
    """
    return jacfwd(jacrev(func, argnums), argnums)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The outputs of ``func``, and the linear function of tangents that approximates it there.

    ``func`` runs once; the linear function applies the Jacobian by the reverse pass, transposed.

    Args:
        func: takes the primals; returns a tensor or a nested collection of tensors.
        primals: tensors, or nested collections of tensors.

    Returns:
        ``(outputs, jvp_fn)``; ``jvp_fn`` takes tangents like the primals.

    Raises:
        RuntimeError: when the tangents have another structure, shape or type than the primals.
    """
    name = "linearize(f, *primals)"
    numbers = tuple(range(len(primals)))
    traced = _Traced(func, primals, numbers, False, name, {})
    _checked_outputs(traced, name)
    seeds = [zeros_like(each) for each in traced.lowered]
    outer = _Traced(
        lambda *cotangents: traced.pulled_back(list(cotangents)),
        tuple(seeds),
        tuple(range(len(seeds))),
        False,
        name,
        {},
    )

    def jvp_fn(*tangents: Any) -> Any:
        leaves, spec = flatten(tangents)
        if spec != traced.spec:
            raise RuntimeError(
                f"Expected the tangents {spec} to have the same structure as the primals "
                f"{traced.spec}"
            )
        checked = [
            checked_tangent(primal, leaf)
            for primal, leaf in zip(traced.primals, leaves, strict=True)
        ]
        return unflatten(outer.pulled_back(checked), traced.out_spec)

    return traced.values, jvp_fn


def debug_unwrap(tensor: Tensor, *, recurse: bool = True) -> Tensor:
    """The tensor that a tensor of a running transform holds; with ``recurse`` the innermost.

    For looking at values only: what is computed from it is not seen by the transform.
    """
    if recurse:
        return innermost(tensor)
    return tensor._array.value if tensor._key & LIFTED else tensor
