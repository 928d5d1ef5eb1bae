"""The matrices of F(m, r) give the convolution exactly, and the straight-line code gives the matrices."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from convc.kernels.toom_cook import PAIRS, Matrix, Scheme, Sum

SCHEMES = [Scheme(t - r + 1, r) for t in PAIRS for r in (2, 3, 4, 5, 7) if t - r + 1 >= 1] + [Scheme(1, 1)]

#: In phases: (outputs, kernel, stride).
STRIDED = ((4, 3, 2), (5, 4, 2), (3, 5, 2), (3, 7, 2), (5, 5, 3), (3, 11, 4), (1, 2, 2))
PHASED = [Scheme(*of) for of in (*STRIDED, (5, 7, 1), (3, 7, 1), (3, 5, 1), (5, 15, 1), (4, 9, 1), (6, 11, 1))]


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_the_identity_holds_without_rounding(scheme: Scheme) -> None:
    """sum over j of A[i, j] G[j, k] B[j, l] is 1 where l = i + k, else 0: in rational arithmetic."""
    a, g, b = scheme.output_matrix, scheme.weight_matrix, scheme.input_matrix
    for i in range(scheme.outputs):
        for k in range(scheme.taps):
            for l in range(scheme.inputs):  # noqa: E741
                total = sum((a[i][j] * g[j][k] * b[j][l] for j in range(scheme.inputs)), Fraction(0))
                assert total == (1 if l == i + k else 0)


@pytest.mark.parametrize("scheme", PHASED, ids=str)
def test_phases_add_up_to_the_kernel(scheme: Scheme) -> None:
    """Each over its own inputs, without those beyond the last of a short phase."""
    random = np.random.default_rng(0)
    x, kernel = random.standard_normal(100), random.standard_normal(scheme.kernel)
    a, b = np.array(scheme.output_matrix, np.float64), np.array(scheme.input_matrix, np.float64)
    m = np.zeros(scheme.inputs)
    for phase in range(scheme.phases):
        used = scheme.inputs - (phase >= scheme.long_phases)
        inputs = x[scheme.first_tap(phase) :: scheme.stride][:used]
        m[:used] += (scheme.weights(phase) @ kernel)[:used] * (b[:used, :used] @ inputs)
        assert not (scheme.weights(phase)[used:]).any() and not b[:used, used:].any()
    expected = [x[i * scheme.stride :][: scheme.kernel] @ kernel for i in range(scheme.outputs)]
    np.testing.assert_allclose(a @ m, expected, atol=1e-10)


def evaluate(sums: tuple[Sum, ...], results: str, x: np.ndarray) -> np.ndarray:
    """The statements, run on numbers."""
    names = {f"x{i}": value for i, value in enumerate(x)}
    for item in sums:
        names[item.name] = sum(c * names[operand] for c, operand in item.terms)
    found = [name for name in names if name.startswith(results)]
    return np.array([names[f"{results}{i}"] for i in range(len(found))])


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_the_statements_are_the_matrices(scheme: Scheme) -> None:
    def product(matrix: Matrix, x: np.ndarray) -> np.ndarray:
        return np.array(matrix, np.float64) @ x

    x = np.random.default_rng(0).standard_normal(scheme.inputs)
    np.testing.assert_allclose(evaluate(scheme.input_sums, "d", x), product(scheme.input_matrix, x), atol=1e-12)
    np.testing.assert_allclose(evaluate(scheme.output_sums, "y", x), product(scheme.output_matrix, x), atol=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_groups_are_the_statements_apart(scheme: Scheme) -> None:
    points = scheme.input_groups
    assert [point for group in points for point in group.results] == list(range(scheme.inputs))
    assert all(scheme.inputs - 1 not in group.inputs for group in points[:-1])
    for groups, sums in ((points, scheme.input_sums), (scheme.output_groups, scheme.output_sums)):
        assert {item for group in groups for item in group.sums} >= {s for s in sums if s.name[0] in "dy"}
        for group in groups:
            made = {item.name for item in group.sums}
            operands = {name for item in group.sums for _, name in item.terms}
            assert operands - made == {f"x{i}" for i in group.inputs}


def test_pairs_share_their_sums() -> None:
    """F(4, 3) as dense products would be 6 x 6 and 4 x 6 multiply-adds."""
    scheme = Scheme(4, 3)
    assert sum(len(item.terms) - 1 for item in scheme.input_sums) == 12
    assert sum(len(item.terms) - 1 for item in scheme.output_sums) == 10
