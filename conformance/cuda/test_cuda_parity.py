"""lamella on a CUDA device against PyTorch on the same one; skipped where either sees none."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest

import lamella

torch = pytest.importorskip("torch")
if not (torch.cuda.is_available() and lamella.cuda.is_available()):
    pytest.skip("PyTorch or lamella sees no CUDA device", allow_module_level=True)

# TensorFloat-32 keeps ten bits of a factor's fraction.
torch.backends.cudnn.allow_tf32 = False

SEEDS = (0, 1, 2**40 + 3)
SIZES = (1, 3, 257, 4096, 1_000_003)


def both(call, seed=0):
    """NumPy's arrays of what a call gives under either framework, from the same seed."""
    results = []
    for framework in (lamella, torch):
        framework.manual_seed(seed)
        given = call(framework)
        results.append([t.cpu().numpy() for t in (given if isinstance(given, list) else [given])])
    return zip(*results, strict=True)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["rand", "randn"])
def test_the_same_seed_gives_the_same_numbers(name, dtype, size, seed) -> None:
    def call(t):
        draw, kind = getattr(t, name), getattr(t, dtype)
        return [draw(size, dtype=kind, device="cuda") for _ in range(3)]

    # Logarithm, sine and cosine may be of different versions of CUDA.
    close = 0 if name == "rand" else 2 * np.finfo(dtype).eps
    for mine, theirs in both(call, seed):
        np.testing.assert_allclose(mine, theirs, rtol=close, atol=close)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize(
    "law",
    [
        lambda x: x.uniform_(-2, 3), lambda x: x.normal_(1, 2), lambda x: x.exponential_(2.0),
        lambda x: x.cauchy_(), lambda x: x.geometric_(0.3), lambda x: x.log_normal_(),
        lambda x: x.bernoulli_(0.3), lambda x: x.random_(), lambda x: x.random_(3, 17),
    ],
)  # fmt: skip
def test_laws_in_place(law, dtype) -> None:
    def call(t):
        drawn = [law(t.empty(10_000, dtype=getattr(t, dtype), device="cuda")) for _ in range(2)]
        return [each.double() for each in drawn]

    close = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 1e-5, "float64": 1e-12}[dtype]
    for mine, theirs in both(call):
        np.testing.assert_allclose(mine, theirs, rtol=close, atol=close)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("size", [1, 6, 1000, 1001, 3_000_000])
def test_dropout(size, dtype) -> None:
    def call(t):
        x = t.ones(size, dtype=getattr(t, dtype), device="cuda")
        return [t.nn.functional.dropout(x, p).double() for p in (0.1, 0.5)]

    for mine, theirs in both(call):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_integers(dtype) -> None:
    def call(t):
        kind = getattr(t, dtype)
        return [t.randint(0, 100, (5000,), dtype=kind, device="cuda") for _ in range(2)]

    for mine, theirs in both(call):
        np.testing.assert_array_equal(mine, theirs)


def test_states_are_exchanged() -> None:
    for framework in (lamella, torch):
        framework.cuda.manual_seed(9)
        framework.rand(1000, device="cuda")
    mine, theirs = lamella.cuda.get_rng_state(), torch.cuda.get_rng_state()
    assert mine.tolist() == theirs.tolist()
    expected = torch.rand(10, device="cuda").cpu().numpy()
    lamella.cuda.set_rng_state(lamella.tensor(theirs.tolist(), dtype=lamella.uint8))
    np.testing.assert_array_equal(lamella.rand(10, device="cuda").cpu().numpy(), expected)


def test_dlpack_both_ways_without_a_copy() -> None:
    theirs = torch.arange(6.0, device="cuda").reshape(2, 3)
    mine = lamella.from_dlpack(theirs)
    assert mine.data_ptr() == theirs.data_ptr() and str(mine.device) == "cuda:0"
    mine += 1
    assert theirs.tolist() == [[1, 2, 3], [4, 5, 6]]
    back = torch.from_dlpack(lamella.ones(3, device="cuda"))
    assert back.is_cuda and back.tolist() == [1, 1, 1]


def test_the_cuda_array_interface() -> None:
    mine = lamella.arange(6.0, device="cuda").reshape(2, 3).t()
    theirs = torch.as_tensor(mine, device="cuda")
    assert theirs.data_ptr() == mine.data_ptr() and theirs.tolist() == mine.tolist()
    source = torch.ones(3, device="cuda")
    for shared in (lamella.as_tensor(source), lamella.asarray(source)):
        assert shared.data_ptr() == source.data_ptr() and shared.tolist() == [1, 1, 1]
    copied = lamella.tensor(source)
    assert copied.is_cuda and copied.data_ptr() != source.data_ptr()
    assert lamella.as_tensor(source, dtype=lamella.int64, device="cpu").tolist() == [1, 1, 1]


