"""Outputs of layers on small inputs; numbers by hand, or recorded from PyTorch 2.13."""

import numpy as np
import pytest

import lamella_core as lc
import lamella_nn as nn

FEATURES = [[1.0, 2.0], [3.0, 6.0], [5.0, 1.0]]


def close(result, expected):
    np.testing.assert_allclose(result.detach().numpy(), expected, rtol=1e-6, atol=1e-7)


def test_linear():
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": lc.tensor([[2.0, -1.0]]), "bias": lc.tensor([0.5])})
    close(layer(lc.tensor(FEATURES)), [[0.5], [0.5], [9.5]])


def test_conv2d_by_padding_mode():
    layer = nn.Conv2d(1, 1, (1, 3), padding=(0, 1), bias=False, padding_mode="circular")
    layer.load_state_dict({"weight": lc.tensor([[[[1.0, 10.0, 100.0]]]])})
    close(layer(lc.tensor([[[[1.0, 2.0, 3.0]]]])), [[[[213.0, 321.0, 132.0]]]])
    layer.padding_mode = "zeros"
    close(layer(lc.tensor([[[[1.0, 2.0, 3.0]]]])), [[[[210.0, 321.0, 32.0]]]])


def test_conv1d_same():
    layer = nn.Conv1d(1, 1, 2, padding="same", bias=False)
    layer.load_state_dict({"weight": lc.tensor([[[1.0, 10.0]]])})
    close(layer(lc.tensor([[[1.0, 2.0, 3.0]]])), [[[21.0, 32.0, 3.0]]])


def test_pooling():
    image = lc.arange(16.0).reshape(1, 1, 4, 4)
    close(nn.MaxPool2d(2)(image), [[[[5.0, 7.0], [13.0, 15.0]]]])
    close(nn.AvgPool2d(2)(image), [[[[2.5, 4.5], [10.5, 12.5]]]])
    close(nn.AdaptiveAvgPool2d(1)(image), [[[[7.5]]]])
    values, indices = nn.MaxPool2d(2, return_indices=True)(image)
    assert indices.tolist() == [[[[5, 7], [13, 15]]]]


def test_batch_norm_in_training_and_evaluation():
    norm = nn.BatchNorm1d(2)
    close(
        norm(lc.tensor(FEATURES)),
        [[-1.22474241, -0.46291], [0.0, 1.38873], [1.22474241, -0.92582]],
    )
    close(norm.running_mean, [0.3, 0.3])
    close(norm.running_var, [1.3, 1.6])
    assert norm.num_batches_tracked.item() == 1
    norm.eval()
    close(norm(lc.tensor([[0.3, 0.3]])), [[0.0, 0.0]])
    assert norm.num_batches_tracked.item() == 1


def test_batch_norm_with_the_plain_average():
    norm = nn.BatchNorm1d(2, momentum=None)
    norm(lc.tensor(FEATURES))
    norm(lc.tensor(FEATURES) * 2.0)
    close(norm.running_mean, [4.5, 4.5])
    close(norm.running_var, [10.0, 17.5])


def test_batch_norm_without_running_statistics():
    norm = nn.BatchNorm1d(1, track_running_stats=False).eval()
    close(norm(lc.tensor([[1.0], [3.0]])), [[-0.999995], [0.999995]])


def test_layer_norm_and_group_norm():
    x = lc.tensor([[1.0, 3.0, 10.0, 30.0]])
    close(nn.LayerNorm(2)(x[:, :2]), [[-0.999995, 0.999995]])
    close(nn.GroupNorm(2, 4)(x), [[-0.999995, 0.999995, -0.99999995, 0.99999995]])


def test_dropout():
    x = lc.ones(1000)
    layer = nn.Dropout(0.25)
    assert {round(value, 5) for value in layer(x).tolist()} == {0.0, 1.33333}
    assert layer.eval()(x).tolist() == x.tolist()


def test_embedding():
    layer = nn.Embedding.from_pretrained(lc.tensor(FEATURES))
    assert layer(lc.tensor([[2, 0]])).tolist() == [[[5.0, 1.0], [1.0, 2.0]]]


def test_activations():
    x = lc.tensor([-1.0, 0.0, 2.0])
    close(nn.ReLU()(x), [0.0, 0.0, 2.0])
    close(nn.LeakyReLU(0.1)(x), [-0.1, 0.0, 2.0])
    close(nn.ELU()(x), [np.expm1(-1.0), 0.0, 2.0])
    close(nn.Sigmoid()(x), 1 / (1 + np.exp([1.0, 0.0, -2.0])))
    close(nn.SiLU()(x), x.numpy() / (1 + np.exp([1.0, 0.0, -2.0])))
    close(nn.Tanh()(x), np.tanh([-1.0, 0.0, 2.0]))
    close(nn.Softplus()(x), np.log1p(np.exp([-1.0, 0.0, 2.0])))
    tanh = np.tanh(np.sqrt(2 / np.pi) * np.array([-1.044715, 0.0, 2.35772]))
    close(nn.GELU(approximate="tanh")(x), 0.5 * x.numpy() * (1 + tanh))
    weights = np.exp([-1.0, 0.0, 2.0])
    close(nn.Softmax(0)(x), weights / weights.sum())
    close(nn.LogSoftmax(0)(x), np.log(weights / weights.sum()))


def test_gelu_by_the_error_function():
    pytest.importorskip("scipy", reason="the error function comes with tensor-core's extra scipy")
    close(nn.GELU()(lc.tensor([-1.0, 0.0, 2.0])), [-0.15865526, 0.0, 1.95449974])


def test_losses():
    x, y = lc.tensor([0.5, 3.0]), lc.tensor([0.0, 1.0])
    close(nn.MSELoss()(x, y), 2.125)
    close(nn.L1Loss(reduction="sum")(x, y), 2.5)
    close(nn.SmoothL1Loss()(x, y), 0.8125)
    close(nn.HuberLoss(delta=0.25)(x, y), (0.09375 + 0.46875) / 2)
    close(nn.BCELoss()(lc.tensor([0.5, 0.5]), y), np.log(2))
    close(nn.BCEWithLogitsLoss()(lc.zeros(2), y), np.log(2))
    scores = lc.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    target = lc.tensor([0, 2])
    close(nn.CrossEntropyLoss()(scores, target), np.log(3))
    close(nn.CrossEntropyLoss(label_smoothing=0.3)(scores, target), np.log(3))
    close(nn.NLLLoss(ignore_index=2)(scores + 4.0, target), -4.0)
