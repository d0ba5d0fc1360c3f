"""Recordings and data sets on another file system: the same bytes, and the same going on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("upath", reason="the extra cluster is not installed")

from prepare_data import DataSet, UserError, read_blocks, read_info, read_segment
from prepare_data.__main__ import main
from prepare_data.errors import AccessError, AudioError
from prepare_data.measurements import CACHE_VARIABLE
from prepare_data.scan import Scanner
from prepare_data.storage import as_path, file_state, is_remote, lies_in
from tests.prepare_data.commands import SAMPLES, contents, start
from tests.prepare_data.dask_cluster import LoopbackCluster
from tests.prepare_data.shelf import ROOT_VARIABLE, ShelfFileSystem, install
from tests.prepare_data.sounds import encode_with_ffmpeg, speech_like, write_sound


@pytest.fixture
def shelf(
    tmp_path: Path, demo_speech: Path, demo_noise: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The folder behind shelf://, with the built-in sounds on it, and a cache of its own."""
    root = tmp_path / "shelf"
    shutil.copytree(demo_speech, root / "corpora/speech")
    shutil.copytree(demo_noise, root / "corpora/noise")
    monkeypatch.setenv(ROOT_VARIABLE, str(root))
    monkeypatch.setenv("PYTHONPATH", install(tmp_path / "entry"))
    monkeypatch.syspath_prepend(tmp_path / "entry")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    yield root
    ShelfFileSystem.lost = False


def remote_command(out: str, *options: str) -> list[str]:
    folders = ("--speech", "shelf://corpora/speech", "--noise", "shelf://corpora/noise")
    return [*folders, "--out", out, *SAMPLES, "--jobs", "1", "--quiet", *options]


def same_samples(out: Path, built: Path) -> None:
    """Whatever depends on the samples alone; dataset.json names other corpus folders."""
    here, there = contents(out), contents(built)
    for own in ("dataset.json", ".lock"):
        here.pop(own, None)
        there.pop(own, None)
    assert here == there
    assert json.loads((out / "dataset.json").read_text())["complete"]


def test_paths_are_told_apart(tmp_path: Path) -> None:
    assert as_path("a/b") == Path("a/b")
    assert as_path("file:///a/b") == Path("/a/b")
    remote = as_path("memory://bucket/a b")
    assert is_remote(remote)
    assert not is_remote(tmp_path)
    assert str(remote / "c#d%20.wav") == "memory://bucket/a b/c#d%20.wav"
    assert lies_in(remote / "c", remote)
    assert not lies_in(as_path("memory://bucket/a bc"), remote)
    assert not lies_in(remote, tmp_path)
    assert not lies_in(tmp_path, remote)
    with pytest.raises(UserError, match="nosuch://x cannot be reached"):
        as_path("nosuch://x")


def test_recordings_elsewhere_are_decoded_as_here(shelf: Path) -> None:
    audio = speech_like(3, 16_000)
    for name in ("a.wav", "b.flac", "c.ogg", "d.mp3"):
        write_sound(shelf / "x" / name)
    encode_with_ffmpeg(shelf / "x/e.m4a", "aac", audio, 16_000)
    for path in sorted((shelf / "x").iterdir()):
        remote = as_path(f"shelf://x/{path.name}")
        assert read_info(remote) == read_info(path)
        here, there = list(read_blocks(path)), list(read_blocks(remote))
        assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(here, there, strict=True))
        stretch = {"start_frame": 7_000, "frames": 9_000}
        assert np.array_equal(read_segment(remote, **stretch)[0], read_segment(path, **stretch)[0])


def test_what_is_wrong_with_a_recording_elsewhere_is_said(shelf: Path) -> None:
    path = write_sound(shelf / "x/a.wav")
    content = path.read_bytes()
    path.write_bytes(content[:-1000])
    with pytest.raises(AudioError, match="truncated"):
        list(read_blocks(as_path("shelf://x/a.wav")))
    path.write_bytes(b"")
    with pytest.raises(AudioError, match="empty"):
        read_info(as_path("shelf://x/a.wav"))
    with pytest.raises(AccessError, match="cannot be opened"):
        read_info(as_path("shelf://x/b.wav"))


