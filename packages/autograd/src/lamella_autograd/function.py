"""``Function``: an operation whose derivative the user writes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from lamella_autograd.anomaly import keep_traceback
from lamella_autograd.inplace import check_writable, edge_of, has_unmarked_views, mark_views, rebase
from lamella_autograd.modes import ANOMALY, NO_GRAD, SAVING_HOOKS, TRANSFORMING, no_grad
from lamella_autograd.node import (
    FREED,
    Node,
    Output,
    attached,
    modified,
    next_number,
    saved_output,
    used_twice,
)
from lamella_autograd.packing import Packed
from lamella_autograd.passes import passes
from lamella_autograd.restore import restore
from lamella_autograd.saved import saved_properties
from lamella_core import zeros
from lamella_core.dispatch import LIFTED, REQUIRES_GRAD, modes
from lamella_core.dtype import FLOATING
from lamella_core.storage import mark_written
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable


class FunctionCtx(Node):
    """What ``forward`` and ``backward`` share: ``ctx``, and the node of the graph at once.

    Attributes:
        needs_input_grad: for each argument, whether a gradient is wanted for it.
        saved_tensors: in ``backward``, what ``save_for_backward`` was given.
    """

    __slots__ = (
        "__dict__",
        "_dirty",
        "_function",
        "_given",
        "_index_tensors",
        "_kept_tensors",
        "_likes",
        "_materialize",
        "_not_differentiable",
        "_output_likes",
        "_positions",
        "_to_save",
        "_version_tensors",
        "needs_input_grad",
        "outputs",
    )

    several = True
    unpacks = True
    _raw_saved_tensors = saved_properties(["_kept_tensors"])["_raw_saved_tensors"]

    _likes: list[Any]
    _output_likes: list[Any]
    _positions: list[int]

    def __init__(self, function: type[Function]) -> None:
        self._function = function
        self._given: tuple[Any, ...] | None = None
        self._to_save: tuple[Any, ...] = ()
        self._kept_tensors: Any = []
        self._version_tensors: list[int] = []
        # For each, the number of the output that it is, or None.
        self._index_tensors: list[int | None] = []
        self._dirty: tuple[Any, ...] = ()
        self._not_differentiable: tuple[Any, ...] = ()
        self._materialize = True
        self.needs_input_grad: tuple[bool, ...] = ()
        self.edges = ()
        self.hooks = None

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keeps arguments or outputs for ``backward``, with a check that nobody writes to them.

        Raises:
            TypeError: for what is neither a tensor nor None.
        """
        for i, each in enumerate(tensors):
            if each is not None and not isinstance(each, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {i} is of type "
                    f"{type(each).__name__}; keep other objects as attributes of ctx"
                )
        self._to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors for ``jvp``."""
        for each in tensors:
            if each is not None and not isinstance(each, Tensor):
                raise TypeError(f"save_for_forward expects tensors, got {type(each).__name__}")
        self.saved_for_forward = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Says that ``forward`` wrote to these arguments; they must be among its outputs.

        Raises:
            RuntimeError: for what is not a tensor.
        """
        self._dirty = _only_tensors("mark_dirty", tensors)

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Says that no gradient flows to these outputs.

        Raises:
            RuntimeError: for what is not a tensor.
        """
        self._not_differentiable = _only_tensors("mark_non_differentiable", tensors)

    def set_materialize_grads(self, value: bool) -> None:
        """Whether ``backward`` gets zeros, instead of None, for an output that was not used."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What was saved.

        Raises:
            RuntimeError: when it was freed by an earlier pass, or written to since.
        """
        if self._given is not None:
            return self._given
        if self._kept_tensors is FREED:
            raise used_twice(self.name())
        found = []
        kept = zip(self._kept_tensors, self._version_tensors, self._index_tensors, strict=True)
        for i, (tensor, version, index) in enumerate(kept):
            if isinstance(tensor, Packed):
                tensor = tensor.unpack()
            elif tensor is not None and tensor._version != version:
                raise modified(self.name(), f"saved tensor {i}", tensor, version)
            if index is not None and not modes.bits & NO_GRAD:
                tensor = attached(tensor, Output(self, index))
            found.append(tensor)
        return tuple(found)

    def name(self) -> str:
        return f"{self._function.__name__}Backward"

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{self.name()} object at {id(self):#x}>"

    def release(self) -> None:
        self._kept_tensors = FREED

    def apply(self, grads: Any) -> tuple[Any, ...]:  # type: ignore[override]
        passes.settle()
        if self._materialize:
            grads = [
                zeros(like[0], dtype=like[1], device=like[2]) if g is None and like else g
                for g, like in zip(grads, self._output_likes, strict=True)
            ]
        result = self._function._backward_of()(self, *grads)
        if not isinstance(result, tuple):
            result = (result,)
        count = len(self.needs_input_grad)
        if len(result) > count and all(each is None for each in result[count:]):
            result = result[:count]
        if len(result) != count:
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected "
                f"{count}, got {len(result)})"
            )
        for i, each in enumerate(result):
            if each is not None and i not in self._positions:
                raise RuntimeError(
                    f"function {self.name()} returned a gradient different than None at position "
                    f"{i + 1}, but the corresponding forward input was not a Variable"
                )
        return tuple(
            self._checked(i, result[i], like)
            for i, like in zip(self._positions, self._likes, strict=True)
        )

    def _checked(self, index: int, grad: Any, like: tuple[tuple[int, ...], Any] | None) -> Any:
        if grad is None or like is None:
            return None
        if not isinstance(grad, Tensor):
            raise RuntimeError(
                f"expected Variable or None (got {type(grad).__name__}) as gradient {index} of "
                f"{self.name()}"
            )
        shape, dtype = like
        have = grad._array.shape
        if have != shape:
            shared = have[len(have) - len(shape) :]
            if len(have) < len(shape) or any(
                want not in (1, size) for want, size in zip(shape, shared, strict=True)
            ):
                raise RuntimeError(
                    f"Function {self.name()} returned an invalid gradient at index {index} - got "
                    f"{list(have)} but expected shape compatible with {list(shape)}"
                )
        return restore(grad, shape, dtype)


def _only_tensors(method: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    for i, each in enumerate(values):
        if not isinstance(each, Tensor):
            raise RuntimeError(
                f"{method} can only accept variables, but argument {i} is of type "
                f"{type(each).__name__}"
            )
    return values


class Function:
    """Base class for operations with a derivative of their own.

    A subclass has the static methods ``forward(ctx, *args)`` and ``backward(ctx, *grads)``; or
    ``forward(*args)`` and ``setup_context(ctx, inputs, output)`` in the place of the first. It is
    called by ``apply``. ``backward`` returns one gradient an argument, None for what has none.
    """

    _node_class: type[FunctionCtx] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all "
            f"static, so invoke them on the class itself: {type(self).__name__}.apply(...)",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            f"Legacy autograd function with non-static forward method is deprecated. Please use "
            f"new-style autograd function with static forward method: "
            f"{type(self).__name__}.apply(...)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Computes the outputs."""
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Saves what ``backward`` needs, where ``forward`` takes no ``ctx``.

        Args:
            ctx: what the two of them share; see :class:`FunctionCtx`.
            inputs: the arguments of ``forward``.
            output: what it returned.
        """
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Computes the gradients of the arguments from those of the outputs."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom "
            "autograd.Function to use it with backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Computes the tangents of the outputs from those of the arguments."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with "
            "forward mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *args: Any) -> Any:
        """Computes the outputs of a whole batch, and the dimensions that count its examples.

        Args:
            info: ``batch_size``, and ``randomness`` as :func:`vmap` was given it.
            in_dims: for each argument the dimension that counts examples; None where there is none.
            args: the arguments of ``forward``, a whole batch each.

        Returns:
            The outputs, and for each of them its dimension, or None.
        """
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap static method "
            "or set generate_vmap_rule=True."
        )

    generate_vmap_rule = False

    @classmethod
    def _backward_of(cls) -> Callable[..., Any]:
        """The subclass's ``backward``, or ``vjp``, which is another name for it.

        Raises:
            RuntimeError: when it has both.
        """
        if cls.vjp is Function.vjp:
            return cls.backward
        if cls.backward is not Function.backward:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. "
                "You should only implement one of them."
            )
        return cls.vjp

    @classmethod
    def _bound(
        cls, args: tuple[Any, ...], kwargs: dict[str, Any], separate: bool
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments by position, where ``forward`` takes them so; with its defaults if there
        is a ``setup_context``, whose inputs they are."""
        import inspect

        signature = inspect.signature(cls.forward)
        if not separate:
            bound = signature.bind(None, *args, **kwargs)
            return bound.args[1:], bound.kwargs
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.args, bound.kwargs

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Runs ``forward`` and records the call.

        Only tensors that are arguments, not those in containers, get gradients; only tensors that
        are the output, or items of a tuple, have them.
        """
        separate = cls.setup_context is not Function.setup_context
        if kwargs or separate:
            args, kwargs = cls._bound(args, kwargs, separate)
        if modes.bits & TRANSFORMING or any([getattr(a, "_key", 0) & LIFTED for a in args]):
            from lamella_autograd.function_levels import apply_at_level

            return apply_at_level(cls, args, kwargs)
        ctx = cls._context()
        output = run_function(ctx, args, kwargs)
        # Only jvp asks for them, and an output among them would hold its own node.
        ctx.__dict__.pop("saved_for_forward", None)
        return output

    @classmethod
    def _context(cls) -> FunctionCtx:
        """A new ``ctx``, a node of the class's own kind."""
        node_class = cls.__dict__.get("_node_class")
        if node_class is None:
            node_class = type(f"{cls.__name__}Backward", (FunctionCtx,), {"__slots__": ()})
            cls._node_class = node_class
        return node_class(cls)


