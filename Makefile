# Backpropagation, Reproduced. 'make' alone lists what there is to make.
# Needs git, make and Python 3.11, 3.12 or 3.13; the rest goes into .venv, by itself, once.
# Another Python: make PYTHON=python3.12 book

PYTHON ?=
RUN := .venv/bin/python
UV := uv==0.13.9

.DEFAULT_GOAL := help
.PHONY: help book html notebooks test lint reproduce bench pdf lock clean distclean setup

help:  ## list these targets
	@echo "Backpropagation, Reproduced"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

book: setup  ## execute every page and build the book; ends with the table of claims
	@rm -rf _build
	@$(RUN) tools/execute.py
	@echo "Building the pages"
	@$(RUN) tools/build_html.py --cached
	@$(RUN) tools/report.py

html: setup  ## build the book from the stored outputs (fast)
	@$(RUN) tools/build_html.py
	@echo "The book is ready: open _build/html/index.html in a browser."

notebooks: setup  ## execute the notebooks in book/ and store their outputs
	@$(RUN) tools/notebooks.py

test: setup  ## run every check; ends with a summary
	@$(RUN) tools/checks.py

lint: setup  ## check style, layout and types only
	@$(RUN) tools/checks.py lint

reproduce: setup  ## run the experiments of both papers again, into reproduced/ (takes hours)
	@.venv/bin/backprop reproduce --folder reproduced

bench: setup  ## measure how fast everything is, beside other libraries, into data/results/benchmarks.json
	@$(RUN) benchmarks/run.py

pdf: setup  ## print the book into one PDF; needs Chromium
	@$(RUN) tools/build_pdf.py

lock: setup  ## choose package versions anew: requirements.lock and environment.yml
	@$(RUN) -m pip install --quiet $(UV)
	@$(RUN) tools/lock.py

clean:  ## remove what was built, and caches
	@rm -rf _build build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis htmlcov
	@rm -f .coverage .coverage.* setup.log torch.log chromium.log
	@find src tests tools book benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## remove .venv too
	@rm -rf .venv

# Not for use by hand: does nothing when .venv is as it should be.
setup:
	@python=$$(sh tools/find_python.sh "$(PYTHON)") && \
	 "$$python" tools/setup.py $(if $(PYTHON),,--keep-python)
