"""The facade's layout of names: PyTorch's paths, loaded when they are first used."""

import subprocess
import sys

import pytest

import lamella
import lamella_autograd
import lamella_core
import lamella_data
import lamella_nn
import lamella_optim


def run(program: str) -> str:
    """What a program prints in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_sub_packages_are_the_distributions_own_modules() -> None:
    assert lamella.nn is lamella_nn
    assert lamella.optim is lamella_optim
    assert lamella.autograd is lamella_autograd
    assert lamella.utils.data is lamella_data


def test_functions_that_stand_in_two_places() -> None:
    # torch.conv2d is torch.nn.functional.conv2d, and so on.
    for name in ("conv2d", "conv_transpose1d", "cosine_similarity", "pixel_shuffle", "max_pool2d"):
        assert getattr(lamella, name) is getattr(lamella_nn.functional, name)
        assert name in dir(lamella)


@pytest.mark.parametrize(
    ("statement", "real"),
    [
        ("import lamella.nn.functional as module", "lamella_nn.functional"),
        ("from lamella.nn import functional as module", "lamella_nn.functional"),
        ("import lamella.utils.data as module", "lamella_data"),
        ("from lamella.utils import data as module", "lamella_data"),
        ("import lamella.utils.data.distributed as module", "lamella_data.distributed"),
        ("import lamella.utils.data._utils.collate as module", "lamella_data._utils.collate"),
        ("from lamella.utils.data import streaming as module", "lamella_data.streaming"),
        ("import lamella.nn.utils.clip_grad as module", "lamella_nn.utils.clip_grad"),
        ("import lamella.masked as module", "lamella_masked"),
        ("from lamella.signal import windows as module", "lamella_signal.windows"),
        ("import lamella.fft as module", "lamella_signal.fft"),
        ("import lamella.storage as module", "lamella_core.storage_types"),
        ("from lamella.utils import hooks as module", "lamella_nn.modules.hooks"),
        ("import lamella.torch_version as module", "lamella.version"),
    ],
)
def test_import_statements_find_the_same_module(statement: str, real: str) -> None:
    program = f"{statement}; import sys; print(module is sys.modules[{real!r}], module.__name__)"
    assert run(program) == f"True {real}"


@pytest.mark.parametrize(
    "statement",
    [
        "import lamella; module = lamella.optim.swa_utils",
        "import lamella.optim.swa_utils as module",
        "from lamella.optim import swa_utils as module",
    ],
)
def test_averages_of_modules_are_joined_to_the_optimizers(statement: str) -> None:
    program = (
        f"{statement}; import sys; before = 'lamella_nn' in sys.modules; "
        "print(before, module.AveragedModel.__module__, module.update_bn.__module__)"
    )
    assert run(program) == "False lamella_nn.averaging lamella_nn.averaging"


def test_importing_the_facade_loads_no_sub_package() -> None:
    program = (
        "import sys, lamella;"
        "names = ('lamella_nn', 'lamella_optim', 'lamella_data', 'scipy');"
        "print(*[n for n in names if n in sys.modules])"
    )
    assert run(program) == ""


def test_a_tensor_finds_the_array_api_when_asked() -> None:
    program = (
        "import sys, lamella; x = lamella.ones(2); before = 'lamella_array_api' in sys.modules;"
        "print(before, x.__array_namespace__().__name__)"
    )
    assert run(program) == "False lamella_array_api"


def test_a_missing_sub_module_is_a_module_not_found_error() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"lamella\.nn\.no_such_module"):
        __import__("lamella.nn.no_such_module")


def test_the_top_level_is_the_cores_with_the_grad_modes() -> None:
    assert lamella.Tensor is lamella_core.Tensor
    assert lamella.add is lamella_core.add
    assert lamella.no_grad is lamella_autograd.no_grad
    assert isinstance(lamella.float32, lamella.dtype)
    assert lamella.device("cpu").type == "cpu"


def test_a_missing_name_is_an_attribute_error_that_says_so() -> None:
    with pytest.raises(AttributeError, match="'no_such_name'"):
        _ = lamella.no_such_name


def test_dir_lists_ops_and_sub_packages() -> None:
    names = dir(lamella)
    assert {"add", "nn", "optim", "utils", "no_grad", "float32"} <= set(names)


def test_functions_of_nn_at_the_top_level() -> None:
    from lamella_nn.functional import distance, recurrent

    assert lamella.lstm is recurrent.lstm
    assert lamella.gru_cell is recurrent.gru_cell
    assert lamella.cdist is distance.cdist


def test_functions_of_signal_at_the_top_level() -> None:
    from lamella_signal import samples

    assert lamella.gradient is samples.gradient
    assert lamella.trapz is samples.trapz


def test_every_name_in_all_is_there() -> None:
    assert [name for name in lamella.__all__ if not hasattr(lamella, name)] == []


def test_dlpack_is_the_cores() -> None:
    import lamella_core.dlpack

    assert lamella.utils.dlpack is lamella_core.dlpack


def test_checkpoint_is_autograds() -> None:
    import lamella_autograd.checkpoint
    from lamella.utils.checkpoint import checkpoint

    assert lamella.utils.checkpoint is lamella_autograd.checkpoint
    x = lamella.ones(2, requires_grad=True)
    checkpoint(lamella.exp, x * 0, use_reentrant=False).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]


def test_modules_of_autograd() -> None:
    import lamella.autograd.anomaly_mode
    import lamella.autograd.grad_mode

    assert lamella.autograd.grad_mode.no_grad is lamella.no_grad
    assert lamella.autograd.anomaly_mode.detect_anomaly is lamella.autograd.detect_anomaly


def test_func_joins_autograd_and_nn() -> None:
    program = (
        "import sys, lamella;"
        "lamella.func.grad; before = 'lamella_nn' in sys.modules;"
        "from lamella.func import functional_call, vmap;"
        "print(before, functional_call.__module__, lamella.vmap is vmap)"
    )
    assert run(program) == "False lamella_nn.utils.stateless True"
