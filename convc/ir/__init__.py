"""The graph IR: types, values, nodes, graphs, their text and their laws."""

from convc.ir.graph import Graph, Node, Output, Value, fresh_name, walk
from convc.ir.op import Array, Cost, Fused, Op, OpError
from convc.ir.types import DType, Layout, Shape, TensorType, ceil_div, round_up

__all__ = [
    "Array", "Cost", "DType", "Fused", "Graph", "Layout", "Node", "Op", "OpError", "Output", "Shape", "TensorType",
    "Value", "ceil_div", "fresh_name", "round_up", "walk",
]  # fmt: skip
