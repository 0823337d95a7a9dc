"""Recurrent networks as functions: ``torch.lstm``, ``torch.gru_cell`` and their like.

The functions over sequences have two forms. With ``input`` of shape (steps, batch, features), or
(batch, steps, features) if ``batch_first``: ``(input, hx, params, has_biases, num_layers, dropout,
train, bidirectional, batch_first)``. With the ``data`` and ``batch_sizes`` of a packed sequence:
``(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional)``.

``params`` lists for each layer, and in it for each direction, ``weight_ih``, ``weight_hh``, with
``has_biases`` then ``bias_ih`` and ``bias_hh``, and for an LSTM with projections ``weight_hr``.
``hx`` has the shape (layers * directions, batch, hidden). Dropout stands between layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_autograd import rename
from lamella_core.tensor import Tensor
from lamella_nn.functional.arguments import is_constant
from lamella_nn.ops.dropout import dropout as drop
from lamella_nn.ops.recurrent import gru_layer, lstm_layer, rnn_layer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    # (rows, states of this layer, weights, batch sizes, reverse) to (rows, last states)
    Layer = Callable[..., tuple[Tensor, tuple[Tensor, ...]]]

__all__ = [
    "gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh",
    "rnn_tanh_cell",
]  # fmt: skip

_ROW_NAMES = ("data", "batch_sizes", "hx", "params", "has_biases")
_BATCH_NAMES = ("input", "hx", "params", "has_biases")
_SETTINGS = ("num_layers", "dropout", "train", "bidirectional")


# ------------ one layer


def _is_recorded(*tensors: Tensor) -> bool:
    return not all([is_constant(each) for each in tensors])


def _lstm_layer(
    rows: Tensor,
    states: tuple[Tensor, ...],
    weights: Sequence[Tensor],
    has_biases: bool,
    batch_sizes: tuple[int, ...],
    reverse: bool,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    hx, cx = states
    projection = weights[-1] if len(weights) % 2 else None
    bias_ih, bias_hh = weights[2:4] if has_biases else (None, None)
    output, h, c, _ = lstm_layer(
        rows,
        hx,
        cx,
        weights[0],
        weights[1],
        bias_ih,
        bias_hh,
        projection,
        batch_sizes,
        reverse,
        _is_recorded(rows, *states, *weights),
    )
    return output, (h, c)


def _gru_layer(
    rows: Tensor,
    states: tuple[Tensor, ...],
    weights: Sequence[Tensor],
    has_biases: bool,
    batch_sizes: tuple[int, ...],
    reverse: bool,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    bias_ih, bias_hh = weights[2:] if has_biases else (None, None)
    output, h, _ = gru_layer(
        rows,
        states[0],
        weights[0],
        weights[1],
        bias_ih,
        bias_hh,
        batch_sizes,
        reverse,
        _is_recorded(rows, *states, *weights),
    )
    return output, (h,)


def _rnn_layer(nonlinearity: str) -> Layer:
    def layer(
        rows: Tensor,
        states: tuple[Tensor, ...],
        weights: Sequence[Tensor],
        has_biases: bool,
        batch_sizes: tuple[int, ...],
        reverse: bool,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        bias_ih, bias_hh = weights[2:] if has_biases else (None, None)
        output, h = rnn_layer(
            rows,
            states[0],
            weights[0],
            weights[1],
            bias_ih,
            bias_hh,
            batch_sizes,
            reverse,
            nonlinearity,
        )
        return output, (h,)

    return layer


# A network's layer, and how many hidden sizes its weights are high.
_LAYERS: dict[str, tuple[Layer, int]] = {
    "lstm": (_lstm_layer, 4),
    "gru": (_gru_layer, 3),
    "rnn_tanh": (_rnn_layer("tanh"), 1),
    "rnn_relu": (_rnn_layer("relu"), 1),
}


# ------------ all of the layers


def run_rows(
    kind: str,
    rows: Tensor,
    batch_sizes: tuple[int, ...],
    hx: tuple[Tensor, ...],
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    fused: bool = False,
) -> tuple[Tensor, ...]:
    """A recurrent network on the rows of a packed sequence: the last layer's rows and states.

    Args:
        kind: ``"lstm"``, ``"gru"``, ``"rnn_tanh"`` or ``"rnn_relu"``.
        hx: the first states, ``(h, c)`` for an LSTM.
        fused: PyTorch runs an LSTM on these rows as one op, where it can.

    Raises:
        RuntimeError: for the wrong number of states or parameters, and for shapes and dtypes that
            do not fit together.
    """
    layer, height = _LAYERS[kind]
    directions = 2 if bidirectional else 1
    _check_states(kind, hx, batch_sizes[0], num_layers * directions)
    projected = kind == "lstm" and hx[0]._array.shape[2] != hx[1]._array.shape[2]
    count = 2 + 2 * has_biases + projected
    if len(params) != count * num_layers * directions:
        raise RuntimeError(
            f"got an incorrect number of RNN parameters: {len(params)}, but {kind} with "
            f"{num_layers} layers, {directions} directions and {count} parameters for each has "
            f"{count * num_layers * directions}"
        )
    last: list[tuple[Tensor, ...]] = []
    for index in range(num_layers):
        outputs = []
        for direction in range(directions):
            place = len(last)
            weights = params[count * place : count * (place + 1)]
            states = tuple(state[place] for state in hx)
            _check_weights(kind, index, rows, states, weights, height, has_biases)
            output, states = layer(rows, states, weights, has_biases, batch_sizes, bool(direction))
            if len(batch_sizes) == 1:
                # The layer's two results are one array then.
                states = (states[0].clone(), *states[1:])
            outputs.append(output)
            last.append(states)
        rows = outputs[0] if directions == 1 else core.cat(outputs, 1)
        if dropout and train and index < num_layers - 1:
            rows = drop(rows, dropout, True)
    one_op = fused and _is_one_op(kind, rows, hx)
    if directions == 1 and rows.requires_grad and not one_op:
        # The derivative reads the layer's own rows, while the caller may write to these.
        rows = rows.clone()
    if len(last) == 1:
        return (rows, *(rename(state.unsqueeze(0), "StackBackward0") for state in last[0]))
    return (rows, *(core.stack(states) for states in zip(*last, strict=True)))


def run_batch(
    kind: str,
    input: Tensor,
    hx: tuple[Tensor, ...],
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, ...]:
    """:func:`run_rows` on ``(steps, batch, features)``, the first two swapped if ``batch_first``.

    Raises:
        RuntimeError: for another number of dimensions, or no step at all; as in ``run_rows``.
    """
    if input.ndim != 3:
        raise RuntimeError(f"{kind}: expected an input of 3 dimensions, but got {input.ndim}")
    if batch_first:
        input = input.transpose(0, 1)
    steps, batch, features = input._array.shape
    if not steps:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    rows, *states = run_rows(
        kind,
        input.reshape(steps * batch, features),
        (batch,) * steps,
        hx,
        params,
        has_biases,
        num_layers,
        dropout,
        train,
        bidirectional,
        True,
    )
    output = rows.view(steps, batch, rows._array.shape[1])
    if batch_first:
        output = output.transpose(0, 1)
        return (output if kind == "lstm" else rename(output, "TransposeBackward1"), *states)
    if bidirectional:
        return (rename(output, "CatBackward0"), *states)
    name = "MkldnnRnnLayerBackward0" if _is_one_op(kind, rows, hx) else "StackBackward0"
    return (rename(output, name), *states)


def _is_one_op(kind: str, rows: Tensor, hx: tuple[Tensor, ...]) -> bool:
    """Whether PyTorch's LSTM on a padded batch, in one direction and without projections, is one
    op, whose derivative reads the output, so that it raises when somebody has written there."""
    return (
        kind == "lstm"
        and rows._dtype in (core.float32, core.bfloat16)
        and hx[0]._array.shape[2] == hx[1]._array.shape[2]
    )


def _check_states(kind: str, hx: tuple[Tensor, ...], batch: int, count: int) -> None:
    if kind == "lstm" and len(hx) != 2:
        raise RuntimeError(f"lstm expects two hidden states, but got {len(hx)}")
    for state in hx:
        shape = state._array.shape
        if len(shape) != 3 or shape[:2] != (count, batch):
            raise RuntimeError(
                f"{kind}: expected hidden states of shape ({count}, {batch}, hidden), for layers "
                f"and directions, batch and hidden size, but got {list(shape)}"
            )


def _check_weights(
    kind: str,
    index: int,
    rows: Tensor,
    states: tuple[Tensor, ...],
    weights: Sequence[Tensor],
    height: int,
    has_biases: bool,
) -> None:
    """Compares a layer's tensors with what its input and states call for."""
    dtype, features = rows._dtype, rows._array.shape[1]
    for each in (*states, *weights):
        if each._dtype is not dtype:
            raise RuntimeError(
                f"{kind}: input, hidden states and parameters must have the same dtype, but layer "
                f"{index} got {dtype} and {each._dtype}"
            )
    hidden, size = states[0]._array.shape[1], states[-1]._array.shape[1]
    expected = [(height * size, features), (height * size, hidden)]
    if has_biases:
        expected += [(height * size,)] * 2  # type: ignore[list-item]
    if hidden != size:
        expected.append((hidden, size))
    for each, shape in zip(weights, expected, strict=True):
        if each._array.shape != shape:
            raise RuntimeError(
                f"{kind}: layer {index} on {features} features with hidden size {size} takes a "
                f"parameter of shape {list(shape)}, but got {list(each._array.shape)}"
            )


