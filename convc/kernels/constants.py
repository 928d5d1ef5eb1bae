"""Constants beside the weights, as the formulas of kernels read them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from convc.ir.types import ceil_div
from convc.kernels.base import Packing


@dataclass(frozen=True, slots=True)
class BlockPacking(Packing):
    """`[n, c, ...]` -> `[n][c / lanes][...][lane]`, absent channels zero."""

    shape: tuple[int, ...]
    lanes: int

    def size(self) -> int:
        return self._blocks * self.shape[0] * self._inner * self.lanes

    @property
    def _blocks(self) -> int:
        return ceil_div(self.shape[1], self.lanes)

    @property
    def _inner(self) -> int:
        return int(np.prod(self.shape[2:], dtype=np.int64))

    def apply(self, array: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        n, c = self.shape[:2]
        padded = np.zeros((n, self._blocks * self.lanes, self._inner), np.float32)
        padded[:, :c] = np.asarray(array).reshape(n, c, self._inner)
        blocks = padded.reshape(n, self._blocks, self.lanes, self._inner)
        return np.ascontiguousarray(blocks.transpose(0, 1, 3, 2)).reshape(-1)