@pytest.mark.parametrize("name", ["a.wav", "e.m4a"])
def test_a_connection_lost_on_the_way_is_no_damage(shelf: Path, name: str) -> None:
    seconds = 400.0 if name == "a.wav" else 30.0
    audio = np.random.default_rng(0).standard_normal(int(seconds * 16_000)).astype(np.float32) / 9
    if name == "a.wav":
        import soundfile

        (shelf / "x").mkdir()
        soundfile.write(shelf / "x" / name, audio, 16_000)  # longer than what is fetched at once
    else:
        encode_with_ffmpeg(shelf / "x" / name, "aac", audio, 16_000)
    blocks = read_blocks(as_path(f"shelf://x/{name}"))
    if name == "a.wav":
        next(blocks)
    ShelfFileSystem.lost = True
    with pytest.raises(AccessError, match="the shelf does not answer"):
        list(blocks)


def test_a_listing_gives_the_tree_that_a_scan_gives(shelf: Path) -> None:
    (shelf / "corpora/noise/.hidden").mkdir()
    write_sound(shelf / "corpora/noise/.hidden/a.wav")
    write_sound(shelf / "corpora/noise/out/a.wav")
    (shelf / "corpora/noise/empty").mkdir()
    (shelf / "corpora/noise/notes.txt").write_text("x")
    (shelf / "corpora/noise/table.csv").write_text("x")
    root = as_path("shelf://corpora/noise")
    here = Scanner(shelf / "corpora/noise/out").scan(shelf / "corpora/noise")
    there = Scanner(root / "out").scan(root)
    assert here is not None and there is not None
    assert [str(path.relative_to(shelf / "corpora/noise")) for path in here.walk()] == [
        str(path.relative_to(root)) for path in there.walk()
    ]
    assert there.tables == here.tables == ["table.csv"]
    assert "out" not in there.folders
    with pytest.raises(UserError, match="holds no file"):
        Scanner().scan(as_path("shelf://corpora/nothing"))


def test_a_file_that_changed_elsewhere_has_another_state(shelf: Path) -> None:
    path = write_sound(shelf / "x/a.wav")
    before = file_state(as_path("shelf://x/a.wav"))
    assert before is not None and before[0] == path.stat().st_size
    assert file_state(as_path("shelf://x/none.wav")) is None


def test_a_data_set_elsewhere_has_the_same_samples(
    built: Path, shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(remote_command("shelf://sets/one", "--jobs", "2")) == 0
    same_samples(shelf / "sets/one", built)
    for here, there in zip(DataSet(built), DataSet("shelf://sets/one"), strict=True):
        assert here.line == there.line
        assert np.array_equal(here.audio("noise"), there.audio("noise"))
        assert np.array_equal(here.picture("voice")[0], there.picture("voice")[0])
    assert main(remote_command("shelf://sets/one")) == 0
    assert "nothing to do" in capsys.readouterr().out
    (shelf / "sets/one/train/audio/voice/000000.wav").unlink()
    assert main(remote_command("shelf://sets/one")) == 0
    assert "1 rendered" in capsys.readouterr().out
    same_samples(shelf / "sets/one", built)


def test_a_killed_run_elsewhere_goes_on_here_and_on_another_machine(
    built: Path, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = shelf / "sets/one"
    for count in (4, 12):
        process = start(remote_command("shelf://sets/one"))
        while process.poll() is None and len(list(out.glob("*/audio/voice/*.wav"))) < count:
            pass
        process.kill()
        process.communicate()
    journal = next((tmp_path / "cache/remote").glob("*/manifest.partial.jsonl"))
    done = [json.loads(line)["id"] for line in journal.read_text().splitlines()]
    assert 3 <= len(done) < 24

    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:  # Ctrl-C leaves the journal beside the data set
        patched.setattr("prepare_data.building.render", stop)
        assert main(remote_command("shelf://sets/one")) == 130
    assert (out / "manifest.partial.jsonl").read_text() == journal.read_text()
    kept = {p: p.stat().st_mtime_ns for p in out.glob("*/*/*/*") if p.stem in done}
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "another machine"))
    assert main(remote_command("shelf://sets/one")) == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    same_samples(out, built)
    assert not list((tmp_path / "another machine/remote").glob("*/*.jsonl"))


