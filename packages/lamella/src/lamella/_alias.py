"""Makes ``lamella.nn`` and its like names of the distributions' own modules.

``import lamella.nn.functional`` must give the very module ``lamella_nn.functional``, not a second
copy of it; so a finder answers for such names with the module that is there.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

from lamella import _overriding
from lamella_core import Tensor
from lamella_core.serialization import loading, register_module, register_place, register_type

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

# PyTorch's module path, the package's name being the facade's, to the module that it stands for.
MODULES = {
    "lamella.autograd.anomaly_mode": "lamella_autograd.anomaly",
    "lamella.autograd.grad_mode": "lamella_autograd.modes",
    "lamella.autograd": "lamella_autograd",
    "lamella.func": "lamella_autograd.func",
    "lamella.fft": "lamella_signal.fft",
    "lamella.linalg": "lamella_core.linalg",
    "lamella.masked": "lamella_masked",
    "lamella.nn": "lamella_nn",
    "lamella.optim": "lamella_optim",
    "lamella.random": "lamella_core.generator",
    "lamella.return_types": "lamella_core.return_types",
    "lamella.serialization": "lamella_core.serialization",
    "lamella.signal": "lamella_signal",
    "lamella.sparse": "lamella_sparse",
    "lamella.special": "lamella_core.special",
    "lamella.storage": "lamella_core.storage_types",
    "lamella.torch_version": "lamella.version",
    "lamella.utils.checkpoint": "lamella_autograd.checkpoint",
    "lamella.utils.data": "lamella_data",
    "lamella.utils.dlpack": "lamella_core.dlpack",
    "lamella.utils.hooks": "lamella_nn.modules.hooks",
}

# PyTorch's functions at the top level that a distribution above autograd declares, with the module
# that holds them.
FUNCTIONS = {
    **dict.fromkeys(
        """dequantize per_channel_affine per_channel_symmetric per_tensor_affine
        per_tensor_symmetric qint8 qint32 qscheme quantize_per_channel quantize_per_tensor
        quint8""".split(),
        "lamella_quantization",
    ),
    **dict.fromkeys(
        ("lobpcg", "pca_lowrank", "sparse_coo_tensor", "spmm", "svd_lowrank"), "lamella_sparse"
    ),
    **dict.fromkeys(
        ("fake_quantize_per_channel_affine", "fake_quantize_per_tensor_affine"),
        "lamella._fake_quantize",
    ),
    "binomial": "lamella._binomial",
    "hash_tensor": "lamella._bit_hash",
    "histogramdd": "lamella._histogram_dd",
    "segment_reduce": "lamella._segments",
    **dict.fromkeys(
        "sym_float sym_int sym_ite sym_max sym_min sym_not sym_sqrt sym_sum".split(),
        "lamella._symbolic",
    ),
    **dict.fromkeys(("is_warn_always_enabled", "set_warn_always"), "lamella._warning_switch"),
    **dict.fromkeys(
        ("is_anomaly_check_nan_enabled", "is_anomaly_enabled", "set_anomaly_enabled"),
        "lamella_autograd",
    ),
    **dict.fromkeys(
        """has_cuda has_cudnn has_lapack has_mkl has_mkldnn has_mps has_openmp has_spectral
        is_distributed is_inference is_vulkan_available""".split(),
        "lamella._capabilities",
    ),
    **dict.fromkeys(("Event", "Stream", "get_device_module"), "lamella._streams"),
    **dict.fromkeys(("frobenius_norm", "norm_except_dim", "nuclear_norm"), "lamella._norms"),
    "vmap": "lamella_autograd.vmap",
    **dict.fromkeys(
        "bartlett_window blackman_window hamming_window hann_window kaiser_window".split(),
        "lamella_signal.top_level",
    ),
    **dict.fromkeys(
        ("cumulative_trapezoid", "gradient", "trapezoid", "trapz"), "lamella_signal.samples"
    ),
    **dict.fromkeys(("corrcoef", "cov"), "lamella_signal.covariance"),
    **dict.fromkeys(("istft", "stft"), "lamella_signal.short_time"),
    **dict.fromkeys(("histc", "histogram"), "lamella_signal.histograms"),
    **dict.fromkeys(("nanquantile", "quantile"), "lamella_signal.quantiles"),
    **dict.fromkeys(
        """alpha_dropout alpha_dropout_ dropout dropout_ feature_alpha_dropout
        feature_alpha_dropout_ feature_dropout feature_dropout_ native_dropout""".split(),
        "lamella_nn.ops.dropout",
    ),
    **dict.fromkeys(
        "gru gru_cell lstm lstm_cell rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell".split(),
        "lamella_nn.functional.recurrent",
    ),
    "cdist": "lamella_nn.functional.distance",
    **dict.fromkeys(
        """adaptive_avg_pool1d avg_pool1d bilinear channel_shuffle conv1d conv2d conv3d
        conv_transpose1d conv_transpose2d conv_transpose3d cosine_similarity max_pool1d max_pool2d
        max_pool3d native_channel_shuffle pairwise_distance pdist pixel_shuffle pixel_unshuffle
        rms_norm""".split(),
        "lamella_nn.functional",
    ),
    **dict.fromkeys(
        """adaptive_max_pool1d affine_grid_generator batch_norm binary_cross_entropy_with_logits
        constant_pad_nd conv_tbc convolution cosine_embedding_loss ctc_loss embedding grid_sampler
        grid_sampler_2d grid_sampler_3d group_norm hinge_embedding_loss instance_norm kl_div
        layer_norm margin_ranking_loss max_pool1d_with_indices poisson_nll_loss
        triplet_margin_loss""".split(),
        "lamella_nn.functional.top_level",
    ),
    **dict.fromkeys(
        """embedding_bag embedding_renorm_ native_batch_norm native_group_norm
        native_layer_norm""".split(),
        "lamella_nn.functional.natives",
    ),
}

# Methods of Tensor that a distribution attaches when it is imported, with that distribution.
METHODS = {
    **dict.fromkeys(
        "corrcoef cov histc histogram istft nanquantile quantile stft".split(), "lamella_signal"
    ),
    "__array_namespace__": "lamella_array_api",
    "__torch_function__": "lamella.overrides._protocol",
    "hash_tensor": "lamella._bit_hash",
    "record_stream": "lamella._streams",
    **dict.fromkeys(("is_distributed", "storage_type"), "lamella._capabilities"),
    **dict.fromkeys(
        """dequantize int_repr q_per_channel_axis q_per_channel_scales q_per_channel_zero_points
        q_scale q_zero_point qscheme""".split(),
        "lamella_quantization",
    ),
    **dict.fromkeys(
        """_indices _nnz _values coalesce dense_dim indices is_coalesced sparse_dim sparse_mask
        to_dense to_sparse to_sparse_coo values""".split(),
        "lamella_sparse",
    ),
}

# Names that PyTorch has in a module of one distribution, and that stand in another beside it. They
# are joined when the facade's module, the key, is first imported.
JOINED = {
    "lamella.func": (
        "lamella_autograd.func",
        dict.fromkeys(
            ("functional_call", "replace_all_batch_norm_modules_", "stack_module_state"),
            "lamella_nn.utils.stateless",
        ),
    ),
    "lamella.serialization": (
        "lamella_core.serialization",
        {
            "get_unsafe_globals_in_checkpoint": "lamella._checkpoint_globals",
            **dict.fromkeys(
                """DEFAULT_PROTOCOL LoadEndianness SourceChangeWarning default_restore_location
                get_crc32_options get_default_load_endianness get_default_mmap_options location_tag
                register_package set_crc32_options set_default_load_endianness
                set_default_mmap_options""".split(),
                "lamella._file_options",
            ),
        },
    ),
    "lamella.utils.dlpack": ("lamella_core.dlpack", {"DLDeviceType": "lamella._dlpack_types"}),
    "lamella.optim": (
        "lamella_optim.swa_utils",
        {"AveragedModel": "lamella_nn.averaging", "update_bn": "lamella_nn.averaging"},
    ),
}


def _join(target: ModuleType, sources: dict[str, str]) -> None:
    """Gives a module names of other modules, which are imported when one is used."""

    def find(name: str) -> object:
        if name not in sources:
            raise AttributeError(f"module {target.__name__!r} has no attribute {name!r}")
        value = getattr(import_module(sources[name]), name)
        setattr(target, name, value)
        return value

    vars(target)["__getattr__"] = find


def real_name(name: str) -> str | None:
    """The module that a facade's name stands for, ``lamella_nn.functional`` for instance."""
    for alias, real in MODULES.items():
        if name == alias or name.startswith(f"{alias}."):
            return real + name[len(alias) :]
    return None


