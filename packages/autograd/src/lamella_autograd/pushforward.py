"""Forward mode: how a call takes tangents along, from the formulas that reverse mode has.

Five rules, the first that applies:

* *Linear* ops: the tangent of the result is the op itself, of the tangents. All views are linear.
* *Multilinear* ops (products): a sum, each factor once replaced by its tangent.
* *Pointwise* ops of real numbers have diagonal Jacobians, which are their own transposes: the
  formula of reverse mode, given a tangent in the place of a gradient, is that of forward mode.
* *Reductions*: every result is a function of its own group of elements, whose gradient is a row
  of the Jacobian.
* Everything else: the formula of reverse mode is linear in the gradient that enters it, and its
  own derivative, transposed once more, is the Jacobian (J. Townsend, "A new trick for calculating
  Jacobian vector products", 2017).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd.backward import grad
from lamella_autograd.formulas import derivatives, pushforwards
from lamella_autograd.levels import Below, call, mapped
from lamella_autograd.tracking import Tracking
from lamella_core.conventions.pointwise import Pointwise
from lamella_core.conventions.reduction import Reduction
from lamella_core.conventions.view import StridedView, View
from lamella_core.dispatch import REQUIRES_GRAD
from lamella_core.dtype import COMPLEX, FLOATING
from lamella_core.ops.creation_likes import ones_like, zeros_like
from lamella_core.ops.reduction import sum
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_autograd.formulas import Derivative
    from lamella_core.dispatch import Op

_linear: dict[str, tuple[str, ...]] = {}
_multilinear: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}


def linear(*op_names: str, of: tuple[str, ...]) -> None:
    """Declares ops that are linear in some of their arguments taken together.

    Args:
        op_names: the ops.
        of: the arguments. A number among them is a constant, whose tangent is 0.
    """
    for name in op_names:
        _linear[name] = of


def multilinear(op_name: str, *factors: str, added: tuple[str, ...] = ()) -> None:
    """Declares an op that is linear in each of several factors.

    Args:
        op_name: the op.
        factors: the arguments.
        added: arguments that are added to the product, and may be None.
    """
    _multilinear[op_name] = (factors, added)


linear(
    "sum", "mean", "scaled", "cumsum", "flip", "roll", "tril", "triu", "repeat", "clone",
    "to_dtype", "to_device", "index_select", "gather", "take",
    "masked_select", "index", "neg", "conj_physical", "unfold_windows", "fold_windows", "avg_pool",
    "fft_c2c", "fft_r2c", "fft_c2r", "keep_where", "take_flat", "put_flat", "adaptive_avg_pool",
    "resample", "pad_from_input",
    of=("input",),
)  # fmt: skip
linear("basic_index_backward", "diagonal_backward", "unfold_backward", of=("source",))
linear("embedding", of=("weight",))
linear("where", of=("input", "other"))
linear("complex", of=("real", "imag"))
linear("cat", "stack", of=("tensors",))
linear("copy", "scatter", "scatter_add", of=("input", "src"))
linear("index_add", "index_copy", "put", "masked_scatter", of=("input", "source"))
linear("fill", "masked_fill", "index_fill", of=("input", "value"))
linear("index_put", of=("input", "values"))
multilinear("matmul", "input", "other")
multilinear("linalg_cross", "input", "other")
multilinear("rows_product", "input", "other")
multilinear("linear", "input", "weight", added=("bias",))
multilinear("convolution", "input", "weight", added=("bias",))


def push(op: Op, values: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """The result of a call, and its tangent.

    Args:
        op: the op, no in-place or out variant.
        values: its arguments.
        tangents: for each argument its tangent, or None; for a list of tensors a list of them;
            anything for other arguments.

    Returns:
        the result and its tangent; for several results, a tuple of tangents.

    Raises:
        NotImplementedError: when the op has no derivative.
    """
    if isinstance(op.convention, (View, StridedView)):
        return _push_view(op, values, tangents)
    if op.name in _linear:
        names = _linear[op.name]
        result = call(op, *values)
        if not _is_directed(op, tangents, names) or result._dtype.category < FLOATING:
            return result, None
        return result, call(op, *_replaced(op, values, tangents, names))
    if op.name in _multilinear:
        return call(op, *values), _push_multilinear(op, values, tangents)
    rules = derivatives.get(op.name)
    if rules is None:
        raise NotImplementedError(
            f"Trying to use forward AD with {op.name} that does not support it because it has not "
            f"been implemented yet: declare its derivative with "
            f"lamella_autograd.derivative({op.name!r}, ...)"
        )
    if op.name in pushforwards:
        result = call(op, *values)
        return result, pushforwards[op.name](tangents[0], result, *values)
    if isinstance(op.convention, Reduction) or op.name in _REDUCTIONS:
        return _push_reduction(op, rules, values, tangents[0])
    if isinstance(op.convention, Pointwise):
        tensors = [v for v in values if isinstance(v, Tensor)]
        if all(each._dtype.category != COMPLEX for each in tensors):
            result = call(op, *values)
            if result._dtype.category < FLOATING:
                return result, None
            if result._dtype.category == FLOATING:
                return result, _push_diagonal(op, rules, values, tangents, result)
    return _push_transposed(op, values, tangents)


def _names(op: Op) -> list[str]:
    return [param.name for param in op.params]


def _is_directed(op: Op, tangents: tuple[Any, ...], names: tuple[str, ...]) -> bool:
    for name, tangent in zip(_names(op), tangents, strict=True):
        if name in names:
            if isinstance(tangent, Tensor):
                return True
            if isinstance(tangent, list) and any(isinstance(t, Tensor) for t in tangent):
                return True
    return False


def _replaced(
    op: Op, values: tuple[Any, ...], tangents: tuple[Any, ...], names: tuple[str, ...]
) -> list[Any]:
    """The arguments with tangents in the places of those that the op is linear in."""
    found = list(values)
    for i, name in enumerate(_names(op)):
        if name not in names:
            continue
        value, tangent = values[i], tangents[i]
        if isinstance(value, Tensor):
            found[i] = zeros_like(value) if tangent is None else tangent
        elif isinstance(value, list):
            pairs = zip(value, tangent, strict=True)
            found[i] = [zeros_like(v) if t is None else t for v, t in pairs]
        elif value is not None:
            found[i] = 0
    return found


def _push_view(op: Op, values: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    value, *rest = values
    tangent = tangents[0]
    result = call(op, *values)
    if isinstance(op.convention, StridedView):
        size, stride, offset, (shape, steps, start) = rest
        tangent = laid_out_as(tangent, value)
        moved = tangent.storage_offset() - value.storage_offset()
        if offset + moved < 0:
            raise RuntimeError(
                f"as_strided: storage offset {offset} lies before the tensor itself, where its "
                f"tangent has no memory"
            )
        rest = [size, stride, offset + moved, (shape, steps, start + moved)]
    if op.name == "view":
        tangent = laid_out_as(tangent, value)
    first = result[0] if isinstance(result, (tuple, list)) and result else result
    if isinstance(first, Tensor) and first._dtype.category < FLOATING:
        return result, None if isinstance(result, Tensor) else (None,) * len(result)
    return result, call(op, tangent, *rest)


def laid_out_as(tangent: Tensor, value: Tensor) -> Tensor:
    """The tangent with the strides of its value, so that every view of one is one of the other."""
    if tangent.stride() == value.stride() or not tangent._array.size:
        return tangent
    return tangent.new_empty_strided(value._array.shape, value.stride()).copy_(tangent)


def _push_multilinear(op: Op, values: tuple[Any, ...], tangents: tuple[Any, ...]) -> Tensor:
    factors, added = _multilinear[op.name]
    names = _names(op)
    base = list(values)
    for name in added:
        base[names.index(name)] = None
    total: Tensor | None = None
    extra = {names.index(name): tangents[names.index(name)] for name in added}
    extra = {i: tangent for i, tangent in extra.items() if tangent is not None}
    for name in factors:
        i = names.index(name)
        if tangents[i] is None:
            continue
        terms = list(base)
        terms[i] = tangents[i]
        if total is None:
            for j, tangent in extra.items():
                terms[j] = tangent
        term = call(op, *terms)
        total = term if total is None else total + term
    if total is None:
        i = names.index(factors[0])
        terms = list(base)
        terms[i] = zeros_like(values[i])
        for j, tangent in extra.items():
            terms[j] = tangent
        total = call(op, *terms)
    return total


def _push_diagonal(
    op: Op, rules: Derivative, values: tuple[Any, ...], tangents: tuple[Any, ...], result: Tensor
) -> Tensor | None:
    """The sum of what the formulas of reverse mode make of the tangents."""
    names = _names(op)
    known = _described(names, values, result)
    total: Tensor | None = None
    for place, argument in enumerate(rules.arguments):
        tangent = tangents[names.index(argument)]
        if not isinstance(tangent, Tensor):
            continue
        if tangent._dtype is not result._dtype:
            tangent = tangent.to(result._dtype)
        if tangent._array.shape != result._array.shape:
            tangent = tangent.expand(result._array.shape)
        known["grad"] = tangent
        if rules.compute is not None:
            known["needs"] = tuple([name == argument for name in rules.arguments])
            term = rules.compute.function(*[known[name] for name in rules.compute.names])[place]
        else:
            formula = rules.by_argument[argument]
            term = formula.function(*[known[name] for name in formula.names])
        if term is not None:
            total = term if total is None else total + term
    if total is not None and total._dtype is not result._dtype:
        total = total.to(result._dtype)
    if total is not None and total._array.shape != result._array.shape:
        total = total.expand(result._array.shape)
    return total


_REDUCTIONS = frozenset(("var", "std", "vector_norm"))


def _push_reduction(
    op: Op, rules: Derivative, values: tuple[Any, ...], tangent: Tensor
) -> tuple[Tensor, Tensor | None]:
    """The products of the gradients of single results with the tangent."""
    names = _names(op)
    result = call(op, *values)
    if result._dtype.category < FLOATING:
        return result, None
    known = _described(names, values, result)
    known["grad"] = ones_like(result)
    formula = rules.by_argument["input"]
    slope = formula.function(*[known[name] for name in formula.names])
    if slope is None:
        return result, None
    pushed = slope.conj() * tangent if slope._dtype.is_complex else slope * tangent
    if not result._dtype.is_complex and pushed._dtype.is_complex:
        pushed = pushed.real
    pushed = sum(pushed, known["dim"], known["keepdim"])
    return result, pushed if pushed._dtype is result._dtype else pushed.to(result._dtype)


def _described(names: list[str], values: tuple[Any, ...], result: Any) -> dict[str, Any]:
    """What formulas may name, but for the gradient."""
    known: dict[str, Any] = dict(zip(names, values, strict=True))
    known["result"] = result
    for name, value in zip(names, values, strict=True):
        tensor = isinstance(value, Tensor)
        known[f"{name}_shape"] = value._array.shape if tensor else None
        known[f"{name}_dtype"] = value._dtype if tensor else None
    return known


def _push_transposed(op: Op, values: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """Applies the formula of reverse mode, and transposes it."""
    with Tracking() as level:
        leaves: list[Tensor] = []
        directions: list[Tensor] = []
        args: list[Any] = []
        for value, tangent in zip(values, tangents, strict=True):
            if isinstance(value, list) and isinstance(tangent, list):
                args.append(
                    [
                        _tracked(level, v, t, leaves, directions)
                        for v, t in zip(value, tangent, strict=True)
                    ]
                )
            else:
                args.append(_tracked(level, value, tangent, leaves, directions))
        result = call(op, *args)
        several = not isinstance(result, Tensor)
        outputs = list(result) if several else [result]
        used = [
            i
            for i, each in enumerate(outputs)
            if isinstance(each, Tensor) and each._key & REQUIRES_GRAD
        ]
        pushed: list[Tensor | None] = [None] * len(outputs)
        if used:
            # Linear in the seeds, so any would do; at 0 a formula may divide or take a logarithm.
            with Below(level):
                ones = [ones_like(level.value(outputs[i])) for i in used]
            seeds = [level.leaf(each) for each in ones]
            pulled = grad(
                [outputs[i] for i in used], leaves, seeds, create_graph=True, allow_unused=True
            )
            pairs = [
                (each, direction)
                for each, direction in zip(pulled, directions, strict=True)
                if each is not None and each._key & REQUIRES_GRAD
            ]
            if pairs:
                found = grad(
                    [each for each, _ in pairs],
                    seeds,
                    [direction for _, direction in pairs],
                    allow_unused=True,
                )
                for i, each in zip(used, found, strict=True):
                    pushed[i] = None if each is None else level.value(each)
        values_below = mapped(level.value, outputs)
    if not several:
        return values_below[0], pushed[0]
    kind = result.__class__
    results = kind(values_below) if kind in (list, tuple) else kind(*values_below)
    return results, tuple(pushed)


def _tracked(
    level: Tracking, value: Any, tangent: Any, leaves: list[Tensor], directions: list[Tensor]
) -> Any:
    """An argument as a leaf of the level, which is noted with its tangent, where it has one."""
    if not isinstance(value, Tensor) or not isinstance(tangent, Tensor):
        return value
    leaf = level.leaf(value)
    leaves.append(leaf)
    directions.append(tangent)
    return leaf