def test_shards_elsewhere_need_no_common_folder(
    built: Path, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (2, 1):
        monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / f"machine {number}"))
        assert main(remote_command("shelf://sets/one", "--shard", f"{number}/2")) == 0
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "machine 3"))
    before = {p: p.stat().st_mtime_ns for p in (shelf / "sets/one").glob("*/*/*/*")}
    assert main(remote_command("shelf://sets/one")) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    same_samples(shelf / "sets/one", built)


def test_a_cluster_reads_and_writes_elsewhere(built: Path, shelf: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra cluster is not installed")
    cluster = LoopbackCluster(tmp_path / "dask", 1)
    try:
        assert main(remote_command("shelf://sets/one", "--scheduler", cluster.address)) == 0
    finally:
        cluster.close()
    same_samples(shelf / "sets/one", built)


def test_overwrite_elsewhere_takes_nothing_over(shelf: Path, tmp_path: Path) -> None:
    fewer = ("--samples", "4", "1", "1", "--no-spectrograms")
    assert main(remote_command("shelf://sets/one", *fewer)) == 0
    assert main(remote_command("shelf://sets/one", *fewer, "--seed", "1")) == 2
    assert main(remote_command("shelf://sets/one", *fewer, "--seed", "1", "--overwrite")) == 0
    assert main(remote_command(str(tmp_path / "local"), *fewer, "--seed", "1")) == 0
    same_samples(shelf / "sets/one", tmp_path / "local")


def test_a_file_system_that_does_not_answer_is_a_sentence(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ShelfFileSystem.lost = True
    assert main(remote_command("shelf://sets/one")) == 2
    message = capsys.readouterr().err
    assert message == (
        "prepare_data: shelf://corpora/speech cannot be listed: the shelf does not answer.\n"
    )


def test_a_file_system_that_goes_away_is_a_sentence_and_the_run_goes_on(
    built: Path,
    shelf: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    real = ShelfFileSystem.pipe_file

    def put(self: ShelfFileSystem, path: str, value: bytes, **options: object) -> None:
        if path.endswith("000009.wav"):
            ShelfFileSystem.lost = True
        real(self, path, value)

    with monkeypatch.context() as patched:
        patched.setattr(ShelfFileSystem, "pipe_file", put)
        assert main(remote_command("shelf://sets/one")) == 2
    assert "cannot be reached: the shelf does not answer." in capsys.readouterr().err
    ShelfFileSystem.lost = False
    assert main(remote_command("shelf://sets/one")) == 0
    assert "15 rendered" in capsys.readouterr().out
    same_samples(shelf / "sets/one", built)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--plan-only"], "--plan-only writes into a folder of this machine"),
        (["--pack", "shelf://x.pack"], "--pack writes a file on this machine"),
        (["--speech"], "the built-in sounds need a folder of this machine"),
    ],
)
def test_what_is_not_done_elsewhere_is_refused(
    shelf: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert main(remote_command("shelf://sets/one", *options)) == 2
    assert words in capsys.readouterr().err


def test_a_machine_that_was_overtaken_takes_the_longer_journal(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ("--samples", "4", "1", "1", "--no-spectrograms")
    one = [*few, "--shard", "1/1"]  # a shard leaves its journal
    assert main(remote_command("shelf://sets/one", *one)) == 0
    own = next((tmp_path / "cache/remote").glob("*/manifest.shard-1-of-1.partial.jsonl"))
    own.write_text("".join(own.read_text().splitlines(keepends=True)[:2]))
    assert main(remote_command("shelf://sets/one", *one)) == 0
    assert "shard 1/1: 6 samples, 0 rendered" in capsys.readouterr().out
