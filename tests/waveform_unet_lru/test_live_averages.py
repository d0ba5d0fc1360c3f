"""The live model's running averages: what they are, and that they go on where they stopped."""

import math

import torch

from waveform_unet_lru.live.averages import RunningAverages


def magnitudes(frames: int) -> torch.Tensor:
    return torch.rand(frames, 2, 5, generator=torch.Generator().manual_seed(0))


def test_each_average_forgets_at_its_own_rate() -> None:
    averages = RunningAverages(3, 62.5)
    x = magnitudes(40)
    with torch.no_grad():
        result, after = averages(x, None)
    for index, seconds in enumerate((0.02, math.sqrt(0.02 * 4), 4.0)):
        decay = math.exp(-1 / (62.5 * seconds))
        expected = torch.zeros(2, 5, dtype=torch.float64)
        for frame, each in enumerate(x.double()):
            expected = decay * expected + (1 - decay) * each
            torch.testing.assert_close(
                result[frame, ..., index].double(), expected, rtol=1e-5, atol=1e-7
            )
    torch.testing.assert_close(after, result[-1], rtol=0, atol=0)


def test_stretches_with_the_state_carried_equal_the_whole() -> None:
    averages = RunningAverages(4, 62.5)
    x = magnitudes(300)
    state, parts = None, []
    with torch.no_grad():
        whole, _ = averages(x, None)
        for part in x.split([1, 7, 200, 92]):
            result, state = averages(part, state)
            parts.append(result)
    torch.testing.assert_close(torch.cat(parts), whole, rtol=0, atol=1e-6)


def test_what_stays_the_same_is_its_own_average_in_the_end() -> None:
    averages = RunningAverages(4, 62.5)
    with torch.no_grad():
        result, _ = averages(torch.full((5000, 1, 1), 0.25), None)
    torch.testing.assert_close(result[-1], torch.full((1, 1, 4), 0.25), rtol=1e-5, atol=0)