# ------------ the public functions


def _run(kind: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Tensor, ...]:
    packed = "batch_sizes" in kwargs or (len(args) > 3 and not isinstance(args[3], bool))
    names = (*_ROW_NAMES, *_SETTINGS) if packed else (*_BATCH_NAMES, *_SETTINGS, "batch_first")
    if len(args) > len(names):
        raise TypeError(f"{kind}() takes {len(names)} arguments, but {len(args)} were given")
    given = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name in given or name not in names:
            raise TypeError(f"{kind}() got an unexpected keyword argument {name!r}")
        given[name] = value
    missing = [name for name in names if name not in given]
    if missing:
        raise TypeError(f"{kind}() is missing the arguments {', '.join(missing)}")
    values = [given[name] for name in names]
    place = 2 if packed else 1
    states = values[place]
    values[place] = (states,) if isinstance(states, Tensor) else tuple(states)
    if not packed:
        return run_batch(kind, *values)
    values[1] = step_sizes(values[1], values[0]._array.shape[0])
    return run_rows(kind, *values)


def step_sizes(batch_sizes: Tensor, rows: int) -> tuple[int, ...]:
    """The batch sizes of a packed sequence as numbers.

    Raises:
        RuntimeError: when they grow, are not positive, or do not add up to the number of rows.
    """
    sizes = tuple(batch_sizes.tolist())
    falling = all(after <= before for before, after in zip(sizes, sizes[1:], strict=False))
    if not sizes or sizes[-1] < 1 or not falling or sum(sizes) != rows:
        raise RuntimeError(
            f"batch_sizes of a packed sequence have to be positive, not to grow and to add up to "
            f"its {rows} rows, but got {list(sizes)}"
        )
    return sizes


