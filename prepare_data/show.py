"""Draw a sample of a data set: the three spectrograms, with seconds and kilohertz.

`python -m prepare_data.show data/processed` writes overview.png into the data set's folder.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from prepare_data.errors import UserError
from prepare_data.guard import Parser, guarded

_TITLES = {"noisy_voice": "noisy voice", "voice": "voice", "noise": "noise"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m prepare_data.show` and return its exit code."""
    return guarded(lambda: _command(arguments), program="prepare_data.show")


def draw_overview(data: Path, sample_ids: Sequence[str], target: Path) -> None:
    """Draw samples, a row each, into a PNG file.

    Args:
        data: folder of a data set with pictures.
        sample_ids: such as "000000".
        target: the PNG.

    Raises:
        UserError: if the data set, a sample or its pictures are missing.
    """
    from matplotlib.figure import Figure

    from prepare_data.dataset import DataSet
    from prepare_data.files import write_whole

    samples = {s.id: s for s in DataSet(data) if s.id in sample_ids}
    if missing := [sample_id for sample_id in sample_ids if sample_id not in samples]:
        raise UserError(f"{data} has no sample {missing[0]}.")
    figure = Figure(figsize=(12, 3.4 * len(sample_ids)), layout="constrained")
    rows = figure.subplots(len(sample_ids), 3, squeeze=False, sharex=True, sharey=True)
    for axes, sample_id in zip(rows, sample_ids, strict=True):
        sample = samples[sample_id]
        for axis, (kind, title) in zip(axes, _TITLES.items(), strict=True):
            picture, scale = sample.picture(kind)
            seconds = (scale.frames or picture.shape[1]) * scale.hop_length / scale.sample_rate
            extent = (0, seconds, 0, scale.sample_rate / 2000)
            axis.imshow(picture, cmap="gray", vmin=0, vmax=255, aspect="auto", extent=extent)
            axis.set_title(f"{sample_id}: {title}")
            axis.set_xlabel("seconds")
        noises = ", ".join(sorted({entry["category"] for entry in sample.line["noises"]}))
        axes[0].set_title(f"{sample_id}: {sample.line['snr_db']:g} dB, {noises}")
        axes[0].set_ylabel("kHz")
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=80)
    write_whole(target, buffer.getvalue())


def _command(arguments: Sequence[str] | None) -> int:
    parser = Parser(prog="python -m prepare_data.show", description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DIR", help="folder of a data set")
    parser.add_argument(
        "--id", nargs="+", metavar="ID", help="samples to draw (default: the first three)"
    )
    parser.add_argument("--out", type=Path, metavar="PNG", help="(default: DIR/overview.png)")
    options = parser.parse_args(arguments)
    target = options.out or options.data / "overview.png"
    draw_overview(options.data, options.id or _first_ids(options.data), target)
    print(f"Look at {target}, and listen to {options.data}/*/audio/noisy_voice.")
    return 0


def _first_ids(data: Path) -> list[str]:
    from prepare_data.dataset import DataSet

    return [sample.id for sample in islice(DataSet(data), 3)]


if __name__ == "__main__":
    sys.exit(main())
