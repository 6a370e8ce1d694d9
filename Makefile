# make serve | test | lint | train | lock        make serve PORT=8123
PYTHON ?= python3
PORT ?= 8000
export PORT

BIN := .venv/bin
SERVE := .venv/.installed-serve
TRAIN := .venv/.installed-train
DEV := .venv/.installed-dev
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCK := $(BIN)/uv pip compile --quiet --python-version 3.11 --custom-compile-command "make lock"

.PHONY: serve test lint train lock
.DELETE_ON_ERROR:

# The service on 127.0.0.1:$(PORT); other settings come from the environment or .env (see .env.example)
serve: $(SERVE)
	$(BIN)/python manage.py migrate --verbosity 0
	exec $(BIN)/gunicorn -c docker/gunicorn.conf.py backend.wsgi

test: $(DEV)
	$(BIN)/python -m pytest

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Five minutes on drawn faces, ending in a bundle that MODELS_DIR=outputs/train/bundles serves
train: $(TRAIN)
	$(BIN)/python manage.py train_unetr --minutes 5

# Pin everything anew from the .in files
lock: $(DEV)
	$(LOCK) requirements/serve.in -o requirements.txt
	$(LOCK) requirements/serve-gpu.in -o requirements-gpu.txt
	$(LOCK) training/requirements.in -o training/requirements.txt
	$(LOCK) training/requirements-gpu.in -o training/requirements-gpu.txt
	$(LOCK) requirements/dev.in -o requirements/dev.txt
	$(LOCK) benchmarks/requirements.in -o benchmarks/requirements.txt

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ...")'
	$(PYTHON) -m venv .venv

$(SERVE): requirements.txt | .venv/bin/python
	$(PIP) -r requirements.txt
	@touch $@

$(TRAIN): training/requirements.txt $(SERVE)
	$(PIP) -r requirements.txt -r training/requirements.txt
	@touch $@

$(DEV): requirements/dev.txt $(TRAIN)
	$(PIP) -r requirements.txt -r training/requirements.txt -r requirements/dev.txt
	@touch $@
