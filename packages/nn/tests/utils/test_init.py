import pytest

import lamella_core as core
from lamella_nn import Linear, ReLU
from lamella_nn.utils import skip_init


def test_no_random_numbers_are_drawn() -> None:
    core.manual_seed(0)
    expected = core.rand(1)
    core.manual_seed(0)
    module = skip_init(Linear, 3, out_features=4, dtype=core.float64)
    assert core.equal(core.rand(1), expected)
    assert module.weight.shape == (4, 3) and module.weight.dtype is core.float64
    assert not core.equal(Linear(2, 2).weight, Linear(2, 2).weight)


def test_other_classes_are_refused() -> None:
    with pytest.raises(RuntimeError, match="'device'"):
        skip_init(ReLU)
    with pytest.raises(RuntimeError, match="Expected a Module"):
        skip_init(int)  # type: ignore[type-var]
