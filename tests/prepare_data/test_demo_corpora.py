"""The built-in corpora sound as they claim to, and come out the same every time."""

from itertools import combinations
from pathlib import Path
from typing import TypeAlias

import librosa
import numpy as np
import pytest
import scipy.signal
import soundfile
from numpy.typing import NDArray

from prepare_data import demo_noise, demo_speech
from prepare_data.demo_noise import write_demo_noise
from prepare_data.demo_speech import write_demo_speech

SAMPLE_RATE = 16_000
ESC50_CATEGORIES = """
dog rooster pig cow frog cat hen insects sheep crow rain sea_waves crackling_fire crickets
chirping_birds water_drops wind pouring_water toilet_flush thunderstorm crying_baby sneezing
clapping breathing coughing footsteps laughing brushing_teeth snoring drinking_sipping
door_wood_knock mouse_click keyboard_typing door_wood_creaks can_opening washing_machine
vacuum_cleaner clock_alarm clock_tick glass_breaking helicopter chainsaw siren car_horn engine
train church_bells airplane fireworks hand_saw
"""

Audio: TypeAlias = NDArray[np.float64]
Corpus: TypeAlias = dict[str, list[Audio]]


@pytest.fixture(scope="session")
def speech_folder(demo_speech: Path) -> Path:
    return demo_speech


@pytest.fixture(scope="session")
def noise_folder(demo_noise: Path) -> Path:
    return demo_noise


@pytest.fixture(scope="session")
def speech(speech_folder: Path) -> Corpus:
    return _read(speech_folder)


@pytest.fixture(scope="session")
def noise(noise_folder: Path) -> Corpus:
    return _read(noise_folder)


def _read(folder: Path) -> Corpus:
    return {
        home.name: [soundfile.read(path)[0] for path in sorted(home.iterdir())]
        for home in sorted(folder.iterdir())
    }


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.wav"))}


