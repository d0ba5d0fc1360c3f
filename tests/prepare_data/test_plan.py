"""The plan: what it depends on, what it never repeats, what it never mixes up."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from prepare_data import Plan, Settings, UserError, collect, render
from prepare_data.collection import Collection
from prepare_data.measure import find_speech
from tests.prepare_data.sounds import speech_like, write_sound

SETTINGS = Settings(samples=(60, 12, 24))


@pytest.fixture(scope="module")
def collection(demo_speech: Path, demo_noise: Path) -> Collection:
    return collect([demo_speech], [demo_noise], SETTINGS, jobs=1, quiet=True)


@pytest.fixture(scope="module")
def plan(collection: Collection) -> Plan:
    return Plan(collection, SETTINGS)


def test_a_thousand_samples_are_the_beginning_of_two_thousand(collection: Collection) -> None:
    short = Plan(collection, replace(SETTINGS, samples=(50,)))
    long = Plan(collection, replace(SETTINGS, samples=(500,)))
    assert list(short) == long[:50]
    assert short[499] == long[499]  # training on the fly counts on


def test_more_training_samples_leave_validation_and_test_as_they_are(
    collection: Collection, plan: Plan
) -> None:
    larger = Plan(collection, replace(SETTINGS, samples=(600, 12, 24)))
    for split, count in (("train", 60), ("val", 12), ("test", 24)):
        assert [plan.sample(split, i) for i in range(count)] == [
            larger.sample(split, i) for i in range(count)
        ]


def test_lines_can_be_asked_for_in_any_order(collection: Collection, plan: Plan) -> None:
    lines = list(plan)
    fresh = Plan(collection, SETTINGS)
    for index in (95, 3, 50, 0):
        assert fresh[index] == lines[index]


def test_another_seed_makes_another_plan(collection: Collection, plan: Plan) -> None:
    other = Plan(collection, replace(SETTINGS, seed=1))
    assert all(one["voice"] != two["voice"] for one, two in zip(plan, other, strict=True))


def test_ids_are_unique_and_splits_have_the_numbers_asked_for(plan: Plan) -> None:
    lines = list(plan)
    assert [line["id"] for line in lines] == [f"{i:06d}" for i in range(96)]
    assert Counter(line["split"] for line in lines) == {"train": 60, "val": 12, "test": 24}


def test_no_source_crosses_a_split(plan: Plan) -> None:
    splits = defaultdict(set)
    for line in plan:
        for entry in line["voice"] + line["noises"]:
            splits[entry["source"]].add(line["split"])
    assert all(len(found) == 1 for found in splits.values())


def test_evaluation_ratios_come_in_equal_numbers_and_training_ratios_from_a_range(
    plan: Plan,
) -> None:
    for split, each in (("val", 2), ("test", 4)):
        ratios = Counter(line["snr_db"] for line in plan if line["split"] == split)
        assert ratios == dict.fromkeys(SETTINGS.eval_snr_db, each)
    train = [line["snr_db"] for line in plan if line["split"] == "train"]
    assert min(train) >= -5
    assert max(train) <= 20
    assert np.std(train) > 4


def test_no_pair_comes_twice_while_others_are_left(collection: Collection) -> None:
    plan = Plan(collection, SETTINGS)
    sources = {
        kind: {collection.source(u) for u in usables if u.split == "train"}
        for kind, usables in (("voices", collection.voices), ("noises", collection.noises))
    }
    seen = defaultdict(list)
    for index in range(600):
        line = plan.sample("train", index)
        seen[line["voice"][0]["source"]].append(line["noises"][0]["source"])
    assert seen.keys() == sources["voices"]
    for noises in seen.values():
        first_round = noises[: len(sources["noises"])]
        assert len(set(first_round)) == len(first_round)


def test_few_voices_meet_all_of_many_noises(tmp_path: Path) -> None:
    for number in range(4):
        write_sound(tmp_path / "speech" / f"s{number}" / "1.wav", 4, 8000, seed=number)
    for number in range(60):
        write_sound(tmp_path / "noise" / f"{number}.wav", 1, 8000, seed=number)
    settings = Settings(samples=(80, 0, 0), split=(1.0, 0.0, 0.0), noises_per_sample=(1, 1))
    found = collect([tmp_path / "speech"], [tmp_path / "noise"], settings, quiet=True)
    noises = Counter(line["noises"][0]["source"] for line in Plan(found, settings))
    assert len(noises) >= 55
    assert max(noises.values()) <= 3


def test_noises_come_up_about_equally_often_and_voices_by_their_seconds(
    collection: Collection,
) -> None:
    plan = Plan(collection, SETTINGS)
    lines = [plan.sample("train", index) for index in range(900)]
    noises = Counter(line["noises"][0]["source"] for line in lines)
    mean = len(lines) / len(noises)
    assert max(noises.values()) <= 1.6 * mean
    assert min(noises.values()) >= 0.4 * mean
    voices = Counter(line["voice"][0]["source"] for line in lines)
    seconds: Counter[str] = Counter()
    for usable in collection.voices:
        if usable.split == "train":
            seconds[collection.source(usable)] += usable.useful_seconds  # type: ignore[assignment]
    for source, count in voices.items():
        assert count / len(lines) == pytest.approx(seconds[source] / sum(seconds.values()), rel=0.3)


def test_segments_hold_speech_in_the_share_of_frames_asked_for(
    collection: Collection, plan: Plan
) -> None:
    levels = {(u.root, u.recording.path): collection.levels(u) for u in collection.voices}
    for line in plan:
        active = 0
        for entry in line["voice"]:
            found = levels[entry["root"], entry["path"]]
            first = entry["start_frame"] // found.frame_length
            end = -(-(entry["start_frame"] + entry["frames"]) // found.frame_length)
            active += int(find_speech(found).active[first:end].sum())
        assert active >= 0.4 * 512 - 1
        assert line["speech_share"] == pytest.approx(active / 512, abs=0.01)


def corpus_of_short_utterances(folder: Path, speakers: int = 3) -> None:
    for speaker in range(speakers):
        for utterance in range(4):
            write_sound(
                folder / f"s{speaker}" / f"{utterance}.wav", 2.2, seed=10 * speaker + utterance
            )


def test_short_utterances_are_joined_with_others_of_the_same_speaker(
    tmp_path: Path, demo_noise: Path
) -> None:
    corpus_of_short_utterances(tmp_path / "speech")
    settings = Settings(samples=(12, 2, 2))
    found = collect([tmp_path / "speech"], [demo_noise], settings, quiet=True)
    plan = Plan(found, settings)
    for line in plan:
        assert len({entry["source"] for entry in line["voice"]}) == 1
        assert len({entry["path"] for entry in line["voice"]}) >= 2
        voice = render(line, found.roots, settings).audio["voice"]
        assert len(voice) == 81_920
        silent = np.abs(voice.astype(int)).reshape(-1, 160).max(axis=1) == 0
        assert silent.sum() <= 1  # pauses are the recordings' own, not zeros


def test_digital_silence_of_a_noise_is_not_drawn(tmp_path: Path, demo_speech: Path) -> None:
    for number in range(3):
        clip = np.zeros(5 * 16_000, np.float32)
        clip[16_000 : 16_000 + 24_000] = speech_like(1.5, 16_000, number)
        (tmp_path / "noise").mkdir(exist_ok=True)
        soundfile.write(tmp_path / "noise" / f"{number}.wav", clip, 16_000)
    settings = Settings(samples=(10, 2, 2), snr_db=(0, 0))
    found = collect([demo_speech], [tmp_path / "noise"], settings, quiet=True)
    for line in Plan(found, settings):
        noise = render(line, found.roots, settings).audio["noise"].astype(int)
        quiet = np.abs(noise).reshape(-1, 160).max(axis=1) == 0
        assert quiet.mean() < 0.02


def test_segments_shorter_than_a_noises_pauses_still_hold_sound(
    tmp_path: Path, demo_speech: Path
) -> None:
    ticks = np.zeros(8 * 16_000, np.float32)
    for second in range(8):
        ticks[second * 16_000 : second * 16_000 + 800] = 0.1
    (tmp_path / "noise").mkdir()
    for number in range(3):
        soundfile.write(tmp_path / "noise" / f"{number}.wav", ticks, 16_000)
    settings = Settings(samples=(30, 3, 3), seconds=0.3, min_activity=0)
    found = collect([demo_speech], [tmp_path / "noise"], settings, quiet=True)
    for line in Plan(found, settings):
        audio = render(line, found.roots, settings).audio
        assert np.abs(audio["noise"]).max() > 0
        assert np.abs(audio["voice"]).max() > 0


def test_too_few_sources_say_how_many_are_needed(tmp_path: Path, demo_noise: Path) -> None:
    corpus_of_short_utterances(tmp_path / "speech", speakers=1)
    settings = Settings(samples=(10, 2, 2))
    found = collect([tmp_path / "speech"], [demo_noise], settings, quiet=True)
    with pytest.raises(UserError, match="no speech source is left for val: 3 splits need at least"):
        Plan(found, settings)
    train_only = Settings(samples=(10, 0, 0))
    assert len(Plan(found, train_only)[:10]) == 10


def test_splits_do_not_depend_on_other_corpora_or_the_number_of_samples(
    tmp_path: Path, demo_speech: Path, demo_noise: Path, collection: Collection
) -> None:
    corpus_of_short_utterances(tmp_path / "more", speakers=5)
    larger = collect(
        [tmp_path / "more", demo_speech],
        [demo_noise],
        replace(SETTINGS, samples=(5000,)),
        quiet=True,
    )

    def splits(found: Collection) -> dict[str, str]:
        usables = found.voices + found.noises
        return {found.source(u): u.split for u in usables if "more" not in found.source(u)}

    assert splits(larger) == splits(collection)


def test_lines_survive_json(plan: Plan, collection: Collection) -> None:
    line = plan[5]
    again = json.loads(json.dumps(line))
    assert again == line
    one, two = (render(each, collection.roots, SETTINGS) for each in (line, again))
    assert all(np.array_equal(one.audio[kind], two.audio[kind]) for kind in one.audio)
