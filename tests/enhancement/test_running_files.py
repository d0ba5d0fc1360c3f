"""Denoising files: what goes in comes out, in shape, format and level, or a reason is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from enhancement.denoiser import Denoiser
from prepare_data.audio_io import read_blocks
from tests.enhancement.file_runs import RATE, Mapped, denoise, noise, read


class Regrouped(Denoiser):
    """Half as loud, and in blocks of its own size, which come late."""

    name = "regrouped"

    def denoise_blocks(
        self, blocks: Iterable[np.ndarray], sample_rate: int
    ) -> Iterator[np.ndarray]:
        waiting = np.zeros((0, 1), np.float32)
        for block in blocks:
            block *= 0.5  # in place, as a model may
            waiting = np.concatenate([waiting, block]) if len(waiting) else block.copy()
            while len(waiting) > 9000:
                yield waiting[:777]
                waiting = waiting[777:]
        yield waiting


def write_with_ffmpeg(path: Path, codec: str, rate: int, layout: str = "mono") -> bool:
    """Encode a second of tone; False where this FFmpeg has no such encoder."""
    import av

    try:
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=rate, layout=layout)
            tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
            channels = 2 if layout == "stereo" else 1
            samples = np.repeat((tone * 32767).astype(np.int16), channels)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
            frame.sample_rate = rate
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except (av.FFmpegError, ValueError):
        return False
    return True


@pytest.mark.parametrize(
    ("name", "options", "channels", "rate"),
    [
        ("a.wav", {"subtype": "PCM_U8"}, 1, 8000),
        ("a.wav", {"subtype": "PCM_16"}, 2, 48000),
        ("a.wav", {"subtype": "PCM_24"}, 6, 44100),
        ("a.wav", {"subtype": "PCM_32"}, 1, 16000),
        ("a.wav", {"subtype": "FLOAT"}, 1, 22050),
        ("a.flac", {"subtype": "PCM_24"}, 2, 96000),
        ("a.ogg", {}, 2, 44100),
        ("a.opus", {"format": "OGG", "subtype": "OPUS"}, 1, 48000),
        ("a.mp3", {}, 2, 32000),
        ("a.aiff", {}, 1, 11025),
    ],
)
def test_format_rate_channels_and_length_are_the_inputs(
    name: str,
    options: dict[str, str],
    channels: int,
    rate: int,
    tmp_path: Path,
    use: Callable[[Denoiser], None],
) -> None:
    use(Mapped())
    source, out = tmp_path / name, tmp_path / "out"
    soundfile.write(source, noise(0.7, channels, rate), rate, **options)
    assert denoise(source, "--out", out) == 0
    before, after = soundfile.info(source), soundfile.info(out / name)
    for what in ("format", "subtype", "samplerate", "channels", "frames"):
        assert getattr(after, what) == getattr(before, what), what
    if before.subtype.startswith(("PCM", "FLOAT")):
        np.testing.assert_array_equal(read(out / name), read(source))
    assert [path.name for path in out.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "codec", "rate", "layout"),
    [
        ("a.m4a", "aac", 44100, "stereo"),
        ("a.3gp", "libopencore_amrnb", 8000, "mono"),
        ("a.webm", "libopus", 48000, "mono"),
    ],
)
def test_what_only_ffmpeg_reads_becomes_wav_and_says_so(
    name: str,
    codec: str,
    rate: int,
    layout: str,
    tmp_path: Path,
    use: Callable[[Denoiser], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = tmp_path / name
    if not write_with_ffmpeg(source, codec, rate, layout):
        pytest.skip(f"this FFmpeg cannot encode {codec}")
    use(Mapped())
    assert denoise(source, "--out", tmp_path / "out") == 0
    assert "written as WAV" in capsys.readouterr().out
    expected = np.concatenate([block for block, _ in read_blocks(source)])
    result = soundfile.info(tmp_path / "out/a.wav")
    assert (result.samplerate, result.channels) == (rate, expected.shape[1])
    np.testing.assert_allclose(read(tmp_path / "out/a.wav"), expected, atol=0.51 / 32768)


def test_folders_keep_their_structure_and_bad_files_are_named(
    tmp_path: Path, use: Callable[[Denoiser], None], capsys: pytest.CaptureFixture[str]
) -> None:
    use(Mapped())
    (tmp_path / "in/deep").mkdir(parents=True)
    soundfile.write(tmp_path / "in/deep/good.wav", noise(), RATE)
    soundfile.write(tmp_path / "in/empty.wav", np.zeros(0), RATE)
    holes = noise(channels=2)
    holes[4000, 1] = np.nan
    soundfile.write(tmp_path / "in/holes.wav", holes, RATE, "FLOAT")
    (tmp_path / "in/text.mp3").write_text("no sound")
    assert denoise(tmp_path / "in", "--out", tmp_path / "out") == 1
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert files == [tmp_path / "out/deep/good.wav"]
    printed = capsys.readouterr().out
    assert "denoised 1 file" in printed
    assert "skipped (3)" in printed
    assert "holes.wav: holds samples that are not numbers" in printed
    assert "0.250 s in channel 2" in printed
    assert "empty.wav: holds no sound" in printed
    assert "text.mp3: not sound" in printed


def test_results_are_kept_unless_overwritten(
    tmp_path: Path, use: Callable[[Denoiser], None], capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(tmp_path / "a.wav", noise(), RATE)
    arguments = (tmp_path / "a.wav", "--out", tmp_path / "out")
    use(Mapped())
    assert denoise(*arguments) == 0
    first = read(tmp_path / "out/a.wav")
    use(Mapped(lambda block: 0.5 * block))
    assert denoise(*arguments) == 0
    assert "kept 1 result" in capsys.readouterr().out
    np.testing.assert_array_equal(read(tmp_path / "out/a.wav"), first)
    assert denoise(*arguments, "--overwrite") == 0
    np.testing.assert_allclose(read(tmp_path / "out/a.wav"), first / 2, atol=0.51 / 32768)


def test_wrong_use_is_one_sentence_and_exit_code_2(
    tmp_path: Path, use: Callable[[Denoiser], None], capsys: pytest.CaptureFixture[str]
) -> None:
    use(Mapped())
    soundfile.write(tmp_path / "a.wav", noise(), RATE)
    original = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "file").write_text("")
    wrong: list[list[object]] = [
        [tmp_path / "nowhere"],
        [tmp_path / "a.wav", "--out", tmp_path / "file"],
        [tmp_path / "a.wav", "--out", tmp_path, "--overwrite"],
        [tmp_path / "a.wav", "--mix", "2"],
        [tmp_path / "a.wav", "--mix", "much"],
        [],
    ]
    for arguments in wrong:
        assert denoise(*arguments) == 2
        printed = capsys.readouterr()
        assert not printed.out
        assert len(printed.err.strip().splitlines()) == 1
    assert (tmp_path / "a.wav").read_bytes() == original
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "file"]


def test_mixing_back_is_aligned_whatever_blocks_a_model_gives(
    tmp_path: Path, use: Callable[[Denoiser], None]
) -> None:
    use(Regrouped())
    audio = noise(25, 2)  # more than two blocks of reading
    soundfile.write(tmp_path / "a.wav", audio, RATE, "FLOAT")
    arguments = (tmp_path / "a.wav", "--overwrite", "--out", tmp_path / "out")
    for options, gain in (
        ((), 0.5),
        (("--mix", 0.4), 0.8),
        (("--attenuation-limit-db", 6), 0.7506),
    ):
        assert denoise(*arguments, *options) == 0
        np.testing.assert_allclose(read(tmp_path / "out/a.wav"), gain * audio, atol=1e-4)


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_a_result_that_would_clip_is_turned_down_with_a_message(
    subtype: str,
    tmp_path: Path,
    use: Callable[[Denoiser], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    use(Mapped(lambda block: 4 * block))
    audio = noise(1)
    audio *= 0.5 / np.abs(audio).max()
    soundfile.write(tmp_path / "a.wav", audio, RATE, subtype)
    assert denoise(tmp_path / "a.wav", "--out", tmp_path / "out") == 0
    np.testing.assert_allclose(read(tmp_path / "out/a.wav"), 2 * audio, atol=3 / 32768)
    assert "by 6.0" in capsys.readouterr().out


def test_what_was_beyond_full_scale_stays_as_it_was(
    tmp_path: Path, use: Callable[[Denoiser], None], capsys: pytest.CaptureFixture[str]
) -> None:
    use(Mapped())
    audio = noise(rms=0.8)
    soundfile.write(tmp_path / "float.wav", audio, RATE, "FLOAT")
    soundfile.write(tmp_path / "clipped.wav", audio, RATE, "PCM_16")
    assert denoise(tmp_path / "float.wav", tmp_path / "clipped.wav", "--out", tmp_path / "o") == 0
    for name in ("float.wav", "clipped.wav"):
        np.testing.assert_array_equal(read(tmp_path / "o" / name), read(tmp_path / name))
    assert "turned down" not in capsys.readouterr().out


def test_levels_are_brought_to_what_was_asked_with_channels_in_balance(
    tmp_path: Path, use: Callable[[Denoiser], None]
) -> None:
    use(Mapped())
    audio = noise(3, 2) * np.array([1, 0.1], np.float32)
    soundfile.write(tmp_path / "a.wav", audio, RATE, "FLOAT")
    options = ("--out", tmp_path / "o", "--normalize-dbfs", -30)
    assert denoise(tmp_path / "a.wav", *options) == 0
    result = read(tmp_path / "o/a.wav")
    # Steady noise is always active: its level is its RMS.
    assert 10 * np.log10(np.mean(result**2)) == pytest.approx(-30, abs=0.3)
    assert np.std(result[:, 0]) / np.std(result[:, 1]) == pytest.approx(10, rel=0.05)


def test_highpass_is_applied_after_denoising(
    tmp_path: Path, use: Callable[[Denoiser], None]
) -> None:
    use(Mapped(lambda block: block + np.float32(0.25)))
    soundfile.write(tmp_path / "a.wav", noise(), RATE)
    assert denoise(tmp_path / "a.wav", "--out", tmp_path / "o", "--highpass", 80) == 0
    assert abs(float(read(tmp_path / "o/a.wav").mean())) < 0.003


def test_silence_stays_silence_in_each_channel(
    tmp_path: Path, use: Callable[[Denoiser], None]
) -> None:
    use(Mapped(lambda block: block + 0.01 * np.sin(np.arange(len(block)))[:, None]))
    half = noise(channels=2) * np.array([0, 1], np.float32)
    soundfile.write(tmp_path / "half.wav", half, RATE)
    soundfile.write(tmp_path / "none.flac", np.zeros(8000), RATE)
    options = ("--out", tmp_path / "o", "--normalize-dbfs", -20, "--highpass", 50)
    assert denoise(tmp_path / "half.wav", tmp_path / "none.flac", *options) == 0
    assert not read(tmp_path / "o/none.flac").any()
    assert not read(tmp_path / "o/half.wav")[:, 0].any()
    assert read(tmp_path / "o/half.wav")[:, 1].any()
