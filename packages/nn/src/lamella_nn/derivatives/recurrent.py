"""Derivatives of recurrent layers: fused; written in ops where they are differentiated again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_autograd import derivative, is_grad_enabled
from lamella_autograd.func import vjp
from lamella_nn.kernels.recurrent_steps import steps_of
from lamella_nn.ops.recurrent import (
    gru_layer_backward,
    lstm_layer_backward,
    rnn_layer_backward,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lamella_core import Tensor

    Gradients = tuple[Tensor | None, ...]
    Step = Callable[..., tuple[Tensor, ...]]


def _wanted(gradients: Sequence[Tensor], needs: tuple[bool, ...]) -> Gradients:
    return tuple(g if n else None for g, n in zip(gradients, needs, strict=True))


def _unrolled(
    step: Step,
    input: Tensor,
    states: tuple[Tensor, ...],
    batch_sizes: tuple[int, ...],
    reverse: bool,
) -> tuple[Tensor, ...]:
    """All steps of a layer, one after another: the output and the last states.

    ``step(rows, *states)`` gives the new states, of which the first is the output.
    """
    batch = batch_sizes[0]
    outputs = []
    for start, end in steps_of(batch_sizes, reverse):
        size = end - start
        if size == batch:
            states = step(input[start:end], *states)
            outputs.append(states[0])
            continue
        running = step(input[start:end], *(state[:size] for state in states))
        outputs.append(running[0])
        states = tuple(
            core.cat([new, old[size:]]) for new, old in zip(running, states, strict=True)
        )
    return (core.cat(outputs[::-1] if reverse else outputs), *states)


def _is_differentiated_again(*tensors: Any) -> bool:
    """Whether a graph of the gradients is wanted, and would lead anywhere.

    Leaves of a function transform that is over are constants now; what is computed from them says
    so, they do not.
    """
    return is_grad_enabled() and any(
        each is not None and each.view_as(each).requires_grad for each in tensors
    )


def _through(
    forward: Callable[..., tuple[Tensor, ...]],
    arguments: Sequence[Tensor | None],
    grads: Sequence[Tensor | None],
    needs: tuple[bool, ...],
) -> Gradients:
    """Gradients of ``forward(*arguments)``, in ops, so that they have derivatives of their own."""
    chosen = [each for each, need in zip(arguments, needs, strict=True) if need]

    def of_chosen(*values: Tensor) -> tuple[Tensor, ...]:
        given = iter(values)
        each = [next(given) if n else a for a, n in zip(arguments, needs, strict=True)]
        results = zip(forward(*each), grads, strict=True)
        return tuple(result for result, gradient in results if gradient is not None)

    _, pull = vjp(of_chosen, *chosen)
    found = iter(pull(tuple(each for each in grads if each is not None)))
    return tuple(next(found) if need else None for need in needs)


def _affine(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    result = input @ weight.t()
    return result if bias is None else result + bias


def _rnn(
    grads: Any,
    results: Any,
    input: Tensor,
    hx: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    batch_sizes: tuple[int, ...],
    reverse: bool,
    nonlinearity: str,
    needs: tuple[bool, ...],
) -> Gradients:
    arguments = (input, hx, weight_ih, weight_hh, bias_ih, bias_hh)
    if _is_differentiated_again(*arguments, *grads):

        def forward(input, hx, weight_ih, weight_hh, bias_ih, bias_hh):  # type: ignore[no-untyped-def]
            activation = core.tanh if nonlinearity == "tanh" else core.relu

            def step(rows: Tensor, h: Tensor) -> tuple[Tensor, ...]:
                return (activation(rows + _affine(h, weight_hh, bias_hh)),)

            return _unrolled(step, _affine(input, weight_ih, bias_ih), (hx,), batch_sizes, reverse)

        return _through(forward, arguments, grads, needs)
    found = rnn_layer_backward(
        input,
        *grads,
        hx,
        weight_ih,
        weight_hh,
        results[0],
        batch_sizes,
        reverse,
        nonlinearity,
        (*needs[:4], needs[4] or needs[5]),
    )
    return _wanted((*found, found[4]), needs)


derivative(
    "rnn_layer",
    joint=("input", "hx", "weight_ih", "weight_hh", "bias_ih", "bias_hh"),
    compute=_rnn,
    keeps=(0,),
)


def _gru(
    grads: Any,
    results: Any,
    input: Tensor,
    hx: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    batch_sizes: tuple[int, ...],
    reverse: bool,
    needs: tuple[bool, ...],
) -> Gradients:
    arguments = (input, hx, weight_ih, weight_hh, bias_ih, bias_hh)
    if _is_differentiated_again(*arguments, *grads):

        def forward(input, hx, weight_ih, weight_hh, bias_ih, bias_hh):  # type: ignore[no-untyped-def]
            def step(rows: Tensor, h: Tensor) -> tuple[Tensor, ...]:
                input_r, input_z, input_n = rows.chunk(3, 1)
                hidden_r, hidden_z, hidden_n = _affine(h, weight_hh, bias_hh).chunk(3, 1)
                r, z = (input_r + hidden_r).sigmoid(), (input_z + hidden_z).sigmoid()
                n = (input_n + r * hidden_n).tanh()
                return (n + z * (h - n),)

            return _unrolled(step, _affine(input, weight_ih, bias_ih), (hx,), batch_sizes, reverse)

        return _through(forward, arguments, grads[:2], needs)
    found = gru_layer_backward(
        input,
        *grads[:2],
        hx,
        weight_ih,
        weight_hh,
        results[0],
        results[2],
        batch_sizes,
        reverse,
        needs,
    )
    return _wanted(found, needs)


derivative(
    "gru_layer",
    joint=("input", "hx", "weight_ih", "weight_hh", "bias_ih", "bias_hh"),
    compute=_gru,
    keeps=(0, 2),
)


def _lstm(
    grads: Any,
    results: Any,
    input: Tensor,
    hx: Tensor,
    cx: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    weight_hr: Tensor | None,
    batch_sizes: tuple[int, ...],
    reverse: bool,
    needs: tuple[bool, ...],
) -> Gradients:
    arguments = (input, hx, cx, weight_ih, weight_hh, bias_ih, bias_hh, weight_hr)
    if _is_differentiated_again(*arguments, *grads):

        def forward(input, hx, cx, weight_ih, weight_hh, bias_ih, bias_hh, weight_hr):  # type: ignore[no-untyped-def]
            def step(rows: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
                i, f, g, o = (rows + _affine(h, weight_hh, bias_hh)).chunk(4, 1)
                c = f.sigmoid() * c + i.sigmoid() * g.tanh()
                h = o.sigmoid() * c.tanh()
                return h if weight_hr is None else h @ weight_hr.t(), c

            return _unrolled(
                step, _affine(input, weight_ih, bias_ih), (hx, cx), batch_sizes, reverse
            )

        return _through(forward, arguments, grads[:3], needs)
    to_input, to_hx, to_cx, to_ih, to_hh, to_hr, to_bias = lstm_layer_backward(
        input,
        *grads[:3],
        hx,
        weight_ih,
        weight_hh,
        weight_hr,
        results[0],
        results[3],
        batch_sizes,
        reverse,
        (*needs[:5], needs[7], needs[5] or needs[6]),
    )
    found = (to_input, to_hx, to_cx, to_ih, to_hh, to_bias, to_bias, to_hr)
    return _wanted(found, needs)


derivative(
    "lstm_layer",
    joint=("input", "hx", "cx", "weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"),
    compute=_lstm,
    keeps=(0, 3),
)
