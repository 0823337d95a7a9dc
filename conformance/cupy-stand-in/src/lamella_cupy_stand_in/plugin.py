"""A plugin of pytest: with ``-p lamella_cupy_stand_in.plugin`` CUDA is the stand-in."""

import lamella_cuda_kernels
import lamella_cupy_stand_in

lamella_cupy_stand_in.install()
lamella_cuda_kernels.load()
