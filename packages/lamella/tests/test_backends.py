"""``torch.backends``, as programs read and set it."""

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
