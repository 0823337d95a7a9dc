"""Small `a + b`: two float32 tensors of shape (2, 3), with or without a gradient to record."""

from __future__ import annotations

from measure import load, read_arguments, report, seconds_per_round


def main() -> None:
    arguments = read_arguments(__doc__, variants=("no-grad", "grad"))
    torch = load(arguments.framework)
    torch.manual_seed(0)
    a = torch.randn(2, 3, requires_grad=arguments.variant == "grad")
    b = torch.randn(2, 3)

    def rounds(count: int) -> None:
        for _ in range(count):
            _ = a + b

    check = (a + b).sum().item()
    report(seconds_per_round(rounds), "s", check=check)


if __name__ == "__main__":
    main()
