"""The example as a user runs it: on scikit-learn's digits, and with wrong options and files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from sklearn.metrics import confusion_matrix

import lamella as torch

HERE = Path(__file__).resolve().parent

# The mean loss of each epoch's images for training and of those for the test, made by PyTorch 2.13
# on the CPU: this very program, its two imports of lamella changed to torch, with --epochs 2.
PYTORCH_LOSSES = [(1.8935, 0.8777), (0.6169, 0.3394)]


def run(*options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, HERE / "train.py", *options]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True)


def losses(output: str) -> list[tuple[float, float]]:
    found = re.findall(r"training loss (\S+)  test loss (\S+)", output)
    return [(float(training), float(test)) for training, test in found]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The output and the folder of a run with the default options."""
    folder = tmp_path_factory.mktemp("finished")
    done = run("--output", folder)
    assert done.returncode == 0, done.stderr
    return done, folder


@pytest.fixture(scope="module")
def two_epochs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two-epochs")
    done = run("--epochs", 2, "--output", folder)
    assert done.returncode == 0, done.stderr
    return done.stdout, folder / "checkpoint.pt"


@pytest.fixture
def modules(monkeypatch):
    """Lets a test import the example's modules, which lie in no package."""
    monkeypatch.syspath_prepend(HERE)


@pytest.fixture
def refused(modules, monkeypatch, capsys):
    """Runs the program where it must stop; gives what it says, which must be one line."""

    def run_main(*options: object) -> str:
        import train

        monkeypatch.setattr(sys, "argv", ["train.py", *map(str, options)])
        with pytest.raises(SystemExit) as exit_:
            train.main()
        output = capsys.readouterr()
        assert exit_.value.code == 2
        assert output.err.startswith("train.py: error: ")
        assert output.err.count("\n") == 1
        assert "epoch " not in output.out
        return output.err

    return run_main


def test_accuracy_is_at_least_97_percent(finished):
    done, _ = finished
    correct, total = re.search(r"test accuracy .*\((\d+) of (\d+)\)", done.stdout).groups()
    assert int(total) == 360
    assert int(correct) / int(total) >= 0.97


def test_a_pipe_gets_a_line_for_each_epoch_and_no_bar(finished):
    done, _ = finished
    assert len(losses(done.stdout)) == 40
    assert "\r" not in done.stdout
    assert done.stderr == ""


def test_table_has_each_mistake_once(finished):
    done, _ = finished
    correct = int(re.search(r"\((\d+) of 360\)", done.stdout).group(1))
    rows = re.findall(r"^ *(\d+) +(\d) +(\d) +([\d.]+)%$", done.stdout, re.MULTILINE)
    assert len({row[0] for row in rows}) == len(rows) == 360 - correct
    assert all(true != predicted for _, true, predicted, _ in rows)


def test_picture_is_a_large_png(finished):
    _, folder = finished
    height, width, _ = imread(folder / "report.png").shape
    assert width == 1440
    assert height > 700


def test_losses_are_pytorchs(two_epochs):
    output, _ = two_epochs
    np.testing.assert_allclose(losses(output), PYTORCH_LOSSES, atol=1e-3)


def test_network_has_the_parameters_of_its_layers(modules):
    from network import Network

    counts = [parameter.numel() for parameter in Network().parameters()]
    assert counts == [16 * 9, 16, 32 * 16 * 9, 32, 64 * 512, 64, 10 * 64, 10]
    assert Network()(torch.zeros(3, 1, 8, 8)).shape == (3, 10)


def test_resumed_run_equals_an_uninterrupted_one(two_epochs, tmp_path):
    _, checkpoint = two_epochs
    whole = run("--epochs", 3, "--output", tmp_path / "whole")
    resumed = run(
        "--epochs", 3, "--output", tmp_path / "resumed", "--resume", checkpoint, "--workers", 1
    )
    assert resumed.returncode == 0, resumed.stderr
    assert losses(resumed.stdout) == losses(whole.stdout)[2:]
    files = [tmp_path / name / "checkpoint.pt" for name in ("whole", "resumed")]
    first, second = (torch.load(file)["model"] for file in files)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--epochs", "0"], "argument --epochs: 0 is less than 1"),
        (["--epochs", "many"], "argument --epochs: 'many' is not a whole number"),
        (["--batch-size", "-3"], "argument --batch-size: -3 is less than 1"),
        (["--workers", "-1"], "argument --workers: -1 is less than 0"),
        (["--seed", str(2**63)], f"argument --seed: {2**63} is not less than 2**63"),
        (["--lr", "0"], "argument --lr: 0 is not a positive, finite number"),
        (["--lr", "nan"], "argument --lr: nan is not a positive, finite number"),
        (["--lr", "fast"], "argument --lr: 'fast' is not a number"),
        (["--device", "abacus"], "argument --device: cannot use 'abacus'"),
        (["--wings"], "unrecognized arguments: --wings"),
        (["--resume", "some.pt", "--lr", "1"], "--lr and --seed are for a new run"),
    ],
)
def test_bad_option(options, said, refused, tmp_path):
    assert said in refused("--output", tmp_path, *options)