def _frame_levels_db(audio: Audio, seconds: float) -> Audio:
    size = int(seconds * SAMPLE_RATE)
    frames = audio[: len(audio) // size * size].reshape(-1, size)
    return 10 * np.log10(np.mean(frames**2, axis=1) + 1e-20)


def _active_level_db(audio: Audio) -> float:
    levels = _frame_levels_db(audio, 0.032)
    return float(10 * np.log10(np.mean(10 ** (levels[levels > levels.max() - 25] / 10))))


def _quiet_stretches(audio: Audio, gate_db: float) -> list[Audio]:
    """Return the stretches of at least 0.15 s that stay under the gate, edges of 20 ms cut."""
    quiet = np.concatenate([[False], _frame_levels_db(audio, 0.01) < gate_db, [False]])
    starts, ends = np.flatnonzero(np.diff(quiet.astype(int))).reshape(-1, 2).T
    return [
        audio[(start + 2) * 160 : (end - 2) * 160]
        for start, end in zip(starts, ends, strict=True)
        if end - start >= 15
    ]


def _median_pitch_hz(utterances: list[Audio]) -> float:
    pitches = []
    for audio in utterances:
        frames = librosa.util.frame(audio, frame_length=1024, hop_length=512)
        loud = np.sum(frames**2, axis=0)
        pitch = librosa.yin(
            audio,
            fmin=65,
            fmax=400,
            sr=SAMPLE_RATE,
            frame_length=1024,
            hop_length=512,
            center=False,
        )
        pitches.append(pitch[loud > loud.max() / 30])
    return float(np.median(np.concatenate(pitches)))


def _modulation_peak_hz(utterances: list[Audio]) -> float:
    """Return the third-octave band with the strongest modulation of the intensity envelope."""
    power = np.zeros(1025)
    for audio in utterances:
        envelope = np.sqrt(10 ** (_frame_levels_db(audio, 0.01) / 10))
        envelope = (envelope / np.mean(envelope) - 1) * np.hanning(len(envelope))
        power += np.abs(np.fft.rfft(envelope, 2048)) ** 2 / len(envelope)
    rates = np.arange(1025) * 100 / 2048
    centres: Audio = 2 ** np.arange(-1, 5.01, 1 / 3)
    bands = [power[(rates >= c / 2 ** (1 / 6)) & (rates < c * 2 ** (1 / 6))].sum() for c in centres]
    return float(centres[np.argmax(bands)])


def _formants_hz(audio: Audio) -> list[list[float]]:
    """Return the narrow resonances under 4.2 kHz in each of the louder frames."""
    emphasised = scipy.signal.lfilter([1, -0.95], [1], audio)
    frames = librosa.util.frame(emphasised, frame_length=512, hop_length=512).T
    power = np.sum(frames**2, axis=1)
    found = []
    for frame in frames[power > np.percentile(power, 60)]:
        roots = np.roots(librosa.lpc(frame * np.hamming(512), order=18))
        roots = roots[(roots.imag > 0) & (np.abs(roots) > 0.9)]
        hertz = np.sort(np.angle(roots)) * SAMPLE_RATE / (2 * np.pi)
        found.append([float(f) for f in hertz if 150 < f < 4200])
    return found


def _third_octaves_db(audio: Audio) -> Audio:
    frequencies, power = scipy.signal.welch(audio, SAMPLE_RATE, nperseg=2048)
    edges = 100 * 2 ** (np.arange(19) / 3)
    shares = np.histogram(frequencies, edges, weights=power)[0]
    return 10 * np.log10(shares / shares.sum() + 1e-6)


def test_twelve_voices_say_ten_utterances_each(speech_folder: Path, speech: Corpus) -> None:
    assert len(speech) == 12
    for voice, utterances in speech.items():
        assert len(utterances) == 10
        assert all(3 <= len(audio) / SAMPLE_RATE <= 8 for audio in utterances)
        names = sorted(path.name for path in (speech_folder / voice).iterdir())
        assert names == [f"{voice}_{number:02d}.wav" for number in range(1, 11)]


def test_fourteen_noise_categories_have_six_sources_each(noise_folder: Path, noise: Corpus) -> None:
    assert len(noise) == 14
    assert set(noise) <= set(ESC50_CATEGORIES.split())
    for category, sources in noise.items():
        assert all(6 <= len(audio) / SAMPLE_RATE <= 10 for audio in sources)
        names = sorted(path.name for path in (noise_folder / category).iterdir())
        assert names == [f"{category}_{number:02d}.wav" for number in range(1, 7)]


def test_files_are_mono_16_bit_at_16_khz(speech_folder: Path, noise_folder: Path) -> None:
    for path in [*speech_folder.rglob("*.wav"), *noise_folder.rglob("*.wav")]:
        info = soundfile.info(path)
        assert (info.channels, info.samplerate, info.subtype) == (1, SAMPLE_RATE, "PCM_16")


def test_voices_range_from_low_to_high_pitch(speech: Corpus) -> None:
    medians = [_median_pitch_hz(utterances[:2]) for utterances in speech.values()]
    assert all(90 <= pitch <= 250 for pitch in medians)
    assert min(medians) < 120
    assert max(medians) > 200


def test_speech_is_modulated_at_the_rate_of_syllables(speech: Corpus) -> None:
    for voice, utterances in speech.items():
        assert 2 <= _modulation_peak_hz(utterances) <= 8, voice


def test_speech_has_several_formants_that_move(speech: Corpus) -> None:
    for voice, utterances in speech.items():
        formants = _formants_hz(utterances[0])
        assert np.median([len(found) for found in formants]) >= 3, voice
        second = [found[1] for found in formants if len(found) >= 3]
        assert np.percentile(second, 90) > 1.4 * np.percentile(second, 10), voice


def test_speech_has_both_harmonics_and_hissing(speech: Corpus) -> None:
    for voice, utterances in speech.items():
        levels = np.abs(librosa.stft(np.concatenate(utterances[:3]), n_fft=512)) ** 2
        high_share = levels[96:].sum(axis=0) / levels.sum(axis=0)  # above 3 kHz
        loud = levels.sum(axis=0) > levels.sum(axis=0).max() * 10**-2.5
        assert np.mean(high_share[loud] > 0.7) > 0.02, voice
        assert np.mean(high_share[loud] < 0.1) > 0.4, voice


def test_pauses_are_50_db_under_the_speech_and_never_digital_silence(speech: Corpus) -> None:
    for utterances in speech.values():
        for audio in utterances:
            active = _active_level_db(audio)
            first, *inner, last = _quiet_stretches(audio, active - 40)
            assert inner, "no pause between phrases"
            for pause in (first, *inner, last):
                level = 10 * np.log10(np.mean(pause**2))
                assert -85 < level < min(-72, active - 50)
                assert np.mean(pause == 0) < 0.3


def test_speech_levels_are_typical_and_differ_between_voices(speech: Corpus) -> None:
    levels = [[_active_level_db(audio) for audio in utterances] for utterances in speech.values()]
    assert np.all(np.abs(np.array(levels) + 25) < 3)
    assert 0.5 < np.std(np.mean(levels, axis=1)) < 2


def test_nothing_clips_and_nothing_is_inaudible(speech: Corpus, noise: Corpus) -> None:
    for sources in [*speech.values(), *noise.values()]:
        for audio in sources:
            assert 0.05 < np.max(np.abs(audio)) < 0.9
            assert abs(np.mean(audio)) < 0.01


def test_noise_is_never_digital_silence(noise: Corpus) -> None:
    for category, sources in noise.items():
        for audio in sources:
            assert _frame_levels_db(audio, 0.01).min() > -85, category


def test_sources_of_a_category_differ_in_spectrum(noise: Corpus) -> None:
    for category, sources in noise.items():
        spectra = [_third_octaves_db(audio) for audio in sources]
        apart = [np.sqrt(np.mean((a - b) ** 2)) for a, b in combinations(spectra, 2)]
        assert min(apart) > 1, category
        assert np.median(apart) > 2.5, category


def test_noises_have_the_time_structure_of_their_names(noise: Corpus) -> None:
    def restlessness_db(category: str) -> float:
        return float(np.median([np.std(_frame_levels_db(a, 0.02)) for a in noise[category]]))

    for steady in ("vacuum_cleaner", "rain"):
        assert restlessness_db(steady) < 3.5
    for eventful in ("clock_tick", "keyboard_typing", "dog", "crow", "crackling_fire"):
        assert restlessness_db(eventful) > 6


def test_clocks_tick_regularly(noise: Corpus) -> None:
    for audio in noise["clock_tick"]:
        envelope: Audio = 10 ** (_frame_levels_db(audio, 0.005) / 10)
        ticks, _ = scipy.signal.find_peaks(envelope, height=envelope.max() / 10, distance=20)
        intervals = np.diff(ticks)
        assert len(ticks) >= 5
        # Tick to tick skips the tock between, which may come early or late.
        pairs = intervals[:-1] + intervals[1:]
        assert np.std(pairs) < 0.03 * np.mean(pairs)


def test_sirens_glide(noise: Corpus) -> None:
    for audio in noise["siren"]:
        pitch = librosa.yin(audio, fmin=250, fmax=1500, sr=SAMPLE_RATE, hop_length=1024)
        assert np.percentile(pitch, 90) > 1.5 * np.percentile(pitch, 10)


def test_speech_bytes_follow_from_the_seed_alone(
    speech_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first utterance of each voice, without the others: none depends on what came before.
    monkeypatch.setattr(demo_speech, "UTTERANCES", 1)
    write_demo_speech(tmp_path / "again", seed=0)
    write_demo_speech(tmp_path / "other", seed=1)
    whole, again, other = (
        _bytes(f) for f in (speech_folder, tmp_path / "again", tmp_path / "other")
    )
    assert len(again) == 12
    assert all(again[name] == whole[name] for name in again)
    assert all(other[name] != whole[name] for name in other)


def test_noise_bytes_follow_from_the_seed_alone(
    noise_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = {name: demo_noise.RECIPES[name] for name in ("wind", "dog", "clock_tick")}
    monkeypatch.setattr(demo_noise, "RECIPES", some)
    write_demo_noise(tmp_path / "again", seed=0)
    write_demo_noise(tmp_path / "other", seed=1)
    whole, again, other = (
        _bytes(f) for f in (noise_folder, tmp_path / "again", tmp_path / "other")
    )
    assert len(again) == 18
    assert all(again[name] == whole[name] for name in again)
    assert all(other[name] != whole[name] for name in other)


def test_writing_leaves_no_partial_files(speech_folder: Path, noise_folder: Path) -> None:
    for folder in (speech_folder, noise_folder):
        assert all(path.suffix == ".wav" for path in folder.rglob("*") if path.is_file())
