"""The product of two float32 matrices of 1024 rows and columns."""

from __future__ import annotations

from measure import load, read_arguments, report, seconds_per_round


def main() -> None:
    arguments = read_arguments(__doc__)
    torch = load(arguments.framework)
    torch.manual_seed(0)
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)

    def rounds(count: int) -> None:
        for _ in range(count):
            _ = a @ b

    report(seconds_per_round(rounds), "s", check=(a @ b).abs().mean().item())


if __name__ == "__main__":
    main()