def test_a_forked_process_is_told_of_spawn() -> None:
    lamella.ones(1, device="cuda")
    receiver, sender = multiprocessing.Pipe(duplex=False)

    def work() -> None:
        try:
            lamella.ones(1, device="cuda")
        except RuntimeError as error:
            sender.send(str(error))

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    assert "Cannot re-initialize CUDA in forked subprocess" in receiver.recv()


def test_files_carry_the_device(tmp_path) -> None:
    state = {"w": lamella.arange(4.0, device="cuda"), "h": lamella.ones(2, device="cuda").half()}
    lamella.save(state, tmp_path / "mine.pt")
    loaded = torch.load(tmp_path / "mine.pt")
    assert loaded["w"].is_cuda and loaded["w"].tolist() == [0, 1, 2, 3]
    torch.save({"w": loaded["w"], "b": loaded["w"].bfloat16()}, tmp_path / "theirs.pt")
    back = lamella.load(tmp_path / "theirs.pt")
    assert str(back["w"].device) == "cuda:0" and back["b"].dtype == lamella.bfloat16
    assert str(lamella.load(tmp_path / "theirs.pt", map_location="cpu")["w"].device) == "cpu"
    assert repr(back["w"]) == repr(loaded["w"])


def _network(t):
    nn = t.nn
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 10),
    )  # fmt: skip


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_training_follows_pytorch(name) -> None:
    x = np.random.default_rng(0).standard_normal((16, 3, 8, 8)).astype(np.float32)
    y = np.random.default_rng(1).integers(0, 10, 16)
    curves = []
    for t in (lamella, torch):
        t.manual_seed(0)
        model = _network(t).to("cuda")
        extra = {"momentum": 0.9} if name == "SGD" else {}
        optimizer = getattr(t.optim, name)(model.parameters(), lr=1e-3, **extra)
        inputs, labels = t.from_numpy(x).to("cuda"), t.from_numpy(y).cuda()
        losses = []
        for _ in range(20):
            optimizer.zero_grad()
            loss = t.nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        curves.append(losses)
    np.testing.assert_allclose(curves[0], curves[1], rtol=2e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("LSTM", {}), ("LSTM", {"proj_size": 5}), ("LSTM", {"bias": False}), ("GRU", {}),
        ("RNN", {}), ("RNN", {"nonlinearity": "relu"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ragged", [False, True])
def test_recurrent_layers_follow_pytorch(kind, options, ragged, dtype) -> None:
    x = np.random.default_rng(0).standard_normal((4, 7, 16))
    results = []
    for t in (lamella, torch):
        t.manual_seed(0)
        layer = getattr(t.nn, kind)(
            16, 8, num_layers=2, batch_first=True, bidirectional=True, **options
        )
        layer = layer.to("cuda", getattr(t, dtype))
        given = t.from_numpy(x).to("cuda", getattr(t, dtype)).requires_grad_()
        into = given
        pad, packed = t.nn.utils.rnn.pad_packed_sequence, t.nn.utils.rnn.pack_padded_sequence
        if ragged:
            into = packed(given, [5, 7, 1, 4], batch_first=True, enforce_sorted=False)
        out, state = layer(into)
        out = pad(out, batch_first=True)[0] if ragged else out
        states = state if isinstance(state, tuple) else (state,)
        (out.square().mean() + sum(each.sum() for each in states)).backward()
        found = [out, *states, given.grad, *(p.grad for p in layer.parameters())]
        results.append([each.detach().cpu().double().numpy() for each in found])
    close = {"float32": 1e-3, "float64": 1e-9, "float16": 5e-2}[dtype]
    for mine, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=close, atol=close * abs(theirs).max())


def test_lstm_and_attention_follow_pytorch() -> None:
    x = np.random.default_rng(0).standard_normal((4, 7, 16)).astype(np.float32)
    results = []
    for t in (lamella, torch):
        t.manual_seed(0)
        lstm = t.nn.LSTM(16, 8, batch_first=True, bidirectional=True)
        layer = t.nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True)
        lstm, layer = lstm.cuda(), layer.cuda()
        given = t.from_numpy(x).cuda().requires_grad_()
        out = lstm(layer(given))[0]
        out.square().mean().backward()
        results.append((out.detach().cpu().numpy(), given.grad.cpu().numpy()))
    for mine, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-5)
