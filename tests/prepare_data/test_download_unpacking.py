"""Nothing in an archive leaves its folder, fills the disk or stays half unpacked."""

from __future__ import annotations

import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from prepare_data import UserError
from prepare_data.download.unpacking import unpack
from tests.prepare_data.commands import contents
from tests.prepare_data.corpus_server import esc50, librispeech, tar, zipped

FILES = {"top/a.wav": b"sound", "top/deeper/b.wav": b"", "top/c.txt": b"text" * 100_000}


def unpacked(
    tmp_path: Path, content: bytes, *, most_bytes: int = 10**7, most_entries: int = 100
) -> Path:
    """Unpack into a folder that lies in one of its own, to see what leaves it."""
    archive, target = tmp_path / "archive", tmp_path / "around" / "target"
    archive.write_bytes(content)
    target.parent.mkdir()
    unpack(archive, target, most_bytes=most_bytes, most_entries=most_entries, quiet=True)
    return target


def around(tmp_path: Path) -> set[str]:
    """Return what lies outside of the target, and every file in it."""
    paths = [path for path in tmp_path.rglob("*") if path.is_symlink() or not path.is_dir()]
    return {path.relative_to(tmp_path).as_posix() for path in paths} - {"archive"}


def entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize("pack", [tar, zipped, lambda files: tar(files, mode="w:xz")])
def test_files_come_out_as_they_went_in(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    target = unpacked(tmp_path, pack(FILES))
    found = {p.relative_to(target).as_posix(): p.read_bytes() for p in target.rglob("*.*")}
    assert found == FILES


def test_folders_and_the_leading_dot_of_other_packers_are_fine(tmp_path: Path) -> None:
    folders = [entry("./", tarfile.DIRTYPE), entry("./top/", tarfile.DIRTYPE)]
    target = unpacked(tmp_path, tar({"./top/a.wav": b"sound"}, *folders))
    assert (target / "top/a.wav").read_bytes() == b"sound"


@pytest.mark.parametrize("pack", [tar, zipped])
@pytest.mark.parametrize(
    "name",
    [
        "../out.wav",
        "top/../../out.wav",
        "top/..",
        "/out.wav",
        "//server/out.wav",
        "..\\out.wav",
        "top\\..\\..\\out.wav",
        "\\out.wav",
        "C:out.wav",
        "C:\\out.wav",
        "{around}/out.wav",
    ],
)
def test_names_that_lead_out_are_refused(tmp_path: Path, pack, name: str) -> None:  # type: ignore[no-untyped-def]
    name = name.format(around=tmp_path / "around")
    with pytest.raises(UserError, match="outside of its own folder") as caught:
        unpacked(tmp_path, pack({"top/a.wav": b"sound", name: b"out"}))
    assert str(tmp_path / "archive") in str(caught.value)
    assert around(tmp_path) == {"around/target/top/a.wav"}


@pytest.mark.parametrize(
    "other",
    [
        entry("top/link", tarfile.SYMTYPE, "../../.."),
        entry("top/link", tarfile.SYMTYPE, "/etc/passwd"),
        entry("top/link", tarfile.SYMTYPE, "a.wav"),  # even within: no corpus here has any
        entry("top/link", tarfile.LNKTYPE, "/etc/passwd"),
        entry("top/link", tarfile.LNKTYPE, "../../archive"),
        entry("top/link", tarfile.LNKTYPE, "top/a.wav"),
        entry("top/null", tarfile.CHRTYPE),
        entry("top/disk", tarfile.BLKTYPE),
        entry("top/pipe", tarfile.FIFOTYPE),
    ],
    ids=lambda other: f"{other.name} {other.linkname}",
)
def test_links_and_devices_are_refused(tmp_path: Path, other: tarfile.TarInfo) -> None:
    with pytest.raises(UserError, match=r"a link|a device"):
        unpacked(tmp_path, tar({"top/a.wav": b"sound"}, other))
    assert around(tmp_path) == {"around/target/top/a.wav"}


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "links.zip"
    with zipfile.ZipFile(path, "w") as packed:
        info = zipfile.ZipInfo("top/link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(info, "/etc/passwd")
    with pytest.raises(UserError, match="a link"):
        unpack(path, tmp_path / "target", most_bytes=100, most_entries=100, quiet=True)
    assert not list((tmp_path / "target").iterdir())


def test_an_encrypted_file_in_a_zip_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"top/a.wav": b"sound"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UserError, match="encrypted"):
        unpacked(tmp_path, bytes(content))


@pytest.mark.parametrize("pack", [tar, zipped])
def test_a_bomb_is_stopped_at_the_limit(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    bomb = pack({"top/a.wav": bytes(30_000_000), "top/b.wav": bytes(30_000_000)})
    assert len(bomb) < 100_000
    with pytest.raises(UserError, match="unpacks to more than 40000000 bytes"):
        unpacked(tmp_path, bomb, most_bytes=40_000_000)
    target = tmp_path / "around/target"
    assert sum(path.stat().st_size for path in target.rglob("*.wav")) <= 40_000_000


def test_the_limit_counts_bytes_and_not_what_the_header_says(tmp_path: Path) -> None:
    content = bytearray(zipped({"top/a.wav": bytes(10_000_000)}))
    size = content.index(b"PK\x01\x02") + 24
    content[size : size + 4] = (100).to_bytes(4, "little")
    with pytest.raises(UserError):
        unpacked(tmp_path, bytes(content), most_bytes=1000)
    assert sum(p.stat().st_size for p in (tmp_path / "around").rglob("*.wav")) <= 1000


@pytest.mark.parametrize("pack", [tar, zipped])
def test_too_many_files_are_refused(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match="more than 50 files"):
        unpacked(tmp_path, pack({f"top/{i}": b"" for i in range(200)}), most_entries=50)
    assert len(around(tmp_path)) == 50


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    twice = entry("top/a.wav", tarfile.REGTYPE)
    with pytest.raises(UserError, match="twice"):
        unpacked(tmp_path, tar({"top/a.wav": b"sound"}, twice))


@pytest.mark.parametrize("pack", [librispeech, esc50])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_archive_is_one_sentence(tmp_path: Path, pack, share: float) -> None:  # type: ignore[no-untyped-def]
    content = pack()
    with pytest.raises(UserError, match="damaged"):
        unpacked(tmp_path, content[: int(len(content) * share)])


def test_a_flipped_byte_in_a_zip_is_one_sentence(tmp_path: Path) -> None:
    content = bytearray(zipped({"top/a.wav": bytes(range(256)) * 100}))
    content[60] ^= 0xFF
    with pytest.raises(UserError, match="damaged"):
        unpacked(tmp_path, bytes(content))


def test_archives_of_the_tests_have_the_layouts_of_the_large_ones(tmp_path: Path) -> None:
    names = set(contents(unpacked(tmp_path, librispeech())))
    assert "LibriSpeech/dev-clean/84/121123/84-121123.trans.txt" in names
    assert "LibriSpeech/dev-clean/84/121123/84-121123-0000.flac" in names
