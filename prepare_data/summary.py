"""What is printed for people: what was recognised, used, left out and made."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from prepare_data.collection import SUGGESTED_SPEECH_SNR_DB, Collection, Usable
from prepare_data.settings import SPLITS, Settings
from prepare_data.shards import Shard, describe_shard

_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def describe_collection(collection: Collection, settings: Settings) -> str:
    """Say what was recognised, how it is split, and what was left out."""
    lines = []
    for index, corpus in enumerate(collection.corpora):
        kind = collection.kind(index)
        extra = ", train only" if corpus.train_only else ""
        lines.append(f"{kind:6} {corpus.name}: {corpus.describe()}{extra}")
    lines.append("")
    lines.append(f"{'':8}{'voices':>24}{'noises':>24}")
    for split in SPLITS:
        lines.append(
            f"{split:8}{_amount(collection, collection.voices, split):>24}"
            f"{_amount(collection, collection.noises, split):>24}"
        )
    lines += _rooms(collection, settings)
    lines += _left_out(collection, settings)
    return "\n".join(lines)


def describe_data_set(
    out: Path, description: dict[str, Any], seconds: float, *, shard: Shard | None = None
) -> str:
    """Say what was written and where."""
    if shard is not None:
        return describe_shard(out, shard, description, seconds)
    counts = description["counts"]
    rendered = description["rendered"]
    parts = ", ".join(f"{counts[split]} {split}" for split in SPLITS)
    hours = description["seconds"]["all"] / 3600
    new = f"{rendered} rendered" if rendered < counts["all"] else "all rendered"
    if not rendered:
        new = "complete already, nothing to do"
    recordings = [corpus for corpus in description["corpora"] if corpus["kind"] != "rooms"]
    synthetic = all(corpus["synthetic"] for corpus in recordings)
    kind = " of synthetic sound" if synthetic else ""
    return (
        f"\n{counts['all']} samples{kind} ({parts}; {hours:.2f} h), {new} in {seconds:.0f} s\n{out}"
    )


def _amount(collection: Collection, usables: list[Usable], split: str) -> str:
    chosen = [usable for usable in usables if usable.split == split]
    sources = len({collection.source(usable) for usable in chosen})
    hours = sum(usable.useful_seconds for usable in chosen) / 3600
    return f"{sources} sources, {hours:.2f} h"


def _rooms(collection: Collection, settings: Settings) -> list[str]:
    """Say how many samples are heard in rooms, and which rooms these are."""
    if not settings.reverb:
        return []
    splits = Counter(response.split for response in collection.responses)
    rooms = "simulated rooms"
    if "" in splits:
        rooms = f"{splits['']} recorded responses, the same in every split: there are too few rooms"
    elif splits:
        rooms = "recorded responses: " + ", ".join(f"{splits[split]} {split}" for split in SPLITS)
    target = "full" if settings.reverb_target == "full" else "early part"
    return ["", f"{settings.reverb:.0%} of the voices in {rooms} (target: {target})"]


def _left_out(collection: Collection, settings: Settings) -> list[str]:
    lines = []
    if collection.skipped:
        lines += ["", f"{len(collection.skipped)} recordings left out (skipped.csv):"]
        reasons = Counter(_NUMBER.sub("…", reason) for _, reason in collection.skipped)
        lines += [f"  {count:6} {reason}" for reason, count in reasons.most_common(8)]
    if settings.min_speech_snr_db is None:
        noisy = [v for v in collection.voices if v.snr_db < SUGGESTED_SPEECH_SNR_DB]
        hours = sum(usable.useful_seconds for usable in noisy) / 3600
        lines += [
            "",
            f"--min-speech-snr-db {SUGGESTED_SPEECH_SNR_DB:g} would leave out {len(noisy)} of "
            f"{len(collection.voices)} recordings of speech ({hours:.2f} h), whose own noise a "
            "model learns to keep.",
        ]
    return lines
