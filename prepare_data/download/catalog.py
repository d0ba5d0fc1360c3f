"""The corpora that can be fetched: where they lie, how large they are, what their licence says."""

from __future__ import annotations

from dataclasses import dataclass

_ROOM_TO_GROW = 1.5  # an archive may be so much larger than expected before it is refused


@dataclass(frozen=True)
class Archive:
    """A corpus as it is published.

    Attributes:
        name: what it is called on the command line.
        title: what people call it.
        url: where its archive lies.
        file_name: what it is called on disk.
        sha256: of the archive, in hexadecimal digits.
        size_bytes: of the archive.
        unpacked_bytes: about what it takes on disk.
        files: about how many it holds.
        inner: the part of the archive's only top folder that is the corpus; "." for all of it.
        folder: where the corpus goes, relative to the folder of all corpora.
        licence: its name and address.
        note: what the licence means here.
        option: of `python -m prepare_data`, which takes the folder.
    """

    name: str
    title: str
    url: str
    file_name: str
    sha256: str
    size_bytes: int
    unpacked_bytes: int
    files: int
    inner: str
    folder: str
    licence: str
    note: str
    option: str

    @property
    def most_archive_bytes(self) -> int:
        """A server that sends more does not send this corpus."""
        return int(self.size_bytes * _ROOM_TO_GROW)

    @property
    def most_unpacked_bytes(self) -> int:
        """An archive that unpacks to more is not this corpus."""
        return int(self.unpacked_bytes * _ROOM_TO_GROW)

    @property
    def most_entries(self) -> int:
        """Files and folders; LibriSpeech has a folder for about every twenty files."""
        return int(self.files * _ROOM_TO_GROW)


def _librispeech(
    part: str, title: str, *, sha256: str, size_bytes: int, unpacked_bytes: int, files: int
) -> Archive:
    return Archive(
        name=f"librispeech-{part}",
        title=f"LibriSpeech {part}, {title} (Panayotov et al. 2015)",
        url=f"https://www.openslr.org/resources/12/{part}.tar.gz",
        file_name=f"{part}.tar.gz",
        sha256=sha256,
        size_bytes=size_bytes,
        unpacked_bytes=unpacked_bytes,
        files=files,
        inner=part,
        folder=f"LibriSpeech/{part}",
        licence="CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)",
        note="Free for any use that names its authors.",
        option="--speech",
    )


# LibriSpeech's sums are those of torchaudio and other readers of the corpus; its publisher gives
# MD5 (https://www.openslr.org/resources/12/md5sum.txt). ESC-50's author publishes none: this is
# what several public projects found in the archive of the repository's last commit, which GitHub
# packs on request. GitHub keeps such archives the same byte for byte but does not promise it for
# ever, hence --sha256.
_ESC50_COMMIT = "33c8ce9eb2cf0b1c2f8bcf322eb349b6be34dbb6"

ARCHIVES: dict[str, Archive] = {
    archive.name: archive
    for archive in (
        Archive(
            name="esc50",
            title="ESC-50, 2000 environmental sounds of 5 s in 50 categories (Piczak 2015)",
            url=f"https://github.com/karolpiczak/ESC-50/archive/{_ESC50_COMMIT}.zip",
            file_name="ESC-50-master.zip",
            sha256="661183a6f53ef04f12c9bd618fed0ddc1713280d6c94a5a5431e844ba6f6a21f",
            size_bytes=645_832_161,
            unpacked_bytes=900_000_000,
            files=2_020,
            inner=".",
            folder="ESC-50-master",
            licence="CC BY-NC 3.0 (https://creativecommons.org/licenses/by-nc/3.0/)",
            note="Not for commercial use, and what may be done with weights trained on it is a "
            "matter of this licence too. The file LICENSE in it names the author of each clip.",
            option="--noise",
        ),
        _librispeech(
            "dev-clean",
            "5.4 hours of 40 readers",
            sha256="76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3",
            size_bytes=337_926_286,
            unpacked_bytes=360_000_000,
            files=2_805,
        ),
        _librispeech(
            "train-clean-100",
            "100 hours of 251 readers",
            sha256="d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2",
            size_bytes=6_387_309_499,
            unpacked_bytes=6_800_000_000,
            files=29_130,
        ),
    )
}
