"""The autograd layer: makes, for each op, the function that runs a call and records it.

The function is written as source and compiled when an op is first recorded: for each argument it
holds just the statements that the op's formulas ask for, so that a recorded call costs little more
than the call itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd import node as nodes
from lamella_autograd.anomaly import tracing
from lamella_autograd.formulas import (
    check_names,
    derivatives,
    not_differentiable,
)
from lamella_autograd.inference import (
    INFERENCE_TENSOR,
    in_inference_mode,
    outside_inference_mode,
    save_inference_error,
)
from lamella_autograd.inplace import constant_maker, edge_of, record_inplace, refuse_out
from lamella_autograd.modes import ANOMALY, INFERENCE, NO_GRAD, SAVING_HOOKS
from lamella_autograd.names import inner_ops, name_of
from lamella_autograd.packing import packing, packing_maker
from lamella_autograd.recorder_source import Source
from lamella_autograd.restore import restore
from lamella_autograd.saved import saved_properties
from lamella_core.conventions.view import StridedView, View
from lamella_core.dispatch import NUMBER, REQUIRES_GRAD, Layer, Op, modes
from lamella_core.dtype import FLOATING
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_autograd.formulas import Derivative

_PLAIN = frozenset((bool, int, float, complex, type(None)))


class Autograd(Layer):
    """Records calls that have an operand which requires grad."""

    name = "autograd"
    level = 100
    bits = REQUIRES_GRAD | NO_GRAD | INFERENCE | INFERENCE_TENSOR | ANOMALY | SAVING_HOOKS

    def wrap(self, op: Op, key: int, below: Callable[..., Any]) -> Callable[..., Any]:
        if key & INFERENCE:
            return in_inference_mode(op, key, below)
        if key & INFERENCE_TENSOR:
            below = outside_inference_mode(op, below)
        if key & NO_GRAD or not key & REQUIRES_GRAD:
            if key & REQUIRES_GRAD and isinstance(op.convention, (View, StridedView)):
                return _unrecorded_view(below)
            return below
        base = op.base or op
        if op.mutates == "out":
            return refuse_out(op, below)
        constant = base.name in not_differentiable
        rules = None if constant else derivatives.get(base.name)
        if op.mutates is not None:
            make_node = None
            if constant:
                make_node = constant_maker(base.name)
            elif rules is not None:
                make_node = node_maker(base, rules)
                if key & SAVING_HOOKS:
                    make_node = packing_maker(make_node)
            record = record_inplace(op, rules, make_node, below)
        elif constant:
            return below
        elif rules is None:
            record = _record_unknown(op, below)
        else:
            record = _compile(
                op, rules, below, numbers=bool(key & NUMBER), checks=bool(key & INFERENCE_TENSOR)
            )
            if key & SAVING_HOOKS:
                record = packing(record)
        return tracing(record) if key & ANOMALY else record


def _unrecorded_view(below: Callable[..., Any]) -> Callable[..., Any]:
    """A view made in ``no_grad`` of what requires grad: it requires grad, too, as a leaf."""

    def view(*args: Any) -> Any:
        result = below(*args)
        for each in result if isinstance(result, tuple) else (result,):
            if each._dtype.category >= FLOATING:
                each._key |= REQUIRES_GRAD
        return result

    return view


class NotImplementedBackward(nodes.Node):
    """Stands for a call whose op has no derivative: an error only if a gradient arrives."""

    __slots__ = ("missing", "outputs")

    saves = False
    several = True

    def __init__(self, op_name: str, outputs: int, edges: tuple[Any, ...]) -> None:
        self.missing = op_name
        self.edges = edges
        self.outputs = outputs
        self.number = nodes.next_number()
        self.hooks = None

    def apply(self, grad: Any) -> tuple[Any, ...]:
        raise RuntimeError(
            f"derivative for {self.missing} is not implemented; declare one with "
            f"lamella_autograd.derivative({self.missing!r}, ...), or detach its inputs"
        )


def _record_unknown(op: Op, below: Callable[..., Any]) -> Callable[..., Any]:
    def record(*args: Any) -> Any:
        result = below(*args)
        results = result if isinstance(result, (tuple, list)) else (result,)
        edges = []
        for each in args:
            for tensor in each if isinstance(each, (tuple, list)) else (each,):
                if isinstance(tensor, Tensor):
                    edges.append(edge_of(tensor))
        node = NotImplementedBackward(op.name, len(results), tuple(edges))
        for index, each in enumerate(results):
            if isinstance(each, Tensor) and each._dtype.category >= FLOATING:
                each._graph = nodes.Output(node, index)
                each._key |= REQUIRES_GRAD
        return result

    return record


# ------------ the compiled recorder

_makers: dict[str, Callable[..., Any]] = {}


def node_maker(op: Op, rules: Derivative) -> Callable[..., Any]:
    """``make(result, *args)``: a node for a call that has run already; for in-place variants."""
    maker = _makers.get(op.name)
    if maker is None:
        maker = _makers[op.name] = _compile(op, rules, None, numbers=True, checks=True)
    return maker


def _compile(
    op: Op, rules: Derivative, below: Any, *, numbers: bool, checks: bool
) -> Callable[..., Any]:
    check_names(op, rules)
    source = Source(op, rules, numbers=numbers, checks=checks)
    node_class = _node_class(op, rules, source)
    namespace: dict[str, Any] = {
        "below": below,
        "Node": node_class,
        "Output": nodes.Output,
        "next_number": nodes.next_number,
        "saved_output": nodes.saved_output,
        "edge_of": edge_of,
        "PLAIN": _PLAIN,
        "GRAD": REQUIRES_GRAD,
        "INFERENCE_TENSOR": INFERENCE_TENSOR,
        "save_inference_error": save_inference_error,
        "__name__": __name__,
    }
    text = source.recorder(functional=below is not None)
    exec(compile(text, f"<recorder of {op.name}>", "exec"), namespace)
    return namespace["record"]


# By op, with the rules that they were made for: another declaration makes another class.
_node_classes: dict[str, tuple[Derivative, type[nodes.Node]]] = {}


def _node_class(op: Op, rules: Derivative, source: Source) -> type[nodes.Node]:
    known = _node_classes.get(op.name)
    if known is not None and known[0] is rules:
        return known[1]
    namespace: dict[str, Any] = {
        "attached": nodes.attached,
        "modified": nodes.modified,
        "used_twice": nodes.used_twice,
        "restore": restore,
        "FREED": nodes.FREED,
        "PLAIN": _PLAIN,
        "NO_GRAD": NO_GRAD,
        "Output": nodes.Output,
        "Tensor": Tensor,
        "modes": modes,
        "__name__": __name__,
    }
    for name, formula in rules.by_argument.items():
        namespace[f"formula_{name}"] = formula.function
        if formula.call is not None:
            namespace[f"table_{name}"] = formula.call.op.table
    if rules.compute is not None:
        namespace["formula"] = rules.compute.function
    exec(compile(source.node_methods(), f"<node of {op.name}>", "exec"), namespace)
    plain, by_arguments = name_of(op.name)
    node_class = type(
        plain,
        (nodes.Node,),
        {
            **({} if by_arguments is None else {"name": by_arguments}),
            # As PyTorch's classes are printed, without a module.
            "__module__": "builtins",
            "__slots__": source.slots,
            "op_name": op.name,
            "inner": op.name in inner_ops,
            "several": source.multiple,
            "apply": _applying(namespace["step"]),
            "step": namespace["step"],
            "release": namespace["release"],
            "saves": bool(source.saved_tensors or source.saves_result or rules.once),
            **saved_properties(source.slots),
        },
    )
    _node_classes[op.name] = rules, node_class
    return node_class


def _applying(step: Callable[..., Any]) -> Callable[..., Any]:
    def apply(node: nodes.Node, grad: Any) -> Any:
        return step(node, grad, False)

    return apply
