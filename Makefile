# make demo · make test · make lowest · make faults · make notebooks · make outputs · make gallery · make book · make help
# PYTHON chooses the interpreter that .venv is made with: make demo PYTHON=python3.12
# On Windows, run make in the shell of Git for Windows.

VENV := .venv
ifeq ($(OS),Windows_NT)
PYTHON ?= python
SCRIPTS := Scripts
else
PYTHON ?= python3
SCRIPTS := bin
endif
BIN := $(VENV)/$(SCRIPTS)
# Files are read as UTF-8 on every system.
export PYTHONUTF8 := 1

.PHONY: demo test lowest faults notebooks outputs gallery bench book help

help:
	@echo "make demo       a first picture: out/demo.png and out/demo_comparison.png"
	@echo "make test       ruff and pytest, as CI runs them"
	@echo "make lowest     pytest on the lowest versions that requirements.txt allows, in .venv-lowest, without the book"
	@echo "make faults     all of tests/faults, and its table in tests/README.md: a quarter of an hour"
	@echo "make notebooks  open the notebooks in JupyterLab"
	@echo "make outputs    run all notebooks in full, and keep their outputs in them"
	@echo "make gallery    paint docs/gallery again: about fifteen minutes"
	@echo "make bench      speed and memory, beside their goals: about a quarter of an hour"
	@echo "make book       notebooks, documents and docstrings as web pages: out/book/index.html"
	@echo "The first of them makes $(VENV). demo and notebooks install requirements.txt into it, the others also"
	@echo "requirements-dev.txt."

# Made again only when what is to be installed has changed.
$(VENV)/installed: requirements.txt constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "nst_keras needs Python 3.11 to 3.13")'
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV), TensorFlow among others: some minutes, 730 MB to download, 3 GB on the disk ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt -c constraints.txt
	@touch $@

demo: $(VENV)/installed
	$(BIN)/python -m nst_keras images/cat.jpg images/impasto_night.jpg \
		-o out/demo.png --comparison out/demo_comparison.png

test: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -n 2

lowest:
	mkdir -p out
	test -d .venv-lowest || $(PYTHON) -m venv .venv-lowest
	$(PYTHON) tools/lowest.py > out/lowest.txt
	.venv-lowest/$(SCRIPTS)/python -m pip install --quiet --disable-pip-version-check -r out/lowest.txt -e .
	.venv-lowest/$(SCRIPTS)/python -m pytest --ignore=tests/test_book.py

faults: $(VENV)/installed-dev
	$(BIN)/python -m pytest tests/faults --faults

notebooks: $(VENV)/installed
	$(BIN)/jupyter lab notebooks

gallery: $(VENV)/installed-dev
	$(BIN)/python tools/gallery.py

bench: $(VENV)/installed-dev
	$(BIN)/python benchmarks/speed.py

outputs: $(VENV)/installed-dev
	$(BIN)/python tools/run_notebooks.py

book: $(VENV)/installed-dev
	$(BIN)/python -m sphinx -c docs -d out/doctrees --quiet --fail-on-warning --keep-going . out/book
	@echo "out/book/index.html"
