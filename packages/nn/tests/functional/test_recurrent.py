"""Recurrent networks against the equations of the papers in NumPy, and their derivatives."""

import inspect

import numpy as np
import pytest

import lamella_core as core
from lamella_autograd import gradcheck, gradgradcheck
from lamella_core import parallel
from lamella_nn.functional import recurrent

FEATURES, HIDDEN = 3, 4


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_step(x, states, w_ih, w_hh, b_ih, b_hh, w_hr=None):
    h, c = states
    i, f, g, o = np.split(w_ih @ x + b_ih + w_hh @ h + b_hh, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return (h if w_hr is None else w_hr @ h), c


def gru_step(x, states, w_ih, w_hh, b_ih, b_hh):
    input_r, input_z, input_n = np.split(w_ih @ x + b_ih, 3)
    hidden_r, hidden_z, hidden_n = np.split(w_hh @ states[0] + b_hh, 3)
    r, z = sigmoid(input_r + hidden_r), sigmoid(input_z + hidden_z)
    n = np.tanh(input_n + r * hidden_n)
    return ((1 - z) * n + z * states[0],)


def tanh_step(x, states, w_ih, w_hh, b_ih, b_hh):
    return (np.tanh(w_ih @ x + b_ih + w_hh @ states[0] + b_hh),)


def relu_step(x, states, w_ih, w_hh, b_ih, b_hh):
    return (np.maximum(w_ih @ x + b_ih + w_hh @ states[0] + b_hh, 0),)


STEPS = {"lstm": lstm_step, "gru": gru_step, "rnn_tanh": tanh_step, "rnn_relu": relu_step}
GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
KINDS = [("lstm", 0), ("lstm", 2), ("gru", 0), ("rnn_tanh", 0), ("rnn_relu", 0)]


def weights(kind, projected, random, features=FEATURES):
    height, width = GATES[kind] * HIDDEN, projected or HIDDEN
    shapes = [(height, features), (height, width), (height,), (height,)]
    if projected:
        shapes.append((projected, HIDDEN))
    return [random.standard_normal(shape) / 2 for shape in shapes]


def first_states(kind, projected, random, count, batch):
    h = random.standard_normal((count, batch, projected or HIDDEN))
    return (h, random.standard_normal((count, batch, HIDDEN))) if kind == "lstm" else (h,)


def one_sequence(kind, x, states, params, reverse):
    """The outputs of one sequence (steps, features), in its order, and the last states."""
    outputs = []
    for element in x[::-1] if reverse else x:
        states = STEPS[kind](element, states, *params)
        outputs.append(states[0])
    return np.array(outputs[::-1] if reverse else outputs), states


def tensors(values):
    return [core.tensor(value) for value in values]


def run(kind, *arguments):
    found = getattr(recurrent, kind)(*arguments)
    return found[0].numpy(), [state.numpy() for state in found[1:]]


@pytest.mark.parametrize("batch", [1, 9])
@pytest.mark.parametrize(("kind", "projected"), KINDS)
def test_a_layer_follows_the_equations(kind, projected, batch):
    random = np.random.default_rng(0)
    x = random.standard_normal((5, batch, FEATURES))
    params = weights(kind, projected, random)
    states = first_states(kind, projected, random, 1, batch)
    hx = tuple(tensors(states)) if kind == "lstm" else core.tensor(states[0])
    output, last = run(kind, core.tensor(x), hx, tensors(params), True, 1, 0.0, False, False, False)
    for j in range(batch):
        expected, end = one_sequence(kind, x[:, j], [s[0, j] for s in states], params, False)
        np.testing.assert_allclose(output[:, j], expected, atol=1e-12)
        for found, state in zip(last, end, strict=True):
            np.testing.assert_allclose(found[0, j], state, atol=1e-12)


@pytest.mark.parametrize(("kind", "projected"), KINDS)
def test_packed_sequences_in_both_directions_are_as_each_sequence_alone(kind, projected):
    random = np.random.default_rng(1)
    lengths, sizes = (4, 2, 1), (3, 2, 1, 1)
    sequences = [random.standard_normal((length, FEATURES)) for length in lengths]
    rows = np.array([s[t] for t in range(4) for s in sequences if t < len(s)])
    width = projected or HIDDEN
    params = [weights(kind, projected, random) for _ in range(2)]
    params += [weights(kind, projected, random, 2 * width) for _ in range(2)]
    states = first_states(kind, projected, random, 4, 3)
    hx = tuple(tensors(states)) if kind == "lstm" else core.tensor(states[0])
    flat = tensors(each for part in params for each in part)
    output, last = run(
        kind, core.tensor(rows), core.tensor(sizes), hx, flat, True, 2, 0.0, False, True
    )
    for j, x in enumerate(sequences):
        for layer in (0, 2):
            both = []
            for place, reverse in ((layer, False), (layer + 1, True)):
                start = [s[place, j] for s in states]
                y, end = one_sequence(kind, x, start, params[place], reverse)
                both.append(y)
                for found, state in zip(last, end, strict=True):
                    np.testing.assert_allclose(found[place, j], state, atol=1e-12)
            x = np.concatenate(both, 1)
        starts = np.cumsum((0, *sizes))[: len(x)]
        np.testing.assert_allclose(output[starts + j], x, atol=1e-12)


@pytest.mark.parametrize("sizes", [(3, 3), (3, 1)])
@pytest.mark.parametrize(("kind", "projected"), KINDS)
def test_first_and_second_derivatives(kind, projected, sizes):
    random = np.random.default_rng(2)
    rows = random.standard_normal((sum(sizes), FEATURES))
    params = weights(kind, projected, random) + weights(kind, projected, random)
    states = first_states(kind, projected, random, 2, 3)
    count = len(states)
    leaves = [core.tensor(v, requires_grad=True) for v in (rows, *states, *params)]

    def function(rows, *others):
        hx = others[:count] if kind == "lstm" else others[0]
        batch_sizes = core.tensor(sizes)
        run = getattr(recurrent, kind)
        return run(rows, batch_sizes, hx, others[count:], True, 1, 0.0, True, True)

    assert gradcheck(function, leaves)
    assert gradgradcheck(function, leaves, fast_mode=True)


@pytest.mark.parametrize("spinning", [20, 26], ids=["in parts", "whole"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("kind", "projected"), KINDS)
def test_a_large_batch_is_as_its_sequences_alone(monkeypatch, kind, projected, reverse, spinning):
    monkeypatch.setattr(parallel, "_SPINNING", spinning)
    random, size = np.random.default_rng(7), 128
    sizes = (40,) * 5 + (38, 21, 20, 3, 1)
    lengths = [sum(j < n for n in sizes) for j in range(40)]
    starts = np.cumsum((0, *sizes))
    rows = random.standard_normal((sum(sizes), FEATURES))
    height, width = GATES[kind] * size, projected or size
    shapes = [(height, FEATURES), (height, width), (height,), (height,)]
    shapes += [(projected, size)] if projected else []
    params = [random.standard_normal(shape) / 8 for shape in shapes]
    widths = (width, size) if kind == "lstm" else (width,)
    states = [random.standard_normal((1, 40, n)) for n in widths]
    layer = recurrent._LAYERS[kind][0]

    def outcome(rows, states, sizes):
        leaves = [t.requires_grad_() for t in tensors([rows, *states, *params])]
        hx, weights = leaves[1 : 1 + len(states)], leaves[1 + len(states) :]
        output, last = layer(leaves[0], tuple(hx), weights, True, sizes, reverse)
        sum((each * each.cos()).sum() for each in (output, *last)).backward()
        found = [output.detach().numpy(), *(each.detach().numpy() for each in last)]
        return found, [leaf.grad.numpy() for leaf in leaves]

    found, grads = outcome(rows, [s[0] for s in states], sizes)
    sums = [np.zeros_like(p) for p in params]
    for j, length in enumerate(lengths):
        mine = starts[:length] + j
        alone, to_alone = outcome(rows[mine], [s[0, j : j + 1] for s in states], (1,) * length)
        np.testing.assert_allclose(found[0][mine], alone[0], atol=1e-12)
        np.testing.assert_allclose(grads[0][mine], to_alone[0], atol=1e-11)
        for place in range(1, 1 + len(states)):
            np.testing.assert_allclose(found[place][j], alone[place][0], atol=1e-12)
            np.testing.assert_allclose(grads[place][j], to_alone[place][0], atol=1e-11)
        for total, each in zip(sums, to_alone[1 + len(states) :], strict=True):
            total += each
    for total, each in zip(sums, grads[1 + len(states) :], strict=True):
        np.testing.assert_allclose(each, total, atol=1e-10)


@pytest.mark.parametrize("needed", range(8))
def test_a_gradient_is_computed_for_each_argument_alone(needed):
    random = np.random.default_rng(3)
    params = weights("lstm", 2, random)
    states = first_states("lstm", 2, random, 1, 2)
    values = [random.standard_normal((3, 2, FEATURES)), *states, *params]
    grads = []
    for wanted in (range(8), [needed]):
        leaves = tensors(values)
        for index in wanted:
            leaves[index].requires_grad_()
        found = recurrent.lstm(leaves[0], leaves[1:3], leaves[3:], True, 1, 0.0, True, False, False)
        sum((each * each).sum() for each in found).backward()
        assert [i for i, leaf in enumerate(leaves) if leaf.grad is not None] == list(wanted)
        grads.append(leaves[needed].grad)
    np.testing.assert_array_equal(grads[0].numpy(), grads[1].numpy())


@pytest.mark.parametrize("steps", [1, 5])
@pytest.mark.parametrize(("kind", "projected"), KINDS)
def test_the_gradients_of_a_batch_of_no_sequences_are_0(kind, projected, steps):
    random = np.random.default_rng(5)
    params = [p.requires_grad_() for p in tensors(weights(kind, projected, random))]
    states = tensors(first_states(kind, projected, random, 1, 0))
    x = core.zeros(steps, 0, FEATURES, dtype=core.float64).requires_grad_()
    for state in states:
        state.requires_grad_()
    hx = tuple(states) if kind == "lstm" else states[0]
    found = getattr(recurrent, kind)(x, hx, params, True, 1, 0.0, True, False, False)
    sum(each.sum() for each in found).backward()
    for leaf in (x, *states, *params):
        assert leaf.grad.shape == leaf.shape and not leaf.grad.numpy().any()


def test_the_gradients_of_both_biases_do_not_share_memory():
    random = np.random.default_rng(4)
    params = [p.requires_grad_() for p in tensors(weights("lstm", 0, random))]
    h = core.zeros(1, 2, HIDDEN, dtype=core.float64)
    x = core.tensor(random.standard_normal((3, 2, FEATURES)))
    recurrent.lstm(x, (h, h), params, True, 1, 0.0, True, False, False)[0].sum().backward()
    before = params[3].grad.numpy().copy()
    params[2].grad.zero_()
    np.testing.assert_array_equal(params[3].grad.numpy(), before)


def test_dropout_acts_between_layers_and_in_training_only():
    random = np.random.default_rng(5)
    params = tensors(weights("gru", 0, random) + weights("gru", 0, random, HIDDEN))
    h = core.zeros(2, 2, HIDDEN, dtype=core.float64)
    x = core.tensor(random.standard_normal((3, 2, FEATURES)))
    plain = recurrent.gru(x, h, params, True, 2, 0.0, True, False, False)[0].numpy()
    still = recurrent.gru(x, h, params, True, 2, 1.0, False, False, False)[0].numpy()
    np.testing.assert_array_equal(still, plain)
    dropped, last = recurrent.gru(x, h, params, True, 2, 1.0, True, False, False)
    zeros = core.zeros(3, 2, HIDDEN, dtype=core.float64)
    alone = recurrent.gru(zeros, h[1:], params[4:], True, 1, 0.0, True, False, False)[0]
    np.testing.assert_array_equal(dropped.numpy(), alone.numpy())
    first = recurrent.gru(x, h[:1], params[:4], True, 1, 0.0, True, False, False)[1]
    np.testing.assert_array_equal(last[:1].numpy(), first.numpy())


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
def test_a_cell_follows_the_equations(kind):
    random = np.random.default_rng(6)
    params = weights(kind, 0, random)
    states = first_states(kind, 0, random, 1, 2)
    x = random.standard_normal((2, FEATURES))
    hx = [core.tensor(s[0]) for s in states]
    cell = getattr(recurrent, f"{kind}_cell")
    found = cell(core.tensor(x), hx if kind == "lstm" else hx[0], *tensors(params))
    found = found if kind == "lstm" else (found,)
    for j in range(2):
        expected = STEPS[kind](x[j], [s[0, j] for s in states], *params)
        for mine, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(mine[j].numpy(), theirs, atol=1e-12)
    names = ["input", "hx", "w_ih", "w_hh", "b_ih", "b_hh"]
    assert list(inspect.signature(cell).parameters) == names


@pytest.mark.parametrize("kind", STEPS)
def test_the_output_and_the_last_states_of_one_step_are_memory_of_their_own(kind):
    params = tensors(weights(kind, 0, np.random.default_rng(4)))
    h = core.zeros(1, 2, HIDDEN, dtype=core.float64)
    rest = params, True, 1, 0.0, False, False, False
    x = core.ones(1, 2, FEATURES, dtype=core.float64)
    output, last, *_ = getattr(recurrent, kind)(x, (h, h) if kind == "lstm" else h, *rest)
    expected = last.clone()
    output.zero_()
    assert np.abs(expected.numpy()).max() > 0.01
    np.testing.assert_array_equal(last.numpy(), expected.numpy())


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("shape", [(100, 200), (1, 20_000)])
def test_the_way_back_holds_the_gradients_of_some_rows(peak, monkeypatch, kind, shape):
    monkeypatch.setattr(parallel, "_SPINNING", 20)
    height = 64 * GATES[kind]
    params = [core.randn(height, *rest) / 8 for rest in ((64,), (64,), (), ())]
    for each in params:
        each.requires_grad_()
    h = core.zeros(1, shape[1], 64)
    hx = (h, h) if kind == "lstm" else h
    x = core.randn(*shape, 64)
    output = getattr(recurrent, kind)(x, hx, params, True, 1, 0.0, True, False, False)[0]
    gradient = core.ones(output.shape)
    with peak:
        output.backward(gradient)
    # Of all rows those of one gate are 5.1 MB.
    assert peak.most < (4.9 if GATES[kind] == 1 else 6.5) * 1e6


def lstm_arguments(**changes):
    given = {
        "input": core.zeros(3, 2, 3),
        "hx": (core.zeros(1, 2, 4), core.zeros(1, 2, 4)),
        "params": [core.zeros(16, 3), core.zeros(16, 4)],
        "has_biases": False,
        "num_layers": 1,
        "dropout": 0.0,
        "train": False,
        "bidirectional": False,
        "batch_first": False,
    }
    return given | changes


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"hx": (core.zeros(1, 2, 4),)}, RuntimeError, "two hidden states"),
        ({"hx": (core.zeros(1, 3, 4),) * 2}, RuntimeError, r"\(1, 2, hidden\).*\[1, 3, 4\]"),
        ({"params": [core.zeros(16, 3)]}, RuntimeError, "incorrect number of RNN parameters: 1"),
        ({"has_biases": True}, RuntimeError, "incorrect number of RNN parameters"),
        ({"num_layers": 2}, RuntimeError, r"\(2, 2, hidden\)"),
        ({"input": core.zeros(3, 2, 5)}, RuntimeError, r"5 features.*\[16, 5\].*\[16, 3\]"),
        ({"input": core.zeros(3, 2)}, RuntimeError, "3 dimensions, but got 2"),
        ({"input": core.zeros(0, 2, 3)}, RuntimeError, "larger than 0"),
        ({"input": core.zeros(3, 2, 3, dtype=core.float64)}, RuntimeError, "same dtype.*float64"),
        ({"surprise": 1}, TypeError, "unexpected keyword argument 'surprise'"),
    ],
)
def test_wrong_arguments(changes, error, words):
    with pytest.raises(error, match=words):
        recurrent.lstm(**lstm_arguments(**changes))


def test_missing_and_surplus_arguments_are_named():
    with pytest.raises(TypeError, match="missing the arguments has_biases, num_layers"):
        recurrent.gru(1, 2, 3)
    with pytest.raises(TypeError, match="takes 9 arguments, but 10"):
        recurrent.gru(*range(10))


@pytest.mark.parametrize("sizes", [[1, 2], [2, 0, 1], [2, 2], []])
def test_batch_sizes_have_to_be_those_of_a_packed_sequence(sizes):
    h = (core.zeros(1, 2, 4),) * 2
    params = [core.zeros(16, 3), core.zeros(16, 4)]
    with pytest.raises(RuntimeError, match=r"batch_sizes.*its 3 rows"):
        recurrent.lstm(core.zeros(3, 3), core.tensor(sizes), h, params, False, 1, 0.0, False, False)


def test_integers_are_refused():
    with pytest.raises(NotImplementedError, match="lstm_layer"):
        recurrent.lstm_cell(
            core.zeros(2, 3, dtype=core.int64),
            (core.zeros(2, 4, dtype=core.int64),) * 2,
            core.zeros(16, 3, dtype=core.int64),
            core.zeros(16, 4, dtype=core.int64),
        )
