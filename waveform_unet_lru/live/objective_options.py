"""What a command line says of a live model's objective; no torch is imported to read it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from prepare_data.errors import UserError
from waveform_unet_lru.live.settings import parsed_settings

if TYPE_CHECKING:
    from waveform_unet_lru.live.objective import Objective

OPTIONS = ("loss_windows", "log_weight", "objective")
"""Names of the options in a namespace, None where they are not given."""
_LOG_WEIGHT = 0.3
_WINDOWS = (32, 8192)


def add_objective_arguments(group: argparse._ArgumentGroup) -> None:
    """Add the options of the objective."""
    group.add_argument(
        "--loss-windows",
        type=int,
        nargs="+",
        metavar="N",
        help="samples of the windows whose spectra are compared (default: the network's own)",
    )
    group.add_argument(
        "--log-weight",
        type=float,
        metavar="X",
        help="how much the error's power in bels counts beside the others; without it, what is "
        f"nearly clean becomes worse (default: {_LOG_WEIGHT:g})",
    )
    group.add_argument(
        "--objective",
        nargs="+",
        action="extend",
        metavar="FIELD=VALUE",
        help="weights of what training makes small, such as hearing=1 or magnitude=2: see "
        "waveform_unet_lru.live.objective",
    )


def windows_and_log(namespace: argparse.Namespace) -> tuple[tuple[int, ...], float]:
    """Return what --loss-windows and --log-weight say.

    Raises:
        UserError: for values that no objective has.
    """
    windows = tuple(namespace.loss_windows or ())
    lowest, highest = _WINDOWS
    for window in windows:
        if not lowest <= window <= highest or window % 2:
            raise UserError(
                f"--loss-windows holds {window}; even numbers of {lowest} to {highest} are wanted."
            )
    log = _LOG_WEIGHT if namespace.log_weight is None else namespace.log_weight
    if not 0 <= log < float("inf"):
        raise UserError(f"--log-weight is {log}; it must be 0 or more.")
    return windows, log


def chosen_objective(namespace: argparse.Namespace) -> Objective:
    """Return the objective, with the weights that --objective names in place of the defaults.

    Raises:
        UserError: for what is no weight, and for values that no objective has.
    """
    windows, log = windows_and_log(namespace)
    from waveform_unet_lru.live.objective import WEIGHTS, Objective

    settings = namespace.objective or ()
    weights = parsed_settings(Objective, settings, option="--objective")
    try:
        for name in weights:
            if name not in WEIGHTS:
                raise ValueError(f"{name} is no weight; there are {', '.join(WEIGHTS)}")
        return Objective(**{"windows": windows, "log": log, **weights})
    except ValueError as error:
        raise UserError(f"--objective {' '.join(settings)}: {error}.") from error
