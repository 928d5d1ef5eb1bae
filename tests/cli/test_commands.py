"""Every command does what its help says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from trust.broken import TakesAnother, use_passes

from convc.cli.main import COMMANDS, run

HERE = Path(__file__).parent

NET = """network small(x: f32[batch, 3, 8, 8], channels = 8, batch = 1) {
    y = x |> conv(channels, 3, pad = 1, bias = false) |> batchnorm |> relu
    return y |> global_avgpool |> flatten |> linear(4)
}
"""


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Convc = Callable[..., Ran]
Golden = Callable[[Path, str], None]


@pytest.fixture
def convc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Convc:
    """The command line, in a folder that holds net.conv."""
    monkeypatch.chdir(tmp_path)
    Path("net.conv").write_text(NET)

    def call(*arguments: str) -> Ran:
        capsys.readouterr()
        code = run(list(arguments))
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return call


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_an_example(convc: Convc, name: str) -> None:
    ran = convc(name, "--help")
    assert ran.code == 0
    assert f"Example:\n      convc {name}" in ran.out


def test_check_says_what_the_network_is(convc: Convc) -> None:
    ran = convc("check", "net.conv", "-p", "channels=16")
    assert ran.code == 0
    assert "net.conv: ok, small(x: f32[1, 3, 8, 8])" in ran.out


def test_check_lists_every_mistake(convc: Convc) -> None:
    Path("net.conv").write_text(NET.replace("channels, 3", "chanels, 3").replace("linear(4)", "linaer(4)"))
    ran = convc("check", "net.conv")
    assert ran.code == 1
    assert "chanels" in ran.err
    assert "linaer" in ran.err
    assert ran.out == ""


def test_check_as_json_gives_places(convc: Convc) -> None:
    Path("net.conv").write_text(NET.replace("channels, 3", "chanels, 3"))
    ran = convc("check", "net.conv", "--json")
    (report,) = json.loads(ran.out)
    assert ran.code == 1
    assert not report["ok"]
    assert (report["diagnostics"][0]["line"], report["diagnostics"][0]["column"]) == (2, 19)


def test_fmt_formats_in_place_once(convc: Convc) -> None:
    Path("net.conv").write_text(NET.replace(", 3, pad", ",3,pad"))
    assert convc("fmt", "--check", "net.conv").code == 1
    assert "+    y = x" in convc("fmt", "--diff", "net.conv").out
    assert convc("fmt", "net.conv").out == "net.conv: formatted\n"
    assert Path("net.conv").read_text() == NET
    assert convc("fmt", "net.conv").out == ""


def test_ir_lists_stages(convc: Convc) -> None:
    stages = json.loads(convc("ir", "net.conv", "--json").out)
    assert [stage["name"] for stage in stages][:2] == ["source", "remove-identities"]
    assert "fold-batch-norm" in convc("ir", "net.conv").out


def test_ir_after_a_pass_is_a_network(convc: Convc) -> None:
    text = convc("ir", "net.conv", "--after", "fuse-epilogue").out
    assert "= fused {" in text
    Path("dump.conv").write_text(text)
    assert convc("check", "dump.conv").code == 0


def test_ir_diff_shows_what_a_pass_changed(convc: Convc) -> None:
    ran = convc("ir", "net.conv", "--diff", "fold-batch-norm")
    assert any(line.startswith("-") and "batchnorm" in line for line in ran.out.splitlines())


def test_ir_in_other_formats(convc: Convc) -> None:
    assert convc("ir", "net.conv", "--format", "dot").out.startswith('digraph "small"')
    assert json.loads(convc("ir", "net.conv", "--format", "json").out)["name"] == "small"


def test_build_writes_the_library_and_prints_the_table(convc: Convc) -> None:
    ran = convc("build", "net.conv", "-o", "out", "--ir")
    assert ran.code == 0
    for part in ("layer", "MACs", "arena", "lower bound", "conv_3x3"):
        assert part in ran.out
    assert Path("out/libsmall.so").is_file()
    assert Path("out/small.h").is_file()
    assert sorted(path.name for path in Path("out/ir").iterdir())[0] == "0-source.conv"


def test_build_as_json(convc: Convc) -> None:
    record = json.loads(convc("build", "net.conv", "--json", "-t", "1").out)
    assert record["parameters"] == 8 * 3 * 9 + 2 * 8 + 8 * 4 + 4
    assert record["arena_bytes"] >= record["arena_lower_bound"]
    assert Path(record["library"]).is_file()


def test_run_takes_arrays_and_a_built_library(convc: Convc) -> None:
    np.save("x.npy", np.ones((1, 3, 8, 8), np.float32))
    assert convc("build", "net.conv").code == 0
    assert convc("run", "net.conv", "-i", "x.npy", "-o", "a.npy").code == 0
    assert "[1, 4]" in convc("run", "build/libsmall.so", "-i", "x.npy", "-o", "b.npy").out
    np.testing.assert_array_equal(np.load("a.npy"), np.load("b.npy"))


def test_bench_times_layers(convc: Convc) -> None:
    record = json.loads(convc("bench", "net.conv", "--time", "0.01", "--layers", "--json").out)
    assert record["median"] >= record["fastest"] > 0
    assert len(record["layers"]) >= 3
    assert record["machine"]["flops_per_second"] > 1e8
    assert all(row["share_of_bound"] == row["bound"] / row["seconds"] for row in record["layers"])
    refused = convc("bench", "net.conv", "--against", "ort,abacus")
    assert refused.code != 0 and "`abacus` is no system" in refused.err
    assert "median" in convc("bench", "net.conv", "--time", "0.01", "--layers").out


def test_explain_a_code_and_a_network(convc: Convc) -> None:
    assert "kernel does not fit" in convc("explain", "E0302").out
    assert convc("explain", "e0302").code == 0
    assert "fold-batch-norm" in convc("explain", "net.conv").out


def test_zoo_lists_and_prints(convc: Convc) -> None:
    rows = {row["name"]: row for row in json.loads(convc("zoo", "list", "--json").out)}
    assert {"lenet5", "resnet50"} <= set(rows)
    assert (rows["resnet50"]["year"], rows["resnet50"]["field"]) == (2015, 427)
    assert re.search(r"25\.56 M +4\.09 G +427  He, Zhang", convc("zoo").out)
    source = convc("zoo", "show", "lenet5").out
    assert json.loads(convc("zoo", "show", "lenet5", "--json").out)["source"] == source
    Path("mine.conv").write_text(source)
    assert convc("check", "mine.conv").code == 0


def test_zoo_lists_and_prints_the_forms(convc: Convc) -> None:
    rows = {row["name"]: row for row in json.loads(convc("zoo", "forms", "--json").out)}
    assert rows["grouped"]["acts_in"] == "space, and channels of a group"
    assert "deformable" in rows and "Dai et al. 2017" in rows["deformable"]["title"]
    assert "transposed" in convc("zoo", "forms").out
    assert "network grouped(" in convc("zoo", "show", "grouped").out
    assert convc("check", "grouped").code == 0


def test_cache_shows_and_clears(convc: Convc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVC_CACHE", str(tmp_path / "cache"))
    assert "empty" in convc("cache").out
    convc("build", "net.conv", "--json")
    assert any(kind["entries"] for kind in json.loads(convc("cache", "--json").out)["kinds"])
    convc("cache", "--clear")
    assert not any(kind["entries"] for kind in json.loads(convc("cache", "--json").out)["kinds"])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(convc: Convc, shell: str) -> None:
    assert "_CONVC_COMPLETE" in convc("completion", shell).out


def test_version_says_what_a_report_needs(convc: Convc) -> None:
    facts = json.loads(convc("version", "--json").out)
    assert {"convc", "compiler", "target", "threads"} <= set(facts)
    assert facts["convc"] in convc("--version").out


def test_a_pass_is_left_out(convc: Convc) -> None:
    assert "folded" in convc("ir", "net.conv", "--after", "fuse-epilogue").out
    stages = convc("ir", "net.conv", "--without", "fold-batch-norm", "--without", "place-concat").out
    assert "fuse-epilogue" in stages and "fold-batch-norm" not in stages and "place-concat" not in stages
    ran = convc("build", "net.conv", "--without", "fuse-epilog")
    assert ran.code == 1
    assert "unknown pass `fuse-epilog`; did you mean `fuse-epilogue`?" in ran.err and "fold-batch-norm" in ran.err


def test_ablation(convc: Convc) -> None:
    """Passes that change nothing here have no line; without fusing there are more steps, and more bytes move."""
    ran = convc("bench", "net.conv", "-t", "1", "--time", "0.01", "--target", "generic", "--ablate", "--json")
    records = {record["without"]: record for record in json.loads(ran.out)["ablation"]}
    assert next(iter(records)) == "" and "fuse-epilogue" in records and "place-concat" not in records
    whole, parts = records[""], records["fuse-epilogue"]
    assert parts["steps"] > whole["steps"] and parts["bytes"] > whole["bytes"]
    assert whole["slower"] == 1.0 and all(record["fastest"] > 0 for record in records.values())


def test_check_passes_gives_a_verdict_for_each(convc: Convc) -> None:
    ran = convc("ir", "net.conv", "--check-passes")
    assert ran.code == 0
    assert re.search(r"^fold-batch-norm +agrees", ran.out, re.MULTILINE)
    records = json.loads(convc("ir", "net.conv", "--check-passes", "--json").out)
    assert all(record["agrees"] for record in records) and any(record["changed"] for record in records)
    assert "none the results" in convc("build", "net.conv", "--check-passes").out


def test_bisect_names_the_guilty(convc: Convc, monkeypatch: pytest.MonkeyPatch, golden: Golden) -> None:
    assert convc("bisect", "net.conv").code == 0
    Path("wrong.conv").write_text(NET.replace("|> relu", "|> tanh"))
    use_passes(monkeypatch, TakesAnother())
    ran = convc("bisect", "wrong.conv")
    assert ran.code == 1
    told = [line for line in ran.out.splitlines(keepends=True) if "changed nothing" not in line]
    golden(HERE / "bisect.txt", re.sub(r"\d\.\d+(e-\d+)?|\d+e-\d+", "N", "".join(told)))
    (guilty,) = json.loads(convc("bisect", "wrong.conv", "--json").out)["guilty"]
    assert (guilty["what"], guilty["node"]) == ("pass take-another", "y")
    assert convc("ir", "wrong.conv", "--check-passes").code == 1


def test_memory_lists_and_draws_the_plan(convc: Convc) -> None:
    ran = convc("memory", "net.conv", "--plot", "out.svg")
    assert ran.code == 0 and "lower bound" in ran.out and "global_avgpool" in ran.out
    assert Path("out.svg").read_text().startswith("<svg ")
    record = json.loads(convc("memory", "net.conv", "--json").out)
    assert record["values"] and record["lower_bound_bytes"] <= record["arena_bytes"]
    last = len(record["steps"]) - 1
    assert all(0 <= value["first"] <= value["last"] <= last for value in record["values"])
