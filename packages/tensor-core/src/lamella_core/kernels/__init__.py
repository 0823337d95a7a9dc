"""The shared array kernels, by family: written once over the array namespace ``xp``."""
