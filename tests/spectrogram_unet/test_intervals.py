"""Intervals of mean gains."""

from __future__ import annotations

import numpy as np

from spectrogram_unet.intervals import interval, table, text


def _clips(count: int, speakers: int, seed: int = 0) -> list[dict]:
    """Clips whose gain is their speaker's, plus a little."""
    generator = np.random.default_rng(seed)
    of_speaker = generator.standard_normal(speakers)
    return [
        {
            "snr_db": 0.0,
            "speaker": f"s{index % speakers}",
            "noises": [f"n{index}"],
            "noisy_db": 0.0,
            "gain_db": 5 + of_speaker[index % speakers] + 0.01 * generator.standard_normal(),
            "active_gain_db": 4.0,
            "oracle_gain_db": 10.0,
        }
        for index in range(count)
    ]


def test_more_clips_of_the_same_speakers_do_not_narrow_the_interval() -> None:
    few, many = (np.ptp(interval(_clips(count, 6), "gain_db")) for count in (60, 600))
    assert many > 0.8 * few > 0.3


def test_more_speakers_narrow_the_interval() -> None:
    few, many = (np.ptp(interval(_clips(400, speakers), "gain_db")) for speakers in (5, 200))
    assert many < 0.7 * few


def test_table_has_means_and_share_of_the_oracle() -> None:
    clips = [*_clips(10, 5), *({**clip, "snr_db": 20.0} for clip in _clips(10, 5))]
    rows = table(clips)
    assert [row["snr_db"] for row in rows] == [0.0, 20.0]
    mean = np.mean([clip["gain_db"] for clip in clips])
    np.testing.assert_allclose([rows[0]["gain_db"], rows[0]["share_of_oracle"] / 10], mean)
    assert len(text(rows).splitlines()) == 3
