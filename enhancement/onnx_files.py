"""ONNX models on disk: what they say about themselves, and how they are run beside a live stream.

What a checkpoint has in its header stands in the model's metadata, one entry for each field, values
in JSON. Reading it takes onnxruntime, never torch.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from enhancement.checkpoints import FORMAT_VERSION, Header
from prepare_data.errors import UserError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

SUFFIX = ".onnx"
_ERRORS_ONLY = 3


def header_metadata(header: Header) -> dict[str, str]:
    """Return a header as the metadata of an ONNX file."""
    return {name: json.dumps(value) for name, value in asdict(header).items()}


def read_onnx_header(path: Path) -> Header:
    """Read what an ONNX file says about its model.

    Raises:
        UserError: if the file is missing, damaged, of another program or of a newer version.
    """
    return session_header(open_session(path, optimised=False), path)


def session_header(session: InferenceSession, path: Path) -> Header:
    """Return what an open ONNX file says about its model.

    Raises:
        UserError: if it says nothing, or is of a newer version.
    """
    metadata = session.get_modelmeta().custom_metadata_map
    try:
        fields = {name: json.loads(metadata[name]) for name in Header.__annotations__}
        header = Header(**fields)
        newer = int(header.format_version) > FORMAT_VERSION
    except (KeyError, ValueError, TypeError) as error:
        raise UserError(f"{path} is an ONNX file of another program: it names no model.") from error
    if newer:
        raise UserError(
            f"{path} has format version {header.format_version}, this program reads up to "
            f"{FORMAT_VERSION}; update the program."
        )
    return header


def open_session(path: Path, *, optimised: bool = True) -> InferenceSession:
    """Open an ONNX file for one thread that sleeps between calls.

    Args:
        path: the file.
        optimised: whether the graph is put into its quickest form, which takes time; not worth it
            for reading metadata.

    Raises:
        UserError: if the file is missing or damaged, or onnxruntime is not installed.
    """
    if not path.is_file():
        raise UserError(f"{path} is not there, or is no file.")
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError(
            f"{path} needs onnxruntime, which is not installed: pip install onnxruntime."
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _ERRORS_ONLY
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime documents no list of what it raises
        raise UserError(
            f"{path} is not an ONNX file that onnxruntime can run, or it is damaged; export it "
            "again."
        ) from error
