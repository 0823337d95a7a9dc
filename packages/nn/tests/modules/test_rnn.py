"""Recurrent modules: parameters, forms of input, errors. Values: test_recurrent.py."""

import copy
import pickle

import numpy as np
import pytest

import lamella_core as core
import lamella_nn as nn
from lamella_autograd import no_grad
from lamella_nn.utils.rnn import pack_padded_sequence, pack_sequence

# The first numbers of the parameters after torch.manual_seed(0) in PyTorch 2.13, and the sum of
# all: `m = torch.nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2)`, `m.weight_ih_l0[0]`,
# `sum(p.double().sum() for p in m.parameters())`.
LSTM_START = [-0.003743410110473633, 0.26822179555892944, -0.4115225672721863]
LSTM_SUM = -1.4592915773391724


def test_initial_parameters_are_pytorchs():
    core.manual_seed(0)
    lstm = nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2)
    assert lstm.weight_ih_l0[0].tolist() == LSTM_START
    total = sum(p.double().sum().item() for p in lstm.parameters())
    assert total == pytest.approx(LSTM_SUM, abs=1e-9)


def test_names_and_shapes_of_parameters():
    lstm = nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2)
    shapes = {name: tuple(p.shape) for name, p in lstm.named_parameters()}
    names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"]
    suffixes = ["_l0", "_l0_reverse", "_l1", "_l1_reverse"]
    assert list(shapes) == [name + suffix for suffix in suffixes for name in names]
    assert shapes["weight_ih_l0"] == (16, 3)
    assert shapes["weight_ih_l1_reverse"] == (16, 4)
    assert shapes["weight_hh_l1"] == (16, 2)
    assert shapes["weight_hr_l0"] == (2, 4)
    assert [len(each) for each in lstm.all_weights] == [5] * 4
    assert lstm.all_weights[1][0] is lstm.weight_ih_l0_reverse


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_forms_of_input_agree(kind):
    core.manual_seed(1)
    steps_first = kind(3, 4, 2, bidirectional=True)
    batch_first = kind(3, 4, 2, bidirectional=True, batch_first=True)
    batch_first.load_state_dict(steps_first.state_dict())
    x = core.randn(5, 2, 3)
    output, last = steps_first(x)
    swapped, _ = batch_first(x.transpose(0, 1))
    np.testing.assert_array_equal(swapped.transpose(0, 1).detach().numpy(), output.detach().numpy())
    single, _ = steps_first(x[:, 0])
    assert single.shape == (5, 8)
    np.testing.assert_allclose(single.detach().numpy(), output[:, 0].detach().numpy(), atol=1e-6)
    packed, packed_last = steps_first(pack_sequence([x[:, 0], x[:, 1]]))
    np.testing.assert_array_equal(
        packed.data.view(5, 2, 8).detach().numpy(), output.detach().numpy()
    )
    pairs = zip(packed_last, last, strict=True) if kind is nn.LSTM else [(packed_last, last)]
    for mine, theirs in pairs:
        np.testing.assert_array_equal(mine.detach().numpy(), theirs.detach().numpy())


def test_states_go_with_their_sequences_through_sorting():
    gru = nn.GRU(3, 4)
    sequences = [core.randn(2, 3), core.randn(5, 3)]
    hx = core.randn(1, 2, 4)
    _, last = gru(pack_sequence(sequences, enforce_sorted=False), hx)
    for j, each in enumerate(sequences):
        alone = gru(each.unsqueeze(1), hx[:, j : j + 1])[1]
        np.testing.assert_allclose(
            last[:, j].detach().numpy(), alone[:, 0].detach().numpy(), atol=1e-6
        )


def test_a_network_continues_from_its_last_states():
    lstm = nn.LSTM(3, 4, 2)
    x = core.randn(6, 2, 3)
    whole, _ = lstm(x)
    first, states = lstm(x[:2])
    second, _ = lstm(x[2:], states)
    joined = core.cat([first, second]).detach().numpy()
    np.testing.assert_allclose(joined, whole.detach().numpy(), atol=1e-6)


def test_copies_and_pickles_compute_the_same():
    rnn = nn.RNN(3, 4, nonlinearity="relu", batch_first=True)
    x = core.randn(2, 5, 3)
    expected = rnn(x)[0].detach().numpy()
    for other in (copy.deepcopy(rnn), pickle.loads(pickle.dumps(rnn))):
        assert other.weight_hh_l0 is not rnn.weight_hh_l0
        np.testing.assert_array_equal(other(x)[0].detach().numpy(), expected)
    rnn.flatten_parameters()
    np.testing.assert_array_equal(rnn(x)[0].detach().numpy(), expected)


def test_a_replaced_parameter_is_used():
    rnn = nn.RNN(3, 4, bias=False)
    rnn.weight_ih_l0 = nn.Parameter(core.zeros(4, 3))
    assert rnn(core.randn(5, 2, 3))[0].abs().max().item() == 0


def test_text():
    assert repr(nn.LSTM(3, 4, proj_size=2, num_layers=2, dropout=0.5)) == (
        "LSTM(3, 4, proj_size=2, num_layers=2, dropout=0.5)"
    )
    assert repr(nn.RNN(3, 4, 1, "relu", False, True)) == "RNN(3, 4, bias=False, batch_first=True)"


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((3, 4.0), TypeError, "hidden_size should be of type int, got: float"),
        ((3, 4, 1, 1), TypeError, "bias should be of type bool"),
        ((3, 0), ValueError, "hidden_size must be greater than zero"),
        ((3, 4, 0), ValueError, "num_layers must be greater than zero"),
        ((3, 4, 1, True, False, 2.0), ValueError, "dropout should be a number in range"),
        ((3, 4, 1, True, False, True), ValueError, "dropout should be a number in range"),
        ((3, 4, 1, True, False, 0.0, False, 4), ValueError, "smaller than hidden_size"),
        ((3, 4, 1, True, False, 0.0, False, -1), ValueError, "positive integer or zero"),
    ],
)
def test_wrong_settings(arguments, error, words):
    with pytest.raises(error, match=words):
        nn.LSTM(*arguments)


def test_only_the_lstm_projects():
    for kind in (nn.GRU, nn.RNN):
        with pytest.raises(ValueError, match="only supported for LSTM"):
            kind(3, 4, proj_size=2)


def test_wrong_inputs():
    lstm = nn.LSTM(3, 4)
    with pytest.raises(RuntimeError, match="Expected 3, got 2"):
        lstm(core.zeros(5, 2, 2))
    with pytest.raises(ValueError, match=r"torch\.float64.*torch\.float32"):
        lstm(core.zeros(5, 2, 3, dtype=core.float64))
    with pytest.raises(RuntimeError, match=r"hidden\[1\] size \(1, 2, 4\), got \[1, 2, 5\]"):
        lstm(core.zeros(5, 2, 3), (core.zeros(1, 2, 4), core.zeros(1, 2, 5)))


@pytest.mark.parametrize("make", [lambda: nn.LSTM(3, 5, 2, proj_size=2), lambda: nn.GRU(3, 5)])
def test_states_do_not_depend_on_whether_a_gradient_may_be_asked_for(make):
    module = make()
    lengths = core.tensor([4, 3, 1])
    rows = pack_padded_sequence(core.randn(4, 3, 3), lengths)
    recorded, _ = module(rows)
    with no_grad():
        alone, _ = module(rows)
    assert recorded.data.requires_grad
    assert core.equal(alone.data, recorded.data)
