"""When the kernels of large matrices are loaded."""

from __future__ import annotations

import subprocess
import sys

_LOADED = """
import sys
import lamella as torch
first = "lamella._matrices" in sys.modules
x = torch.linalg.solve(3 * torch.eye(200), torch.ones(200, 1))
print(first, "lamella._matrices" in sys.modules, round(x.sum().item(), 3))
"""


def test_they_are_loaded_on_first_use() -> None:
    done = subprocess.run([sys.executable, "-c", _LOADED], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True", "66.667"], done.stderr
