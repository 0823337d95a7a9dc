"""A custom ``Function`` under transforms: what ``vmap``, ``grad`` and forward mode make of it.

As with ops, the level on top does its part and has the level below do the rest; but instead of
tables the Function itself says what to do, by ``backward``, ``jvp`` and ``vmap``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lamella_autograd.dual import Dual
from lamella_autograd.function import Function, FunctionCtx, record_function, run_function
from lamella_autograd.levels import Again, Below, Level, mapped, settled, stack, tensors_in
from lamella_autograd.modes import NO_GRAD
from lamella_autograd.pytree import broadcast, flatten, unflatten
from lamella_autograd.tracking import Tracking
from lamella_core.dispatch import modes
from lamella_core.dtype import FLOATING
from lamella_core.ops.creation_likes import zeros_like
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_autograd.batching.level import Batch


class VmapInfo(NamedTuple):
    """What a Function's ``vmap`` is told."""

    batch_size: int
    randomness: str


def apply_at_level(cls: type[Function], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Runs a Function's call at the level on top.

    Raises:
        NotImplementedError: in forward mode, without ``jvp``.
        RuntimeError: in a transform, without ``setup_context``; in ``vmap``, without ``vmap`` or
            ``generate_vmap_rule``, or with both.
    """
    args = mapped(settled, args)
    top = stack.top
    if top is None:
        return run_function(cls._context(), args, kwargs)
    if top.transforms and cls.setup_context is Function.setup_context:
        raise RuntimeError(
            f"In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, "
            f"jacrev, ...), it must override the setup_context staticmethod: split forward(ctx, "
            f"...) of {cls.__name__} into forward(...) and setup_context(ctx, inputs, output)"
        )
    if isinstance(top, Tracking):
        return _track(top, cls, args, kwargs)
    if isinstance(top, Dual):
        return _push(top, cls, args, kwargs)
    return _batch(top, cls, args, kwargs)  # type: ignore[arg-type]


def _outputs(output: Any) -> tuple[Any, ...]:
    return output if isinstance(output, tuple) else (output,)


def _like(output: Any, values: list[Any]) -> Any:
    return tuple(values) if isinstance(output, tuple) else values[0]


def _lifted(level: Level, args: tuple[Any, ...], below: tuple[Any, ...], output: Any) -> Any:
    """The outputs at a level; one that is an argument is that argument again."""
    given = {id(value): arg for arg, value in zip(args, below, strict=True)}
    values = [
        given[id(each)]
        if isinstance(each, Tensor) and id(each) in given and level.is_own(given[id(each)])
        else (level.lift(each) if isinstance(each, Tensor) else each)
        for each in _outputs(output)
    ]
    return _like(output, values)


def _track(level: Tracking, cls: type[Function], args: Any, kwargs: dict[str, Any]) -> Any:
    """Records the Function itself at this level; below it runs anew, and may be recorded there."""
    below = mapped(level.value, args)
    with Below(level):
        output = cls.apply(*below, **kwargs)
    output = _lifted(level, args, below, output)
    # What requires grad further down is a constant here.
    args = mapped(lambda each: each if level.is_own(each) else level.lift(each), args)
    ctx = cls._context()
    ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
    _set_up(ctx, args, output)
    output = record_function(ctx, args, output)
    ctx.__dict__.pop("saved_for_forward", None)
    return output


def _set_up(ctx: FunctionCtx, args: tuple[Any, ...], output: Any) -> None:
    before = modes.bits
    modes.bits = before | NO_GRAD
    try:
        ctx._function.setup_context(ctx, args, output)
    finally:
        modes.bits = before


def _push(level: Dual, cls: type[Function], args: Any, kwargs: dict[str, Any]) -> Any:
    """Runs the Function below, and its ``jvp`` on the tangents."""
    below = mapped(level.value, args)
    tangents = [level.tangent(a) if isinstance(a, Tensor) else None for a in args]
    with Below(level):
        ctx = cls._context()
        if cls.setup_context is Function.setup_context:
            output = run_function(ctx, below, kwargs)
        else:
            output = cls.apply(*below, **kwargs)
            ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in below)
            _set_up(ctx, below, output)
        if all(each is None for each in tangents):
            return _lifted(level, args, below, output) if level.transforms else output
        ctx._given = getattr(ctx, "saved_for_forward", ctx._to_save)
        if ctx._materialize:
            tangents = [
                zeros_like(a) if t is None and isinstance(a, Tensor) else t
                for t, a in zip(tangents, below, strict=True)
            ]
        pushed = _outputs(cls.jvp(ctx, *tangents))
        ctx._given = None
        ctx.__dict__.pop("saved_for_forward", None)
    outputs = _outputs(output)
    if len(pushed) != len(outputs):
        raise RuntimeError(
            f"{cls.__name__}.jvp returned {len(pushed)} tangents for {len(outputs)} outputs"
        )
    lifted = _outputs(_lifted(level, args, below, output))
    for each, tangent in zip(lifted, pushed, strict=True):
        if isinstance(each, Tensor) and each._dtype.category >= FLOATING:
            each._array.tangent = tangent
    return _like(output, list(lifted))


# ------------ batches


def _batch(level: Batch, cls: type[Function], args: Any, kwargs: dict[str, Any]) -> Any:
    """Runs the Function's ``vmap`` below, or a Function made from it for the whole batch."""
    below = mapped(level.value, args)
    own = cls.vmap is not Function.vmap
    if own and cls.generate_vmap_rule:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it has both generate_vmap_rule=True and "
            f"an overridden vmap staticmethod. Please set generate_vmap_rule=False or delete the "
            f"overridden vmap staticmethod to avoid ambiguity."
        )
    if not any(level.is_own(each) for each in tensors_in(args)):
        with Below(level):
            return cls.apply(*below, **kwargs)
    if not own and not cls.generate_vmap_rule:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it does not have vmap support. Please "
            f"override and implement the vmap staticmethod or set generate_vmap_rule=True."
        )
    if own:
        in_dims = tuple(0 if isinstance(a, Tensor) and level.is_own(a) else None for a in args)
        with Below(level):
            found = cls.vmap(VmapInfo(level.size, level.randomness), in_dims, *below)
        if not isinstance(found, tuple) or len(found) != 2:
            raise RuntimeError(
                f"Expected the vmap staticmethod to have two returns, an output and out_dims with "
                f"pytree structure compatible with the output. Got a {type(found)} instead"
            )
        return _with_dims(level, *found)
    batched = [isinstance(a, Tensor) and level.is_own(a) for a in args]
    with Below(level):
        output = WholeBatch.apply(level, cls, batched, *below, **kwargs)
    return _like(output, [level.lift(each) for each in _outputs(output)])


