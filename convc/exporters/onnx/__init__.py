"""A network as an ONNX model: every op as the ONNX ops of its meaning.

    emitter  nodes, weights and names of the model under construction
    layers, elementwise, movement, statistics  what each op becomes
    table    all of them; model puts the model together
"""

from convc.exporters.onnx.model import export_model, write_model

__all__ = ["export_model", "write_model"]
