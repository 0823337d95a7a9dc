"""Recurrent layers over whole sequences: one layer in one direction is one op.

Rows stand step by step, as in a packed sequence: ``batch_sizes[t]`` rows belong to step ``t``, and
row ``j`` of a step continues row ``j`` of the step before it. ``batch_sizes`` does not grow; an
unpacked batch has the same number at every step. With ``reverse`` the last step comes first. Of a
single step, the states and the last states may be in the same memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays

if TYPE_CHECKING:
    from lamella_core import Tensor

    BatchSizes = tuple[int, ...]
    Needs = tuple[bool, ...]


@arrays(refuses="bool integer complex", method=False)
def rnn_layer(
    input: Tensor,
    hx: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    batch_sizes: BatchSizes,
    reverse: bool,
    nonlinearity: str,
) -> tuple[Tensor, Tensor]:
    """``h' = f(W_ih x + b_ih + W_hh h + b_hh)`` from step to step.

    Args:
        input: ``(rows, features)``.
        hx: the first state, ``(batch, hidden)``.
        weight_ih, weight_hh: ``(hidden, features)`` and ``(hidden, hidden)``.
        bias_ih, bias_hh: ``(hidden,)``, or both None.
        nonlinearity: ``"tanh"`` or ``"relu"``.

    Returns:
        The states, ``(rows, hidden)``, and the last one of each sequence, ``(batch, hidden)``.

    J. L. Elman, "Finding Structure in Time", 1990.
    """


@arrays(method=False)
def rnn_layer_backward(
    input: Tensor,
    grad_output: Tensor | None,
    grad_hidden: Tensor | None,
    hx: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    output: Tensor,
    batch_sizes: BatchSizes,
    reverse: bool,
    nonlinearity: str,
    needs: Needs,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of ``rnn_layer`` to input, hx, weight_ih, weight_hh and (each) bias.

    An entry that ``needs`` does not ask for is empty.
    """


@arrays(refuses="bool integer complex", method=False)
def gru_layer(
    input: Tensor,
    hx: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    batch_sizes: BatchSizes,
    reverse: bool,
    saves: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """``h' = (1 - z) n + z h`` from step to step, with the gates

    ``r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)``, ``z`` likewise, and
    ``n = tanh(W_in x + b_in + r (W_hn h + b_hn))``.

    Args:
        input: ``(rows, features)``.
        hx: the first state, ``(batch, hidden)``.
        weight_ih, weight_hh: those of ``r``, ``z``, ``n`` one below the other.
        bias_ih, bias_hh: likewise, or both None.
        saves: whether what the derivative needs is kept; otherwise there is none of it.

    Returns:
        The states, ``(rows, hidden)``, the last one of each sequence, ``(batch, hidden)``, and
        what ``gru_layer_backward`` wants to know.

    K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014.
    """


@arrays(method=False)
def gru_layer_backward(
    input: Tensor,
    grad_output: Tensor | None,
    grad_hidden: Tensor | None,
    hx: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    output: Tensor,
    reserve: Tensor,
    batch_sizes: BatchSizes,
    reverse: bool,
    needs: Needs,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of ``gru_layer`` to input, hx, weight_ih, weight_hh, bias_ih and bias_hh.

    An entry that ``needs`` does not ask for is empty.
    """


@arrays(refuses="bool integer complex", method=False)
def lstm_layer(
    input: Tensor,
    hx: Tensor,
    cx: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    weight_hr: Tensor | None,
    batch_sizes: BatchSizes,
    reverse: bool,
    saves: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """``c' = f c + i g`` and ``h' = W_hr (o tanh(c'))`` from step to step, with the gates

    ``i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)``, ``f`` and ``o`` likewise, and
    ``g = tanh(W_ig x + b_ig + W_hg h + b_hg)``.

    Args:
        input: ``(rows, features)``.
        hx, cx: the first states, ``(batch, hidden or projected)`` and ``(batch, hidden)``.
        weight_ih, weight_hh: those of ``i``, ``f``, ``g``, ``o`` one below the other.
        bias_ih, bias_hh: likewise, or both None.
        weight_hr: ``(projected, hidden)``, or None for no projection.
        saves: whether what the derivative needs is kept; otherwise there is none of it.

    Returns:
        The states ``h``, ``(rows, hidden or projected)``, the last ``h`` and the last ``c`` of
        each sequence, and what ``lstm_layer_backward`` wants to know.

    S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", 1997; the projection: H. Sak et al.,
    "Long Short-Term Memory Based Recurrent Neural Network Architectures", 2014.
    """


@arrays(method=False)
def lstm_layer_backward(
    input: Tensor,
    grad_output: Tensor | None,
    grad_hidden: Tensor | None,
    grad_cell: Tensor | None,
    hx: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    weight_hr: Tensor | None,
    output: Tensor,
    reserve: Tensor,
    batch_sizes: BatchSizes,
    reverse: bool,
    needs: Needs,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of ``lstm_layer`` to input, hx, cx, the weights ih, hh, hr and (each) bias.

    An entry that ``needs`` does not ask for is empty.
    """
