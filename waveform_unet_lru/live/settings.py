"""Fields of a configuration as people type them: FIELD=VALUE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, get_type_hints

from prepare_data.errors import UserError
from waveform_unet_lru.live.config import LiveConfig


def with_settings(config: LiveConfig, settings: Sequence[str]) -> LiveConfig:
    """Return a configuration with some of its fields changed.

    Where there were as many states as the width, and only the width changes, there still are.

    Args:
        config: what to start from.
        settings: such as "mixing=linear" or "blocks=6"; of two for one field the last counts.

    Raises:
        UserError: if there is no such field, or no network has such sizes.
    """
    changes = parsed_settings(LiveConfig, settings)
    if config.states == config.width:
        changes.setdefault("states", 0)
    try:
        return replace(config, **changes)
    except ValueError as error:
        raise UserError(f"--set {' '.join(settings)} makes no network: {error}.") from error


def parsed_settings(
    kind: type, settings: Sequence[str], *, option: str = "--set"
) -> dict[str, Any]:
    """Return field to value; numbers where the field is one and the value looks like one.

    Args:
        kind: a dataclass of numbers and strings.
        settings: see `with_settings`.
        option: what they were typed after.

    Raises:
        UserError: if there is no such field, or nothing is said of it.
    """
    known = [field.name for field in fields(kind)]
    types = get_type_hints(kind)
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise UserError(
                f"{option} holds {setting}; FIELD=VALUE is wanted, such as {known[0]}=32."
            )
        if name not in known:
            raise UserError(
                f"{option} {setting}: there is no {name}; there are {', '.join(known)}."
            )
        values[name] = _number(text, types[name]) if types[name] in (int, float) else text
    return values


def _number(text: str, kind: type) -> Any:
    """Return what the text says; what is no such number is left for the dataclass to refuse."""
    try:
        return kind(text)
    except ValueError:
        return text
