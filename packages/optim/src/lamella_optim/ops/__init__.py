"""The ops of the optimizers: the update of all parameters of a group is one op over lists."""
