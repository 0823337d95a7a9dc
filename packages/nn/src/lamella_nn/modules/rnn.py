"""Recurrent networks over sequences; their single steps are in ``rnn_cell.py``.

Weights and biases start uniform between -1/√hidden_size and 1/√hidden_size.
"""

from __future__ import annotations

import numbers
import warnings
from typing import Any

from lamella_core import Tensor, empty, zeros
from lamella_nn.functional import recurrent
from lamella_nn.modules.module import Module
from lamella_nn.modules.rnn_cell import draw_uniform
from lamella_nn.parameter import Parameter
from lamella_nn.utils.rnn import PackedSequence

# The gates that a weight holds one below the other.
_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
_SETTING_TYPES = {"input_size": int, "hidden_size": int, "bias": bool, "batch_first": bool}


class RNNBase(Module):
    """What the networks have in common: parameters, settings and the checks of what comes in.

    Args:
        mode: ``"LSTM"``, ``"GRU"``, ``"RNN_TANH"`` or ``"RNN_RELU"``.
        input_size: features of the input.
        hidden_size: features of the state.
        num_layers: how many networks stand on one another.
        bias: whether there are biases.
        batch_first: whether batches are (batch, steps, features) and not (steps, batch, features).
        dropout: the probability of dropout after each layer but the last.
        bidirectional: whether each layer runs in both directions, its output being both states.
        proj_size: features of the projected state (LSTM only); 0 for no projection.
        device, dtype: those of the parameters.

    Raises:
        TypeError: a size is no int, or ``bias`` or ``batch_first`` no bool.
        ValueError: a size or probability is out of range, or the mode is unknown.

    Attributes:
        weight_ih_l[k]: of layer k, from its input; its backward direction's ends in ``_reverse``,
            here and below.
        weight_hh_l[k]: from its state.
        bias_ih_l[k], bias_hh_l[k]: added to the two products.
        weight_hr_l[k]: from its state to the projected one.
    """

    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_settings(dropout)
        gates = _GATES.get(mode)
        if gates is None:
            raise ValueError(f"Unrecognized RNN mode: {mode}; use one of {', '.join(_GATES)}")
        directions = 2 if bidirectional else 1
        state_size = proj_size or hidden_size
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            layer_size = state_size * directions if layer else input_size
            for suffix in (f"_l{layer}", f"_l{layer}_reverse")[:directions]:
                shapes: dict[str, tuple[int, ...]] = {
                    f"weight_ih{suffix}": (gates * hidden_size, layer_size),
                    f"weight_hh{suffix}": (gates * hidden_size, state_size),
                }
                if bias:
                    shapes[f"bias_ih{suffix}"] = (gates * hidden_size,)
                    shapes[f"bias_hh{suffix}"] = (gates * hidden_size,)
                if proj_size:
                    shapes[f"weight_hr{suffix}"] = (proj_size, hidden_size)
                for name, shape in shapes.items():
                    setattr(self, name, Parameter(empty(shape, device=device, dtype=dtype)))
                self._all_weights.append(list(shapes))
        self._flat_weights_names = [name for names in self._all_weights for name in names]
        self.reset_parameters()

    def _check_settings(self, dropout: Any) -> None:
        if (
            not isinstance(dropout, numbers.Number)
            or isinstance(dropout, bool)
            or not 0 <= self.dropout <= 1
        ):
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an "
                f"element being zeroed, but got {dropout!r}"
            )
        if dropout and self.num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero "
                f"dropout expects num_layers greater than 1, but got dropout={dropout} and "
                f"num_layers={self.num_layers}",
                stacklevel=4,
            )
        for name, kind in _SETTING_TYPES.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(
                    f"{name} should be of type {kind.__name__}, got: {type(value).__name__}"
                )
        for name in ("hidden_size", "num_layers", "input_size"):
            value = getattr(self, name)
            if value <= 0:
                raise ValueError(f"{name} must be greater than zero, but got {value}")
        if self.proj_size < 0:
            raise ValueError(
                "proj_size should be a positive integer or zero to disable projections, but got "
                f"{self.proj_size}"
            )
        if self.proj_size >= self.hidden_size:
            raise ValueError(
                f"proj_size has to be smaller than hidden_size, but got {self.proj_size} and "
                f"{self.hidden_size}"
            )

    def reset_parameters(self) -> None:
        """Draw the initial parameters anew."""
        draw_uniform(self.parameters(), self.hidden_size)

    def flatten_parameters(self) -> None:
        """Does nothing: the kernels read each parameter where it is.

        PyTorch's cuDNN kernels want all of them in one block of memory, and programs written for
        it call this.
        """

    @property
    def _flat_weights(self) -> list[Any]:
        return [getattr(self, name) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, in one list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def __getstate__(self) -> dict[str, Any]:
        # PyTorch's own module, which may be made from this pickle, keeps the list itself.
        return {**self.__dict__, "_flat_weights": self._flat_weights}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = {k: v for k, v in state.items() if k not in ("_flat_weights", "_flat_weight_refs")}
        super().__setstate__(state)

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Compare the input, packed if there are ``batch_sizes``, with what the network takes.

        Raises:
            ValueError: it has another dtype than the parameters.
            RuntimeError: it has another number of dimensions or of features.
        """
        wanted = getattr(self, self._flat_weights_names[0])._dtype
        if input._dtype is not wanted:
            raise ValueError(
                f"RNN input dtype ({input._dtype}) does not match weight dtype ({wanted}). "
                f"Convert input: input.to({wanted}), or convert model: model.to({input._dtype})"
            )
        dims = 3 if batch_sizes is None else 2
        if input.ndim != dims:
            raise RuntimeError(f"input must have {dims} dimensions, got {input.ndim}")
        if input._array.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got "
                f"{input._array.shape[-1]}"
            )

    def _expected_state(
        self, input: Tensor, batch_sizes: Tensor | None, size: int
    ) -> tuple[int, int, int]:
        if batch_sizes is not None:
            batch = int(batch_sizes[0])
        else:
            batch = input._array.shape[0 if self.batch_first else 1]
        return self.num_layers * (2 if self.bidirectional else 1), batch, size

    def get_expected_hidden_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """The shape of the state ``h`` that goes with an input."""
        return self._expected_state(input, batch_sizes, self.proj_size or self.hidden_size)

    def check_hidden_size(
        self,
        hx: Tensor,
        expected_hidden_size: tuple[int, int, int],
        msg: str = "Expected hidden size {}, got {}",
    ) -> None:
        """Compare the shape of a state with the expected one.

        Raises:
            RuntimeError: they differ; ``msg`` is filled with both.
        """
        if hx._array.shape != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx._array.shape)))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """``check_input`` and ``check_hidden_size`` in one."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The state with its sequences in another order."""
        return hx if permutation is None else hx.index_select(1, permutation)

    def _first_states(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        """The states where none are given: zeros."""
        shape = self.get_expected_hidden_size(input, batch_sizes)
        return zeros(shape, dtype=input.dtype, device=input.device)

    def _lift_states(self, input: Tensor, hx: Any, unbatched: bool) -> Any:
        """The given states with the batch's dimension, which those of one sequence lack."""
        kind = "unbatched 2-D" if unbatched else "batched 3-D"
        dims = 2 if unbatched else 3
        if hx.ndim != dims:
            raise RuntimeError(
                f"For {kind} input, hx should also be {dims}-D but got {hx.ndim}-D tensor"
            )
        return hx.unsqueeze(1) if unbatched else hx

    def _forward(self, input: Any, hx: Any) -> tuple[Any, Any]:
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if input.dim() not in (2, 3):
            raise ValueError(
                f"{self._get_name()}: Expected input to be 2D or 3D, got {input.dim()}D instead"
            )
        unbatched = input.dim() == 2
        batch_dim = 0 if self.batch_first else 1
        if unbatched:
            input = input.unsqueeze(batch_dim)
        self.check_input(input, None)
        if hx is None:
            hx = self._first_states(input, None)
        else:
            hx = self._lift_states(input, hx, unbatched)
            self.check_forward_args(input, hx, None)
        output, *states = recurrent.run_batch(
            self.mode.lower(),
            input,
            hx if isinstance(hx, tuple) else (hx,),
            self._flat_weights,
            self.bias,
            self.num_layers,
            self.dropout,
            self.training,
            self.bidirectional,
            self.batch_first,
        )
        if unbatched:
            output = output.squeeze(batch_dim)
            states = [state.squeeze(1) for state in states]
        return output, states[0] if len(states) == 1 else tuple(states)

    def _forward_packed(self, input: PackedSequence, hx: Any) -> tuple[Any, Any]:
        data, batch_sizes, sorted_indices, unsorted_indices = input
        self.check_input(data, batch_sizes)
        if hx is None:
            hx = self._first_states(data, batch_sizes)
        else:
            self.check_forward_args(data, hx, batch_sizes)
            hx = self.permute_hidden(hx, sorted_indices)
        rows, *states = recurrent.run_rows(
            self.mode.lower(),
            data,
            recurrent.step_sizes(batch_sizes, data._array.shape[0]),
            hx if isinstance(hx, tuple) else (hx,),
            self._flat_weights,
            self.bias,
            self.num_layers,
            self.dropout,
            self.training,
            self.bidirectional,
        )
        output = PackedSequence(rows, batch_sizes, sorted_indices, unsorted_indices)
        last = states[0] if len(states) == 1 else tuple(states)
        return output, self.permute_hidden(last, unsorted_indices)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size:
            text += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            text += f", num_layers={self.num_layers}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if self.batch_first is not False:
            text += f", batch_first={self.batch_first}"
        if self.dropout:
            text += f", dropout={self.dropout}"
        if self.bidirectional is not False:
            text += f", bidirectional={self.bidirectional}"
        return text


class RNN(RNNBase):
    """Plain recurrent layers: h' = f(W_ih x + b_ih + W_hh h + b_hh).

    ``RNN(input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True,
    batch_first=False, dropout=0.0, bidirectional=False, device=None, dtype=None)``, where
    ``nonlinearity`` is ``"tanh"`` or ``"relu"`` and the others are as for :class:`RNNBase`.

    Raises:
        ValueError: the nonlinearity is unknown, or there is a ``proj_size``; as for ``RNNBase``.

    J. L. Elman, "Finding Structure in Time", 1990.
    """

    nonlinearity: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse_projection(kwargs)
        if len(args) > 3:
            nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """The states at every step, and the last one of each layer and direction.

        Args:
            input: (steps, batch, input_size), or with ``batch_first`` (batch, steps, input_size);
                (steps, input_size) for one sequence; or a ``PackedSequence``.
            hx: the first states, (layers * directions, batch, hidden_size), without the batch for
                one sequence; zeros where left out.

        Returns:
            The last layer's states in the form of the input, (..., directions * hidden_size); and
            the last states in the form of ``hx``.

        Raises:
            ValueError, RuntimeError: the input or ``hx`` has a wrong shape or dtype.
        """
        return self._forward(input, hx)


class GRU(RNNBase):
    """Layers of gated recurrent units: h' = (1 - z) n + z h.

    The gates are r = σ(W_ir x + b_ir + W_hr h + b_hr), z likewise, and
    n = tanh(W_in x + b_in + r (W_hn h + b_hn)). The arguments are those of :class:`RNNBase`
    without ``mode`` and ``proj_size``.

    Raises:
        ValueError: there is a ``proj_size``; as for ``RNNBase``.

    K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse_projection(kwargs)
        super().__init__("GRU", *args, **kwargs)

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """As :meth:`RNN.forward`."""
        return self._forward(input, hx)


class LSTM(RNNBase):
    """Layers of long short-term memory: c' = f c + i g and h' = o tanh(c').

    The gates are i = σ(W_ii x + b_ii + W_hi h + b_hi), f and o likewise, and
    g = tanh(W_ig x + b_ig + W_hg h + b_hg). With ``proj_size``, h' = W_hr (o tanh(c')). The
    arguments are those of :class:`RNNBase` without ``mode``.

    S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", 1997; the projection: H. Sak et al.,
    "Long Short-Term Memory Based Recurrent Neural Network Architectures", 2014.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """The shape of the state ``c`` that goes with an input."""
        return self._expected_state(input, batch_sizes, self.hidden_size)

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """``check_input`` and, for both states, ``check_hidden_size`` in one."""
        self.check_input(input, batch_sizes)
        h_shape = self.get_expected_hidden_size(input, batch_sizes)
        self.check_hidden_size(hidden[0], h_shape, "Expected hidden[0] size {}, got {}")
        c_shape = self.get_expected_cell_size(input, batch_sizes)
        self.check_hidden_size(hidden[1], c_shape, "Expected hidden[1] size {}, got {}")

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """Both states with their sequences in another order."""
        if permutation is None:
            return hx
        return hx[0].index_select(1, permutation), hx[1].index_select(1, permutation)

    def _first_states(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        h = super()._first_states(input, batch_sizes)
        shape = self.get_expected_cell_size(input, batch_sizes)
        return h, zeros(shape, dtype=input.dtype, device=input.device)

    def _lift_states(self, input: Tensor, hx: Any, unbatched: bool) -> Any:
        h, c = hx
        kind = "unbatched 2-D" if unbatched else "batched 3-D"
        dims = 2 if unbatched else 3
        if h.ndim != dims or c.ndim != dims:
            raise RuntimeError(
                f"For {kind} input, hx and cx should also be {dims}-D but got ({h.ndim}-D, "
                f"{c.ndim}-D) tensors"
            )
        return (h.unsqueeze(1), c.unsqueeze(1)) if unbatched else (h, c)

    def forward(
        self, input: Any, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Any, tuple[Tensor, Tensor]]:
        """As :meth:`RNN.forward`, with the pair ``(h, c)`` for ``hx`` and the last states.

        With projections, ``h`` and the output have ``proj_size`` for ``hidden_size``.
        """
        return self._forward(input, hx)


def _refuse_projection(settings: dict[str, Any]) -> None:
    if "proj_size" in settings:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
