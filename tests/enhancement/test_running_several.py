"""Files that a model has in hand at once: each becomes what it would alone, or has its reason."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from enhancement.denoiser import Denoiser, Part, Recording
from enhancement.running import one_file
from prepare_data.errors import UserError
from tests.enhancement.file_runs import RATE, Mapped, denoise, noise, read

AT_ONCE = 3


class Together(Mapped):
    """Has three recordings in hand and answers a block of each in turn."""

    def __init__(self, function: Callable[[np.ndarray], np.ndarray] = np.copy) -> None:
        super().__init__(function)
        self.most = 0
        self.blocks = 0

    def denoise_several(self, recordings: Iterable[Recording]) -> Iterator[Part]:
        waiting = enumerate(recordings)
        lanes: list[tuple[int, Iterator[np.ndarray]]] = []
        while True:
            while len(lanes) < AT_ONCE and (new := next(waiting, None)) is not None:
                lanes.append((new[0], self.denoise_blocks(*new[1])))
            self.most = max(self.most, len(lanes))
            if not lanes:
                return
            for lane in list(lanes):
                part: np.ndarray | UserError | None
                try:
                    part = next(lane[1], None)
                except UserError as error:
                    part = error
                self.blocks += isinstance(part, np.ndarray)
                if not isinstance(part, np.ndarray):
                    lanes.remove(lane)
                yield lane[0], part


def quieter(block: np.ndarray) -> np.ndarray:
    return np.float32(0.5) * block


def write(path: Path, audio: np.ndarray, rate: int = RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, rate, "FLOAT")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Recordings of all kinds, some of them not fit for use, in the order of their names."""
    sounds = tmp_path / "in"
    holes = noise(24)
    holes[15 * RATE] = np.nan
    write(sounds / "a.wav", holes)
    write(sounds / "b.wav", np.zeros((0, 1)))
    write(sounds / "c.wav", noise(25))
    write(sounds / "d.wav", noise(3, 2, 44_100), 44_100)
    write(sounds / "e.wav", noise(12, 1, 8000), 8000)
    (sounds / "f.mp3").write_text("no sound")
    write(sounds / "g.wav", noise(0.1))
    return sounds


