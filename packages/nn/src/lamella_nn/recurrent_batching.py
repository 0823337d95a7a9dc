"""Batching rules (``vmap``) of the recurrent layers: the examples are more sequences of one batch.

Row ``r`` of the example ``e`` is row ``r * examples + e`` of all, so that the steps stay together
and the sequences that end first stay behind the others. The weights are the same for all; where
they, a bias or a projection are not, the layer runs for one example after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_autograd.batching import batching
from lamella_autograd.levels import call
from lamella_nn.kernels.recurrent_steps import steps_of

if TYPE_CHECKING:
    from lamella_autograd.batching import Batch
    from lamella_core import Tensor
    from lamella_core.dispatch import Op


def _among_rows(batch: Batch, tensor: Tensor | None) -> Tensor | None:
    """``(examples, rows, ...)`` as ``(rows * examples, ...)``."""
    return None if tensor is None else batch.full(tensor).movedim(0, 1).flatten(0, 1)


def _from_rows(batch: Batch, value: Tensor) -> Tensor:
    """The reverse of :func:`_among_rows`."""
    rows, width = value.shape
    return value.reshape(rows // batch.size, batch.size, width).movedim(1, 0)


def _named(op: Op, args: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip([param.name for param in op.params], args, strict=True))


def _before(output: Tensor, hx: Tensor, batch_sizes: tuple[int, ...], reverse: bool) -> Tensor:
    """For each row of each example the state that its step began with."""
    parts = []
    previous = hx
    for start, end in steps_of(batch_sizes, reverse):
        size = end - start
        parts.append(previous[:, :size])
        here = output[:, start:end]
        previous = core.cat([here, previous[:, size:]], 1) if size < previous.shape[1] else here
    return core.cat(parts[::-1] if reverse else parts, 1)


@batching("rnn_layer", "gru_layer", "lstm_layer")
def recurrent_layer(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """More sequences, for one set of weights."""
    given, given_once = _named(op, args), _named(op, args)
    shared = [value for name, value in given.items() if name.startswith(("weight", "bias"))]
    if batch.is_batched(shared) or given.get("weight_hr") is not None:
        return NotImplemented
    batch_sizes = given["batch_sizes"]
    states = [name for name in ("hx", "cx") if name in given]
    for name in ("input", *states):
        given[name] = _among_rows(batch, given[name])
    given["batch_sizes"] = tuple([size * batch.size for size in batch_sizes])
    results = list(call(op, *given.values()))
    count = 1 + len(states)
    found = [_from_rows(batch, each) for each in results[:count]]
    if op.name != "rnn_layer":
        reserve = results[count]
        if op.name == "gru_layer":
            reserve = core.cat([reserve, _reset_gates(batch, given_once, found[0]).flatten()])
        # It stays one for all examples: what is which one's, the kernel alone knows.
        found.append(reserve.expand(batch.size, *reserve.shape))
    return tuple(found)


def _reset_gates(batch: Batch, given: dict[str, Any], output: Tensor) -> Tensor:
    """The gates ``r`` of a GRU, which its state's weight has a gradient through."""
    size = output.shape[2]
    before = _before(output, batch.full(given["hx"]), given["batch_sizes"], given["reverse"])
    sums = batch.full(given["input"]) @ given["weight_ih"][:size].t()
    sums = sums + before @ given["weight_hh"][:size].t()
    if given["bias_ih"] is not None:
        sums = sums + (given["bias_ih"][:size] + given["bias_hh"][:size])
    return sums.sigmoid()


@batching("rnn_layer_backward", "gru_layer_backward", "lstm_layer_backward")
def recurrent_layer_backward(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """The gradients of the gates are asked for in the input's place, by a weight of ones.

    Those of the weights are products of them for each example.
    """
    given = _named(op, args)
    weight, recurrent, needs = given["weight_ih"], given["weight_hh"], given["needs"]
    batch_sizes, reverse = given["batch_sizes"], given["reverse"]
    if batch.is_batched([weight, recurrent]) or given.get("weight_hr") is not None:
        return NotImplemented
    rows, size = given["input"].shape[0], recurrent.shape[1]
    reset = None
    if "reserve" in given:
        gates_kept = {"gru_layer_backward": 5, "lstm_layer_backward": 6}[op.name]
        alone = given["reserve"].shape[0] == gates_kept * size * rows
        if not batch.is_batched(given["reserve"]) or (alone and batch.size > 1):
            # The layer itself ran for one example after the other.
            return NotImplemented
        reserve = batch.full(given["reserve"])[0]
        if op.name == "gru_layer_backward":
            place = len(reserve) - batch.size * rows * size
            reset = reserve[place:].reshape(batch.size, rows, size)
            reserve = reserve[:place]
        given["reserve"] = reserve
    input, output, hx = (batch.full(given[name]) for name in ("input", "output", "hx"))
    for name in ("input", "grad_output", "grad_hidden", "grad_cell", "hx", "output"):
        if name in given:
            given[name] = _among_rows(batch, given[name])
    given["batch_sizes"] = tuple([n * batch.size for n in batch_sizes])
    given["weight_ih"] = core.eye(len(weight), dtype=weight.dtype, device=weight.device)
    count = 2 + ("grad_cell" in given)
    given["needs"] = (True, *needs[1:count], *(False,) * (len(needs) - count))
    gates, *states = [
        _from_rows(batch, each) if each.ndim > 1 else each.new_empty((batch.size, 0))
        for each in call(op, *given.values())[:count]
    ]
    of_state = gates
    if reset is not None:
        of_state = core.cat([gates[..., : 2 * size], gates[..., 2 * size :] * reset], 2)
    nothing = gates.new_empty((batch.size, 0))
    found = [gates @ weight if needs[0] else nothing, *states]
    found.append(gates.mT @ input if needs[count] else nothing)
    if needs[count + 1]:
        found.append(of_state.mT @ _before(output, hx, batch_sizes, reverse))
    else:
        found.append(nothing)
    if op.name == "lstm_layer_backward":
        found.append(nothing)
    place = len(found)
    found.append(gates.sum(1) if needs[place] else nothing)
    if reset is not None:
        found.append(of_state.sum(1) if needs[place + 1] else nothing)
    return tuple(found)
