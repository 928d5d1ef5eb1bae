"""Modules of PyTorch, by way of `torch.export`: the ATen graph, op by op, to the same builder as ONNX models.

importer  module -> graph with weights         walk      nodes in order
call      one node as its handler sees it      handlers  what each op becomes, one file per family
"""

from convc.importers.torch.importer import Imported, import_module

__all__ = ["Imported", "import_module"]
