"""The main job on real input: LeNet-5 from its `.conv` file to a native library that reads handwritten digits.

    python examples/lenet5/demo.py [FOLDER]

FOLDER receives the library, its header, the C and the IR after every pass (default: build/demo).
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import numpy as np
from digits import enlarge

import convc
from convc import zoo
from convc.driver import build_library, make_options, translate
from convc.inspect.dump import write_stages

HERE = Path(__file__).parent
SHADES = " .:-=+*#%@"


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("build/demo")
    start = time.perf_counter()
    lenet5 = zoo.find("lenet5")
    network = convc.load(lenet5.path, weights=lenet5.weights)
    options = make_options(threads=1)
    compiled = translate(network.graph, options)
    kernel = convc.open(build_library(network, compiled, options), threads=1)
    library = kernel.save(folder)
    seconds = time.perf_counter() - start
    write_stages(compiled.stages, folder / "ir")

    held_out = np.load(HERE / "digits.npz")
    images, labels = enlarge(held_out["images"]), held_out["labels"]
    answers = np.array([np.argmax(kernel(image[None])) for image in images])
    show(held_out["images"], answers, labels)
    right = float(np.mean(answers == labels))
    print(f"accuracy   {right:.2%} of {len(labels)} digits the network was not trained on")
    print(f"time       {microseconds(kernel, images[:1]):.1f} microseconds per image, one thread")
    sizes = f"{kernel.weights_bytes:,} bytes of weights, {kernel.arena_bytes:,} bytes of arena"
    print(f"build      {seconds:.2f} s ({sizes})")
    print(f"library    {library}\nheader     {library.with_name('lenet5.h')}")
    print(f"C          {folder / 'src'}")
    print(f"IR         {folder / 'ir'} (a file per pass: each is a network; edit it, and it builds)")
    if right < 0.97:
        sys.exit("accuracy is below 97 %: something is wrong")


def show(images: np.ndarray, answers: np.ndarray, labels: np.ndarray) -> None:
    """A few digits side by side, with what the network says; a wrong answer is among them if there is one."""
    wrong = np.flatnonzero(answers != labels)[:1]
    chosen = [*range(6 - len(wrong)), *wrong]
    for row in range(8):
        print("   ".join("".join(SHADES[min(9, int(v) * 10 // 17)] * 2 for v in images[i][row]) for i in chosen))
    captions = (f"{answers[i]}" + ("" if answers[i] == labels[i] else f" (it is a {labels[i]})") for i in chosen)
    print("   ".join(f"{caption:16s}" for caption in captions) + "\n")


def microseconds(kernel: convc.Kernel, image: np.ndarray) -> float:
    """Median time of a call."""
    times = []
    for _ in range(2000):
        start = time.perf_counter()
        kernel(image)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


if __name__ == "__main__":
    try:
        main()
    except convc.ConvcError as error:  # no C compiler, say
        sys.exit(f"error: {error}")
