"""Measuring networks: the machine's limits beside each layer's time, and other systems on the same network.

    roofline  what a layer could take at best, and what was expected of it
    peers     how each other system loads an ONNX file and runs it
    worker    a process that holds one network for one system
    race      several of them in turn
    timing    the fastest of the runs that fit into a slice of time
"""
