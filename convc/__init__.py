"""convc: a compiler for convolutional networks."""

from typing import TYPE_CHECKING, Any

from convc.diagnostics import CompileError, ConvcError

__version__ = "0.1.0"
__all__ = [
    "CompileError", "ConvcError", "Kernel", "Network", "__version__", "compile", "from_onnx", "from_torch", "load",
    "open",
]  # fmt: skip

if TYPE_CHECKING:
    from convc.driver import compile, from_onnx, from_torch, load  # noqa: A004 (the public names of the package)
    from convc.native.kernel import Kernel
    from convc.native.kernel import open_library as open  # noqa: A004 (as above)
    from convc.network import Network

#: Where the public names live: imported when first used, so that `convc check` does not wait for the code generator.
_HOMES = {
    "Kernel": ("convc.native.kernel", "Kernel"),
    "Network": ("convc.network", "Network"),
    "compile": ("convc.driver", "compile"),
    "from_onnx": ("convc.driver", "from_onnx"),
    "from_torch": ("convc.driver", "from_torch"),
    "load": ("convc.driver", "load"),
    "open": ("convc.native.kernel", "open_library"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'convc' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
