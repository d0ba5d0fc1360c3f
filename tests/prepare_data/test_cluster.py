"""Data sets rendered on a Dask cluster: the same bytes, whoever is killed on the way."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from prepare_data import UserError
from prepare_data.__main__ import main
from prepare_data.shards import Shard
from tests.prepare_data.commands import command, contents, start, wait_for_samples
from tests.prepare_data.dask_cluster import LoopbackCluster

Start = Callable[[int], LoopbackCluster]


@pytest.fixture
def start_cluster(tmp_path: Path) -> Iterator[Start]:
    pytest.importorskip("distributed", reason="the extra cluster is not installed")
    started: list[LoopbackCluster] = []

    def begin(workers: int) -> LoopbackCluster:
        started.append(LoopbackCluster(tmp_path / f"dask{len(started)}", workers))
        return started[-1]

    yield begin
    for cluster in started:
        cluster.close()


def lines_in(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_a_cluster_writes_the_same_bytes(
    built: Path, tmp_path: Path, demo_speech: Path, demo_noise: Path, start_cluster: Start
) -> None:
    out = tmp_path / "set"
    address = start_cluster(2).address
    arguments = command(demo_speech, demo_noise, out)
    assert main([*arguments, "--scheduler", address, "--shard", "1/2"]) == 0
    assert main([*arguments, "--scheduler", address]) == 0
    assert contents(out) == contents(built)


def test_a_worker_killed_in_the_middle_costs_nothing_but_time(
    built: Path, tmp_path: Path, demo_speech: Path, demo_noise: Path, start_cluster: Start
) -> None:
    out = tmp_path / "set"
    cluster = start_cluster(2)
    process = start(command(demo_speech, demo_noise, out, "--scheduler", cluster.address))
    wait_for_samples(process, out, 3)
    cluster.workers[0].kill()
    done = lines_in(out / "manifest.partial.jsonl")
    _, errors = process.communicate(timeout=240)
    assert (process.returncode, errors) == (0, b"")
    assert done < 24
    assert contents(out) == contents(built)


def test_a_lost_scheduler_is_a_sentence_and_the_run_goes_on_locally(
    built: Path, tmp_path: Path, demo_speech: Path, demo_noise: Path, start_cluster: Start
) -> None:
    out = tmp_path / "set"
    cluster = start_cluster(1)
    arguments = command(demo_speech, demo_noise, out)
    process = start([*arguments, "--scheduler", cluster.address])
    while process.poll() is None and not lines_in(out / "manifest.partial.jsonl"):
        wait_for_samples(process, out, 9)
    cluster.scheduler.kill()
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 2
    assert errors.decode().strip() == (
        f"prepare_data: the scheduler {cluster.address} was lost. What was rendered before is "
        "kept; run the same command again to go on, with --scheduler or, on this machine, without "
        "it."
    )
    assert 0 < lines_in(out / "manifest.partial.jsonl") < 24
    assert main(arguments) == 0
    assert contents(out) == contents(built)


def test_ctrl_c_on_the_driver_is_a_sentence_and_leaves_nothing_queued(
    tmp_path: Path, demo_speech: Path, demo_noise: Path, start_cluster: Start
) -> None:
    from distributed import Client

    out = tmp_path / "set"
    cluster = start_cluster(1)
    options = ("--samples", "900", "10", "10", "--no-spectrograms", "--scheduler", cluster.address)
    process = start(command(demo_speech, demo_noise, out, *options))
    wait_for_samples(process, out, 3)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 130
    assert errors.decode().strip() == (
        "prepare_data: stopped. Run the same command again to go on where it stopped."
    )
    with Client(cluster.address, set_as_default=False) as client:
        queued = client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))
    assert queued == 0


def test_workers_that_see_or_have_something_else_are_refused_by_name(
    tmp_path: Path,
    demo_speech: Path,
    demo_noise: Path,
    start_cluster: Start,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from prepare_data.cluster_site import Site

    cluster = start_cluster(1)
    arguments = command(demo_speech, demo_noise, tmp_path / "set", "--scheduler", cluster.address)
    real = Site.marked
    gone, own_disk = tmp_path / "gone.wav", tmp_path / "own disk"

    def refused(**changes: object) -> str:
        @contextmanager
        def marked(self: Site) -> Iterator[Site]:
            with real(self) as site:
                yield replace(site, **changes)  # type: ignore[arg-type]

        with monkeypatch.context() as patched:
            patched.setattr(Site, "marked", marked)
            assert main(arguments) == 2
        message = capsys.readouterr().err
        assert message.startswith("prepare_data: the worker tcp://127.0.0.1:")
        return message

    assert "has numpy" in refused(versions=(("numpy", "0.0.1"),))
    assert "has prepare_data" in refused(versions=(("prepare_data", "other"),))
    assert f"does not see {gone}" in refused(recordings=((gone, 1),))
    this_file = Path(__file__)
    assert "of another size" in refused(recordings=((this_file, 1),))
    assert "--out must lie on" in refused(mark=own_disk)
    assert not list((tmp_path / "set").rglob("*.wav"))


def test_a_worker_that_joins_later_is_asked_too(tmp_path: Path, start_cluster: Start) -> None:
    from distributed import Client

    from prepare_data.cluster import _do_batch
    from prepare_data.cluster_site import Site

    site = Site(tmp_path, (), (("numpy", "0.0.1"),))
    with Client(start_cluster(1).address, set_as_default=False) as client:
        results, problem = client.submit(_do_batch, abs, [-1], site).result()
    assert results == []
    assert "has numpy" in problem


def test_what_a_worker_cannot_do_is_a_sentence_here(tmp_path: Path, start_cluster: Start) -> None:
    from prepare_data.cluster import cluster_pool
    from prepare_data.cluster_site import Site

    done = []
    with (
        pytest.raises(UserError, match="--shard takes I/N"),
        cluster_pool(start_cluster(1).address, Site(tmp_path, (), ())) as run,
    ):
        for shard in run(Shard.parse, ["1/2", "2/2", "3/2", "1/2"]):
            done.append(shard.number)
    assert done == [1, 2]  # what was done before it is not lost


def test_results_are_fetched_lazily(tmp_path: Path, start_cluster: Start) -> None:
    from prepare_data.cluster import _BATCHES_PER_THREAD, _ITEMS_PER_BATCH, cluster_pool
    from prepare_data.cluster_site import Site

    taken = 0

    def numbers() -> Iterator[int]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield -number

    with cluster_pool(start_cluster(1).address, Site(tmp_path, (), ())) as run:
        results = run(abs, numbers())
        first = next(results)
        ahead = taken
        rest = list(results)
    assert ahead == _BATCHES_PER_THREAD * _ITEMS_PER_BATCH
    assert sorted([first, *rest]) == list(range(1000))


def test_nobody_at_the_address_is_a_sentence(
    tmp_path: Path,
    demo_speech: Path,
    demo_noise: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("distributed", reason="the extra cluster is not installed")
    monkeypatch.setattr("prepare_data.cluster._CONNECT_SECONDS", 0.5)
    options = ("--samples", "2", "1", "1", "--scheduler", "tcp://127.0.0.1:1")
    assert main(command(demo_speech, demo_noise, tmp_path / "set", *options)) == 2
    assert "no Dask scheduler answers at --scheduler tcp://127.0.0.1:1" in capsys.readouterr().err


def test_a_scheduler_without_workers_is_a_sentence(
    tmp_path: Path,
    demo_speech: Path,
    demo_noise: Path,
    start_cluster: Start,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    address = start_cluster(0).address
    monkeypatch.setattr("prepare_data.cluster._CONNECT_SECONDS", 5)
    options = ("--samples", "2", "1", "1", "--scheduler", address)
    assert main(command(demo_speech, demo_noise, tmp_path / "set", *options)) == 2
    assert f"the scheduler {address} has no worker" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["localhost", "tcp://host", "http://host:8786", ""])
def test_what_is_no_address_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    assert main(command(tmp_path, tmp_path, tmp_path / "set", "--scheduler", address)) == 2
    assert "--scheduler takes an address such as tcp://host:8786" in capsys.readouterr().err


def test_without_dask_it_is_said_how_to_get_it(
    tmp_path: Path,
    demo_speech: Path,
    demo_noise: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    options = ("--samples", "2", "1", "1", "--scheduler", "tcp://127.0.0.1:1")
    assert main(command(demo_speech, demo_noise, tmp_path / "set", *options)) == 2
    assert "pip install 'voice-from-noise[cluster]'" in capsys.readouterr().err
