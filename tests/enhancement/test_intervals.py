"""Intervals of mean gains."""

from __future__ import annotations

import numpy as np

from enhancement.evaluation.intervals import interval, table, text


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
    assert [row["snr_db"] for row in rows] == [0.0, 20.0, None]
    mean = np.mean([clip["gain_db"] for clip in clips])
    np.testing.assert_allclose([rows[0]["gain_db"], rows[0]["share_of_oracle"] / 10], mean)
    assert len(text(rows).splitlines()) == 4


def test_the_last_row_is_of_all_clips() -> None:
    loud = [{**clip, "snr_db": 20.0, "gain_db": 1.0} for clip in _clips(30, 5)]
    clips = [*_clips(10, 5), *loud]
    row = table(clips)[-1]
    assert row["snr_db"] is None and row["clips"] == 40
    assert row["gain_db"] == np.mean([clip["gain_db"] for clip in clips])
    assert row["gain_db_interval"] == interval(clips, "gain_db")


def test_without_an_oracle_there_are_no_columns_of_it() -> None:
    clips = _clips(10, 5)
    for clip in clips:
        del clip["oracle_gain_db"]
    rows = table(clips)
    assert not any("oracle" in name for row in rows for name in row)
    head, *lines = text(rows).splitlines()
    assert "oracle" not in head and not any("%" in line for line in lines)
