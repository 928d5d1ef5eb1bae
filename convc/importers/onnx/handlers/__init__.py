"""What each ONNX op becomes: one file per family, put together in `table.py`.

A handler takes a `Call` and returns the node's result (or a tuple of them): a value it emitted, or an operand where
nothing has to be done. It raises `Declined` where the language cannot say what the node does.
"""
