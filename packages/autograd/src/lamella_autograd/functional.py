"""Jacobians, Hessians and their products with vectors, of functions of tensors.

Products with the Jacobian from the left are one backward pass. From the right they are two: the
backward pass is linear in the gradient that enters it, and the derivative of that linear function
is the transposed of a transposed Jacobian (Townsend's double-backward trick, 2017).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd.backward import grad
from lamella_autograd.modes import enable_grad, is_grad_enabled
from lamella_core.ops.joining import stack
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _as_tuple(given: Any, what: str, function: str) -> tuple[bool, tuple[Tensor, ...]]:
    """Whether it was a tuple, and the tensors.

    Raises:
        TypeError: for something else.
    """
    several = isinstance(given, tuple)
    tensors = given if several else (given,)
    for i, each in enumerate(tensors):
        if isinstance(each, Tensor):
            continue
        if several:
            raise TypeError(
                f"The {what} given to {function} must be either a Tensor or a tuple of Tensors "
                f"but the value at index {i} has type {type(each)}."
            )
        raise TypeError(
            f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but the "
            f"given {what} has type {type(given)}."
        )
    return several, tensors


def _prepared(inputs: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    """The inputs as tensors that nothing else depends on, connected to them with a graph."""
    if create_graph:
        return tuple(
            each.view_as(each) if each.requires_grad else each.detach().requires_grad_()
            for each in inputs
        )
    return tuple(each.detach().requires_grad_() for each in inputs)


def _finished(values: Sequence[Tensor], create_graph: bool) -> tuple[Tensor, ...]:
    return tuple(values) if create_graph else tuple(each.detach() for each in values)


def _given(values: tuple[Tensor, ...], several: bool) -> Any:
    return values if several else values[0]


def _outputs(
    func: Callable[..., Any], inputs: tuple[Tensor, ...], function: str, strict: bool
) -> tuple[bool, tuple[Tensor, ...]]:
    several, outputs = _as_tuple(func(*inputs), "outputs of the user-provided function", function)
    if strict:
        for i, each in enumerate(outputs):
            if not each.requires_grad:
                raise RuntimeError(
                    f"Output {i} of the user-provided function does not require gradients. The "
                    f"outputs must be computed in a differentiable manner from the input when "
                    f"running in strict mode."
                )
    return several, outputs


def _gradients(
    outputs: Sequence[Tensor],
    inputs: tuple[Tensor, ...],
    seeds: Sequence[Tensor | None],
    create_graph: bool,
    strict: str = "",
    retain_graph: bool = False,
) -> tuple[Tensor, ...]:
    """Gradients with zeros where there is no dependence, which ``strict`` makes an error."""
    pairs = [(o, s) for o, s in zip(outputs, seeds, strict=True) if o.requires_grad]
    found: tuple[Tensor | None, ...] = (None,) * len(inputs)
    if pairs:
        found = grad(
            [o for o, _ in pairs],
            inputs,
            [s for _, s in pairs],
            retain_graph=retain_graph or create_graph,
            create_graph=create_graph,
            allow_unused=True,
        )
    result = []
    for i, (each, source) in enumerate(zip(found, inputs, strict=True)):
        if strict and (each is None or (create_graph and not each.requires_grad)):
            raise RuntimeError(strict.format(i=i))
        result.append(source.detach().new_zeros(source.shape) if each is None else each)
    return tuple(result)


_INDEPENDENT = (
    "The output of the user-provided function is independent of input {i}. This is not allowed in "
    "strict mode."
)
_JACOBIAN_INDEPENDENT = (
    "While computing the hessian, found that the jacobian of the user-provided function with "
    "respect to input {i} is independent of the input. This is not allowed in strict mode. You "
    "should ensure that your function is twice differentiable and that the jacobian depends on the "
    "inputs (this would be violated by a linear function for example)."
)


def _checked_v(v: tuple[Tensor, ...], like: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    if len(v) != len(like):
        raise RuntimeError(
            f"v is a tuple of invalid length: should be {len(like)} but got {len(v)}."
        )
    for i, (each, other) in enumerate(zip(v, like, strict=True)):
        if each.shape != other.shape:
            entry = f"Entry {i} in " if len(like) > 1 else ""
            raise RuntimeError(
                f"{entry}v has invalid size: should be {other.shape} but got {each.shape}."
            )
    return v


def vjp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The function's outputs, and ``v' J``: a vector times its Jacobian.

    Args:
        func: takes tensors, returns a tensor or a tuple of them.
        inputs: a tensor or a tuple of them.
        v: of the shape of the outputs; may be None for one output of one element.
        create_graph: make both results differentiable.
        strict: raise where an output does not depend on an input, instead of returning zeros.

    Raises:
        RuntimeError: for a ``v`` of another shape, or, when strict, for independence.
        TypeError: when inputs or outputs are no tensors.
    """
    with enable_grad():
        several, given = _as_tuple(inputs, "inputs", "vjp")
        sources = _prepared(given, create_graph)
        several_out, outputs = _outputs(func, sources, "vjp", strict)
        if v is None:
            if len(outputs) != 1 or outputs[0].numel() != 1:
                raise RuntimeError(
                    "The vector v can only be None if the user-provided function returns a single "
                    "Tensor with a single element."
                )
            seeds: Sequence[Tensor | None] = (outputs[0].detach() * 0 + 1,)
        else:
            seeds = _checked_v(_as_tuple(v, "v", "vjp")[1], outputs)
        recording = create_graph and is_grad_enabled()
        found = _gradients(outputs, sources, seeds, recording, _INDEPENDENT if strict else "")
    return (
        _given(_finished(outputs, create_graph), several_out),
        _given(_finished(found, create_graph), several),
    )


