"""The environment, read in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

DEFAULT_URL = "http://localhost:8080"
ON_ERROR = ("raise", "warn")
PROGRESS = ("auto", "on", "off")


@dataclass(frozen=True)
class Settings:
    """What a tracker goes by. Each is an argument of `ExperimentTracker`, or a variable, or has a default."""

    url: str = DEFAULT_URL
    """`LADING_URL`."""
    api_key: str | None = None
    """`LADING_API_KEY`: sent as `Authorization: Bearer`. Never written to the outbox."""
    tenant: str | None = None
    """`LADING_TENANT`: sent as `X-Tenant-ID`. The server's default tenant without it."""
    outbox: Path = Path()
    """`LADING_OUTBOX`: folder of what is not sent yet. On the disk of the checkpoints, nothing is copied."""
    offline: bool = False
    """`LADING_OFFLINE=1`: send nothing; `lading sync` does it later."""
    on_error: str = "raise"
    """`LADING_ON_ERROR`: `raise`, or `warn` to let the training go on when something cannot be logged."""
    exit_timeout: float = 60.0
    """`LADING_EXIT_TIMEOUT`: seconds that the end of the program waits for what is not sent yet."""
    progress: str = "auto"
    """`LADING_PROGRESS`: `on`, `off`, or `auto`: where tqdm is installed and stderr is a terminal."""
    ca_file: str | None = None
    """`LADING_CA_FILE`: PEM of the authorities to trust, instead of the system's."""
    client_cert: str | None = None
    """`LADING_CLIENT_CERT`: PEM of a client's certificate and key."""
    senders: int = 4
    """`LADING_SENDERS`: requests at once."""

    def __post_init__(self) -> None:
        """Raises SettingsError for what no request could be made with, whose value is not told: it may be a secret."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError(f"LADING_URL: {self.url!r} is not http://HOST or https://HOST")
        _set(self, "url", self.url.rstrip("/"))
        _set(self, "api_key", _header(self.api_key, "LADING_API_KEY"))
        _set(self, "tenant", _header(self.tenant, "LADING_TENANT"))
        # A program may go to another directory meanwhile.
        _set(self, "outbox", Path(self.outbox).expanduser().absolute())
        if self.on_error not in ON_ERROR:
            raise SettingsError(f"LADING_ON_ERROR: {self.on_error!r} is not one of {', '.join(ON_ERROR)}")
        if self.progress not in PROGRESS:
            raise SettingsError(f"LADING_PROGRESS: {self.progress!r} is not one of {', '.join(PROGRESS)}")


class SettingsError(ValueError):
    """A setting has a value that cannot be read; the message names its variable."""


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Reads the variables. An empty one is as if it were not set. Raises SettingsError."""
    env = {name: text for name, text in (environment or os.environ).items() if text.strip()}
    return Settings(
        url=env.get("LADING_URL", DEFAULT_URL).strip(),
        api_key=env.get("LADING_API_KEY"),
        tenant=env.get("LADING_TENANT"),
        outbox=Path(env["LADING_OUTBOX"]) if "LADING_OUTBOX" in env else _default_outbox(env),
        offline=_choice(env, "LADING_OFFLINE", {"1": True, "true": True, "0": False, "false": False}, False),
        on_error=_choice(env, "LADING_ON_ERROR", {name: name for name in ON_ERROR}, "raise"),
        exit_timeout=_number(env, "LADING_EXIT_TIMEOUT", 60.0, least=0.0),
        progress=_choice(env, "LADING_PROGRESS", {name: name for name in PROGRESS}, "auto"),
        ca_file=env.get("LADING_CA_FILE"),
        client_cert=env.get("LADING_CLIENT_CERT"),
        senders=int(_number(env, "LADING_SENDERS", 4, least=1)),
    )


def _default_outbox(env: Mapping[str, str]) -> Path:
    """Below `XDG_STATE_HOME`, which is for what must outlive a restart of the program (XDG Base Directory)."""
    state = env.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "lading" / "outbox"


def _set(settings: Settings, name: str, value: object) -> None:
    """Of one that is being made."""
    object.__setattr__(settings, name, value)


def _header(text: str | None, name: str) -> str | None:
    """Without the end of line that a file of a secret has."""
    stripped = None if text is None else text.strip()
    if stripped is not None and not (stripped.isascii() and stripped.isprintable()):
        raise SettingsError(f"{name}: it has characters that cannot be in a header")
    return stripped


def _choice(env: Mapping[str, str], name: str, values: Mapping[str, T], default: T) -> T:
    text = env.get(name)
    if text is None:
        return default
    if text.strip().lower() not in values:
        raise SettingsError(f"{name}: {text!r} is not one of {', '.join(values)}")
    return values[text.strip().lower()]


def _number(env: Mapping[str, str], name: str, default: float, least: float) -> float:
    text = env.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value < float("inf"):
        raise SettingsError(f"{name}: {text!r} is not a number from {least:g} up")
    return value
