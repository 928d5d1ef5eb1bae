"""convc beside other systems: the same networks, in turn, in one run.

    python benchmarks/race.py [FOLDER] [--threads 1,2] [--only resnet50,vgg16] [--systems ort,mnn] [--out race.json]
    python benchmarks/race.py --out race.json --write

FOLDER holds `<network>.onnx`, and for ncnn and MNN what their converters made of it (`<network>.ncnn.param` and
`.ncnn.bin`, `<network>.mnn`); without it the zoo's networks are exported. Every installed system takes part: each
keeps its network loaded in a process of its own and gets a slice of every round, so that drift of the machine meets all
alike; the figure is the median over rounds of a round's fastest run. A system whose results differ from convc's by more
than 1e-3 of the largest is shown and not counted.

Results go into the file of --out, networks that it holds already are left out; --write puts its table and its plot into
docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import convc
from convc import zoo
from convc.bench.peers import SYSTEMS, is_installed
from convc.bench.race import Timed, check_systems, race
from convc.bench.report import describe_machine, draw, line, put_between, table
from convc.exporters.onnx import export_model, write_model

ROOT = Path(__file__).parents[1]

#: Files that a system loads, by its name; an ONNX file where none is given.
SUFFIXES = {"ncnn": ".ncnn.param", "mnn": ".mnn"}

ZOO = ("lenet5", "alexnet", "vgg16", "resnet50", "mobilenet_v1", "mobilenet_v2", "densenet121", "inception_v3")

BEGIN, END = "<!-- race: written by benchmarks/race.py -->", "<!-- end of race -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--only", default="")
    parser.add_argument("--systems", default=",".join(name for name in list(SYSTEMS)[1:] if is_installed(name)))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--slice", type=float, default=0.4, help="seconds a system gets each round")
    parser.add_argument("--out", type=Path, default=Path("race.json"))
    parser.add_argument("--write", action="store_true", help="write docs/performance.md from --out, and race nothing")
    given = parser.parse_args()
    found: dict[str, Any] = {"machine": describe_machine(), "races": []}
    if given.out.exists():
        found = json.loads(given.out.read_text())
    if given.write:
        write(found)
        return
    systems = [name for name in given.systems.split(",") if name]
    check_systems(systems)
    with tempfile.TemporaryDirectory() as made:
        for name in given.only.split(",") if given.only else names(given.folder):
            model = given.folder / f"{name}.onnx" if given.folder else exported(name, Path(made))
            for threads in map(int, given.threads.split(",")):
                if any(r["network"] == name and r["threads"] == threads for r in found["races"]):
                    continue
                timed = one(model, threads, systems, given.rounds, given.slice)
                found["races"].append({"network": name, "threads": threads, "systems": timed})
                print(line(found["races"][-1]), flush=True)
                given.out.write_text(json.dumps(found, indent=1))


def names(folder: Path | None) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.onnx")) if folder else list(ZOO)


def exported(name: str, folder: Path) -> Path:
    network = convc.load(zoo.find(name).path)
    path = folder / f"{name}.onnx"
    write_model(export_model(network.graph, {v.name: network.weights[v.name] for v in network.graph.parameters}), path)
    return path


def one(model: Path, threads: int, systems: list[str], rounds: int, slice_: float) -> list[dict[str, Any]]:
    kernel = convc.compile(convc.from_onnx(model), threads=threads)
    random = np.random.default_rng(0)
    inputs = [random.standard_normal(port.type.shape).astype(np.float32) for port in kernel.inputs]
    loaded = [name for name in systems if model.with_suffix(SUFFIXES.get(name, ".onnx")).exists()]
    models = {"convc": kernel.path, **dict.fromkeys(loaded, model)}
    return [record(timed) for timed in race(models, inputs, threads, rounds, slice_)]


def record(timed: Timed) -> dict[str, Any]:
    return {field: getattr(timed, field) for field in Timed.__slots__}


def write(found: dict[str, Any]) -> None:
    page, figure = ROOT / "docs" / "performance.md", ROOT / "docs" / "figures" / "race.svg"
    picture = "![the best other system's time over convc's](figures/race.svg)"
    text = "\n\n".join((found["machine"], table(found["races"]), picture))
    put_between(page, BEGIN, END, f"\n\n{text}\n\n")
    figure.write_text(str(draw(found["races"])))


if __name__ == "__main__":
    main()
