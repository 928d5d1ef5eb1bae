"""Trains LeNet-5 on the handwritten digits that scikit-learn ships, and keeps a fifth of them aside.

    pip install 'convc[train]' && python examples/lenet5/train.py

Writes the weights beside the zoo's lenet5.conv, which names them, and digits.npz (the held-out images, 8 x 8 pixels of
0 to 16, with their labels) beside this file. Takes about a minute on two cores.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from digits import enlarge
from sklearn.datasets import load_digits
from torch import nn

from convc import zoo
from convc.weights import save_safetensors

HERE = Path(__file__).parent
EPOCHS, BATCH = 60, 64


def lenet5() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip


def shifted(images: torch.Tensor) -> torch.Tensor:
    """Each image moved by up to two pixels each way, so that the network learns shapes and not places."""
    moves = torch.randint(-2, 3, (len(images), 2))
    pairs = zip(images, moves, strict=True)
    return torch.stack([torch.roll(image, tuple(move.tolist()), (1, 2)) for image, move in pairs])


def main() -> None:
    torch.manual_seed(0)
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.images))
    held, kept = order[: len(order) // 5], order[len(order) // 5 :]
    images, labels = torch.from_numpy(enlarge(digits.images[kept])), torch.from_numpy(digits.target[kept])
    test_images, test_labels = torch.from_numpy(enlarge(digits.images[held])), torch.from_numpy(digits.target[held])

    model = lenet5()
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(shifted(images[batch])), labels[batch]).backward()
            optimizer.step()
        schedule.step()
    with torch.no_grad():
        right = (model(test_images).argmax(1) == test_labels).float().mean().item()
    print(f"held-out accuracy: {right:.2%} of {len(held)}")

    layers = {"c1": 0, "c3": 3, "c5": 7, "f6": 9, "output": 11}
    state = {f"{name}.{k}": v.numpy() for name, i in layers.items() for k, v in model[i].state_dict().items()}
    save_safetensors(zoo.find("lenet5").path.with_suffix(".safetensors"), state)
    np.savez_compressed(
        HERE / "digits.npz", images=digits.images[held].astype(np.uint8), labels=digits.target[held].astype(np.uint8)
    )


if __name__ == "__main__":
    main()