def _ones_or(v: Any, inputs: tuple[Tensor, ...], function: str) -> tuple[Tensor, ...]:
    if v is not None:
        return _checked_v(_as_tuple(v, "v", function)[1], inputs)
    if len(inputs) != 1 or inputs[0].numel() != 1:
        raise RuntimeError(
            "The vector v can only be None if the input to the user-provided function is a single "
            "Tensor with a single element."
        )
    return (inputs[0].detach() * 0 + 1,)


def _pushed(
    gradients: tuple[Tensor, ...],
    seeds: tuple[Tensor, ...],
    v: tuple[Tensor, ...],
    create_graph: bool,
    strict: str = "",
) -> tuple[Tensor, ...]:
    """``J v`` from ``gradients = J' seeds``, which is linear in the seeds."""
    return _gradients(gradients, seeds, v, create_graph, strict)


def jvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The function's outputs, and ``J v``: its Jacobian times a vector, by two backward passes.

    Args:
        v: of the shape of the inputs; may be None for one input of one element.

    The other arguments and the errors are those of :func:`vjp`.
    """
    with enable_grad():
        _, given = _as_tuple(inputs, "inputs", "jvp")
        sources = _prepared(given, create_graph)
        directions = _ones_or(v, sources, "jvp")
        several_out, outputs = _outputs(func, sources, "jvp", strict)
        seeds = tuple(each.detach().new_zeros(each.shape).requires_grad_() for each in outputs)
        gradients = _gradients(outputs, sources, seeds, True, _INDEPENDENT if strict else "")
        found = _pushed(gradients, seeds, directions, create_graph)
    return (
        _given(_finished(outputs, create_graph), several_out),
        _given(_finished(found, create_graph), several_out),
    )


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian: for each output and input, of the output's shape followed by the input's.

    Args:
        func: takes tensors, returns a tensor or a tuple of them.
        inputs: a tensor or a tuple of them.
        create_graph: make the Jacobian differentiable.
        strict: raise where an output does not depend on an input, instead of returning zeros.
        vectorize: compute all rows (or columns) at once, batched, instead of one after the other.
        strategy: ``"reverse-mode"``, row by row; or ``"forward-mode"``, column by column, which
            needs ``vectorize``.

    Returns:
        a tensor; a tuple where there are several inputs, or several outputs; a tuple of tuples,
        first by output, where there are both.

    Raises:
        AssertionError: for another strategy.
        NotImplementedError: for forward mode with ``create_graph`` or without ``vectorize``.
        RuntimeError: when strict, for independence, or together with ``vectorize`` or forward mode.
        TypeError: when inputs or outputs are no tensors.
    """
    if _is_forward("jacobian", strategy, create_graph, strict, vectorize):
        return _forward(func, *_as_tuple(inputs, "inputs", "jacobian"), "jacobian")
    if strict and vectorize:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not "
            "supported together. Please either set `strict=False` or `vectorize=False`."
        )
    with enable_grad():
        several, given = _as_tuple(inputs, "inputs", "jacobian")
        sources = _prepared(given, create_graph)
        several_out, outputs = _outputs(func, sources, "jacobian", strict)
        if vectorize:
            finished = tuple(
                _given(_finished(block, create_graph), several)
                for block in _rows_at_once(outputs, sources, create_graph)
            )
            return _given(finished, several_out)
        blocks = []
        for output in outputs:
            rows = []
            flat = output.reshape(-1)
            for j in range(flat.numel()):
                seed = flat.detach().new_zeros(flat.shape)
                seed[j] = 1
                rows.append(
                    _gradients(
                        (flat,),
                        sources,
                        (seed,),
                        create_graph,
                        _INDEPENDENT if strict else "",
                        retain_graph=True,
                    )
                )
            columns = zip(*rows, strict=True) if rows else [()] * len(sources)
            blocks.append(
                tuple(
                    stack(column).view((*output.shape, *source.shape))
                    if column
                    else output.new_zeros((*output.shape, *source.shape))
                    for column, source in zip(columns, sources, strict=True)
                )
            )
    finished = tuple(_given(_finished(block, create_graph), several) for block in blocks)
    return _given(finished, several_out)


