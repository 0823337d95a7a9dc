"""A training run that is killed in mid-epoch and resumed from its checkpoint ends as if it had
never been disturbed."""

import json
import os
import signal
import subprocess
import sys

import pytest

import lamella as torch

# Trains over two epochs, with shuffled data, augmentation and dropout; keeps a checkpoint after
# every fourth step; goes on from the checkpoint that it finds; kills itself after step `last`.
PROGRAM = """
import json, os, random, signal, sys
import lamella as torch
from lamella import nn
from lamella.utils.data import DataLoader, Dataset

num_workers, last, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
checkpoint = os.path.join(folder, "checkpoint.pt")


class Noisy(Dataset):
    def __len__(self):
        return 50

    def __getitem__(self, index):
        point = torch.full((8,), index / 50) + 0.1 * torch.randn(8)
        return index, point, point.sum()


torch.manual_seed(0)
loader = DataLoader(Noisy(), batch_size=4, shuffle=True, num_workers=num_workers)
model = nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.2), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
step, epoch = 0, 0
if os.path.exists(checkpoint):
    state = torch.load(checkpoint)
    step, epoch = state["step"], state["epoch"]
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    loader.load_state_dict(state["loader"])

seen = open(os.path.join(folder, "seen.txt"), "a")
while epoch < 2:
    for indices, x, y in loader:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x)[:, 0], y).backward()
        optimizer.step()
        step += 1
        print(json.dumps([step, epoch, indices.tolist()]), file=seen, flush=True)
        if step % 4 == 0:
            state = {
                "step": step,
                "epoch": epoch,
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "loader": loader.state_dict(),
            }
            torch.save(state, checkpoint)
        if step == last:
            os.kill(os.getpid(), signal.SIGKILL)
    epoch += 1
torch.save(model.state_dict(), os.path.join(folder, "model.pt"))
"""


def train(folder, num_workers: int, last: int) -> int:
    """Run the program; returns its exit status."""
    command = [sys.executable, "-c", PROGRAM, str(num_workers), str(last), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    return done.returncode


def seen(folder) -> list:
    return [json.loads(line) for line in (folder / "seen.txt").read_text().splitlines()]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_run_killed_in_mid_epoch_ends_like_an_undisturbed_one(tmp_path, num_workers) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    undisturbed.mkdir()
    killed.mkdir()
    assert train(undisturbed, num_workers, last=-1) == 0
    # An epoch has 13 steps: killed in the middle of either, two steps and one after a checkpoint.
    for last in (6, 21):
        assert train(killed, num_workers, last) == -signal.SIGKILL
    assert train(killed, num_workers, last=-1) == 0

    steps = seen(killed)
    assert [number for number, _, _ in steps] == [*range(1, 7), *range(5, 22), *range(21, 27)]
    # What came after a checkpoint and was lost with the run comes again, the same.
    lasting = list({step[0]: step for step in steps}.values())
    assert lasting == seen(undisturbed)
    for epoch in range(2):
        indices = [index for _, at, batch in lasting for index in batch if at == epoch]
        assert sorted(indices) == list(range(50))
    resumed = torch.load(os.fspath(killed / "model.pt"))
    for name, weights in torch.load(os.fspath(undisturbed / "model.pt")).items():
        assert torch.equal(weights, resumed[name])
