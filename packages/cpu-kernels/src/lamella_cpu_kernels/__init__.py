"""C++ kernels for the CPU. Importing it puts them over NumPy's; without it everything works, too.

They take the calls whose arrays are contiguous and of float32 or float64, and leave all others to
the kernels below them.
"""

from lamella_cpu_kernels.overrides import install

install()


def load() -> None:
    """The entry point: importing this package has registered all that it offers."""
