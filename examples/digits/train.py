"""Train a small convolutional network on scanned digits and report what it gets wrong.

The data are the 1,797 digits, 8x8 pixels each, that ship inside scikit-learn; a fifth of
them is kept for the test. After each epoch the run is saved in checkpoint.pt, and --resume
goes on from there.
"""

from __future__ import annotations

import time
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
from network import Network
from options import make_parser, read_options
from report import Result, draw, table_of_mistakes
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import lamella as torch
from lamella import nn
from lamella.utils import data

# Not --seed: every run is tested on the same images, and a resumed run never on an image that it
# was trained on.
SPLIT_SEED = 0
# Each epoch's learning rate, as a share of the one before.
DECAY = 0.95


class InputError(Exception):
    """A file that the user named is not what it should be."""


class Run:
    """A network in training: what a checkpoint holds."""

    def __init__(self, device: torch.device, lr: float = 1e-3) -> None:
        self.device = device
        self.model = Network().to(device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.epoch = 0
        # The mean loss of each epoch so far, on the images for training and on those for the test.
        self.losses: dict[str, list[float]] = {"training": [], "test": []}

    def save(self, path: Path) -> None:
        checkpoint = {
            "epoch": self.epoch,
            "losses": self.losses,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
        }
        torch.save(checkpoint, path)

    def load(self, path: Path) -> None:
        checkpoint = read_checkpoint(path)
        try:
            self.epoch = checkpoint["epoch"]
            self.losses = checkpoint["losses"]
            self.model.load_state_dict(checkpoint["model"])
            self.optimizer.load_state_dict(checkpoint["optimizer"])
            torch.set_rng_state(checkpoint["random"])
        except (RuntimeError, ValueError) as error:
            raise InputError(f"'{path}' is a checkpoint of another network: {error}") from None

    def train_epoch(self, loader: data.DataLoader, title: str) -> None:
        """Goes through the images once, then lowers the learning rate."""
        self.model.train()
        total = 0.0
        # disable=None: a bar on a terminal only, not in a file or a pipe.
        with tqdm(loader, desc=title, unit="step", leave=False, disable=None) as bar:
            for images, labels in bar:
                images, labels = images.to(self.device), labels.to(self.device)
                self.optimizer.zero_grad()
                loss = nn.functional.cross_entropy(self.model(images), labels)
                loss.backward()
                self.optimizer.step()
                total += loss.item() * len(labels)
                bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
        for group in self.optimizer.param_groups:
            group["lr"] *= DECAY
        self.epoch += 1
        self.losses["training"].append(total / len(loader.dataset))

    @torch.no_grad()
    def scores(self, images: torch.Tensor) -> torch.Tensor:
        """A score for each image and digit, on the CPU."""
        self.model.eval()
        return self.model(images.to(self.device)).cpu()


def read_checkpoint(path: Path) -> dict[str, Any]:
    try:
        # On the CPU, where the random state belongs; load_state_dict moves the rest.
        checkpoint = torch.load(path, map_location="cpu")
    except OSError as error:
        raise InputError(f"cannot read checkpoint '{path}': {error.strerror}") from None
    except Exception as error:
        # A damaged file can fail at any step of its decoding, each with an exception of its own.
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(f"'{path}' is not a checkpoint, or is damaged: {reason}") from None
    needed = ("epoch", "losses", "model", "optimizer", "random")
    if not isinstance(checkpoint, dict):
        found = f"it holds a {type(checkpoint).__name__}, not a dict"
    elif missing := [key for key in needed if key not in checkpoint]:
        found = f"it lacks {', '.join(missing)}; it has {', '.join(map(str, checkpoint))}"
    else:
        return checkpoint
    raise InputError(f"'{path}' is not a checkpoint of this program: {found}")


def read_digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Images of shape (1797, 1, 8, 8) with values from 0 to 1, and the digits that they show."""
    digits = load_digits()
    images = torch.from_numpy(digits.images.astype(np.float32) / 16).unsqueeze(1)
    return images, torch.from_numpy(digits.target.astype(np.int64))


def prepare(options: Namespace) -> Run:
    """A new run, or the one that --resume names."""
    if options.resume is None:
        torch.manual_seed(options.seed)
        return Run(options.device, options.lr)
    run = Run(options.device)
    run.load(options.resume)
    if run.epoch >= options.epochs:
        raise InputError(
            f"'{options.resume}' has {run.epoch} epochs already: "
            f"give --epochs {run.epoch + 1} or more to go on"
        )
    return run


def train(run: Run, options: Namespace) -> Result:
    """Trains until --epochs; gives what the last checkpoint's network says of the test images."""
    images, labels = read_digits()
    chosen, held_out = train_test_split(
        np.arange(len(labels)), test_size=0.2, stratify=labels.numpy(), random_state=SPLIT_SEED
    )
    loader = data.DataLoader(
        data.TensorDataset(images[chosen], labels[chosen]),
        batch_size=options.batch_size,
        shuffle=True,
        num_workers=options.workers,
    )
    test_images, test_labels = images[held_out], labels[held_out]
    checkpoint = options.output / "checkpoint.pt"

    print(f"{len(chosen)} images for training, {len(held_out)} for the test")
    while run.epoch < options.epochs:
        begin = time.perf_counter()
        run.train_epoch(loader, f"epoch {run.epoch + 1}/{options.epochs}")
        scores = run.scores(test_images)
        run.losses["test"].append(nn.functional.cross_entropy(scores, test_labels).item())
        run.save(checkpoint)
        accuracy = (scores.argmax(1) == test_labels).float().mean().item()
        print(
            f"epoch {run.epoch:3}/{options.epochs}  "
            f"training loss {run.losses['training'][-1]:.4f}  "
            f"test loss {run.losses['test'][-1]:.4f}  test accuracy {accuracy:7.2%}  "
            f"{time.perf_counter() - begin:.1f} s",
            flush=True,
        )

    loaded = Run(options.device)
    loaded.load(checkpoint)
    again = loaded.scores(test_images)
    if not torch.equal(again.argmax(1), scores.argmax(1)):
        raise RuntimeError(f"the network loaded from {checkpoint} differs from the one trained")
    print(f"{checkpoint} loaded into a new network: it reads every test image the same")
    confidence, predicted = again.softmax(1).max(1)
    return Result(
        index=held_out,
        images=test_images.squeeze(1).numpy(),
        true=test_labels.numpy(),
        predicted=predicted.numpy(),
        confidence=confidence.numpy(),
    )


def main() -> None:
    parser = make_parser(__doc__)
    options = read_options(parser)
    try:
        run = prepare(options)
        result = train(run, options)
        picture = options.output / "report.png"
        draw(result, run.losses, picture)
    except (InputError, OSError) as error:
        parser.error(str(error))
    print(f"test accuracy {result.accuracy:.2%} ({result.correct} of {len(result.true)})")
    print(table_of_mistakes(result))
    print(f"picture: {picture}")


if __name__ == "__main__":
    main()
