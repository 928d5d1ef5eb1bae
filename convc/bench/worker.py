"""One system, one network, a process of its own: `python -m convc.bench.worker SYSTEM MODEL THREADS INPUTS RESULTS`.

INPUTS and RESULTS are .npz files of arrays by number. Loads, runs once, writes RESULTS and answers with a line of JSON;
then, for every number of seconds it reads, runs for about that long and answers with the fastest time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from convc.bench.peers import SYSTEMS, keep_threads
from convc.bench.timing import fastest_run


def main() -> None:
    system, model, threads, inputs, results = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # systems print to standard output as they like
    keep_threads(int(threads))
    with np.load(inputs) as given:
        arrays = [given[name] for name in given.files]
    start = time.perf_counter()
    try:
        run = SYSTEMS[system][2](Path(model), int(threads))
        np.savez(results, *(np.asarray(array) for array in run(arrays)))
    except Exception as error:  # whatever another system raises is its answer
        print(json.dumps({"error": f"{type(error).__name__}: {str(error)[:200]}"}), file=answers)
        return
    print(json.dumps({"load": time.perf_counter() - start}), file=answers)
    for line in sys.stdin:
        print(json.dumps(fastest_run(lambda: run(arrays), float(line))), file=answers)


if __name__ == "__main__":
    main()
