"""The formatter: spacing and indentation change, meaning and comments do not."""

from __future__ import annotations

from pathlib import Path

import pytest

import convc
from convc.diagnostics import CompileError
from convc.frontend import format_source

ZOO = sorted((Path(convc.__file__).parent / "zoo").glob("*.conv"))

MESSY = """#about
import "a.conv"


block  f( x,n=-1 ) {

  y=x|>conv( n ,3,pad = [1,1 , 1,1],name="a{ n }b" )   #   why
      |>relu
  for a,b in [(1,2),(3,4)]{ x=relu(x)}
  if n==-1 and not(n<2){y=x }else{
        y = x*-2
      # end
}
   z: f32[1,8;nc( 8,1 )]=fused{ q=relu (y) return q }
  @nofuse   w = [1,2][0]+(n-1)..relu(x) .channels
  return concat(
  x,
  y,
       )
}
"""
TIDY = """# about
import "a.conv"

block f(x, n = -1) {
    y = x |> conv(n, 3, pad = [1, 1, 1, 1], name = "a{ n }b")  #   why
        |> relu
    for a, b in [(1, 2), (3, 4)] { x = relu(x) }
    if n == -1 and not (n < 2) { y = x } else {
        y = x * -2
        # end
    }
    z: f32[1, 8; nc(8, 1)] = fused { q = relu(y) return q }
    @nofuse w = [1, 2][0] + (n - 1)..relu(x).channels
    return concat(
        x,
        y,
    )
}
"""


def test_style() -> None:
    assert format_source(MESSY) == TIDY


def test_twice_is_once() -> None:
    assert format_source(TIDY) == TIDY
    assert format_source("") == ""


@pytest.mark.parametrize(
    "path", sorted((Path(convc.__file__).parent / "zoo").glob("*.conv")), ids=lambda path: path.stem
)
def test_the_zoo_is_formatted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_source(text) == text


def test_what_does_not_parse_is_refused() -> None:
    with pytest.raises(CompileError):
        format_source("network n(")
