"""Whatever lies in a folder or is typed at the prompt: a sentence, never a stack trace."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from prepare_data.__main__ import main
from tests.prepare_data.sounds import speech_like, write_sound


def damage(folder: Path) -> list[str]:
    """Fill a folder with recordings that are none; return their names."""
    folder.mkdir(parents=True, exist_ok=True)
    good = write_sound(folder.parent / "good.wav", 4).read_bytes()
    flac = write_sound(folder.parent / "good.flac", 4).read_bytes()
    files = {
        "empty.wav": b"",
        "truncated.wav": good[: len(good) // 2],
        "truncated.flac": flac[: len(flac) // 2],
        "header.wav": good[:20],
        "text.wav": b"Dear diary, this is no sound at all.\n" * 50,
        "text.mp3": b"Dear diary",
        "noise.3gp": bytes(range(256)) * 20,
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    sounds = {
        "nan.wav": np.full(16_000, np.nan),
        "zero.wav": np.zeros(16_000),
        "one_sample.wav": np.array([0.5]),
        "no_sample.wav": np.array([]),
    }
    for name, audio in sounds.items():
        soundfile.write(folder / name, audio, 16_000, "FLOAT")
    os.symlink(folder / "nowhere.wav", folder / "broken_link.wav")
    os.mkfifo(folder / "pipe.wav")
    return [*files, *sounds, "broken_link.wav"]


def test_the_run_goes_on_past_damaged_files_and_lists_each(
    tmp_path: Path, demo_speech: Path, demo_noise: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {kind: damage(tmp_path / kind / "damaged") for kind in ("speech", "noise")}
    os.symlink(demo_speech, tmp_path / "speech" / "voices")
    os.symlink(demo_noise, tmp_path / "noise" / "noises")
    strange = Path(os.fsdecode(os.fsencode(tmp_path / "noise" / "damaged") + b"/caf\xe9.wav"))
    strange.write_bytes((tmp_path / "noise" / "good.wav").read_bytes())
    long = tmp_path / "speech" / "damaged" / ("x" * 246 + ".wav")
    long.write_bytes(b"short")
    out = tmp_path / "out"
    code = main(
        [
            *("--speech", str(tmp_path / "speech"), "--noise", str(tmp_path / "noise")),
            *("--out", str(out), "--samples", "4", "1", "1"),
            *("--quiet", "--no-spectrograms", "--jobs", "1"),
        ]
    )
    captured = capsys.readouterr()
    assert code == 0, captured.err
    with open(out / "skipped.csv", errors="surrogateescape", newline="") as file:
        skipped = {
            tuple(Path(name).parts[-3:]): reason for name, reason in list(csv.reader(file))[1:]
        }
    for kind, names in bad.items():
        for name in names:
            assert skipped.pop((kind, "damaged", name))
    assert skipped.pop(("speech", "damaged", long.name))
    assert not [name for name in skipped if name[1] == "damaged" and "good" not in name[2]]
    assert "left out" in captured.out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_skipped(tmp_path: Path, demo_noise: Path) -> None:
    for name in ("a", "b", "c", "d"):
        write_sound(tmp_path / "speech" / name / "1.wav", 6)
    (tmp_path / "speech/a/1.wav").chmod(0)
    (tmp_path / "speech/d").chmod(0)
    out = tmp_path / "out"
    arguments = [
        "--speech",
        str(tmp_path / "speech"),
        "--noise",
        str(demo_noise),
        "--out",
        str(out),
    ]
    code = main([*arguments, "--samples", "2", "0", "0", "--quiet", "--no-spectrograms"])
    (tmp_path / "speech/d").chmod(0o755)
    assert code == 0
    assert (out / "skipped.csv").read_text().count("Permission denied") == 2


def test_nothing_usable_is_one_sentence_and_exit_code_2(
    tmp_path: Path, demo_noise: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(tmp_path / "speech")
    out = str(tmp_path / "out")
    assert (
        main(["--speech", str(tmp_path / "speech"), "--noise", str(demo_noise), "--out", out]) == 2
    )
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "nothing usable is left for --speech" in error


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--speech", "/does/not/exist", "--noise"], "/does/not/exist does not exist"),
        (["--speech", __file__, "--noise"], "is a file"),
        (["--speech", "{tmp}", "--noise"], "no recording found for --speech"),
        (["--speech", "--noise", "--samples", "0"], "--samples"),
        (["--speech", "--noise", "--samples", "1", "2"], "--samples"),
        (["--speech", "--noise", "--samples", "many"], "--samples"),
        (["--speech", "--noise", "--split", "0.5", "0.1", "0.1"], "--split"),
        (["--speech", "--noise", "--sample-rate", "0"], "--sample-rate"),
        (["--speech", "--noise", "--seconds", "nan"], "--seconds"),
        (["--speech", "--noise", "--snr-db", "20", "-5"], "--snr-db"),
        (["--speech", "--noise", "--eval-snr-db", "inf"], "--eval-snr-db"),
        (["--speech", "--noise", "--level-dbfs", "-20", "5"], "--level-dbfs"),
        (["--speech", "--noise", "--noises-per-sample", "0", "1"], "--noises-per-sample"),
        (["--speech", "--noise", "--noise-level", "0", "1"], "--noise-level"),
        (["--speech", "--noise", "--picture-scale", "mine"], "--picture-scale"),
        (["--speech", "--noise", "--hop-length", "5000"], "--hop-length"),
        (["--speech", "--noise", "--n-fft", "3"], "--n-fft"),
        (["--speech", "--noise", "--hop-length", "0"], "--hop-length"),
        (
            [
                *("--speech", "--noise", "--seconds", "0.1"),
                *("--hop-length", "1024", "--sample-rate", "8000"),
            ],
            "--seconds",
        ),
        (["--speech", "--noise", "--level-dbfs", "-70", "-60"], "--level-dbfs"),
        (["--speech", "--noise", "--noise-folds", "3", "3"], "--noise-folds"),
        (["--speech", "--noise", "--audio-format", "mp3"], "--audio-format"),
        (["--speech", "--noise", "--min-activity", "2"], "--min-activity"),
        (["--speech", "--noise", "--min-duration", "-1"], "--min-duration"),
        (["--speech", "--noise", "--min-speech-snr-db", "1", "2", "3"], "--min-speech-snr-db"),
        (["--speech", "--noise", "--jobs", "0"], "--jobs"),
        (["--speech", "--noise", "--seed", "-1"], "--seed"),
        (["--speech", "--noise", "--out", __file__], "--out"),
        (["--speech", "--noise", "--speaker-regex", "("], "--speaker-regex"),
        (["--speech", "--noise", "--train-only", "/elsewhere"], "--train-only"),
        (["--noise"], "--speech"),
        (["--speech", "--noise", "--no-such-option"], "--no-such-option"),
    ],
)
def test_wrong_options_are_one_sentence_that_names_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    options = [option.replace("{tmp}", str(tmp_path)) for option in options]
    if "--out" not in options:
        options += ["--out", str(tmp_path / "out")]
    assert main(options) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert "Traceback" not in error


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    program = (
        "import sys; from prepare_data.__main__ import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'scipy', 'librosa', 'av', 'PIL', 'soundfile', 'matplotlib'}\n"
        "print('imported', heavy & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "--speech" in done.stdout
    assert done.stdout.splitlines()[-1] == "imported set()"


def test_prepare_data_never_imports_torch(
    demo_speech: Path, demo_noise: Path, tmp_path: Path
) -> None:
    program = (
        "import sys\n"
        "from prepare_data.__main__ import main\n"
        "code = main(sys.argv[1:])\n"
        "sys.exit(code or 'torch' in sys.modules)"
    )
    folders = ["--speech", str(demo_speech), "--noise", str(demo_noise), "--out", str(tmp_path)]
    options = ["--samples", "2", "1", "1", "--jobs", "1"]
    done = subprocess.run(
        [sys.executable, "-c", program, *folders, *options], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_speech_like_sounds_of_the_tests_hold_speech() -> None:
    assert 0.05 < np.std(speech_like(4, 16_000)) < 0.5
