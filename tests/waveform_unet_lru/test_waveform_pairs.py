"""The data set of recordings in pairs: stretches, padding, pairing, damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from prepare_data.errors import UserError
from tests.waveform_unet_lru.waveform_pairs import RATE, write_pairs
from waveform_unet_lru.dataset import WaveformPairs

_SECONDS = 0.125  # 2000 samples


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_whole_recordings_are_what_is_in_the_files(tmp_path: Path, suffix: str) -> None:
    pairs = WaveformPairs(write_pairs(tmp_path, [3000, 5000], suffix=suffix))
    assert len(pairs) == 2 and pairs.sample_rate == RATE
    for index, name in enumerate(("000000", "000001")):
        item = pairs[index]
        assert item["id"] == name
        for key, kind in (("noisy", "noisy_voice"), ("voice", "voice")):
            expected, _ = soundfile.read(tmp_path / kind / f"{name}{suffix}", dtype="float32")
            assert item[key].dtype == torch.float32
            np.testing.assert_array_equal(item[key], expected)


def test_stretches_are_the_same_of_both_and_change_with_epoch_and_index(tmp_path: Path) -> None:
    pairs = WaveformPairs(write_pairs(tmp_path, [6000] * 3), segment_seconds=_SECONDS, seed=1)
    assert pairs.segment_samples == 2000
    whole = WaveformPairs(tmp_path)
    starts = []
    for epoch in range(4):
        pairs.set_epoch(epoch)
        for index in range(3):
            item, full = pairs[index], whole[index]
            windows = full["noisy"].unfold(0, 2000, 1)
            start = int((windows == item["noisy"]).all(1).nonzero()[0])
            assert torch.equal(item["voice"], full["voice"][start : start + 2000])
            starts.append(start)
    assert len(set(starts)) > 9


def test_stretches_depend_on_seed_epoch_and_index_alone(tmp_path: Path) -> None:
    write_pairs(tmp_path, [6000] * 3)

    def item(seed: int, *, before: int) -> torch.Tensor:
        pairs = WaveformPairs(tmp_path, segment_seconds=_SECONDS, seed=seed)
        for index in range(before):
            pairs[index]
        pairs.set_epoch(2)
        return pairs[1]["noisy"]

    assert torch.equal(item(0, before=0), item(0, before=3))
    assert not torch.equal(item(0, before=0), item(1, before=0))


def test_shorter_recordings_end_in_zeros(tmp_path: Path) -> None:
    write_pairs(tmp_path, [1500])
    item = WaveformPairs(tmp_path, segment_seconds=_SECONDS)[0]
    full = WaveformPairs(tmp_path)[0]
    for kind in ("noisy", "voice"):
        assert torch.equal(item[kind][:1500], full[kind])
        assert item[kind].shape == (2000,) and not item[kind][1500:].any()


def test_recordings_without_a_partner_are_named(tmp_path: Path) -> None:
    write_pairs(tmp_path, [2000] * 3)
    (tmp_path / "voice" / "000001.wav").unlink()
    with pytest.warns(UserWarning, match="000001"):
        assert len(WaveformPairs(tmp_path)) == 2


def test_another_sample_rate_is_named(tmp_path: Path) -> None:
    write_pairs(tmp_path, [2000] * 2)
    path = tmp_path / "voice" / "000001.wav"
    soundfile.write(path, np.zeros(2000), 8000)
    with pytest.raises(UserError, match=r"voice/000001\.wav has 8000 Hz .* 16000"):
        WaveformPairs(tmp_path)


def test_pairs_of_different_lengths_are_named(tmp_path: Path) -> None:
    write_pairs(tmp_path, [2000] * 2)
    soundfile.write(tmp_path / "voice" / "000001.wav", np.zeros(1999), RATE)
    with pytest.raises(UserError, match=r"000001\.wav has 2000 samples .* 1999"):
        WaveformPairs(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no sound at all"])
def test_damaged_recordings_are_named(tmp_path: Path, content: bytes) -> None:
    write_pairs(tmp_path, [2000] * 2)
    (tmp_path / "noisy_voice" / "000001.wav").write_bytes(content)
    with pytest.raises(UserError, match=r"noisy_voice/000001\.wav cannot be used"):
        WaveformPairs(tmp_path)


def test_recording_without_samples_is_named(tmp_path: Path) -> None:
    write_pairs(tmp_path, [2000])
    soundfile.write(tmp_path / "voice" / "000000.wav", np.zeros(0), RATE)
    with pytest.raises(UserError, match=r"voice/000000\.wav .*no sound"):
        WaveformPairs(tmp_path)


def test_damage_behind_the_header_is_named_when_the_stretch_is_read(tmp_path: Path) -> None:
    write_pairs(tmp_path, [60_000], suffix=".flac")
    path = tmp_path / "voice" / "000000.flac"
    path.write_bytes(path.read_bytes()[:20_000])
    pairs = WaveformPairs(tmp_path)
    with pytest.raises(UserError, match=r"voice/000000\.flac cannot be used \(.*damaged"):
        pairs[0]


def test_recording_that_became_shorter_is_named_rather_than_filled_with_zeros(
    tmp_path: Path,
) -> None:
    pairs = WaveformPairs(write_pairs(tmp_path, [4000]))
    path = tmp_path / "voice" / "000000.wav"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(UserError, match=r"voice/000000\.wav .*breaks off"):
        pairs[0]
