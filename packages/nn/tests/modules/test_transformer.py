import warnings
from typing import Any

import numpy as np
import pytest

import lamella_core as core
from lamella_autograd import no_grad
from lamella_nn import (
    LayerNorm,
    ReLU,
    Transformer,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# The program below with torch for core, PyTorch 2.13.
RECORDED_TRAINING = [
    [-0.09248381853103638, -0.29554763436317444, -1.1895979642868042, 1.5776294469833374],
    [-1.2092987298965454, -0.22550778090953827, -0.1362268626689911, 1.571033239364624],
    [-0.06016014516353607, -0.3523121774196625, -1.169836163520813, 1.5823086500167847],
]
RECORDED_EVALUATION = [
    [-0.3667905330657959, -0.3463172912597656, -0.9646629691123962, 1.6777708530426025],
    [-0.36703410744667053, -0.3463459610939026, -0.9644525051116943, 1.6778326034545898],
    [-0.36727795004844666, -0.3463745415210724, -0.9642418622970581, 1.6778943538665771],
]


def test_weights_dropout_and_outputs_are_pytorchs_from_the_same_seed() -> None:
    core.manual_seed(0)
    module = Transformer(4, 2, 1, 1, 8, batch_first=True)
    x = core.arange(24.0).reshape(2, 3, 4) / 24
    y = x.flip(1)
    found = module(x, y, tgt_mask=module.generate_square_subsequent_mask(3))
    np.testing.assert_allclose(found[1].detach().numpy(), RECORDED_TRAINING, atol=2e-6)
    found = module.eval()(x, y)
    np.testing.assert_allclose(found[1].detach().numpy(), RECORDED_EVALUATION, atol=2e-6)


def test_a_causal_encoder_does_not_look_ahead() -> None:
    layer = TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True)
    module = TransformerEncoder(layer, 2).eval()
    x = core.randn(1, 6, 8)
    mask = Transformer.generate_square_subsequent_mask(6)
    changed = x.clone()
    changed[:, 4:] = 7.0
    before, after = module(x, mask), module(changed, mask)
    np.testing.assert_array_equal(before[:, :4].detach().numpy(), after[:, :4].detach().numpy())
    assert not core.equal(before[:, 4:], after[:, 4:])


def test_padding_does_not_matter() -> None:
    module = TransformerEncoder(TransformerEncoderLayer(8, 2, 16, batch_first=True), 2).eval()
    x = core.randn(2, 6, 8)
    padding = core.zeros(2, 6, dtype=core.bool)
    padding[1, 4:] = True
    with no_grad():
        whole = module(x, src_key_padding_mask=padding)
        alone = module(x[1:, :4])
    np.testing.assert_allclose(whole[1, :4].numpy(), alone[0].numpy(), atol=1e-5)
    # Without gradients, places of padding come out as zeros, as PyTorch's do.
    assert not whole[1, 4:].any()


def test_copies_of_a_layer_have_their_own_parameters() -> None:
    module = TransformerEncoder(TransformerEncoderLayer(8, 2, 16), 3, LayerNorm(8))
    assert len(list(module.parameters())) == 3 * 12 + 2
    assert "(0-2): 3 x TransformerEncoderLayer(" in repr(module)


def test_the_causal_mask() -> None:
    inf = np.inf
    np.testing.assert_array_equal(
        Transformer.generate_square_subsequent_mask(3).numpy(),
        [[0, -inf, -inf], [0, 0, -inf], [0, 0, 0]],
    )


def test_activations() -> None:
    assert TransformerEncoderLayer(8, 2, activation="gelu").activation_relu_or_gelu == 2
    assert TransformerEncoderLayer(8, 2, activation=ReLU()).activation_relu_or_gelu == 1
    assert TransformerEncoderLayer(8, 2, activation=core.tanh).activation_relu_or_gelu == 0
    for layer in (TransformerEncoderLayer, TransformerDecoderLayer):
        with pytest.raises(RuntimeError, match="relu/gelu, not foo"):
            layer(8, 2, activation="foo")


def test_sizes_of_source_and_target_are_checked() -> None:
    module = Transformer(8, 2, 1, 1, 16)
    with pytest.raises(RuntimeError, match="batch number"):
        module(core.zeros(4, 2, 8), core.zeros(3, 3, 8))
    with pytest.raises(RuntimeError, match="feature number"):
        module(core.zeros(4, 2, 8), core.zeros(3, 2, 7))


def test_inference_follows_pytorchs_own_kernel() -> None:
    core.manual_seed(0)
    x = core.randn(2, 3, 4)
    left = core.tensor([[True, False, False], [False, False, False]])
    causal = Transformer.generate_square_subsequent_mask(3)
    layer = TransformerEncoderLayer(4, 2, 8, batch_first=True).eval()
    other = TransformerEncoderLayer(4, 2, 8, batch_first=True, activation=core.tanh).eval()
    with no_grad():
        # Of the first row nothing is left.
        for mask in (causal, causal == -np.inf):
            assert layer(x, mask, left)[0, 0].isnan().all()
            assert not layer(x, mask, left)[0, 1:].isnan().any()
            assert not other(x, mask, left).isnan().any()
        assert layer(x, is_causal=True).tolist() == layer(x).tolist()
        encoder = TransformerEncoder(layer, 2).eval()
        assert encoder(x, is_causal=True).tolist() == encoder(x).tolist()
        # Padding of numbers that leave nothing is cut off, too.
        end = core.tensor([[0.0, 0.0, -1e9], [0.0, 0.0, 0.0]])
        assert encoder(x, None, end)[0, 2].tolist() == [0.0] * 4
    with pytest.raises(RuntimeError, match="Need attn_mask"):
        encoder(x, is_causal=True)
