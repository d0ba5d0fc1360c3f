"""The training pack: every usable recording of a collection in one file.

For training that mixes as it goes, on a machine that has neither the recordings nor a decoder. The
file is a safetensors file of 16-bit samples with an index as JSON in its header, so any language
can read it, and this module maps it into memory with numpy alone: what writes a pack is imported
where it is used.
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from prepare_data.errors import AudioError, UserError
from prepare_data.files import explained

if TYPE_CHECKING:
    from prepare_data.collection import Collection, Usable

PACK_VERSION = 1
_TENSORS = ("voices", "noises")
_LARGEST_HEADER = 1 << 32


@dataclass(frozen=True)
class PackEntry:
    """One recording of a pack.

    Attributes:
        corpus: name of its corpus.
        source: speaker or noise source, unique over all corpora.
        path: in the corpus.
        split: "train", "val" or "test".
        start: first sample in the pack's `voices` or `noises`.
        length: samples.
        level_dbfs: active speech level, or the loudest 10 ms of a noise.
        snr_db: speech over its own noise floor; None for noises.
        category: of a noise.
        babble: whether it is speech too noisy for a target, good for a murmur of voices.
    """

    corpus: str
    source: str
    path: str
    split: str
    start: int
    length: int
    level_dbfs: float
    snr_db: float | None
    category: str
    babble: bool


class Pack:
    """A training pack, mapped into memory.

    Attributes:
        sample_rate: in hertz.
        voices: int16 of shape (samples,), all speech one after the other.
        noises: int16 of shape (samples,), all noise.
        voice_entries: where each recording of speech lies.
        noise_entries: where each noise lies.
    """

    def __init__(self, path: str | Path) -> None:
        """Open a pack.

        Raises:
            UserError: if it is missing, damaged, or of another version.
        """
        self.path = Path(path)
        header, start = _read_header(self.path)
        try:
            index = json.loads(header["__metadata__"]["pack"])
            if index["version"] != PACK_VERSION:
                raise UserError(
                    f"{path} is a training pack of version {index['version']}; this program reads "
                    f"{PACK_VERSION}. Write it again with --pack."
                )
            self.sample_rate = int(index["sample_rate"])
            self.voice_entries = [PackEntry(**entry) for entry in index["voices"]]
            self.noise_entries = [PackEntry(**entry) for entry in index["noises"]]
            self.voices, self.noises = (
                _map(self.path, header[name]["data_offsets"], start) for name in _TENSORS
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path} is no training pack, or a damaged one.") from error

    def voice(self, entry: PackEntry) -> np.ndarray:
        """Return a recording of speech, int16 of shape (length,)."""
        return self.voices[entry.start : entry.start + entry.length]

    def noise(self, entry: PackEntry) -> np.ndarray:
        """Return a noise, int16 of shape (length,)."""
        return self.noises[entry.start : entry.start + entry.length]


def write_pack(
    path: Path, collection: Collection, *, sample_rate: int = 16_000, quiet: bool = False
) -> int:
    """Write all usable recordings of a collection into one file.

    Args:
        path: of the pack; it appears when it is whole.
        collection: see `prepare_data.collect`.
        sample_rate: of the pack, in hertz.
        quiet: show no progress.

    Returns:
        The size of the file in bytes.

    Raises:
        UserError: if a recording cannot be read any more or the file cannot be written.
    """
    from tqdm import tqdm

    voices = [*collection.voices, *collection.noisy_voices]
    groups = {"voices": voices, "noises": list(collection.noises)}
    index: dict[str, object] = {"version": PACK_VERSION, "sample_rate": sample_rate}
    totals = {}
    for name, usables in groups.items():
        entries = _entries(collection, usables, sample_rate)
        index[name] = [asdict(entry) for entry in entries]
        totals[name] = sum(entry.length for entry in entries)
    partial = path.with_name(f".{path.name}.partial")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb") as file:
            file.write(_header(index, totals))
            usables = groups["voices"] + groups["noises"]
            for usable in tqdm(usables, "packing", unit=" files", disable=quiet or None):
                _write_recording(file, collection, usable, sample_rate)
        os.replace(partial, path)
        return path.stat().st_size


def _entries(
    collection: Collection, usables: Sequence[Usable], sample_rate: int
) -> list[PackEntry]:
    entries = []
    start = 0
    noisy = {id(usable) for usable in collection.noisy_voices}
    for usable in usables:
        length = _packed_length(collection, usable, sample_rate)
        entries.append(
            PackEntry(
                corpus=collection.corpora[usable.root].name,
                source=collection.source(usable),
                path=usable.recording.path,
                split=usable.split,
                start=start,
                length=length,
                level_dbfs=round(usable.level_dbfs, 2),
                snr_db=round(usable.snr_db, 2) if math.isfinite(usable.snr_db) else None,
                category=usable.recording.category,
                babble=id(usable) in noisy,
            )
        )
        start += length
    return entries


def _packed_length(collection: Collection, usable: Usable, sample_rate: int) -> int:
    levels = collection.levels(usable)
    return levels.frames * sample_rate // levels.sample_rate


def _write_recording(
    file: BinaryIO, collection: Collection, usable: Usable, sample_rate: int
) -> None:
    """Append a recording's samples, exactly as many as the header promises."""
    missing = _packed_length(collection, usable, sample_rate)
    path = collection.path(usable)
    try:
        for block in resampled_blocks(path, sample_rate):
            part = block[:missing]
            file.write(np.rint(np.clip(part, -1, 1) * 32_767).astype("<i2").tobytes())
            missing -= len(part)
    except AudioError as error:
        raise UserError(f"{path} {error}.") from error
    file.write(bytes(2 * missing))


def resampled_blocks(path: Path, sample_rate: int) -> Iterator[np.ndarray]:
    """Read a recording block by block, mixed down to one channel, at another rate.

    Args:
        path: of the recording.
        sample_rate: wanted, in hertz.

    Yields:
        float32 of shape (samples,).

    Raises:
        AudioError: if it cannot be read.
    """
    import soxr

    from prepare_data.audio_io import read_blocks, to_mono

    resampler = None
    for block, rate in read_blocks(path):
        if rate == sample_rate:
            yield to_mono(block)
            continue
        if resampler is None:
            resampler = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32", quality="HQ")
        yield resampler.resample_chunk(to_mono(block))
    if resampler is not None:
        yield resampler.resample_chunk(np.empty(0, np.float32), last=True)


def _header(index: dict[str, object], totals: dict[str, int]) -> bytes:
    """Return a safetensors header: its length, then JSON padded to a multiple of eight."""
    header: dict[str, object] = {"__metadata__": {"pack": json.dumps(index)}}
    start = 0
    for name in _TENSORS:
        end = start + 2 * totals[name]
        header[name] = {"dtype": "I16", "shape": [totals[name]], "data_offsets": [start, end]}
        start = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def _read_header(path: Path) -> tuple[dict, int]:
    try:
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LARGEST_HEADER:
                raise ValueError("no header")
            header = json.loads(file.read(length))
    except OSError as error:
        raise UserError(f"{path} cannot be opened: {error.strerror}.") from error
    except (struct.error, ValueError) as error:
        raise UserError(f"{path} is no training pack, or a damaged one.") from error
    return header, 8 + length


def _map(path: Path, offsets: Sequence[int], start: int) -> np.ndarray:
    first, end = offsets
    if end == first:
        return np.empty(0, dtype=np.int16)
    return np.memmap(path, dtype="<i2", mode="r", offset=start + first, shape=((end - first) // 2,))
