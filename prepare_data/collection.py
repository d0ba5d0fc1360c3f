"""From the folders on the command line to measured recordings with a split, or a reason why not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from prepare_data.corpus import Corpus, Recording
from prepare_data.errors import AudioError, UserError
from prepare_data.measure import Levels, find_speech, measure
from prepare_data.measurements import Measurements
from prepare_data.noise_layouts import find_noise_corpora
from prepare_data.rooms_recorded import RecordedResponse, find_room_corpora, judge_responses
from prepare_data.scan import Scanner
from prepare_data.settings import Settings
from prepare_data.speech_layouts import find_speech_corpora
from prepare_data.splits import split_sources
from prepare_data.storage import lies_in
from prepare_data.voices import why_no_speech
from prepare_data.workers import worker_pool
from prepare_data.worth import Worth, weigh

SUGGESTED_SPEECH_SNR_DB = 25.0


@dataclass(frozen=True)
class Usable:
    """A recording that the plan may draw from.

    Attributes:
        root: index of its corpus among all corpora.
        recording: path, source, category.
        split: "train", "val" or "test".
        seconds: its length.
        useful_seconds: of them, those with speech, or with sound for a noise.
        level_dbfs: active speech level, or the loudest frame's level for a noise.
        snr_db: of speech over its own noise floor; infinite for a noise.
    """

    root: int
    recording: Recording
    split: str
    seconds: float
    useful_seconds: float
    level_dbfs: float
    snr_db: float


@dataclass
class Collection:
    """All that was found.

    Attributes:
        corpora: speech corpora first, then noise, then rooms.
        speech_corpora: how many of them are speech.
        voices: usable recordings of speech.
        noises: usable recordings of noise.
        noisy_voices: speech left out for its noise floor; good for babble.
        responses: usable responses of rooms.
        room_corpora: how many of the corpora are rooms.
        skipped: (file, reason) of what is not used.
        measurements: the levels of every recording.
    """

    corpora: list[Corpus]
    speech_corpora: int
    measurements: Measurements
    voices: list[Usable] = field(default_factory=list)
    noises: list[Usable] = field(default_factory=list)
    noisy_voices: list[Usable] = field(default_factory=list)
    responses: list[RecordedResponse] = field(default_factory=list)
    room_corpora: int = 0
    skipped: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def roots(self) -> list[Path]:
        """The corpus folders, in the order that `root` counts."""
        return [corpus.root for corpus in self.corpora]

    def path(self, usable: Usable) -> Path:
        """Return where a recording lies."""
        return self.corpora[usable.root].root / usable.recording.path

    def source(self, usable: Usable) -> str:
        """Return a source's name, unique over all corpora."""
        return f"{self.corpora[usable.root].name}/{usable.recording.source}"

    def kind(self, root: int) -> str:
        """Return whether a corpus is "speech", "noise" or "rooms"."""
        if root < self.speech_corpora:
            return "speech"
        return "noise" if root < len(self.corpora) - self.room_corpora else "rooms"

    def levels(self, usable: Usable) -> Levels:
        """Return the measured levels of a recording.

        Raises:
            UserError: if the file was changed or removed since it was measured.
        """
        levels = self.measurements.get(self.path(usable))
        if not isinstance(levels, Levels):
            raise UserError(f"{self.path(usable)} was changed or removed; run again.")
        return levels


def collect(
    speech: Sequence[Path],
    noise: Sequence[Path],
    settings: Settings,
    *,
    rooms: Sequence[Path] = (),
    train_only: Sequence[Path] = (),
    excluded: Path | None = None,
    jobs: int = 1,
    measurements: Measurements | None = None,
    quiet: bool = False,
) -> Collection:
    """Scan, recognise, measure and split.

    Args:
        speech: folders of speech.
        noise: folders of noise.
        settings: of the data set.
        rooms: folders of recorded room impulse responses.
        train_only: corpus folders whose sources all go into train.
        excluded: a folder that is passed over, such as the data set being written.
        jobs: processes that decode.
        measurements: what was measured before; by default the user's cache.
        quiet: show no progress.

    Raises:
        UserError: if a folder is missing or nothing usable is found.
    """
    scanner = Scanner(excluded)
    speech_corpora = _find(scanner, speech, "speech", settings)
    noise_corpora = _find(scanner, noise, "noise", settings)
    corpora = speech_corpora + noise_corpora
    # A scanner of their own, because a folder of rooms may lie below one of the others.
    room_scanner = Scanner(excluded)
    room_corpora = find_room_corpora(room_scanner, rooms)
    _name_apart(corpora + room_corpora)
    _mark_train_only(corpora, train_only)
    collection = Collection(corpora, len(speech_corpora), measurements or Measurements())
    collection.skipped += scanner.problems
    files = [corpus.root / r.path for corpus in corpora for r in corpus.recordings]
    measure_all(files, collection.measurements, jobs=jobs, quiet=quiet)
    for root, corpus in enumerate(corpora):
        _take_corpus(collection, root, corpus, settings)
    _require_some(collection, speech, noise)
    collection.responses, skipped = judge_responses(room_corpora, settings, first_root=len(corpora))
    collection.corpora += room_corpora
    collection.room_corpora = len(room_corpora)
    collection.skipped += room_scanner.problems + skipped
    return collection


