"""Every ATen op that is imported, by the name of its packet; a handler makes of a call the value it results in."""

from __future__ import annotations

from typing import Final

from convc.importers.torch.call import Handler
from convc.importers.torch.handlers import elementwise, layers, movement, reduction

HANDLERS: Final[dict[str, Handler]] = {
    **layers.HANDLERS, **elementwise.HANDLERS, **movement.HANDLERS, **reduction.HANDLERS,
}  # fmt: skip
