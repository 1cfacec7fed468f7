# `make test` sets everything up by itself; `make help` lists the rest.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
ID     := service.subtitles.sub-ai-translator
VERSION = $(shell $(PYTHON) -c 'from xml.etree import ElementTree as e; print(e.parse("addon.xml").getroot().get("version"))')
ZIP     = dist/$(ID)-$(VERSION).zip

# Most tests wait for a network that is slow on purpose, so there can be more of them than processors.
export PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')

.PHONY: help venv lint format types layers floor test coverage test-long test-soak test-monitoring test-kodi bench bench-film \
	bench-names bench-faults zip check-addon art screenshots clean

help:
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

# --- the environment: what the tests need, and on top of it what the other targets need ---------------------------------

$(VENV)/.test-ready: requirements.txt requirements-test.txt subai
	@$(PYTHON) -c 'import runpy, sys; sys.exit(runpy.run_path("subai")["ready"]())'
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
	touch $@

$(VENV)/.dev-ready: $(VENV)/.test-ready requirements-dev.txt
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

venv: $(VENV)/.dev-ready ## set up .venv with everything a developer needs

# --- tests --------------------------------------------------------------------------------------------------------------

test: $(VENV)/.test-ready ## the tests (under two minutes)
	$(PY) -m pytest -n auto
	@echo "Left to make test-long: $$($(PY) -m pytest --collect-only -q -m long | tail -n 1)"
	@echo "Left to make test-kodi: $$($(PY) -m pytest --collect-only -q tests_kodi | tail -n 1)"
	@echo "Left to make test-monitoring: $$($(PY) -m pytest --collect-only -q tests_monitoring | tail -n 1)"

coverage: $(VENV)/.test-ready ## the same tests, and how much of each package they cover (three minutes)
	$(PY) -m pytest -n auto --cov --cov-report=term --cov-report=json:build/coverage.json
	$(PY) tools/check_coverage.py build/coverage.json

test-long: $(VENV)/.test-ready ## the tests that take longer (under six minutes)
	$(PY) -m pytest -n auto -m long

test-soak: $(VENV)/.test-ready ## films in a storm of faults and cancels: leaks, memory, figures (SOAK_SECONDS=180)
	PYTHONMALLOC=malloc $(PY) -m pytest tests_soak

test-kodi: $(VENV)/.test-ready ## the tests in a real Kodi (Debian's, installed if missing); pictures in artifacts/
	tools/install_kodi
	$(PY) -m pytest tests_kodi

test-monitoring: $(VENV)/.test-ready ## the status page in Chromium, the metrics in Prometheus (Debian's, installed if missing)
	tools/install_monitoring
	$(PY) -m pytest tests_monitoring

# --- checks -------------------------------------------------------------------------------------------------------------

lint: $(VENV)/.dev-ready ## style
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

format: $(VENV)/.dev-ready ## lay the code out as lint wants it
	$(VENV)/bin/ruff format .

types: $(VENV)/.dev-ready ## types, as Python 3.8 sees them
	$(VENV)/bin/mypy
	$(VENV)/bin/mypy --python-version 3.11 tests tests_kodi tests_monitoring tests_soak tools benchmarks

layers: $(VENV)/.dev-ready ## imports point downwards only
	$(VENV)/bin/lint-imports

floor: $(VENV)/.dev-ready ## nothing in the code is newer than Python 3.8
	$(VENV)/bin/vermin -t=3.8- --eval-annotations --no-tips --violations core api translate status kodi cli tests subai service.py script.py context.py subtitles.py

# --- the Kodi package ---------------------------------------------------------------------------------------------------

zip: ## the Kodi add-on, from the last commit, into dist/
	mkdir -p dist
	git archive --format=zip --prefix=$(ID)/ --output=$(ZIP) HEAD
	@echo $(ZIP)

check-addon: $(VENV)/.dev-ready zip ## the package, under Kodi's own add-on checker
	$(PY) tools/check_addon.py $(ZIP)

art: $(VENV)/.dev-ready ## draw the icon and the fanart anew
	$(PY) tools/draw_art.py

screenshots: $(VENV)/.dev-ready ## the pictures of README and add-on anew, from what make test-kodi saw last
	$(PY) tools/take_screenshots.py

# --- benchmarks ---------------------------------------------------------------------------------------------------------

bench: $(VENV)/.dev-ready ## one request against other clients, shared pools, a film at a distance, faults
	$(PY) -m benchmarks

bench-film: $(VENV)/.dev-ready ## a whole film against what is possible, first cue, characters, a very long file
	$(PY) -m benchmarks.film_bound

bench-names: $(VENV)/.dev-ready ## what a slow or dead resolver costs, with and without remembering names (needs Linux)
	$(PY) -m benchmarks.slow_names

bench-faults: $(VENV)/.dev-ready ## of those, only the faults: connections that break or are closed, a path that dies
	$(PY) -m benchmarks.faults

clean: ## remove what was built, and .venv
	rm -rf $(VENV) .venv.lock build dist .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
