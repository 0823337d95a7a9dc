"""What is noticed, in fresh processes: whether functions ask is a state of the process."""

import subprocess
import sys

import pytest

ASKS = "from lamella import _overriding\nassert _overriding._active is {}\n"

PROGRAMS = {
    "nothing": "import lamella as torch\ntorch.ones(2) + 1\nclass A: pass\n" + ASKS.format(False),
    "a tensor's class": (
        "import lamella as torch\nA = type('A', (torch.Tensor,), {})\n" + ASKS.format(True)
    ),
    "another class": (
        "import lamella as torch\nimport builtins\n"
        "class A:\n    def __torch_function__(self, func, types, args=(), kwargs=None):\n"
        "        return func.__name__\n"
        "assert torch.block_diag(A()) == 'block_diag'\n"
        "assert builtins.__build_class__.__module__ == 'builtins'\n" + ASKS.format(True)
    ),
    "functions of modules imported later": (
        "import lamella as torch\n"
        "class A(torch.Tensor): pass\n"
        "x = torch.ones(1, 4, 8).as_subclass(A)\n"
        "assert type(torch.conv1d(x, torch.ones(4, 4, 1))) is A\n"
        "import lamella.nn.functional as F\n"
        "assert type(F.softplus(x)) is A\n"
        "assert type(F.mse_loss(x, torch.ones(1))) is A\n"
    ),
    "a class of before": (
        "class A:\n    def __torch_function__(self, func, types, args=(), kwargs=None):\n"
        "        return func.__name__\n"
        "import lamella as torch\nfrom lamella.overrides import has_torch_function\n"
        "assert has_torch_function((A(),))\n"
        "assert torch.block_diag(A()) == 'block_diag'\n"
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    subprocess.run([sys.executable, "-c", PROGRAMS[name]], check=True)