def test_unwritable_folder_stops_before_the_training(refused, tmp_path):
    (tmp_path / "file").touch()
    said = refused("--output", tmp_path / "file" / "folder")
    assert f"argument --output: cannot write to '{tmp_path / 'file' / 'folder'}'" in said


def test_missing_checkpoint(refused, tmp_path):
    said = refused("--output", tmp_path, "--resume", tmp_path / "none.pt")
    assert f"cannot read checkpoint '{tmp_path / 'none.pt'}': No such file" in said


@pytest.mark.parametrize("damage", ["empty", "text", "cut off", "changed byte"])
def test_damaged_checkpoint(damage, refused, two_epochs, tmp_path):
    good = two_epochs[1].read_bytes()
    middle = len(good) // 2
    content = {
        "empty": b"",
        "text": b"hello\n" * 30,
        "cut off": good[:middle],
        "changed byte": good[:middle] + bytes([good[middle] ^ 255]) + good[middle + 1 :],
    }[damage]
    (tmp_path / "bad.pt").write_bytes(content)
    said = refused("--output", tmp_path, "--resume", tmp_path / "bad.pt")
    assert f"'{tmp_path / 'bad.pt'}' is not a checkpoint, or is damaged: " in said


def test_checkpoint_of_another_network_names_the_keys(refused, two_epochs, tmp_path):
    checkpoint = torch.load(two_epochs[1])
    checkpoint["model"]["extra.weight"] = checkpoint["model"].pop("features.0.weight")
    checkpoint["model"]["classifier.4.bias"] = torch.zeros(7)
    torch.save(checkpoint, tmp_path / "other.pt")
    said = refused("--output", tmp_path, "--resume", tmp_path / "other.pt")
    assert "is a checkpoint of another network" in said
    for key in ("features.0.weight", "extra.weight", "classifier.4.bias"):
        assert key in said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"epoch": 3, "weight": torch.zeros(2)}, "lacks losses, model, optimizer, random; it has"),
        (torch.zeros(2), "it holds a Tensor, not a dict"),
    ],
)
def test_file_of_another_program(value, said, refused, tmp_path):
    torch.save(value, tmp_path / "other.pt")
    assert said in refused("--output", tmp_path, "--resume", tmp_path / "other.pt")


def test_checkpoint_that_has_all_the_epochs(refused, two_epochs, tmp_path):
    said = refused("--output", tmp_path, "--epochs", 2, "--resume", two_epochs[1])
    assert "has 2 epochs already: give --epochs 3 or more" in said


@pytest.fixture
def make_result(modules):
    def make(wrong: int):
        """A hundred images of noise, of which the first so many are misread."""
        from report import Result

        random = np.random.default_rng(0)
        true = random.integers(0, 10, 100)
        shift = np.where(np.arange(100) < wrong, random.integers(1, 10, 100), 0)
        return Result(
            index=np.arange(1000, 1100),
            images=random.random((100, 8, 8)),
            true=true,
            predicted=(true + shift) % 10,
            confidence=random.random(100),
        )

    return make


def test_confusion_is_scikit_learns(make_result):
    result = make_result(30)
    expected = confusion_matrix(result.true, result.predicted, labels=range(10))
    np.testing.assert_array_equal(result.confusion(), expected)


def test_mistakes_come_most_confident_first(make_result):
    result = make_result(30)
    mistakes = result.mistakes()
    assert sorted(mistakes) == list(range(30))
    assert (np.diff(result.confidence[mistakes]) <= 0).all()


def test_table_without_mistakes(make_result):
    from report import table_of_mistakes

    assert table_of_mistakes(make_result(0)) == "no mistakes"


@pytest.mark.parametrize("wrong", [0, 1, 10, 11, 60])
def test_picture_of_any_number_of_mistakes(wrong, make_result, tmp_path):
    from report import draw

    draw(make_result(wrong), {"training": [2.0, 0.5], "test": [1.0, 0.4]}, tmp_path / "r.png")
    assert imread(tmp_path / "r.png").shape[1] == 1440