def lstm(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor, Tensor]:
    """A long short-term memory network over sequences; ``hx`` is the pair ``(h, c)``.

    Returns:
        The states ``h`` of the last layer at every step, the last ``h`` and the last ``c`` of
        every layer and direction.

    Raises:
        RuntimeError: for shapes, dtypes or numbers of parameters that do not fit together.
    """
    output, h, c = _run("lstm", args, kwargs)
    return output, h, c


def gru(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """A network of gated recurrent units over sequences.

    Returns:
        The states of the last layer at every step, the last states of every layer and direction.

    Raises:
        RuntimeError: for shapes, dtypes or numbers of parameters that do not fit together.
    """
    output, h = _run("gru", args, kwargs)
    return output, h


def rnn_tanh(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """A plain recurrent network with ``tanh`` over sequences; returns and raises as ``gru``."""
    output, h = _run("rnn_tanh", args, kwargs)
    return output, h


def rnn_relu(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """A plain recurrent network with ``relu`` over sequences; returns and raises as ``gru``."""
    output, h = _run("rnn_relu", args, kwargs)
    return output, h


# ------------ one step


# PyTorch's name of the node of a cell's ``h``; here an LSTM's ``c`` is of the same node.
_LAST_OF_CELLS = {
    "lstm": "MulBackward0",
    "gru": "AddBackward0",
    "rnn_tanh": "TanhBackward0",
    "rnn_relu": "ReluBackward0",
}


def _cell(
    kind: str,
    input: Tensor,
    hx: tuple[Tensor, ...],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
) -> tuple[Tensor, ...]:
    layer, height = _LAYERS[kind]
    if input.ndim != 2:
        raise RuntimeError(f"{kind}_cell: expected an input of 2 dimensions, got {input.ndim}")
    batch, features = input._array.shape
    size = w_hh._array.shape[1]
    if features != w_ih._array.shape[1]:
        raise RuntimeError(
            f"input has inconsistent input_size: got {features} expected {w_ih._array.shape[1]}"
        )
    for index, state in enumerate(hx):
        shape = state._array.shape
        if shape[:1] != (batch,):
            raise RuntimeError(
                f"Input batch size {batch} doesn't match hidden{index} batch size "
                f"{shape[0] if shape else 'of a 0-dim tensor'}"
            )
        if shape[1:] != (size,):
            got = ", ".join(map(str, shape[1:])) or "none"
            raise RuntimeError(
                f"hidden{index} has inconsistent hidden_size: got {got}, expected {size}"
            )
    weights = [w_ih, w_hh]
    has_biases = b_ih is not None or b_hh is not None
    if has_biases:
        for bias in (b_ih, b_hh):
            weights.append(w_ih.new_zeros(height * size) if bias is None else bias)
    _check_weights(f"{kind}_cell", 0, input, hx, weights, height, has_biases)
    output, states = layer(input, hx, weights, has_biases, (batch,), False)
    # The derivative reads the output, as that of PyTorch's activation does in the plain cells.
    results = (output,) if height == 1 else states
    rename(results[0], _LAST_OF_CELLS[kind])
    return results


def lstm_cell(
    input: Tensor,
    hx: Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """One step of a long short-term memory.

    Args:
        input: ``(batch, features)``.
        hx: the pair ``(h, c)``, each ``(batch, hidden)``.
        w_ih, w_hh: ``(4 hidden, features)`` and ``(4 hidden, hidden)``, for the gates i, f, g, o.
        b_ih, b_hh: ``(4 hidden,)``.

    Returns:
        The next ``h`` and ``c``.

    Raises:
        RuntimeError: for shapes or dtypes that do not fit together.
    """
    if len(hx) != 2:
        raise RuntimeError(f"lstm_cell expects two hidden states, but got {len(hx)}")
    h, c = _cell("lstm", input, (hx[0], hx[1]), w_ih, w_hh, b_ih, b_hh)
    return h, c


def gru_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """One step of a gated recurrent unit.

    Args:
        input: ``(batch, features)``.
        hx: ``(batch, hidden)``.
        w_ih, w_hh: ``(3 hidden, features)`` and ``(3 hidden, hidden)``, for the gates r, z, n.
        b_ih, b_hh: ``(3 hidden,)``.

    Returns:
        The next state.

    Raises:
        RuntimeError: for shapes or dtypes that do not fit together.
    """
    return _cell("gru", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_tanh_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """One step of a plain recurrent network: ``tanh(W_ih x + b_ih + W_hh h + b_hh)``.

    Args:
        input: ``(batch, features)``.
        hx: ``(batch, hidden)``.
        w_ih, w_hh: ``(hidden, features)`` and ``(hidden, hidden)``.
        b_ih, b_hh: ``(hidden,)``.

    Returns:
        The next state.

    Raises:
        RuntimeError: for shapes or dtypes that do not fit together.
    """
    return _cell("rnn_tanh", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_relu_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """:func:`rnn_tanh_cell` with ``relu`` for ``tanh``; it has the same arguments and errors."""
    return _cell("rnn_relu", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]
