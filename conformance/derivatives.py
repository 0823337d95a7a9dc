"""First and second derivatives of a call's results for random cotangents."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import resolve
from calls import Call, Raised, run_call
from carry import short_name, tensors_in
from samples import Sample


def run_gradient(func: Callable[..., Any], sample: Sample, module: ModuleType) -> Call:
    """The gradients of the differentiable results for fixed random cotangents."""
    return _run(func, sample, module, gradients)


def run_second(func: Callable[..., Any], sample: Sample, module: ModuleType) -> Call:
    """The gradients of those gradients, by the inputs and by the cotangents."""
    return _run(func, sample, module, second_gradients)


def _run(func: Callable[..., Any], sample: Sample, module: ModuleType, derive: Any) -> Call:
    call = run_call(func, sample, module)
    if call.raised:
        return call
    try:
        call.result = derive(sample.process(call.result), call.arguments, module)
    except Exception as error:
        call.result = Raised(error)
    return call


def gradients(result: Any, arguments: Any, module: ModuleType) -> dict[str, Any]:
    results = list(tensors_in(result, module.Tensor))
    flags = [item.requires_grad for item in results]
    results, inputs = requiring_grad(results), requiring_grad(tensors_in(arguments, module.Tensor))
    found: tuple[Any, ...] = ()
    if results and inputs:
        seeds = cotangents(results, np.random.default_rng(resolve.SEED), module)
        found = module.autograd.grad(results, inputs, seeds, allow_unused=True)
    return {"requires_grad": flags, "gradients": list(found)}


def second_gradients(result: Any, arguments: Any, module: ModuleType) -> dict[str, Any]:
    """With zeros for a gradient that is None: the derivatives of both are the same."""
    results = requiring_grad(tensors_in(result, module.Tensor))
    inputs = requiring_grad(tensors_in(arguments, module.Tensor))
    if not results or not inputs:
        return {}
    numbers = np.random.default_rng(resolve.SEED)
    seeds = [item.requires_grad_() for item in cotangents(results, numbers, module)]
    first = module.autograd.grad(results, inputs, seeds, create_graph=True, allow_unused=True)
    # All get a cotangent, so that a gradient which requires grad on one side alone moves no other.
    weights = cotangents(inputs, numbers, module)
    pairs = [
        (grad, weight)
        for grad, weight in zip(first, weights, strict=True)
        if grad is not None and grad.requires_grad
    ]
    wanted = [*inputs, *seeds]
    if not pairs:
        return {"second": [module.zeros_like(item) for item in wanted]}
    grads, weights = zip(*pairs, strict=True)
    found = module.autograd.grad(grads, wanted, weights, allow_unused=True, materialize_grads=True)
    return {"second": list(found)}


def requiring_grad(tensors: Any) -> list[Any]:
    return [item for item in tensors if item.requires_grad]


def cotangents(tensors: list[Any], numbers: np.random.Generator, module: ModuleType) -> list[Any]:
    made = []
    for tensor in tensors:
        shape, name = tuple(tensor.shape), short_name(tensor.dtype)
        drawn = numbers.standard_normal(shape)
        if tensor.is_complex():
            drawn = drawn + 1j * numbers.standard_normal(shape)
        made.append(module.from_numpy(np.array(drawn)).to(getattr(module, name)))
    return made