def _with_dims(level: Batch, output: Any, out_dims: Any) -> Any:
    leaves, spec = flatten(output)
    dims = broadcast(out_dims, spec)
    if dims is None:
        raise RuntimeError(
            f"the vmap staticmethod returned out_dims {out_dims!r} that do not fit its output"
        )
    with Below(level):
        moved = [
            each.movedim(dim, 0) if isinstance(each, Tensor) and dim else each
            for each, dim in zip(leaves, dims, strict=True)
        ]
    return unflatten(
        [each if dim is None else level.lift(each) for each, dim in zip(moved, dims, strict=True)],
        spec,
    )


def _lift_some(level: Batch, values: Any, which: Any) -> tuple[Any, ...]:
    return tuple(
        level.lift(value) if isinstance(value, Tensor) and own else value
        for value, own in zip(values, which, strict=True)
    )


def _full(level: Batch, value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    with Below(level):
        return level.full(value)


class WholeBatch(Function):
    """A Function of whole batches, which runs each part of another one at the level of the batch.

    Its arguments are the level, the other Function, which of that one's arguments are batched, and
    those arguments.
    """

    @staticmethod
    def forward(level: Batch, cls: type[Function], batched: list[bool], *values: Any) -> Any:  # type: ignore[override]
        with Again(level):
            output = cls.forward(*_lift_some(level, values, batched))
            return _like(output, [_full(level, each) for each in _outputs(output)])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        level, cls, batched, *values = inputs
        ctx.level, ctx.batched = level, batched
        inner = ctx.inner = cls._context()
        inner.needs_input_grad = ctx.needs_input_grad[3:]
        with Again(level):
            results = [
                level.lift(each) if isinstance(each, Tensor) else each for each in _outputs(output)
            ]
            cls.setup_context(inner, _lift_some(level, values, batched), _like(output, results))
        ctx.set_materialize_grads(inner._materialize)
        ctx.saves_batched = [each is not None and level.is_own(each) for each in inner._to_save]
        ctx.save_for_backward(
            *[None if each is None else _value(level, each) for each in inner._to_save]
        )
        forward = getattr(inner, "saved_for_forward", ())
        ctx.forward_batched = [level.is_own(each) for each in forward]
        ctx.save_for_forward(*[_value(level, each) for each in forward])
        outer = {id(r): each for r, each in zip(results, _outputs(output), strict=True)}
        ctx.mark_non_differentiable(
            *[outer[id(each)] for each in inner._not_differentiable if id(each) in outer]
        )
        inner._to_save = inner._dirty = inner._not_differentiable = ()
        inner.saved_for_forward = ()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        level, saved = ctx.level, ctx.saved_tensors
        cls = ctx.inner._function
        with Again(level):
            ctx.inner._given = _lift_some(level, saved, ctx.saves_batched)
            found = cls._backward_of()(ctx.inner, *_lift_some(level, grads, [True] * len(grads)))
            ctx.inner._given = None
            values = [_full(level, each) for each in _outputs(found)]
        return (
            None,
            None,
            None,
            *[
                each if each is None or own else each.sum(0)
                for each, own in zip(values, ctx.batched, strict=True)
            ],
        )

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        level, saved = ctx.level, ctx.saved_tensors
        which = ctx.forward_batched or ctx.saves_batched
        with Again(level):
            ctx.inner._given = _lift_some(level, saved, which)
            found = ctx.inner._function.jvp(
                ctx.inner, *_lift_some(level, tangents[3:], ctx.batched)
            )
            ctx.inner._given = None
            return _like(found, [_full(level, each) for each in _outputs(found)])


def _value(level: Batch, tensor: Tensor) -> Tensor:
    """What a batched tensor holds; the level need not be on the stack."""
    return tensor._array.value if level.is_own(tensor) else tensor