def _is_forward(
    name: str, strategy: str, create_graph: bool, strict: bool, vectorize: bool
) -> bool:
    """Whether a strategy is forward mode; raises where the other arguments do not go with it."""
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: forward mode '
            "is quicker for a function with more outputs than inputs, reverse mode otherwise."
        )
    if strategy == "reverse-mode":
        return False
    together = f'torch.autograd.functional.{name}: `{{}}` and `strategy="forward-mode"` are not '
    together += 'supported together (yet). Please use `strategy="reverse-mode"`.'
    if create_graph:
        raise NotImplementedError(together.format("create_graph=True"))
    if strict:
        raise RuntimeError(together.format("strict=True"))
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian is only "
            "implemented for `vectorize=True`."
        )
    return True


def _forward(func: Callable[..., Any], several: bool, inputs: tuple[Tensor, ...], name: str) -> Any:
    """The Jacobian by columns, batched."""
    from lamella_autograd.func import jacfwd

    def checked(*args: Tensor) -> Any:
        result = func(*args)
        _as_tuple(result, "outputs of the user-provided function", name)
        return result

    sources = tuple(each.detach() for each in inputs)
    found = jacfwd(checked, tuple(range(len(sources))))(*sources)
    several_out = not isinstance(found[0], Tensor)
    blocks = found if several_out else (found,)
    finished = tuple(_given(_finished(block, False), several) for block in blocks)
    return _given(finished, several_out)


def _rows_at_once(
    outputs: tuple[Tensor, ...], sources: tuple[Tensor, ...], create_graph: bool
) -> list[tuple[Tensor, ...]]:
    """For each output the Jacobians with respect to the sources, from one batched pass."""
    from lamella_autograd.func import basis

    used = [each for each in outputs if each.requires_grad and each.numel()]
    found: tuple[Tensor | None, ...] = (None,) * len(sources)
    if used:
        found = grad(
            used,
            sources,
            basis(used),
            create_graph=create_graph,
            allow_unused=True,
            is_grads_batched=True,
        )
    blocks = []
    start = 0
    for output in outputs:
        count = output.numel() if any(output is each for each in used) else 0
        blocks.append(
            tuple(
                source.detach().new_zeros((*output.shape, *source.shape))
                if not count or rows is None
                else rows.narrow(0, start, count).reshape(*output.shape, *source.shape)
                for rows, source in zip(found, sources, strict=True)
            )
        )
        start += count
    return blocks


