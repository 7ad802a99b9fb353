"""Values from memory, in the types that trainings have them in."""

from __future__ import annotations

import enum
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from lading.figures import image_bytes
from lading.values import dict_bytes


class Mode(enum.Enum):
    FAST = "fast"


VALUE = {
    np.int64(3): np.float32(0.5),
    "array": np.arange(3),
    "path": Path("/data"),
    "mode": Mode.FAST,
    "labels": {"b", "a"},
    "inner": [{np.int64(1): "one"}],
}
PLAIN = {"3": 0.5, "array": [0, 1, 2], "path": "/data", "mode": "fast", "labels": ["a", "b"], "inner": [{"1": "one"}]}


def test_what_a_training_has_in_its_dictionaries_is_written_as_what_it_holds() -> None:
    assert json.loads(dict_bytes(VALUE, "a.json")) == PLAIN
    assert yaml.safe_load(dict_bytes(VALUE, "a.yaml")) == PLAIN


def test_a_loss_that_is_no_number_ends_no_training() -> None:
    read = json.loads(dict_bytes({"loss": float("nan"), "worst": float("-inf")}, "a.json"))
    assert read["loss"] != read["loss"]
    assert read["worst"] == float("-inf")


@pytest.mark.parametrize("shape", [(0, 4), (4,), (2, 2, 2)])
def test_an_array_that_is_no_image_is_named_by_its_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        image_bytes(np.zeros(shape), "a.png")


def test_an_image_of_an_unknown_extension_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match=r"\.foo"):
        image_bytes(np.zeros((2, 2)), "a.foo")
