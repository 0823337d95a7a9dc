"""``utils.checkpoint``: run a function again in the backward pass, instead of saving its tensors.

Chen, Xu, Zhang and Guestrin, "Training deep nets with sublinear memory cost", 2016. What it saves
in memory it costs in time: one more forward pass.
"""

from __future__ import annotations

import sys
import warnings
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

from lamella_autograd.backward import backward as run_backward
from lamella_autograd.function import Function
from lamella_autograd.modes import enable_grad
from lamella_autograd.observing import observing
from lamella_autograd.passes import passes
from lamella_autograd.random_states import RandomStates, devices_of
from lamella_autograd.recompute import CheckpointError, Frame, GraphExecGroup
from lamella_autograd.selective import (
    CheckpointPolicy,
    SelectiveCheckpointContext,
    create_selective_checkpoint_contexts,
)
from lamella_core.device import Device
from lamella_core.generator import default_of
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import FrameType

    from lamella_core.dispatch import Op

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "CheckpointPolicy",
    "DefaultDeviceType",
    "GraphExecGroup",
    "SelectiveCheckpointContext",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "create_selective_checkpoint_contexts",
    "detach_variable",
    "get_device_states",
    "noop_context_fn",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
    "set_device_states",
]


class _Settings:
    """What the ``set_checkpoint_*`` blocks say; None leaves it to the call."""

    early_stop: bool | None = None
    debug: bool | None = None


class _Setting:
    """A block in which one of the settings holds."""

    name: str

    def __init__(self, value: bool | None) -> None:
        self.value = value

    def __enter__(self) -> None:
        self.before = getattr(_Settings, self.name)
        setattr(_Settings, self.name, self.value)

    def __exit__(self, *exc: object) -> None:
        setattr(_Settings, self.name, self.before)


class set_checkpoint_early_stop(_Setting):
    """In the block, says for all calls of ``checkpoint`` whether their second run stops early.

    It counts where the function is called, not where the backward pass runs.
    """

    name = "early_stop"

    def __init__(self, enable: bool) -> None:
        super().__init__(enable)


class set_checkpoint_debug_enabled(_Setting):
    """In the block, sets ``debug`` for all calls of ``checkpoint``; None leaves it to the call."""

    name = "debug"

    def __init__(self, enabled: bool | None) -> None:
        super().__init__(enabled)


