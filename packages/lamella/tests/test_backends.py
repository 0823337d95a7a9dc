"""``torch.backends``, as programs read and set it."""

import pytest
from threadpoolctl import threadpool_info

import lamella
import lamella.backends.cudnn as cudnn


def test_the_switches_of_cudnn_are_kept() -> None:
    assert lamella.backends.cudnn is cudnn
    assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic) == (True, False, False)
    lamella.backends.cudnn.deterministic = True
    try:
        with cudnn.flags(enabled=False, benchmark=True):
            assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic) == (False, True, False)
        assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic) == (True, False, True)
    finally:
        cudnn.deterministic = False
    assert not cudnn.is_available() and cudnn.version() is None


def test_libraries_that_are_not_used_say_so() -> None:
    for name in ("mps", "mkldnn", "opt_einsum"):
        assert getattr(lamella.backends, name).is_available() is False
    internal = {library["internal_api"] for library in threadpool_info()}
    assert lamella.backends.mkl.is_available() is ("mkl" in internal)
    assert isinstance(lamella.backends.openmp.is_available(), bool)
    assert lamella.backends.cpu.get_cpu_capability() in ("AVX512", "AVX2", "DEFAULT")


def test_tf32_follows_the_precision_of_products() -> None:
    matmul = lamella.backends.cuda.matmul
    assert matmul.allow_tf32 is False
    try:
        lamella.set_float32_matmul_precision("high")
        assert matmul.allow_tf32 is True
        matmul.allow_tf32 = False
        assert lamella.get_float32_matmul_precision() == "highest"
    finally:
        lamella.set_float32_matmul_precision("highest")


def test_kernels_of_attention_are_switched_together_with_nn_attention():
    cuda = lamella.backends.cuda
    names = ("flash", "math", "mem_efficient", "cudnn")
    assert all(getattr(cuda, f"{name}_sdp_enabled")() for name in names)
    for name in names:
        getattr(cuda, f"enable_{name}_sdp")(False)
        assert not getattr(cuda, f"{name}_sdp_enabled")()
    x = lamella.ones(1, 2, 3, 4)
    try:
        with pytest.raises(RuntimeError, match="No viable backend"):
            lamella.nn.functional.scaled_dot_product_attention(x, x, x)
    finally:
        for name in names:
            getattr(cuda, f"enable_{name}_sdp")(True)
    with lamella.nn.attention.sdpa_kernel(lamella.nn.attention.SDPBackend.MATH):
        assert not cuda.flash_sdp_enabled() and cuda.math_sdp_enabled()