def measure_all(
    files: Iterable[Path], measurements: Measurements, *, jobs: int = 1, quiet: bool = False
) -> None:
    """Measure what has not been measured yet, in parallel, keeping what is done if killed."""
    missing = [file for file in files if measurements.worth(file) is None]
    if not missing:
        return
    with worker_pool(min(jobs, len(missing))) as run:
        done = run(try_measure, missing)
        bar = tqdm(done, "measuring", len(missing), unit=" files", disable=quiet or None)
        for file, measured in zip(missing, bar, strict=True):
            if isinstance(measured, AudioError):
                measurements.put(file, measured)
            else:
                measurements.put(file, *measured)


def try_measure(file: Path) -> tuple[Levels, Worth] | AudioError:
    """Return a recording's levels and what it is worth, or why it cannot be used."""
    try:
        levels = measure(file)
    except AudioError as error:
        return error
    return levels, weigh(levels)


def _find(scanner: Scanner, folders: Sequence[Path], kind: str, settings: Settings) -> list[Corpus]:
    corpora: list[Corpus] = []
    for folder in folders:
        top = scanner.scan(folder)
        if top is None:
            continue
        if kind == "speech":
            corpora += find_speech_corpora(top, speaker_regex=settings.speaker_regex)
        else:
            corpora += find_noise_corpora(top)
    if not any(corpus.recordings for corpus in corpora):
        raise UserError(f"no recording found for --{kind} in {', '.join(map(str, folders))}.")
    return [corpus for corpus in corpora if corpus.recordings]


def _name_apart(corpora: list[Corpus]) -> None:
    """Lengthen the names of corpora that share one, by their parent folder, then by a number."""
    for attempt in (lambda c, i: f"{c.root.parent.name}/{c.name}", lambda c, i: f"{c.name}-{i}"):
        counts = Counter(corpus.name for corpus in corpora)
        for index, corpus in enumerate(corpora):
            if counts[corpus.name] > 1:
                corpus.name = attempt(corpus, index)


def _mark_train_only(corpora: list[Corpus], train_only: Sequence[Path]) -> None:
    for folder in train_only:
        inside = [corpus for corpus in corpora if lies_in(corpus.root, folder)]
        if not inside:
            known = ", ".join(str(corpus.root) for corpus in corpora)
            raise UserError(f"--train-only {folder} holds none of the corpora found: {known}.")
        for corpus in inside:
            corpus.train_only = True


def _take_corpus(collection: Collection, root: int, corpus: Corpus, settings: Settings) -> None:
    """Sort a corpus's recordings into usable and skipped, and split its sources."""
    is_speech = root < collection.speech_corpora
    judged = []
    for recording in corpus.recordings:
        path = corpus.root / recording.path
        verdict = _judge(path, collection.measurements, is_speech, settings)
        if isinstance(verdict, str):
            collection.skipped.append((path, verdict))
        else:
            judged.append((recording, *verdict))
    useful_seconds: defaultdict[str, float] = defaultdict(float)
    for recording, _, useful, _, _ in judged:
        useful_seconds[recording.source] += useful
    split = split_sources(
        corpus,
        useful_seconds,
        shares=settings.split,
        seed=settings.seed,
        folds=settings.noise_folds,
    )
    for recording, *numbers in judged:
        usable = Usable(root, recording, split[recording.source], *numbers)
        _file(collection, usable, is_speech, settings)


def _judge(
    path: Path, measurements: Measurements, is_speech: bool, settings: Settings
) -> tuple[float, float, float, float] | str:
    """Return seconds, useful seconds, level and signal-to-noise ratio, or why it is of no use."""
    worth = measurements.worth(path)
    if worth is None:
        return "was removed while it was measured"
    if isinstance(worth, str):
        return worth
    if worth.seconds < settings.min_duration:
        least = f"--min-duration {settings.min_duration:g}"
        return f"only {worth.seconds:.3f} s long, less than {least}"
    if not is_speech:
        return worth.seconds, worth.sounding_seconds, worth.peak_db, float("inf")
    if not worth.surely_speech(settings):
        levels = measurements.get(path)
        if not isinstance(levels, Levels):
            return "was changed while it was judged"
        if reason := why_no_speech(levels, find_speech(levels), settings):
            return reason
    return worth.seconds, worth.speech_seconds, worth.speech_level_dbfs, worth.speech_snr_db


def _file(collection: Collection, usable: Usable, is_speech: bool, settings: Settings) -> None:
    """Put a recording where it belongs."""
    if not is_speech:
        collection.noises.append(usable)
        return
    limits = settings.min_speech_snr_db
    limit = None if limits is None else limits[usable.split != "train"]
    if limit is not None and usable.snr_db < limit:
        reason = f"speech only {usable.snr_db:.1f} dB over its own noise, less than {limit:g} dB"
        collection.skipped.append((collection.path(usable), reason))
        collection.noisy_voices.append(usable)
    else:
        collection.voices.append(usable)


def _require_some(collection: Collection, speech: Sequence[Path], noise: Sequence[Path]) -> None:
    for kind, usable, folders in (
        ("speech", collection.voices, speech),
        ("noise", collection.noises, noise),
    ):
        if usable:
            continue
        reasons = Counter(reason for _, reason in collection.skipped)
        example = f" (for instance: {reasons.most_common(1)[0][0]})" if reasons else ""
        where = ", ".join(map(str, folders))
        raise UserError(f"nothing usable is left for --{kind} in {where}{example}.")
