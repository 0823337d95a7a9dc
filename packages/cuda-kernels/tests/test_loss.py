"""Cross-entropy on CUDA against its formula; skipped where there is no GPU."""

import numpy as np
import pytest

import lamella_core as lc

cupy = pytest.importorskip("cupy", reason="CuPy is not installed (extras cuda12, cuda13)")

lc.load_backends()
if "cuda" not in lc.backends:
    pytest.skip("CuPy sees no CUDA device", allow_module_level=True)

loss = pytest.importorskip("lamella_cuda_kernels.loss")
DTYPES = {"f4": lc.float32, "f8": lc.float64, "f2": lc.float16, "bfloat16": lc.bfloat16}
CLOSE = {"f4": 1e-5, "f8": 1e-12, "f2": 2e-3, "bfloat16": 2e-2}


def _hold(found: object, expected: np.ndarray, close: float) -> None:
    size = max(1.0, float(abs(expected).max()))
    np.testing.assert_allclose(cupy.asnumpy(found).astype(float), expected, close, close * size)


def _expected(
    x: np.ndarray, t: np.ndarray, w: np.ndarray, ignored: int, smoothing: float, reduction: str
) -> tuple[np.ndarray, np.ndarray]:
    """The loss, and its gradient to the scores by the chain through log-softmax."""
    classes = x.shape[1]
    logarithm = x - x.max(1, keepdims=True)
    logarithm = logarithm - np.log(np.exp(logarithm).sum(1, keepdims=True))
    kept = t != ignored
    hot = np.moveaxis(np.eye(classes)[np.where(kept, t, 0)], -1, 1)
    scale = w.reshape(1, -1, *[1] * (x.ndim - 2))
    share = ((1 - smoothing) * hot + smoothing / classes) * scale * kept[:, None]
    losses = -(share * logarithm).sum(1)
    total = (hot * scale * kept[:, None]).sum()
    slope = np.exp(logarithm) * share.sum(1, keepdims=True) - share
    if reduction == "none":
        return losses, slope
    return (losses.sum() / total, slope / total) if reduction == "mean" else (losses.sum(), slope)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(6, 50), (5, 4), (2, 4500), (3, 40, 2, 5)])
@pytest.mark.parametrize("dtype", CLOSE)
def test_loss_and_gradient(
    shape: tuple[int, ...], weighted: bool, smoothing: float, reduction: str, dtype: str
) -> None:
    random = np.random.default_rng(0)
    x = lc.from_numpy(random.normal(0, 3, shape)).to(DTYPES[dtype])
    target = random.integers(0, shape[1], (shape[0], *shape[2:]))
    target[0] = -100
    weight = lc.from_numpy(random.random(shape[1])).to(x.dtype) if weighted else None
    given = None if weight is None else weight.cuda()._array
    scale = np.ones(shape[1]) if weight is None else weight.double().numpy()
    expected, slope = _expected(x.double().numpy(), target, scale, -100, smoothing, reduction)
    targets = cupy.asarray(target)
    rest = (reduction, -100, smoothing)
    found, share, total = loss.cross_entropy_index(None)(x.cuda()._array, targets, given, *rest)
    close = 4 * CLOSE[dtype]
    _hold(found, expected, close)
    above = cupy.asarray(np.ones(expected.shape)).astype(found.dtype)
    back = loss.cross_entropy_index_backward(None)(above, share, targets, given, total, *rest)
    _hold(back, slope, 2 * close)


def test_a_target_that_is_no_class() -> None:
    x = cupy.zeros((3, 4), "f4")
    for wrong in (4, -1):
        target = cupy.asarray(np.array([0, wrong, 3]))
        with pytest.raises(IndexError, match=f"Target {wrong} is out of bounds"):
            loss.cross_entropy_index(None)(x, target, None, "mean", -100, 0.0)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(6, 50), (3, 4, 2, 5)])
@pytest.mark.parametrize("dtype", CLOSE)
def test_negative_likelihood(
    shape: tuple[int, ...], weighted: bool, reduction: str, dtype: str
) -> None:
    random = np.random.default_rng(0)
    x = lc.from_numpy(random.normal(0, 3, shape)).to(DTYPES[dtype])
    target = random.integers(0, shape[1], (shape[0], *shape[2:]))
    target[0] = -100
    weight = lc.from_numpy(random.random(shape[1])).to(x.dtype) if weighted else None
    given = None if weight is None else weight.cuda()._array
    scale = np.ones(shape[1]) if weight is None else weight.double().numpy()
    kept = target != -100
    place = np.where(kept, target, 0)
    own = scale[place] * kept
    hot = np.moveaxis(np.eye(shape[1])[place], -1, 1)
    losses = -(x.double().numpy() * hot).sum(1) * own
    slope = -hot * own[:, None]
    expected = losses if reduction == "none" else losses.sum()
    if reduction == "mean":
        expected, slope = expected / own.sum(), slope / own.sum()
    targets = cupy.asarray(target)
    found, total = loss.nll_loss_index(None)(x.cuda()._array, targets, given, reduction, -100)
    close = 4 * CLOSE[dtype]
    _hold(found, np.asarray(expected), close)
    above = cupy.asarray(np.ones(np.shape(expected))).astype(found.dtype)
    back = loss.nll_loss_index_backward(None)(above, targets, given, total, shape, reduction, -100)
    _hold(back, slope, close)
    targets = cupy.asarray(np.where(kept, target, shape[1]))
    with pytest.raises(IndexError, match=f"Target {shape[1]} is out of bounds"):
        loss.nll_loss_index(None)(x.cuda()._array, targets, given, reduction, -100)
