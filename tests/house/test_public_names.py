"""The names that others rely on exist, and importing the package stays cheap."""

from __future__ import annotations

import subprocess
import sys

import pytest

import convc


@pytest.mark.parametrize("name", convc.__all__)
def test_every_public_name_exists(name: str) -> None:
    assert getattr(convc, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        convc.nonsense  # noqa: B018


def test_public_functions_are_documented() -> None:
    for name in convc.__all__:
        if name != "__version__":
            assert getattr(convc, name).__doc__, name


@pytest.mark.parametrize("heavy", ["jinja2", "cffi", "rich", "convc.driver"])
def test_checking_a_network_does_not_load(heavy: str) -> None:
    script = (
        "import sys; from convc.cli.main import run; code = run(['check', 'lenet5']); "
        f"sys.exit(code or {heavy!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode == 0
