"""Published architectures that carry weights saved by PyTorch: the same outputs, and the same
losses while they are trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
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
) -> None:
    """Compares outputs to 1e-5 and the losses of 50 steps of Adam to 1e-4.

    Args:
        build: from the library to the network.
        inputs: from the library to the arguments of the network.
        loss_of: from the library, the network and its arguments to a loss.
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
        network.train()
        optimizer = library.optim.Adam(network.parameters(), lr=lr)
        curve = []
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = loss_of(library, network, arguments)
            loss.backward()
            optimizer.step()
            curve.append(loss.item())
        curves.append(curve)
    np.testing.assert_allclose(outputs[1], outputs[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(curves[1], curves[0], rtol=1e-4, atol=1e-4)
    assert curves[0][-1] < 0.7 * curves[0][0]


# ------------------------------------------------------------------- a bidirectional LSTM tagger

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
