"""The registry of derivatives: an op's name, and one formula for each differentiable argument.

The names of a formula's parameters say what the graph must keep:

* ``grad``: the gradient of the output; ``grads``: of all outputs, None for one that is not used
* ``result``, ``results``: the output, all outputs
* the name of an argument: its value; tensors are kept with a check that nobody writes to them
* ``<argument>_shape``, ``<argument>_dtype``: of a tensor argument, which is then not kept
* ``needs`` (joint formulas only): which of the arguments a gradient is wanted for

Formulas are written in ops, so that a gradient can be differentiated again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lamella_autograd.modes import NO_GRAD, TRANSFORMING
from lamella_core import dispatch
from lamella_core.dispatch import modes
from lamella_core.ops.arithmetic import conj_physical
from lamella_core.ops.operators import mul

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.tensor import Tensor
    from lamella_core.typing import Number

_OUTPUTS = frozenset(("grad", "grads", "result", "results", "needs"))


class Formula(NamedTuple):
    """A function and the names of its parameters, in order."""

    function: Callable[..., Any]
    names: tuple[str, ...]
    call: OpCall | None = None


class OpCall(NamedTuple):
    """A formula that is one call of an op, of operands by name.

    ``conjugated`` is the operand whose conjugate is taken, or None.
    """

    op: dispatch.Op
    operands: tuple[str, ...]
    conjugated: str | None


class Derivative(NamedTuple):
    """The formulas of an op.

    ``by_argument`` maps an argument to its formula; or, for a joint derivative, ``joint`` lists
    the arguments and ``compute`` returns a tuple of gradients in that order. ``keeps`` are the
    indices of the outputs that ``results`` holds; all when None. ``once`` says that a pass drops
    the node, though it keeps no tensor.
    """

    by_argument: dict[str, Formula]
    joint: tuple[str, ...]
    compute: Formula | None
    keeps: tuple[int, ...] | None = None
    once: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments that a gradient is computed for."""
        return self.joint or tuple(self.by_argument)


derivatives: dict[str, Derivative] = {}
not_differentiable: set[str] = set()
pushforwards: dict[str, Callable[..., Any]] = {}
# Modules with batching rules, which are imported when a function is first batched.
batching_modules: list[str] = []


def derivative(
    op_name: str,
    /,
    *,
    joint: tuple[str, ...] = (),
    compute: Callable[..., Any] | None = None,
    keeps: tuple[int, ...] | None = None,
    once: bool = False,
    **by_argument: Callable[..., Any],
) -> None:
    """Declares an op's derivative: ``derivative("exp", input=lambda grad, result: grad * result)``.

    Args:
        op_name: the op's name; in-place and out variants have no derivative of their own.
        by_argument: a formula for each differentiable argument. For an argument that is a sequence
            of tensors it returns a list. None means that there is no gradient.
        joint, compute: instead, the names of several arguments and one formula that returns all
            their gradients as a tuple.
        keeps: which outputs ``results`` holds, by index, where not all of them are needed; the
            others are None in it, may be overwritten and their memory freed.
        once: refuse a second pass without ``retain_graph``, as nodes with saved tensors do, where
            PyTorch saves a tensor that the formulas do not need.

    Raises:
        ValueError: when joint and separate formulas are mixed, or half of a joint one is missing.
    """
    if bool(joint) != (compute is not None) or (joint and by_argument):
        raise ValueError(
            f"derivative of {op_name!r}: give either a formula an argument, or joint= and compute="
        )
    separate = {name: _formula(function) for name, function in by_argument.items()}
    derivatives[op_name] = Derivative(
        separate, joint, _formula(compute) if compute else None, keeps, once
    )
    not_differentiable.discard(op_name)
    _forget(op_name)


def unchanged(grad: Tensor) -> Tensor:
    """The formula of what is added: the gradient itself."""
    return grad


def op_call(op_name: str, *operands: str, conjugated: str | None = None) -> Callable[..., Any]:
    """A formula that is one call of an op: ``op_call("mul", "grad", "result")``.

    It does what the function that makes this call would do, but nodes make the call themselves,
    which takes half a microsecond less.

    Args:
        op_name: an op all of whose parameters are given.
        operands: the formula's parameters, in the order of the op's.
        conjugated: the one whose conjugate is taken, where it is complex.
    """
    op = dispatch.ops[op_name]
    if op_name == "mul" and conjugated is not None:
        namespace: dict[str, Any] = {"op": times_conjugate}
        given = ", ".join(operands)
    else:
        namespace = {"op": op.function, "conj": conj}
        given = ", ".join(f"conj({each})" if each == conjugated else each for each in operands)
    function = eval(f"lambda {', '.join(operands)}: op({given})", namespace)
    function.call = OpCall(op, operands, conjugated)
    return function


def times_conjugate(grad: Tensor, value: Any) -> Tensor:
    """``grad * conj(value)``, made in the conjugate where nobody sees it."""
    conjugate = conj(value)
    if (
        conjugate is not value
        and modes.bits & (NO_GRAD | TRANSFORMING) == NO_GRAD
        and getattr(conjugate, "_dtype", None) is grad._dtype
        and conjugate._array.shape == grad._array.shape
    ):
        return mul(grad, conjugate, out=conjugate)  # type: ignore[no-any-return]
    return mul(grad, conjugate)  # type: ignore[no-any-return]


def conj(value: Tensor | Number) -> Any:
    """The complex conjugate of a tensor or a number."""
    try:
        dtype = value._dtype  # type: ignore[union-attr]
    except AttributeError:
        return value.conjugate()
    return conj_physical(value) if dtype.is_complex else value


def pushforward(op_name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declares how forward mode differentiates an op, where its derivative does not tell.

    The function takes the tangents of the op's first argument, the op's results and its arguments,
    and returns the tangents of the results.
    """

    def declarator(function: Callable[..., Any]) -> Callable[..., Any]:
        pushforwards[op_name] = function
        return function

    return declarator


def non_differentiable(*op_names: str) -> None:
    """Declares that the outputs of these ops never require grad."""
    for op_name in op_names:
        not_differentiable.add(op_name)
        _forget(op_name)


def batching_rules_in(module_name: str) -> None:
    """Names a module that declares batching rules, to be imported when they are first needed."""
    batching_modules.append(module_name)


def _formula(function: Callable[..., Any]) -> Formula:
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return Formula(function, names, getattr(function, "call", None))


def _forget(op_name: str) -> None:
    for name in (op_name, f"{op_name}_", f"{op_name}.out"):
        op = dispatch.ops.get(name)
        if op is not None:
            op.table.clear()


def check_names(op: dispatch.Op, derivative: Derivative) -> None:
    """Checks that the formulas of an op only ask for what the op has.

    Raises:
        ValueError: when a formula names an argument that the op has not.
    """
    known = {p.name for p in op.params}
    described = {f"{p.name}_{what}" for p in op.params for what in ("shape", "dtype")}
    formulas = [*derivative.by_argument.values()]
    if derivative.compute is not None:
        formulas.append(derivative.compute)
    asked = {name for formula in formulas for name in formula.names} | set(derivative.arguments)
    unknown = asked - known - described - _OUTPUTS
    if unknown:
        raise ValueError(
            f"the derivative of {op.name!r} names {', '.join(sorted(unknown))}, but the op's "
            f"arguments are {', '.join(p.name for p in op.params)}"
        )
