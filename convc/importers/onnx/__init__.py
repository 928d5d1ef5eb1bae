"""ONNX models, operator sets 7 to the newest the onnx package knows.

    reader   bytes -> a checked model          walk      nodes in order, into a graph under construction
    weights  tensors -> arrays, checked        fold      what is known is computed when the model is read
    external data beside the model             handlers  what each op becomes, one file per family
    names    scopes from the names of nodes    table     all ops, and what is said of the others
"""

from convc.importers.onnx.errors import Refusal, UnsupportedModel
from convc.importers.onnx.importer import Imported, import_model

__all__ = ["Imported", "Refusal", "UnsupportedModel", "import_model"]
