"""Figures and images as bytes."""

from __future__ import annotations

import importlib
import io
from pathlib import PurePosixPath
from typing import Any

from lading.paths import PathArgument


def figure_bytes(figure: Any, path: PathArgument) -> bytes:
    """Renders a figure of matplotlib (anything with `savefig`) or plotly. Raises TypeError for anything else."""
    suffix = PurePosixPath(path).suffix.lstrip(".").lower()
    if hasattr(figure, "savefig"):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=suffix or "png", bbox_inches="tight")
        return buffer.getvalue()
    if hasattr(figure, "to_image"):
        return _plotly_bytes(figure, suffix)
    raise TypeError(f"log_figure takes a figure of matplotlib or plotly, and not a {type(figure).__name__}")


def _plotly_bytes(figure: Any, suffix: str) -> bytes:
    """HTML and JSON need plotly alone; images need its kaleido."""
    if suffix == "html":
        return figure.to_html(include_plotlyjs="cdn").encode()
    if suffix == "json":
        return figure.to_json().encode()
    return figure.to_image(format=suffix or "png")


def image_bytes(image: Any, path: PathArgument) -> bytes:
    """Encodes an image of PIL or an array of numpy, in the format that the extension names; PNG without one. Raises
    ValueError for what is no image, and OSError for one that the format cannot hold, such as RGBA as JPEG."""
    pillow: Any = importlib.import_module("PIL.Image")
    if not isinstance(image, pillow.Image):
        image = pillow.fromarray(_pixels_of(image))
    buffer = io.BytesIO()
    extension = PurePosixPath(path).suffix.lower() or ".png"
    formats: dict[str, str] = pillow.registered_extensions()
    if extension not in formats:
        raise ValueError(f"{path}: {extension} is no extension of an image")
    image.save(buffer, format=formats[extension])
    return buffer.getvalue()


def _pixels_of(array: Any) -> Any:
    """As integers of 8 bits. Raises ValueError for what is no image, rather than show another one."""
    np: Any = importlib.import_module("numpy")
    values = np.asarray(array)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if not values.size or values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] not in (3, 4)):
        raise ValueError(f"an image has the shape (height, width) or (height, width, 1, 3 or 4), not {values.shape}")
    if values.dtype.kind == "f":
        if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
            raise ValueError("an image of floats has values from 0 to 1")
        values = (values * 255).round()
    elif values.dtype.kind == "b":
        values = values * 255
    elif values.size and (values.min() < 0 or values.max() > 255):
        raise ValueError("an image of integers has values from 0 to 255")
    return values.astype(np.uint8)
