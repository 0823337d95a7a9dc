import io
import subprocess
import sys

import pytest

import lamella_core as core
import lamella_nn as nn
from lamella_nn.modules import activation, conv, pooling


def test_classes_are_found_by_pytorchs_paths() -> None:
    assert conv.ConvTranspose2d is nn.ConvTranspose2d
    assert activation.MultiheadAttention is nn.MultiheadAttention
    assert pooling.AdaptiveAvgPool2d is nn.AdaptiveAvgPool2d


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (nn.ConvTranspose2d(2, 2, 2), {("torch.nn.modules.conv", "ConvTranspose2d")}),
        (nn.ChannelShuffle(2), {("torch.nn.modules.channelshuffle", "ChannelShuffle")}),
        (
            nn.TransformerEncoderLayer(4, 2, 8),
            {
                ("torch.nn.modules.activation", "MultiheadAttention"),
                ("torch.nn.modules.transformer", "TransformerEncoderLayer"),
                ("torch.nn.functional", "relu"),
            },
        ),
        (nn.TransformerEncoderLayer(4, 2, 8, activation="gelu"), {("torch._C._nn", "gelu")}),
    ],
    ids=["conv", "shuffle", "transformer", "gelu"],
)
def test_whole_modules_are_saved_under_pytorchs_names(
    module: nn.Module, names: set[tuple[str, str]]
) -> None:
    file = io.BytesIO()
    core.save(module, file)
    file.seek(0)
    found = core.load(file, weights_only=False)
    assert repr(found) == repr(module)
    texts = file.getvalue()
    for place, name in names:
        assert f"{place}".encode() in texts and name.encode() in texts
    assert b"lamella_nn" not in texts


def test_a_file_leads_to_the_package_that_has_the_class() -> None:
    program = (
        "import io, pickle, lamella_core.serialization as s, sys\n"
        "s.register_module('torch.nn', 'lamella_nn')\n"
        "from lamella_core.serialization.unpickler import find_counterpart\n"
        "assert 'lamella_nn' not in sys.modules\n"
        "print(find_counterpart('torch.nn.modules.conv', 'ConvTranspose1d').__module__)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "lamella_nn.modules.conv_transpose", done.stderr
