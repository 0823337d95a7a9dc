"""Backward hooks of a module, called by an identity operation on its inputs and outputs.

A gradient that passes the identity on the outputs is ``grad_output``; one that passes the
identity on the inputs is ``grad_input``. So the hooks need no help from the engine.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from lamella_autograd import Function
from lamella_core import Tensor

Gradients = tuple[Tensor | None, ...]


class BackwardHookFunction(Function):
    """The identity on its tensors; on the way back it hands the gradients to a callback."""

    @staticmethod
    def forward(
        ctx: Any, callback: Callable[[Gradients], Gradients], materialize: bool, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        ctx.callback = callback
        ctx.set_materialize_grads(materialize)
        needed = ctx.needs_input_grad[2:]
        ctx.mark_non_differentiable(
            *[tensor for tensor, needs in zip(tensors, needed, strict=True) if not needs]
        )
        return tensors

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        return (None, None, *ctx.callback(grads))


class BackwardHooks:
    """The backward hooks of one call of one module, from its inputs to its outputs."""

    __slots__ = (
        "_grad_output",
        "_input_places",
        "_inputs_tapped",
        "_n_inputs",
        "_n_outputs",
        "_output_places",
        "hooks",
        "module",
        "pre_hooks",
    )

    def __init__(
        self,
        module: Any,
        hooks: Sequence[Callable[..., Any]],
        pre_hooks: Sequence[Callable[..., Any]],
    ) -> None:
        self.module = module
        self.hooks = hooks
        self.pre_hooks = pre_hooks
        self._grad_output: Gradients | None = None
        self._inputs_tapped = False

    def tap_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, where one requires grad with their tensors behind the identity."""
        self._n_inputs = len(args)
        self._input_places = [i for i, value in enumerate(args) if isinstance(value, Tensor)]
        if not self.hooks:
            return args
        tapped = _tap(args, self._input_places, self._on_grad_input, True)
        if tapped is None:
            return args
        self._inputs_tapped = True
        return tapped

    def tap_outputs(self, output: Any) -> Any:
        """The output, where it requires grad with its tensors behind the identity."""
        single = isinstance(output, Tensor)
        if not single and not isinstance(output, tuple):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of "
                f"Tensors but received {type(output)}",
                stacklevel=4,
            )
            return output
        values = (output,) if single else tuple(output)
        self._n_outputs = len(values)
        self._output_places = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
        tapped = _tap(values, self._output_places, self._on_grad_output, False)
        if tapped is None:
            return output
        if single:
            return tapped[0]
        return type(output)(*tapped) if hasattr(output, "_fields") else tapped

    def _on_grad_output(self, grads: Gradients) -> Gradients:
        grad_output = _spread(grads, self._output_places, self._n_outputs)
        for hook in self.pre_hooks:
            new = hook(self.module, grad_output)
            if new is not None:
                grad_output = _checked(new, self._n_outputs, "Backward pre hook", "grad_output")
        if self._inputs_tapped:
            self._grad_output = grad_output
        elif self.hooks:
            self._without_grad_input(grad_output)
        return tuple(grad_output[i] for i in self._output_places)

    def _without_grad_input(self, grad_output: Gradients) -> None:
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module "
            "outputs since no inputs require gradients.",
            stacklevel=2,
        )
        grad_input: Gradients = (None,) * self._n_inputs
        for hook in self.hooks:
            new = hook(self.module, grad_input, grad_output)
            if new is not None and any(grad is not None for grad in new):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always "
                    "return None or None for all gradients."
                )

    def _on_grad_input(self, grads: Gradients) -> Gradients:
        grad_output = self._grad_output
        if grad_output is None:
            # The gradient came from a tensor that left the module by a side door.
            return grads
        grad_input = _spread(grads, self._input_places, self._n_inputs)
        for hook in self.hooks:
            new = hook(self.module, grad_input, grad_output)
            if new is not None:
                grad_input = _checked(new, self._n_inputs, "Backward hook", "grad_input")
        self._grad_output = None
        return tuple(grad_input[i] for i in self._input_places)


def hook_last_operation(
    module: Any, hooks: Sequence[Callable[..., Any]], args: tuple[Any, ...], output: Any
) -> None:
    """Put hooks on the operation that made a module's output, the first tensor of several."""
    first = output
    while not isinstance(first, Tensor):
        if isinstance(first, dict):
            first = next((each for each in first.values() if isinstance(each, Tensor)), None)
        else:
            first = first[0] if isinstance(first, (tuple, list)) and first else None
        if first is None:
            return
    node = first.grad_fn
    if node is None:
        return
    _warn_of_missing(args, output, node)
    for hook in hooks:
        node.register_hook(partial(hook, module))


def _warn_of_missing(args: tuple[Any, ...], output: Any, node: Any) -> None:
    """Say where gradients of a hook on the last operation are not those of the module."""
    outputs = output if isinstance(output, tuple) else (output,)
    if not all(isinstance(each, Tensor) for each in outputs):
        text = "on a Module that does not return a single Tensor or a tuple of Tensors"
    elif len({id(each.grad_fn) for each in outputs}) != 1:
        text = "when outputs are generated by different autograd Nodes"
    elif not all(isinstance(each, Tensor) for each in args):
        text = "on a Module that does not take as input a single Tensor or a tuple of Tensors"
    else:
        before = {each.grad_fn for each in args if each.grad_fn is not None}
        if before == {each for each, _ in node.following()}:
            return
        text = "when the forward contains multiple autograd Nodes"
    warnings.warn(
        f"Using a non-full backward hook {text} is deprecated: it misses some of the gradients. "
        "register_full_backward_hook has all of them.",
        FutureWarning,
        stacklevel=4,
    )


def _tap(
    values: tuple[Any, ...],
    places: list[int],
    callback: Callable[[Gradients], Gradients],
    materialize: bool,
) -> tuple[Any, ...] | None:
    tensors = [values[i] for i in places]
    if not any(tensor.requires_grad for tensor in tensors):
        return None
    tapped = list(values)
    outputs = BackwardHookFunction.apply(callback, materialize, *tensors)
    for place, output in zip(places, outputs, strict=True):
        tapped[place] = output
    return tuple(tapped)


def _spread(grads: Gradients, places: list[int], length: int) -> Gradients:
    spread: list[Tensor | None] = [None] * length
    for place, grad in zip(places, grads, strict=True):
        spread[place] = grad
    return tuple(spread)


def _checked(new: Any, expected: int, hook: str, name: str) -> Gradients:
    if isinstance(new, Tensor):
        raise RuntimeError(
            f"{hook} returned a Tensor for {name}, expected None or a tuple of {expected}"
        )
    if len(new) != expected:
        raise RuntimeError(
            f"{hook} returned an invalid number of {name}, got {len(new)}, but expected {expected}"
        )
    return tuple(new)