@pytest.mark.parametrize("options", [(), ("--mix", 0.3, "--highpass", 60, "--normalize-dbfs", -30)])
def test_files_become_what_they_would_one_after_another(
    options: tuple[object, ...],
    folder: Path,
    use: Callable[[Denoiser], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    summaries = []
    for name, denoiser in (("alone", Mapped(quieter)), ("together", Together(quieter))):
        use(denoiser)
        assert denoise(folder, "--out", folder.parent / name, *options) == 1
        summaries.append(capsys.readouterr().out.partition("skipped")[2])
    assert summaries[0] == summaries[1]
    # What cannot be planned comes first, then the files in their order, not in that of their ends.
    reasons = ("f.mp3: not sound", "a.wav: holds samples that", "b.wav: holds no sound")
    places = [summaries[0].index(reason) for reason in reasons]
    assert places == sorted(places) and "(3)" in summaries[0]
    alone, together = folder.parent / "alone", folder.parent / "together"
    for name in ("c.wav", "d.wav", "e.wav", "g.wav"):
        np.testing.assert_array_equal(read(together / name), read(alone / name))
        assert read(alone / name).any()
    assert len(list(together.iterdir())) == 4


def test_only_so_many_files_are_open_as_the_model_takes(
    tmp_path: Path, use: Callable[[Denoiser], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []

    class Watched(tempfile.SpooledTemporaryFile):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            opened.append(self)
            assert sum(not file.closed for file in opened) <= AT_ONCE

    monkeypatch.setattr(one_file.tempfile, "SpooledTemporaryFile", Watched)
    for index in range(8):
        write(tmp_path / f"in/{index}.wav", noise(0.1 + index % 3 * 10))
    denoiser = Together()
    use(denoiser)
    assert denoise(tmp_path / "in", "--out", tmp_path / "out") == 0
    assert denoiser.most == AT_ONCE
    assert len(opened) == 8 and all(file.closed for file in opened)


def test_a_model_that_fails_for_one_file_fails_for_no_other(
    tmp_path: Path, use: Callable[[Denoiser], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(block: np.ndarray) -> np.ndarray:
        if len(block) == 7777:
            raise UserError("this model wants longer files")
        if len(block) == 8888:
            return np.full_like(block, np.nan)
        return block[:-1] if len(block) == 9999 else block

    use(Together(fails))
    for name, samples in (("a", 5000), ("b", 7777), ("c", 8888), ("d", 9999), ("e", 6000)):
        write(tmp_path / f"in/{name}.wav", noise(samples / RATE + 1e-6))
    assert denoise(tmp_path / "in", "--out", tmp_path / "out") == 1
    printed = capsys.readouterr().out
    assert "denoised 2 files" in printed
    assert "b.wav: this model wants longer files" in printed
    assert "c.wav: the model gave back samples that are not numbers" in printed
    assert "d.wav: the model gave back 9998 samples for 9999" in printed
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.wav", "e.wav"]


def test_a_file_whose_answer_is_of_no_use_is_not_read_to_its_end(
    tmp_path: Path, use: Callable[[Denoiser], None]
) -> None:
    denoiser = Together(lambda block: block * np.float32("nan"))
    use(denoiser)
    write(tmp_path / "a.wav", noise(45))
    assert denoise(tmp_path / "a.wav", "--out", tmp_path / "out") == 1
    assert denoiser.blocks == 1  # of ten seconds


def test_an_effect_that_does_not_fit_a_file_leaves_the_others(
    tmp_path: Path, use: Callable[[Denoiser], None], capsys: pytest.CaptureFixture[str]
) -> None:
    use(Together())
    for name, rate in (("a", 8000), ("b", 16_000), ("c", 44_100)):
        write(tmp_path / f"in/{name}.wav", noise(0.5, rate=rate), rate)
    assert denoise(tmp_path / "in", "--out", tmp_path / "out", "--highpass", 5000) == 1
    assert "a.wav: --highpass 5000 is not below" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b.wav", "c.wav"]


def test_a_disk_that_cannot_be_read_is_the_reason_for_one_file(
    tmp_path: Path,
    use: Callable[[Denoiser], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = one_file.read_blocks

    def breaking(path: Path) -> Iterator[tuple[np.ndarray, int]]:
        for block in whole(path):
            yield block
            if path.name == "b.wav":
                raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(one_file, "read_blocks", breaking)
    use(Together())
    for name in "abc":
        write(tmp_path / f"in/{name}.wav", noise(15))
    assert denoise(tmp_path / "in", "--out", tmp_path / "out") == 1
    assert "b.wav: cannot be read: Input/output error" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.wav", "c.wav"]


def test_an_interruption_leaves_what_is_finished_and_nothing_else(
    tmp_path: Path, use: Callable[[Denoiser], None]
) -> None:
    def interrupted(block: np.ndarray) -> np.ndarray:
        if len(block) == 2 * RATE:
            raise KeyboardInterrupt
        return block

    use(Together(interrupted))
    for name, seconds in (("a", 25), ("b", 0.5), ("c", 25), ("d", 2), ("e", 1)):
        write(tmp_path / f"in/{name}.wav", noise(seconds))
    assert denoise(tmp_path / "in", "--out", tmp_path / "out") == 130
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.wav"]
    np.testing.assert_array_equal(read(tmp_path / "out/b.wav"), read(tmp_path / "in/b.wav"))


class FullDisk(tempfile.SpooledTemporaryFile):
    def write(self, data: Any) -> int:
        if len(data) == 4 * 2 * RATE:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def test_a_full_disk_stops_all_files(
    tmp_path: Path,
    use: Callable[[Denoiser], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use(Together())
    for name, seconds in (("a", 12), ("b", 0.5), ("c", 2), ("d", 1)):
        write(tmp_path / f"in/{name}.wav", noise(seconds))
    monkeypatch.setattr(one_file.tempfile, "SpooledTemporaryFile", FullDisk)
    assert denoise(tmp_path / "in", "--out", tmp_path / "out") == 2
    assert "the disk is full" in capsys.readouterr().err
    # The short file ends in the next round, after the one that found the disk full.
    assert list((tmp_path / "out").iterdir()) == []


def test_a_denoiser_by_itself_goes_on_after_a_recording_that_breaks_off() -> None:
    def broken() -> Iterator[np.ndarray]:
        yield noise(0.1)
        raise UserError("is damaged")

    given: list[tuple[Iterable[np.ndarray], int]] = [([noise(0.1)], RATE), (broken(), RATE)]
    parts = list(Mapped().denoise_several([*given, given[0]]))
    ends = [(index, part) for index, part in parts if not isinstance(part, np.ndarray)]
    assert [index for index, _ in parts] == [0, 0, 1, 1, 2, 2]
    assert [str(part) for _, part in ends] == ["None", "is damaged", "None"]