def _scalar(func: Callable[..., Any], function: str) -> Callable[..., Tensor]:
    def checked(*args: Tensor) -> Tensor:
        output = func(*args)
        _as_tuple(output, "outputs of the user-provided function", function)
        if isinstance(output, tuple):
            raise RuntimeError(f"The function given to {function} should return a single Tensor")
        if output.numel() != 1:
            raise RuntimeError(
                f"The Tensor returned by the function given to {function} should contain a single "
                f"element"
            )
        return output.reshape(())

    return checked


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of a function with one output of one element: the Jacobian of its gradient.

    The arguments and errors are those of :func:`jacobian`.

    Returns:
        a tensor of the input's shape twice; a tuple of tuples where the inputs are a tuple.
    """
    several, given = _as_tuple(inputs, "inputs", "hessian")
    scalar = _scalar(func, "hessian")
    if _is_forward("hessian", outer_jacobian_strategy, create_graph, strict, vectorize):
        from lamella_autograd.func import grad as gradient_of

        found = _forward(gradient_of(scalar, tuple(range(len(given)))), True, given, "hessian")
        return found if several else found[0][0]

    def gradient(*args: Tensor) -> tuple[Tensor, ...]:
        output = scalar(*args)
        if strict:
            _outputs(lambda: output, (), "hessian", True)
        return _gradients((output,), args, (None,), True, _JACOBIAN_INDEPENDENT if strict else "")

    found = jacobian(gradient, given, create_graph, strict, vectorize, outer_jacobian_strategy)
    return found if several else found[0][0]


def vhp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of a function with one output of one element, and ``v' H``.

    Args:
        v: of the shape of the inputs; may be None for one input of one element.

    The other arguments and the errors are those of :func:`vjp`.
    """
    with enable_grad():
        several, given = _as_tuple(inputs, "inputs", "vhp")
        sources = _prepared(given, create_graph)
        directions = _ones_or(v, sources, "vhp")
        output = _scalar(func, "vhp")(*sources)
        if strict:
            _outputs(lambda: output, (), "vhp", True)
        gradients = _gradients(
            (output,), sources, (None,), True, _JACOBIAN_INDEPENDENT if strict else ""
        )
        found = _gradients(
            gradients, sources, directions, create_graph, _INDEPENDENT if strict else ""
        )
    return (
        _finished((output,), create_graph)[0],
        _given(_finished(found, create_graph), several),
    )


def hvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of a function with one output of one element, and ``H v``.

    The Hessian is symmetric where second derivatives are continuous, but here it is applied from
    the other side than in :func:`vhp`: by a second backward trick, slower than :func:`vhp`.

    The arguments and errors are those of :func:`vhp`.
    """
    with enable_grad():
        several, given = _as_tuple(inputs, "inputs", "hvp")
        sources = _prepared(given, create_graph)
        directions = _ones_or(v, sources, "hvp")
        output = _scalar(func, "hvp")(*sources)
        if strict:
            _outputs(lambda: output, (), "hvp", True)
        gradients = _gradients(
            (output,), sources, (None,), True, _JACOBIAN_INDEPENDENT if strict else ""
        )
        seeds = tuple(each.detach().new_zeros(each.shape).requires_grad_() for each in sources)
        doubled = _gradients(gradients, sources, seeds, True)
        found = _pushed(doubled, seeds, directions, create_graph)
    return (
        _finished((output,), create_graph)[0],
        _given(_finished(found, create_graph), several),
    )
