"""Single recurrent steps: against the networks, text, errors. Values: test_recurrent.py."""

import numpy as np
import pytest

import lamella_core as core
import lamella_nn as nn


@pytest.mark.parametrize(("network", "cell"), [(nn.LSTM, nn.LSTMCell), (nn.GRU, nn.GRUCell)])
def test_cells_are_steps_of_networks(network, cell):
    module, step = network(3, 4), cell(3, 4)
    step.load_state_dict({k.removesuffix("_l0"): v for k, v in module.state_dict().items()})
    x, states = core.randn(5, 2, 3), None
    for element in x:
        states = step(element, states)
    last = module(x)[1]
    pairs = zip(states, last, strict=True) if network is nn.LSTM else [(states, last)]
    for mine, theirs in pairs:
        np.testing.assert_allclose(mine.detach().numpy(), theirs[0].detach().numpy(), atol=1e-6)


def test_text():
    assert repr(nn.RNNCell(3, 4, nonlinearity="relu")) == "RNNCell(3, 4, nonlinearity=relu)"


def test_wrong_inputs():
    with pytest.raises(RuntimeError, match="batch size 2 doesn't match hidden0 batch size 3"):
        nn.GRUCell(3, 4)(core.zeros(2, 3), core.zeros(3, 4))
