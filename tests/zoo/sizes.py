"""Inputs as small as each network allows, so that float64 and NumPy are quick."""

from __future__ import annotations

from typing import Final

#: Networks whose weights depend on the input's size, or that have no parameter for it.
_FIXED: Final = ("alexnet", "alexnet_two_groups", "lenet5", "vgg16", "vgg19")
_SIZES: Final[dict[str, dict[str, object]]] = {
    "context": {"size": 388},
    "deformable_resnet50": {"size": 96},
    "deformable_resnet50_v2": {"size": 96},
    "inception_v3": {"size": 96},
    "unet": {"size": 188},
    "wavenet": {"length": 64},
    "xception": {"size": 96},
}

#: Those that are run every time, and those whose library is built every time.
QUICK: Final = ("shufflenet_v2", "squeezenet", "wavenet")
BUILT: Final = ("lenet5", "squeezenet")


def small(name: str) -> dict[str, object]:
    """Parameters of the network of that name."""
    return {} if name in _FIXED else _SIZES.get(name, {"size": 64})