def run_function(ctx: FunctionCtx, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Runs a Function's ``forward``, and records the call in its ``ctx``."""
    cls = ctx._function
    ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
    before = modes.bits
    modes.bits = before | NO_GRAD
    try:
        if cls.setup_context is not Function.setup_context:
            output = cls.forward(*args, **kwargs)
            cls.setup_context(ctx, args, output)
        else:
            output = cls.forward(ctx, *args, **kwargs)
    finally:
        modes.bits = before
    return record_function(ctx, args, output)


def record_function(ctx: FunctionCtx, args: tuple[Any, ...], output: Any) -> Any:
    """Gives the outputs of a call their place in the graph, where an argument requires grad."""
    tensors = [(i, a) for i, a in enumerate(args) if isinstance(a, Tensor)]
    edges = [edge_of(a) for _, a in tensors]
    if modes.bits & NO_GRAD or not any(e is not None for e in edges):
        return output
    ctx.edges = tuple(edges)
    ctx.number = next_number()
    ctx._positions = [i for i, _ in tensors]
    ctx._likes = [
        None if e is None else (tuple(a._array.shape), a._dtype)
        for (_, a), e in zip(tensors, edges, strict=True)
    ]
    several = isinstance(output, tuple)
    results = _recorded(ctx, [a for _, a in tensors], output if several else (output,))
    if modes.bits & ANOMALY:
        keep_traceback(ctx)
    return tuple(results) if several else results[0]


def _recorded(ctx: FunctionCtx, inputs: list[Tensor], outputs: Any) -> list[Any]:
    """Gives the outputs their place in the graph and keeps what is to be saved."""
    ctx.outputs = len(outputs)
    # An only output has a gradient, or its node does not run.
    ctx._output_likes = [None]
    if len(outputs) > 1:
        ctx._output_likes = [
            (each.shape, each.dtype, each.device) if isinstance(each, Tensor) else None
            for each in outputs
        ]
    dirty = {id(each) for each in ctx._dirty}
    if not dirty <= {id(each) for each in outputs}:
        raise RuntimeError(
            f"Some elements marked as dirty during the forward method were not returned as output "
            f"({ctx.name()}). The inputs that are modified inplace must all be outputs of the "
            f"Function."
        )
    apart = {id(each) for each in ctx._not_differentiable}
    given = {id(each) for each in inputs}
    results: list[Any] = []
    index_of: dict[int, int] = {}
    for index, each in enumerate(outputs):
        if not isinstance(each, Tensor) or id(each) in apart or each._dtype.category < FLOATING:
            if id(each) in apart and id(each) not in given:
                each._key &= ~REQUIRES_GRAD
            results.append(each)
            continue
        if id(each) in dirty:
            check_writable(each, ctx.name())
            views = has_unmarked_views(each)
            mark_written(each)
            if each._view is not None:
                if len(outputs) > 1:
                    raise RuntimeError(
                        f"{ctx.name()} has several outputs and writes to a view in place; clone "
                        f"the view first, or return a new tensor"
                    )
                position = next(i for i, a in enumerate(inputs) if a is each)
                rebase(each, _WriteByFunction(ctx, position), True, views)
                index_of[id(each)] = index
                results.append(each)
                continue
            if views:
                mark_views(each)
        elif id(each) in given:
            each = each.view_as(each).detach()
        each._graph = Output(ctx, index)
        each._key |= REQUIRES_GRAD
        index_of[id(outputs[index])] = index
        results.append(each)
    for tensor in ctx._to_save:
        if tensor is None:
            _keep(ctx, None, 0, None)
        elif id(tensor) in index_of:
            _keep(ctx, saved_output(tensor), tensor._version, index_of[id(tensor)])
        else:
            _keep(ctx, tensor, tensor._version, None)
    ctx._to_save = ctx._dirty = ctx._not_differentiable = ()
    return results


def _keep(ctx: FunctionCtx, tensor: Tensor | None, version: int, index: int | None) -> None:
    packs = tensor is not None and modes.bits & SAVING_HOOKS
    ctx._kept_tensors.append(Packed(tensor) if packs and tensor is not None else tensor)
    ctx._version_tensors.append(version)
    ctx._index_tensors.append(index)


class _WriteByFunction(Node):
    """A Function that writes to a view, its edges beginning with that of the view."""

    __slots__ = ("context", "position")

    def __init__(self, context: FunctionCtx, position: int) -> None:
        self.context = context
        self.position = position
        self.edges = self._first(context.edges)
        self.number = context.number
        self.hooks = None

    def _first(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        i = self.position
        return (values[i], *values[:i], *values[i + 1 :])

    def apply(self, grad: Any) -> tuple[Any, ...]:
        return self._first(self.context.apply([grad]))

    def release(self) -> None:
        self.context.release()


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator for a ``backward`` that cannot be differentiated: a second derivative errs."""
    from functools import wraps

    @wraps(function)
    def wrapper(ctx: Any, *grads: Any) -> Any:
        recording = not modes.bits & NO_GRAD
        with no_grad():
            result = function(ctx, *grads)
        if not recording or not any(isinstance(g, Tensor) and g.requires_grad for g in grads):
            return result
        several = isinstance(result, tuple)
        for each in result if several else (result,):
            if isinstance(each, Tensor):
                each._graph = _Once(ctx.name())
                each._key |= REQUIRES_GRAD
        return result

    return wrapper


class _Once(Node):
    __slots__ = ("function_name",)

    def __init__(self, function_name: str) -> None:
        self.function_name = function_name
        self.edges = ()
        self.number = next_number()
        self.hooks = None

    def apply(self, grad: Any) -> tuple[Any, ...]:  # type: ignore[override]
        raise RuntimeError(
            f"trying to differentiate twice a function that was marked with @once_differentiable "
            f"({self.function_name})"
        )
