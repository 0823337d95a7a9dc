"""Loading: an epoch from memory, batches of images by two workers, and the start of workers."""

from __future__ import annotations

import functools
import statistics
import time
from types import ModuleType
from typing import Any

from measure import load, read_arguments, report

EPOCHS = 5
STARTS = 5


def in_memory(torch: ModuleType, data: Any) -> tuple[float, float]:
    """Seconds of an epoch over 20,000 x 784 numbers and labels, shuffled, in batches of 64."""
    x, y = torch.rand(20_000, 784), torch.arange(20_000)
    loader = data.DataLoader(data.TensorDataset(x, y), batch_size=64, shuffle=True)
    taken = []
    for _ in range(EPOCHS):
        start = time.perf_counter()
        count = sum(1 for _ in loader)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken), count


class Images:
    """Colour images of 64 x 64, made from stored bytes as decoding and normalizing would.

    Of the module, and no subclass of a framework's, so that a spawned worker finds it.
    """

    def __init__(self, torch: ModuleType, length: int) -> None:
        self.stored = torch.randint(0, 256, (256, 3, 64, 64), dtype=torch.uint8)
        self.number = torch.float32
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Any:
        image = self.stored[index % 256].to(self.number)
        return image.div_(255).sub_(0.5), index % 10


def by_workers(torch: ModuleType, data: Any) -> tuple[float, float]:
    """Seconds of 100 batches of 64 images, by two workers that are there already."""
    loader = data.DataLoader(
        Images(torch, 6400),
        batch_size=64,
        shuffle=True,
        num_workers=2,
        persistent_workers=True,
    )
    total = sum(images[0, 0, 0, 0].item() for images, _ in loader)
    taken = []
    for _ in range(EPOCHS):
        start = time.perf_counter()
        for _ in loader:
            pass
        taken.append(time.perf_counter() - start)
    return statistics.median(taken), total


def start_of_workers(
    torch: ModuleType, data: Any, method: str | None = None
) -> tuple[float, float]:
    """Seconds from asking two workers, not there yet, to their first batch of 64 images."""
    dataset = Images(torch, 128)
    taken = []
    for _ in range(STARTS):
        loader = data.DataLoader(
            dataset, batch_size=64, num_workers=2, multiprocessing_context=method
        )
        start = time.perf_counter()
        images, _ = next(iter(loader))
        taken.append(time.perf_counter() - start)
    return statistics.median(taken), images.sum().item()


VARIANTS = {
    "memory": in_memory,
    "workers": by_workers,
    "start": start_of_workers,
    "start-spawned": functools.partial(start_of_workers, method="spawn"),
}


def main() -> None:
    arguments = read_arguments(__doc__, variants=tuple(VARIANTS))
    torch = load(arguments.framework)
    torch.manual_seed(0)
    seconds, check = VARIANTS[arguments.variant](torch, torch.utils.data)
    report(seconds, "s", check=check)


if __name__ == "__main__":
    main()
