"""What the model of costs knows of a core; measured by `benchmarks/kernels.py`, ratios that other wide cores share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Machine:
    """What the model knows of a core, in cycles and in vectors of the target."""

    rate: int  # multiply-adds in a cycle, and loads
    access: float  # cycles of a load or store in a transform
    operation: float  # cycles of an addition or multiply-add in a transform
    memory_rate: float  # bytes per cycle from memory
    second_level_rate: float = 32.0  # bytes per cycle from a core's own cache
    third_level_rate: float = 17.0  # bytes per cycle from the shared cache
    third_level: int = 16 * 1024 * 1024  # bytes of the shared cache that may be counted on
    v_bytes: int = 256 * 1024  # of transformed inputs that may be read again for every tile of output channels
    own_bytes: int | None = None  # of transformed inputs and products, above which they go to the shared cache and back
    latency: int = 4  # of a multiply-add
    direct_efficiency: float = 0.92  # of direct convolution, relative to multiply-adds alone
    product_efficiency: float = 0.90  # of the products at the points
    transform: float = 40.0  # cycles of one transform besides
    call: float = 12.0  # cycles of the product of one register tile besides
    overlap: float = 0.85  # of a stream of weights that hides behind computation, or the other way round


#: By vector registers: AVX-512 as on Zen 4, where a vector takes both halves of a core, and others as AVX2 on Zen 3.
#: Products with 64-byte vectors read only 2 bytes of V in a cycle, which even the shared cache delivers.
MACHINES: Final = {
    32: Machine(
        rate=1, access=1.0, operation=0.6, memory_rate=5.5, v_bytes=8 * 1024 * 1024, own_bytes=512 * 1024
    ),
    16: Machine(rate=2, access=0.6, operation=0.35, memory_rate=4.4),
}