class _AliasLoader:
    def __init__(self, alias: str, real: str) -> None:
        self.alias = alias
        self.real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(self.real)
        self.own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.own_spec
        if self.alias in JOINED:
            target, sources = JOINED[self.alias]
            _join(import_module(target), sources)
        _overriding.refresh()


class AliasFinder:
    """Finds the names in :data:`MODULES` and what lies below them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        real = real_name(fullname)
        if real is None:
            return None
        try:
            import_module(real)
        except ModuleNotFoundError as error:
            if error.name == real:
                return None
            raise
        # ``importlib.abc``, which has a class for it, takes 8 ms to load.
        loader: Any = _AliasLoader(fullname, real)
        return ModuleSpec(fullname, loader)


class _LateMethod:
    """Imports the distribution that attaches a method, when the method is first asked for."""

    __slots__ = ("module", "name")

    def __init__(self, name: str, module: str) -> None:
        self.name = name
        self.module = module

    def __get__(self, instance: Tensor | None, owner: type) -> object:
        import_module(self.module)
        _overriding.refresh()
        return getattr(owner if instance is None else instance, self.name)


def install() -> None:
    """Puts the finder first and the late methods on Tensor; doing so twice changes nothing."""
    for name, module in METHODS.items():
        # The core has a property in the place of one of them.
        if isinstance(vars(Tensor).get(name, property()), property):
            setattr(Tensor, name, _LateMethod(name, module))
    if not any(isinstance(finder, AliasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, AliasFinder())


def register_file_names() -> None:
    """Lets files name what ``lamella_nn``, ``lamella_optim`` and ``lamella_data`` hold.

    These are imported then.
    Files of the formats from before PyTorch 1.6 are read, too.
    """
    for name in ("Parameter", "_rebuild_parameter", "_rebuild_parameter_with_state"):
        module = "torch.nn.parameter" if name == "Parameter" else "torch._utils"
        register_type(module, name, f"lamella_nn.parameter:{name}")
    register_type(
        "torch._utils", "_rebuild_sparse_tensor", "lamella_sparse.files:rebuild_sparse_tensor"
    )
    loading.older[:] = ["lamella._legacy_files:load_legacy"]
    register_module("torch.return_types", "lamella_core.return_types")
    register_module("torch.nn", "lamella_nn")
    register_module("torch.optim", "lamella_optim")
    register_module("torch.utils.data", "lamella_data")
    register_place("torch.optim.swa_utils", "lamella_nn.averaging:AveragedModel")
