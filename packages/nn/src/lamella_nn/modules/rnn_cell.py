"""Single steps of recurrent networks.

Weights and biases start uniform between -1/√hidden_size and 1/√hidden_size.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lamella_core import Tensor, empty, zeros
from lamella_nn import init
from lamella_nn.functional import recurrent
from lamella_nn.modules.module import Module
from lamella_nn.parameter import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def draw_uniform(parameters: Iterable[Parameter], hidden_size: int) -> None:
    """Sets parameters uniform between -1/√hidden_size and 1/√hidden_size."""
    bound = 1 / math.sqrt(hidden_size) if hidden_size > 0 else 0
    for parameter in parameters:
        init.uniform_(parameter, -bound, bound)


class RNNCellBase(Module):
    """What the cells have in common.

    Args:
        input_size: features of the input.
        hidden_size: features of the state.
        bias: whether there are biases.
        num_chunks: how many gates the weights hold one below the other.
        device, dtype: those of the parameters.

    Attributes:
        weight_ih: of shape (num_chunks * hidden_size, input_size).
        weight_hh: of shape (num_chunks * hidden_size, hidden_size).
        bias_ih, bias_hh: of shape (num_chunks * hidden_size,), or None.
    """

    input_size: int
    hidden_size: int
    bias: bool
    weight_ih: Parameter
    weight_hh: Parameter

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty((rows, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(empty((rows, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            value = Parameter(empty(rows, device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, value)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the initial parameters anew."""
        draw_uniform(self.parameters(), self.hidden_size)

    def _batched(self, input: Tensor, states: Sequence[Tensor] | None, names: Sequence[str]) -> Any:
        """The input and the states, zeros where there are none, with a batch's dimension."""
        name = self._get_name()
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        for label, state in zip(names, () if states is None else states, strict=False):
            if state.dim() not in (1, 2):
                raise ValueError(
                    f"{name}: Expected {label} to be 1D or 2D, got {state.dim()}D instead"
                )
        unbatched = input.dim() == 1
        if unbatched:
            input = input.unsqueeze(0)
        if states is None:
            shape = (input._array.shape[0], self.hidden_size)
            zero = zeros(shape, dtype=input.dtype, device=input.device)
            return input, [zero] * len(names), unbatched
        if unbatched:
            states = [state.unsqueeze(0) for state in states]
        return input, states, unbatched

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        if nonlinearity != "tanh":
            text += f", nonlinearity={nonlinearity}"
        return text


class RNNCell(RNNCellBase):
    """One step of a plain recurrent network: h' = f(W_ih x + b_ih + W_hh h + b_hh).

    Args:
        nonlinearity: ``"tanh"`` or ``"relu"``.
        input_size, hidden_size, bias, device, dtype: as for :class:`RNNCellBase`.
    """

    nonlinearity: str

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next state.

        Args:
            input: (batch, input_size), or (input_size,).
            hx: the state, (batch, hidden_size), or (hidden_size,); zeros where left out.

        Raises:
            ValueError: input or state have another number of dimensions.
            RuntimeError: their sizes or dtypes do not fit, or the nonlinearity is unknown.
        """
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}; use 'tanh' or 'relu'")
        cell = recurrent.rnn_tanh_cell
        if self.nonlinearity == "relu":
            cell = recurrent.rnn_relu_cell
        given = None if hx is None else (hx,)
        input, (state,), unbatched = self._batched(input, given, ("hidden",))
        result = cell(input, state, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return result.squeeze(0) if unbatched else result


class GRUCell(RNNCellBase):
    """One step of a gated recurrent unit; see :class:`GRU`.

    The arguments are those of :class:`RNNCellBase` without ``num_chunks``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next state; arguments and errors are those of :meth:`RNNCell.forward`."""
        given = None if hx is None else (hx,)
        input, (state,), unbatched = self._batched(input, given, ("hidden",))
        result = recurrent.gru_cell(
            input, state, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh
        )
        return result.squeeze(0) if unbatched else result


class LSTMCell(RNNCellBase):
    """One step of a long short-term memory; see :class:`LSTM`.

    The arguments are those of :class:`RNNCellBase` without ``num_chunks``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """The next ``h`` and ``c``.

        Args:
            input: (batch, input_size), or (input_size,).
            hx: the pair ``(h, c)``, each (batch, hidden_size) or (hidden_size,); zeros where left
                out.

        Raises:
            ValueError: input or states have another number of dimensions.
            RuntimeError: their sizes or dtypes do not fit.
        """
        input, states, unbatched = self._batched(input, hx, ("hx[0]", "hx[1]"))
        h, c = recurrent.lstm_cell(
            input, states, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh
        )
        return (h.squeeze(0), c.squeeze(0)) if unbatched else (h, c)
