"""Rooms add a tail that decays as asked, and neither delay nor loudness."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from tests.waveform_unet_lru.live_sounds import RATE, bursts
from waveform_unet_lru.live.mixing import power_db
from waveform_unet_lru.live.rooms import impulse_responses, reverberated, room_numbers
from waveform_unet_lru.live.shapes import Room

_HALL = Room(rt60=0.6, tail_db=0.0, delay=0.005, damping=1.0, seed=5.0)
_DRY = Room(rt60=0.2, tail_db=-10.0, delay=0.01, damping=0.6, seed=6.0)


def _voices(rows: int) -> torch.Tensor:
    voices = [bursts(2 * RATE, active=0.7, seed=row) for row in range(rows)]
    return torch.from_numpy(np.stack(voices)).float()


def _decay_seconds(response: torch.Tensor) -> float:
    """Return the time of 60 dB by the slope of the energy that is still to come (Schroeder)."""
    tail = response.double()
    left = 10 * torch.log10(tail.square().flip(0).cumsum(0).flip(0))
    left = left - left[0]
    start, end = (int((left < level).nonzero()[0]) for level in (-5, -25))
    return 3 * (end - start) / RATE


def _band(response: torch.Tensor, low_hz: float, high_hz: float) -> torch.Tensor:
    size = 2 * len(response)  # what rings before the beginning must not come in at the end
    frequencies = torch.fft.rfftfreq(size, 1 / RATE)
    spectrum = torch.fft.rfft(response.double(), size)
    spectrum *= (frequencies >= low_hz) & (frequencies < high_hz)
    return torch.fft.irfft(spectrum, size)[: len(response)]


def test_the_direct_sound_comes_first_and_nothing_before_the_tail() -> None:
    responses = impulse_responses(room_numbers([_HALL, _DRY]), sample_rate=RATE)
    for response, room in zip(responses, (_HALL, _DRY), strict=True):
        first = round(room.delay * RATE)
        assert not response[1:first].any() and response[first : first + 20].any()
        energy = response.double().square()
        assert float(energy.sum()) == pytest.approx(1, abs=1e-4)
        ratio_db = 10 * float(torch.log10(energy[1:].sum() / energy[0]))
        assert ratio_db == pytest.approx(room.tail_db, abs=0.01)


@pytest.mark.parametrize("rt60", [0.2, 0.4, 0.7])
def test_a_tail_falls_by_60_decibels_in_its_time(rt60: float) -> None:
    rooms = [Room(rt60=rt60, delay=0.002, seed=float(seed)) for seed in range(8)]
    responses = impulse_responses(room_numbers(rooms), sample_rate=RATE)
    assert np.mean([_decay_seconds(one[1:]) for one in responses]) == pytest.approx(rt60, rel=0.08)


def test_high_frequencies_die_away_sooner() -> None:
    rooms = [Room(rt60=0.6, delay=0.002, damping=0.6, seed=float(seed)) for seed in range(8)]
    for low_hz, high_hz, expected in ((60, 250, 0.6), (4000, 8000, 0.6**3)):
        responses = impulse_responses(room_numbers(rooms), sample_rate=RATE)
        decays = [_decay_seconds(_band(one[1:], low_hz, high_hz)) for one in responses]
        assert np.mean(decays) == pytest.approx(expected, rel=0.15)


def test_a_voice_in_a_room_is_neither_later_nor_louder() -> None:
    voice = torch.randn(2, 2 * RATE, generator=torch.Generator().manual_seed(0))
    heard = reverberated(voice, room_numbers([_HALL, _DRY]), sample_rate=RATE)
    assert heard.shape == voice.shape and heard.dtype == torch.float32
    for row in range(2):
        likeness = torch.fft.irfft(
            torch.fft.rfft(heard[row]) * torch.fft.rfft(voice[row]).conj(), voice.shape[-1]
        )
        assert int(likeness.argmax()) == 0
        assert abs(float(power_db(heard)[row] - power_db(voice)[row])) < 2


def test_a_room_is_a_convolution_that_does_not_wrap_around() -> None:
    click = torch.zeros(1, RATE // 2)
    click[0, -100] = 1
    heard = reverberated(click, room_numbers([_HALL]), sample_rate=RATE)
    response = impulse_responses(room_numbers([_HALL]), sample_rate=RATE)[0]
    torch.testing.assert_close(heard[0, -100:], response[:100], rtol=0, atol=1e-5)
    assert float(heard[0, :-100].abs().max()) < 1e-5


def test_a_room_does_not_depend_on_the_rooms_beside_it() -> None:
    voice = _voices(3)
    together = reverberated(voice, room_numbers([_HALL, Room(), _DRY]), sample_rate=RATE)
    assert torch.equal(together[1], voice[1])
    for row, room in ((0, _HALL), (2, _DRY)):
        alone = reverberated(voice[row : row + 1], room_numbers([room]), sample_rate=RATE)
        torch.testing.assert_close(together[row], alone[0], rtol=0, atol=1e-6)


def test_seeds_give_tails_that_have_nothing_in_common() -> None:
    rooms = [Room(rt60=0.8, seed=float(seed)) for seed in (0, 1, 2, (1 << 24) - 1)]
    tails = impulse_responses(room_numbers(rooms), sample_rate=RATE)[:, 1:]
    spectra = torch.fft.rfft(tails / tails.norm(dim=-1, keepdim=True), 2 * tails.shape[-1])
    for one, other in combinations(spectra, 2):
        likeness = torch.fft.irfft(one * other.conj())
        assert float(likeness.abs().max()) < 0.2  # however one is shifted against the other
    again = impulse_responses(room_numbers(rooms[2:3]), sample_rate=RATE)[0, 1:]
    torch.testing.assert_close(again, tails[2], rtol=0, atol=1e-7)


def test_silence_stays_silent() -> None:
    heard = reverberated(torch.zeros(1, 5000), room_numbers([_HALL]), sample_rate=RATE)
    assert not heard.any()
