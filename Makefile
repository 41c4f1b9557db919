# Two commands set everything up on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
DEMO_VENV := .venv-demo
# Where a virtual environment keeps its programs.
BIN := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
INSTALL := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Two processes. Tests of a group go to the same one: those of the browser and at the limit of memory, and those that share what
# their module makes (tests/conftest.py).
LANES := -n 2 --dist loadgroup

.PHONY: demo test quick check coverage lint types browser docs dist clean

# The base install alone, without torch: what a user gets.
$(DEMO_VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DEMO_VENV)
	$(DEMO_VENV)/$(BIN)/python $(INSTALL) --editable .
	touch $@

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/$(BIN)/python $(INSTALL) --editable '.[train,openvino,compare,dlib,heic,video,cloud,ray,docs,dev]'
	$(VENV)/$(BIN)/python $(INSTALL) --no-deps spandrel
	touch $@

demo: $(DEMO_VENV)/ready
	$(DEMO_VENV)/$(BIN)/python examples/demo.py demo

# The page's tests drive a real browser, those of metadata ask exiftool, those of the deployment start nginx. Without root
# they are skipped, with a message.
browser:
	@if command -v chromium >/dev/null && command -v exiftool >/dev/null && command -v nginx >/dev/null; then true; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			chromium libimage-exiftool-perl nginx-light >/dev/null; \
	else echo "NO CHROMIUM, EXIFTOOL OR NGINX: their tests are skipped; install chromium, libimage-exiftool-perl, nginx-light"; fi

lint: $(VENV)/ready
	$(VENV)/$(BIN)/ruff check .
	$(VENV)/$(BIN)/ruff format --check .

types: $(VENV)/ready
	$(VENV)/$(BIN)/pyright --pythonpath $(VENV)/$(BIN)/python

# Everything, which is what CI runs.
test: lint types docs browser
	$(VENV)/$(BIN)/python -m pytest $(LANES)

check: test

# While working: what has no mark `slow`.
quick: lint
	$(VENV)/$(BIN)/python -m pytest $(LANES) -m "not slow"

# Which lines and branches of the package no test reaches. Processes that tests start are not measured.
coverage: $(VENV)/ready browser
	$(VENV)/$(BIN)/python -m pytest $(LANES) --cov --cov-report=term --cov-report=html

# The documentation as a site, in site/. Links, anchors and cited ADRs that lead nowhere are errors.
MKDOCS := NO_MKDOCS_2_WARNING=true $(VENV)/$(BIN)/mkdocs
docs: $(VENV)/ready
	$(MKDOCS) build --quiet --strict

# Wheels and source distributions, checked as docs/releasing.md says. dicface-models is built if it holds a model.
MODELS := packages/dicface-models
dist: $(VENV)/ready
	rm -rf dist
	$(VENV)/$(BIN)/python scripts/check_models.py
	$(VENV)/$(BIN)/python -m build --outdir dist .
	if ls $(MODELS)/src/dicface_models/*.json >/dev/null 2>&1; then \
		$(VENV)/$(BIN)/python -m build --outdir dist $(MODELS); \
	else echo "NO MODELS: dicface-models is not built"; fi
	$(VENV)/$(BIN)/twine check --strict dist/*
	$(VENV)/$(BIN)/check-wheel-contents dist/*.whl
	$(PYTHON) -m venv dist/venv
	dist/venv/$(BIN)/python $(INSTALL) dist/*.whl
	dist/venv/$(BIN)/python examples/demo.py dist/demo
	rm -rf dist/venv dist/demo

clean:
	rm -rf $(VENV) $(DEMO_VENV) demo site dist htmlcov .coverage
