"""Published architectures that carry weights saved by PyTorch: the same outputs, and the same
losses while they are trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import lamella

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SEED = 2
STEPS = 50


def assert_trains_alike(
    build: Callable[[Any], Any],
    inputs: Callable[[Any], Any],
    loss_of: Callable[[Any, Any, Any], Any],
    path: Path,
    lr: float = 1e-3,
    optimizer: str = "Adam",
    in_double: bool = False,
) -> None:
    """Compares outputs to 1e-5 and the losses of 50 steps of training to 1e-4.

    Args:
        build: from the library to the network.
        inputs: from the library to the arguments of the network.
        loss_of: from the library, the network and its arguments to a loss.
        in_double: train in double precision. For networks of ReLU, whose two slopes let runs part
            for good where rounding decides on the side of a zero, which another order of summing
            does in single precision, and as good as never in double.
    """
    torch.manual_seed(SEED)
    expected = build(torch)
    torch.save(expected.state_dict(), path / "weights.pt")
    found = build(lamella)
    found.load_state_dict(lamella.load(path / "weights.pt"))
    outputs, curves = [], []
    for library, network in ((torch, expected), (lamella, found)):
        arguments = inputs(library)
        network.eval()
        with library.no_grad():
            outputs.append(network(*arguments).numpy())
        if in_double:
            network.double()
            arguments = tuple(each.double() for each in arguments)
        network.train()
        update = getattr(library.optim, optimizer)(network.parameters(), lr=lr)
        curve = []
        for _ in range(STEPS):
            update.zero_grad()
            loss = loss_of(library, network, arguments)
            loss.backward()
            update.step()
            curve.append(loss.item())
        curves.append(curve)
    np.testing.assert_allclose(outputs[1], outputs[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(curves[1], curves[0], rtol=1e-4, atol=1e-4)
    assert curves[0][-1] < 0.7 * curves[0][0]


# ------------ a bidirectional LSTM tagger

WORDS, TAGS, LENGTHS = 50, 7, (9, 5, 12, 1, 12, 3)


def tagger(t: Any) -> Any:
    """Z. Huang, W. Xu, K. Yu, "Bidirectional LSTM-CRF Models for Sequence Tagging", 2015, without
    the random field."""

    class Tagger(t.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.words = t.nn.Embedding(WORDS, 16, padding_idx=0)
            self.lstm = t.nn.LSTM(16, 24, 2, batch_first=True, bidirectional=True)
            self.tags = t.nn.Linear(48, TAGS)

        def forward(self, words: Any, lengths: Any) -> Any:
            rnn = t.nn.utils.rnn
            packed = rnn.pack_padded_sequence(
                self.words(words), lengths, batch_first=True, enforce_sorted=False
            )
            states, _ = rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
            return self.tags(states)

    return Tagger()


def sentences(t: Any) -> tuple[Any, Any]:
    random = np.random.default_rng(SEED)
    words = random.integers(1, WORDS, (len(LENGTHS), max(LENGTHS)))
    words[np.arange(max(LENGTHS)) >= np.array(LENGTHS)[:, None]] = 0
    return t.tensor(words), t.tensor(LENGTHS)


def tagging_loss(t: Any, network: Any, arguments: Any) -> Any:
    words, _ = arguments
    tags = (words * 3 % TAGS).masked_fill(words == 0, -100)
    return t.nn.functional.cross_entropy(network(*arguments).transpose(1, 2), tags)


def test_bidirectional_lstm_tagger(tmp_path: Path) -> None:
    assert_trains_alike(tagger, sentences, tagging_loss, tmp_path, lr=1e-2)


# ------------ a ResNet

CHANNELS, QUARTERS = 8, 4


def resnet(t: Any) -> Any:
    """K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", 2015: the
    ResNet-18, with fewer channels."""
    nn = t.nn

    class BasicBlock(nn.Module):  # type: ignore[misc]
        def __init__(self, inside: int, outside: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outside)
            self.relu = nn.ReLU(inplace=True)
            self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outside)
            self.downsample = None
            if stride != 1 or inside != outside:
                self.downsample = nn.Sequential(
                    nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside)
                )

        def forward(self, x: Any) -> Any:
            identity = x if self.downsample is None else self.downsample(x)
            out = self.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            out += identity
            return self.relu(out)

    class ResNet(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, CHANNELS, 7, 2, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(CHANNELS)
            self.relu = nn.ReLU(inplace=True)
            self.maxpool = nn.MaxPool2d(3, 2, 1)
            inside = CHANNELS
            for i, width in enumerate((1, 2, 4, 8), 1):
                blocks = [
                    BasicBlock(inside, width, 1 if i == 1 else 2),
                    BasicBlock(width, width, 1),
                ]
                setattr(self, f"layer{i}", nn.Sequential(*blocks))
                inside = width
            self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
            self.fc = nn.Linear(inside, QUARTERS)
            for module in self.modules():
                if isinstance(module, nn.Conv2d):
                    nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

        def forward(self, x: Any) -> Any:
            x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.fc(self.avgpool(x).flatten(1))

    return ResNet()


def images(t: Any) -> tuple[Any]:
    """In each, one of the four quarters is brighter."""
    random = np.random.default_rng(SEED)
    batch = random.standard_normal((24, 3, 32, 32)).astype(np.float32)
    for i, image in enumerate(batch):
        row, column = divmod(i % QUARTERS, 2)
        image[:, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16] += 1
    return (t.tensor(batch),)


def quarter_loss(t: Any, network: Any, arguments: Any) -> Any:
    return t.nn.functional.cross_entropy(network(*arguments), t.arange(24) % QUARTERS)


def test_resnet(tmp_path: Path) -> None:
    assert_trains_alike(
        resnet, images, quarter_loss, tmp_path, lr=2e-3, optimizer="SGD", in_double=True
    )


# ------------ a GPT

VOCABULARY, CONTEXT, WIDTH, HEADS, BLOCKS = 61, 48, 64, 4, 3


def gpt(t: Any, tied: bool) -> Any:
    """A. Radford et al., "Language Models are Unsupervised Multitask Learners", 2019: GPT-2, with
    fewer and narrower blocks."""
    nn, functional = t.nn, t.nn.functional

    class Attention(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.c_attn = nn.Linear(WIDTH, 3 * WIDTH)
            self.c_proj = nn.Linear(WIDTH, WIDTH)

        def forward(self, x: Any) -> Any:
            batch, length, _ = x.shape
            shape = (batch, length, HEADS, WIDTH // HEADS)
            q, k, v = (part.view(shape).transpose(1, 2) for part in self.c_attn(x).split(WIDTH, 2))
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.c_proj(y.transpose(1, 2).contiguous().view(batch, length, WIDTH))

    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.ln_1, self.attn = nn.LayerNorm(WIDTH), Attention()
            self.ln_2 = nn.LayerNorm(WIDTH)
            self.mlp = nn.Sequential(
                nn.Linear(WIDTH, 4 * WIDTH), nn.GELU("tanh"), nn.Linear(4 * WIDTH, WIDTH)
            )

        def forward(self, x: Any) -> Any:
            x = x + self.attn(self.ln_1(x))
            return x + self.mlp(self.ln_2(x))

    class GPT(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.wte, self.wpe = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(CONTEXT, WIDTH)
            self.h = nn.ModuleList([Block() for _ in range(BLOCKS)])
            self.ln_f = nn.LayerNorm(WIDTH)
            self.lm_head = nn.Linear(WIDTH, VOCABULARY, bias=False)
            if tied:
                nn.init.normal_(self.wte.weight, 0.0, 0.02)
                self.lm_head.weight = self.wte.weight

        def forward(self, tokens: Any) -> Any:
            x = self.wte(tokens) + self.wpe(t.arange(tokens.shape[1]))
            for block in self.h:
                x = block(x)
            return self.lm_head(self.ln_f(x))

    return GPT()


def text(t: Any) -> tuple[Any]:
    # Sequences that can be learnt: each token is the last one and a step, of eight kinds.
    steps = np.random.default_rng(SEED).integers(1, 8, (8, 1))
    return (t.tensor(np.arange(CONTEXT) * steps % VOCABULARY),)


def next_token_loss(t: Any, network: Any, arguments: Any) -> Any:
    (tokens,) = arguments
    scores = network(tokens)[:, :-1].reshape(-1, VOCABULARY)
    return t.nn.functional.cross_entropy(scores, tokens[:, 1:].reshape(-1))


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
def test_gpt(tmp_path: Path, tied: bool) -> None:
    def build(t: Any) -> Any:
        return gpt(t, tied)

    assert_trains_alike(build, text, next_token_loss, tmp_path, 1e-3, "AdamW")
