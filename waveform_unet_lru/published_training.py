"""The training of the published waveform project, with its signature, schedule and files."""

from __future__ import annotations

import io
import math
import os
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader
from tqdm import tqdm

from prepare_data.errors import UserError
from prepare_data.files import explained, write_whole
from waveform_unet_lru.network import UNetLRUAudio
from waveform_unet_lru.published_data import AudioDenoisingDataset

_EPOCHS_PER_CHECKPOINT = 10
_EPOCHS_PER_RATE = 10
_RATE_FACTOR = 0.5


def train_audio_unet_lru(
    noisy_dir: str | os.PathLike[str],
    clean_dir: str | os.PathLike[str],
    epochs: int = 50,
    batch_size: int = 16,
    learning_rate: float = 1e-3,
    *,
    out_dir: str | os.PathLike[str] = ".",
    device: str | torch.device | None = None,
) -> UNetLRUAudio:
    """Train as the published project does: mean squared error, Adam, half the rate every 10 epochs.

    Kept for what is written against it. `python -m waveform_unet_lru train` is the better way: it
    validates, resumes, draws curves and has losses that follow hearing more closely.

    Every 10 epochs it writes `audio_unet_lru_epoch_N.pt` with epoch, model_state_dict,
    optimizer_state_dict and loss, and at the end `audio_unet_lru_final.pt`, the state_dict alone.
    First weights, order and crops come from torch's own generator (`torch.manual_seed`).

    Args:
        noisy_dir: see `AudioDenoisingDataset`.
        clean_dir: see `AudioDenoisingDataset`.
        epochs: how often each pair is seen.
        batch_size: pairs a step.
        learning_rate: of the first 10 epochs.
        out_dir: folder of the files, made if missing; the current one by default.
        device: to train on; by default the accelerator where there is one.

    Returns:
        The trained network, on `device`.

    Raises:
        UserError: if the recordings or the folder cannot be used, or the loss is not finite.
    """
    dataset = AudioDenoisingDataset(noisy_dir, clean_dir)
    out = Path(out_dir)
    with explained(out):
        out.mkdir(parents=True, exist_ok=True)
    network = UNetLRUAudio().to(device or _best_device())
    loader = DataLoader(dataset, batch_size, shuffle=True)
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, _EPOCHS_PER_RATE, _RATE_FACTOR)
    for epoch in range(1, epochs + 1):
        loss = _train_epoch(network, loader, optimiser, f"epoch {epoch}/{epochs}")
        tqdm.write(f"epoch {epoch}/{epochs}  lr {schedule.get_last_lr()[0]:.2g}  loss {loss:.6g}")
        schedule.step()
        if epoch % _EPOCHS_PER_CHECKPOINT == 0:
            content = {
                "epoch": epoch,
                "model_state_dict": network.state_dict(),
                "optimizer_state_dict": optimiser.state_dict(),
                "loss": loss,
            }
            _save(out / f"audio_unet_lru_epoch_{epoch}.pt", content)
    _save(out / "audio_unet_lru_final.pt", network.state_dict())
    return network


def _train_epoch(
    network: UNetLRUAudio,
    loader: DataLoader[Any],
    optimiser: torch.optim.Optimizer,
    name: str,
) -> float:
    """Return the mean loss over the samples."""
    total, samples = 0.0, 0
    device = network.final.weight.device
    bar = tqdm(loader, name, leave=False, disable=None)
    for noisy, clean in bar:
        optimiser.zero_grad()
        loss = mse_loss(network(noisy[:, None].to(device)), clean[:, None].to(device))
        loss.backward()
        optimiser.step()
        total += loss.item() * len(noisy)
        samples += len(noisy)
        bar.set_postfix(loss=total / samples)
    if not math.isfinite(total):
        raise UserError(
            f"the loss of {name} is not finite; lower learning_rate, or look for recordings that "
            "hold samples that are not numbers."
        )
    return total / samples


def _save(path: Path, content: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_whole(path, buffer.getvalue())


def _best_device() -> torch.device:
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
