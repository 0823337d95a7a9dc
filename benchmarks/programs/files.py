"""100 MB of float32 in ten tensors: `save` to a file, or `load` from it.

The file lies in the folder for temporary files. `save` ends here when the file is whole and on the
disk; PyTorch leaves that to the operating system, so a slow disk is in the figure.
"""

from __future__ import annotations

import os
import tempfile

from measure import load, read_arguments, report, seconds_of_one


def main() -> None:
    arguments = read_arguments(__doc__, variants=("save", "load"))
    torch = load(arguments.framework)
    torch.manual_seed(0)
    weights = {f"weight {i}": torch.rand(2_500_000) for i in range(10)}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "weights.pt")
        torch.save(weights, path)
        if arguments.variant == "save":
            seconds = seconds_of_one(lambda: path, lambda path: torch.save(weights, path))
        else:
            seconds = seconds_of_one(lambda: path, torch.load)
        check = sum(each.sum().item() for each in torch.load(path).values())
    report(seconds, "s", check=check)


if __name__ == "__main__":
    main()
