"""The command line of train.py: what each option may be, and one line for what it may not."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import NoReturn

import lamella as torch

LEARNING_RATE = 2e-3
SEED = 0


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line on stderr and the exit status 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())}\n")


def whole_number(least: int) -> Callable[[str], int]:
    """What reads an option that is a whole number, ``least`` or more."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is less than {least}")
        # Seeds and sizes are kept in 64 bits.
        if value >= 2**63:
            raise argparse.ArgumentTypeError(f"{value} is not less than 2**63")
        return value

    return read


def learning_rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a positive, finite number")
    return value


def usable_device(text: str) -> torch.device:
    # Whether a device can be used shows only when a number has been there and back.
    try:
        device = torch.device(text)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise argparse.ArgumentTypeError(f"cannot use {text!r}: {reason}") from None
    return device


def make_parser(description: str) -> Parser:
    parser = Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    at_least_0, at_least_1 = whole_number(0), whole_number(1)

    def add(name: str, metavar: str, **rest: object) -> None:
        parser.add_argument(name, metavar=metavar, **rest)

    add("--epochs", "N", type=at_least_1, default=40, help="epochs in all (40)")
    add("--batch-size", "N", type=at_least_1, default=32, help="images in a step (32)")
    add("--lr", "RATE", type=learning_rate, help=f"first learning rate ({LEARNING_RATE})")
    add("--seed", "N", type=at_least_0, help=f"seed of weights, order and dropout ({SEED})")
    add("--output", "DIR", type=Path, default="digits-output", help="for files (digits-output)")
    add("--resume", "CHECKPOINT", type=Path, help="go on with the run that was saved there")
    add("--workers", "N", type=at_least_0, default=0, help="processes that load batches (0)")
    add("--device", "DEVICE", type=usable_device, default="cpu", help="cpu, cuda, cuda:1 (cpu)")
    return parser


def read_options(parser: Parser) -> argparse.Namespace:
    """The options, after the folder for the output was made and tried."""
    options = parser.parse_args()
    if options.resume is None:
        options.lr = LEARNING_RATE if options.lr is None else options.lr
        options.seed = SEED if options.seed is None else options.seed
    elif options.lr is not None or options.seed is not None:
        parser.error("--lr and --seed are for a new run; --resume goes on with the saved ones")
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=options.output):
            pass
    except OSError as error:
        parser.error(f"argument --output: cannot write to '{options.output}': {error.strerror}")
    return options
