"""What :func:`use_deterministic_algorithms` does with memory that nothing was written to.

Set ``fill_uninitialized_memory`` to False to leave such memory as it is in deterministic mode; a
program that reads it then gives other results each time.
"""

fill_uninitialized_memory: bool = True
