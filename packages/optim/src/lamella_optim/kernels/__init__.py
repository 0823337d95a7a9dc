"""The computations of the optimizers on arrays: one body an optimizer, run over lists of arrays.

Importing a module here registers its kernels.
"""