def noop_context_fn() -> tuple[Any, Any]:
    """Two contexts that do nothing: the default of ``context_fn``."""
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)`` whose saved tensors are recomputed in the backward pass.

    Args:
        function: must do the same whenever it is called with these arguments.
        args: its arguments; they stay in memory.
        preserve_rng_state: run again from the same states of the random generators (default).
        use_reentrant: with False (recommended), saved tensors are replaced by places that a second
            run fills, and every kind of backward pass works. With True, the function runs without
            a graph, and the backward pass runs it again and a backward pass inside; it needs an
            argument that requires grad, takes no keyword arguments, and works with ``backward()``
            without ``inputs`` only. None means True, with a warning.
        context_fn: returns two context managers, for the first run and for the second.
        determinism_check: "default" compares the shapes, types and devices of what both runs
            save; "none" does not.
        debug: tell in an error which ops both runs did, and where each was called.
        early_stop: end the second run as soon as all that was saved has been recomputed.
        kwargs: the function's keyword arguments.

    With ``use_reentrant=True`` there is no ``context_fn``, no check, no ``debug``, no early stop.

    Raises:
        ValueError: for an unknown ``determinism_check``, or arguments that ``use_reentrant=True``
            does not take.
        CheckpointError: in the backward pass, when the second run saves other tensors.
    """
    if use_reentrant is None:
        warnings.warn(
            "checkpoint: pass the use_reentrant parameter explicitly. It is True now, as PyTorch's "
            "default is; use_reentrant=False is recommended.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError(f"Unexpected keyword arguments: {', '.join(kwargs)}")
        if context_fn is not noop_context_fn or debug:
            raise ValueError(
                "Passing `context_fn` or `debug` is only supported when use_reentrant=False."
            )
        return CheckpointFunction.apply(function, preserve, *args)
    if determinism_check not in _CHECKS:
        raise ValueError(
            f"determinism_check should be one of {list(_CHECKS)}, but got {determinism_check}"
        )
    debug = debug if _Settings.debug is None else _Settings.debug
    trace = _Trace() if debug else None
    first, again = context_fn()
    if trace is not None:
        first, again = _Both(first, trace.first), _Both(again, trace.second)
    frame = Frame(
        function,
        args,
        kwargs,
        states=RandomStates(devices_of((args, kwargs))) if preserve else None,
        again=again,
        early_stop=early_stop if _Settings.early_stop is None else _Settings.early_stop,
        describe=_CHECKS[determinism_check],
        report=trace and trace.report,
    )
    with frame.hooks(), first:
        return function(*args, **kwargs)


def _describe(tensor: Tensor) -> dict[str, Any]:
    return {"shape": tensor.shape, "dtype": tensor.dtype, "device": tensor.device}


_CHECKS: dict[str, Any] = {"default": _describe, "none": None}


class _Both:
    """Two contexts as one that can be entered again, the second inside the first."""

    def __init__(self, outer: Any, inner: Callable[[], Any]) -> None:
        self.outer = outer
        self.inner = inner

    def __enter__(self) -> None:
        with ExitStack() as stack:
            stack.enter_context(self.inner())
            stack.enter_context(self.outer)
            self.stack = stack.pop_all()

    def __exit__(self, *exc: Any) -> Any:
        return self.stack.__exit__(*exc)


class _Trace:
    """The ops of both runs, for the error of a checkpoint with ``debug=True``."""

    def __init__(self) -> None:
        self.runs: tuple[list[str], list[str]] = ([], [])
        self.stacks: tuple[list[list[str]], list[list[str]]] = ([], [])

    def first(self) -> observing:
        return self._noting(0)

    def second(self) -> observing:
        return self._noting(1)

    def _noting(self, which: int) -> observing:
        lines, stacks = self.runs[which], self.stacks[which]
        lines.clear()
        stacks.clear()

        def note(op: Op, below: Callable[..., Any], args: tuple[Any, ...]) -> Any:
            shapes = [list(each.shape) for each in args if isinstance(each, Tensor)]
            lines.append(f"{op.name}({', '.join(map(str, shapes))})")
            stacks.append(_callers())
            return below(*args)

        return observing(note)

    def report(self) -> str:
        first, second = ("\n".join(f"    {line}" for line in lines) for lines in self.runs)
        return (
            f"stack traces of the original forward:\n{self._traces(0)}\n"
            f"stack traces of the recomputation:\n{self._traces(1)}\n"
            f"ops of the original forward:\n{first}\nops of the recomputation:\n{second}"
        )

    def _traces(self, which: int) -> str:
        lines, stacks = self.runs[which], self.stacks[which]
        parts = []
        for i, (line, stack) in enumerate(zip(lines, stacks, strict=True)):
            parts.append(f"    {line}   ({i + 1} of {len(lines)})")
            parts += [f"        {each}" for each in stack]
        return "\n".join(parts)


_OWN = ("lamella_core.", "lamella_autograd.")


def _callers() -> list[str]:
    """Where the op is called, the innermost first; what is not the user's or a layer's left out."""
    found = []
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if not frame.f_globals.get("__name__", "").startswith(_OWN):
            code = frame.f_code
            found.append(f"{code.co_filename}:{frame.f_lineno}, in {code.co_name}")
        frame = frame.f_back
    return found


class CheckpointFunction(Function):
    """``checkpoint`` with ``use_reentrant=True``."""

    @staticmethod
    def forward(ctx: Any, run_function: Any, preserve_rng_state: bool, *args: Any) -> Any:
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.states = RandomStates(devices_of(args)) if preserve_rng_state else None
        ctx.others = [None if isinstance(each, Tensor) else each for each in args]
        ctx.places = [i for i, each in enumerate(args) if isinstance(each, Tensor)]
        ctx.save_for_backward(*(args[i] for i in ctx.places))
        return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        if passes.stack[-1].wanted is not None:
            raise RuntimeError(
                "When use_reentrant=True, checkpoint is incompatible with .grad() or passing an "
                "`inputs` parameter to .backward(). Either set use_reentrant=False, or call "
                ".backward() without passing the `inputs` argument."
            )
        args = list(ctx.others)
        for i, tensor in zip(ctx.places, ctx.saved_tensors, strict=True):
            args[i] = tensor
        detached = detach_variable(tuple(args))
        states = nullcontext() if ctx.states is None else ctx.states.restored()
        with states, enable_grad():
            outputs = ctx.run_function(*detached)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        pairs = [
            (output, grad)
            for output, grad in zip(outputs, grads, strict=True)
            if isinstance(output, Tensor) and output.requires_grad and grad is not None
        ]
        if not pairs:
            raise RuntimeError(
                "none of output has requires_grad=True, this checkpoint() is not necessary"
            )
        tensors, gradients = zip(*pairs, strict=True)
        run_backward(tensors, gradients)
        return (None, None, *(e.grad if isinstance(e, Tensor) else None for e in detached))


def checkpoint_sequential(
    functions: Any,
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    **kwargs: Any,
) -> Any:
    """Runs functions one after the other in segments, of which all but the last are checkpointed.

    Args:
        functions: a ``Sequential``, or a list of functions of one argument.
        segments: how many.
        input: the argument of the first.
        use_reentrant: see :func:`checkpoint`.
        preserve_rng_state: see :func:`checkpoint`.

    Raises:
        ValueError: for other keyword arguments, or more segments than functions.
    """
    if use_reentrant is None:
        warnings.warn(
            "checkpoint_sequential: pass the use_reentrant parameter explicitly. It is True now, "
            "as PyTorch's default is; use_reentrant=False is recommended.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError(f"Unexpected keyword arguments: {', '.join(kwargs)}")
    steps = list(functions.children() if hasattr(functions, "children") else functions)
    size = len(steps) // segments
    if not size:
        raise ValueError(
            f"checkpoint_sequential: {segments} segments, but only {len(steps)} functions"
        )
    last = size * (segments - 1)
    for start in range(0, last, size):
        run = _in_sequence(steps[start : start + size])
        input = checkpoint(run, input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return _in_sequence(steps[last:])(input)


def _in_sequence(steps: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def run(value: Any) -> Any:
        for step in steps:
            value = step(value)
        return value

    return run


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same values, tensors without their graph but requiring grad where they did.

    Raises:
        RuntimeError: when the argument is not a tuple.
    """
    if not isinstance(inputs, tuple):
        raise RuntimeError(
            f"Only tuple of tensors is supported. Got Unsupported input type: "
            f"{type(inputs).__name__}"
        )
    return tuple(
        each.detach().requires_grad_(each.requires_grad) if isinstance(each, Tensor) else each
        for each in inputs
    )


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warns when no input requires grad."""
    if not any(isinstance(each, Tensor) and each.requires_grad for each in inputs):
        warnings.warn(
            "None of the inputs have requires_grad=True. Gradients will be None", stacklevel=3
        )


class DefaultDeviceType:
    """The device type that :func:`set_device_states` takes, "cuda" unless set."""

    _type = "cuda"

    @staticmethod
    def set_device_type(device: str = "cuda") -> None:
        """Sets the device type."""
        DefaultDeviceType._type = device

    @staticmethod
    def get_device_type() -> str:
        """The device type."""
        return DefaultDeviceType._type


def get_device_states(*args: Any) -> tuple[list[int], list[Any]]:
    """The numbers of the devices, besides the CPU, of some tensors, and their random states."""
    devices = [each for each in devices_of(args) if each.type != "cpu"]
    return [each.index or 0 for each in devices], [default_of(each).get_state() for each in devices]


def set_device_states(
    devices: Iterable[int], states: Iterable[Any], *, device_type: str | None = None
) -> None:
    """Sets the states of devices' generators, as :func:`get_device_states` gave them."""
    kind = device_type or DefaultDeviceType.get_device_type()
    for index, state in zip(devices, states, strict=True):
        default_of(Device(kind, index)).set_state(state)
