# make serve | page | test | fast | test-backends | test-jobs | test-large | notebooks | test-containers | test-deployment | lint | security | audit | terraform | train | lock
# make serve PORT=8123
PYTHON ?= python3
PORT ?= 8000
export PORT

BIN := .venv/bin
SERVE := .venv/.installed-serve
TRAIN := .venv/.installed-train
DEV := .venv/.installed-dev
CHECKS := .venv-security
JAX := .venv-jax
REMOTE := .venv-dvc
ENGINE := .venv-engine
BULK := .venv-bulk
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
UV := $(BIN)/uv
LOCK := $(UV) pip compile --quiet --python-version 3.11 --custom-compile-command "make lock"

NODE_IS_NEW_ENOUGH := const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || (major == 20 && minor >= 9) ? 0 : 1)
PAGE := frontend/out/index.html
PAGE_SOURCES := backend/__init__.py $(addprefix frontend/, package.json next.config.ts postcss.config.mjs tsconfig.json) $(wildcard ml_core/faces/networks/*.onnx) $(shell find frontend/src frontend/public frontend/scripts -type f 2>/dev/null)

.PHONY: serve page page-if-possible test fast test-backends test-bulk test-jobs test-large notebooks test-containers test-deployment lint security audit terraform train lock
.DELETE_ON_ERROR:

# The service on 127.0.0.1:$(PORT); other settings come from the environment or .env (see .env.example)
serve:
	@$(MAKE) --no-print-directory -j2 $(SERVE) page-if-possible
	$(BIN)/python manage.py migrate --verbosity 0
	exec $(BIN)/gunicorn -c backend/server/config.py backend.wsgi

# The web page, which the service has at /
page: $(PAGE)

# No reason to go without the API
page-if-possible:
	@if node -e '$(NODE_IS_NEW_ENOUGH)' 2>/dev/null; then \
		$(MAKE) --no-print-directory page || echo "make: the web page could not be built, see above; the API is served, and the page as it was before, if it was" >&2; \
	elif [ ! -e $(PAGE) ]; then \
		echo "make: no node 20.9 or newer, so no web page is built; the API alone is served" >&2; \
	fi

# All tests, with branch coverage and its floor
test: $(DEV)
	$(BIN)/python -m pytest --cov --cov-fail-under=0
	$(BIN)/python -m pytest -m "not slow" --cov --cov-append tests/jobs

# Those that start neither the server nor a training run
fast: $(DEV)
	$(BIN)/python -m pytest -m "not slow"

# The notebooks from first to last, on drawn faces
notebooks: $(DEV)
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=900 --timeout=1000 -p no:cacheprovider training/notebooks

# The full network from Keras to a served bundle: 4 GB of memory, 2 GB of disk, minutes
test-large: $(DEV)
	$(BIN)/python -m pytest tests/large

# Training under JAX beside TensorFlow, on one and on several devices and processes; MLflow; results in a bucket
test-backends: $(JAX)/.installed $(REMOTE)/.installed
	$(JAX)/bin/python -m pytest tests/ml_core/unetr/test_backends.py tests/training/test_tracking.py \
		tests/training/test_remote.py

# Jobs while a worker is killed every few seconds, on SQLite and on PostgreSQL (Debian's package). JOBS_IN_TEST=20 for fewer
test-jobs: $(DEV)
	$(BIN)/python -m pytest -m slow tests/jobs

# segment_images at length: 10,000 photos on a Ray cluster of two nodes of which one is killed, a run killed ten times, S3 as
# moto plays it, Label Studio's own reader. BULK_PHOTOS and BULK_KILLS make it shorter
test-bulk: $(BULK)/.installed
	$(BULK)/bin/python -m pytest tests/bulk

# Suites that need a Docker engine: DOCKER_HOST, or the default socket. IMAGE names an image to test; else one is built
test-containers: $(ENGINE)/.installed
	$(ENGINE)/bin/python -m pytest tests/containers

# It needs terraform as well
test-deployment: $(ENGINE)/.installed
	$(ENGINE)/bin/python -m pytest tests/deployment

# ruff, mypy, import contracts and file checks, by .pre-commit-config.yaml
lint: $(DEV)
	$(BIN)/pre-commit run --all-files --show-diff-on-failure

# What reads the code, the workflows, the containers and the infrastructure for what is unsafe. Asks nobody outside
security: $(CHECKS)/.installed
	$(CHECKS)/bin/bandit --quiet --recursive --skip B101 backend segmentation_api ml_core training docker clients manage.py
	$(CHECKS)/bin/zizmor --offline --quiet .github
	$(CHECKS)/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(CHECKS)/bin/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(CHECKS)/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yaml
	$(CHECKS)/bin/hadolint Dockerfile $(wildcard docker/*Dockerfile)
	$(CHECKS)/bin/shellcheck -x --source-path=SCRIPTDIR docker/*.sh docker/deploy/*.sh docker/deploy/terraform/*/*.sh
	$(CHECKS)/bin/checkov --quiet --compact --skip-download --framework terraform --directory docker/deploy/terraform

# Known vulnerabilities of what is pinned. Asks PyPI and the npm registry
audit: $(CHECKS)/.installed
	for pinned in requirements.txt requirements-gpu.txt requirements-tracing.txt requirements-openvino.txt requirements-heif.txt requirements-bulk.txt requirements-ray.txt requirements-kuberay.txt; do \
		$(CHECKS)/bin/pip-audit --strict --no-deps --disable-pip -r $$pinned || exit 1; \
	done
	cd frontend && npm audit --omit=dev --audit-level=high

# The infrastructure, as far as it can be checked without an account; the provider comes from terraform's registry
terraform:
	terraform fmt -check -recursive docker/deploy/terraform
	for root in account stage; do \
		terraform -chdir=docker/deploy/terraform/$$root init -backend=false -input=false && \
		terraform -chdir=docker/deploy/terraform/$$root validate || exit 1; \
	done

# Six minutes of training on drawn faces, less than ten in all, ending in a bundle that MODELS_DIR=outputs/train/bundles
# serves, and in a picture of what it finds. Small batches: a short run has few steps
train: $(TRAIN)
	$(BIN)/python manage.py train_unetr --minutes 6 --batch-size 8 --learning-rate 0.002 --quick

# Pin everything anew from the .in files
lock: $(DEV)
	$(LOCK) requirements/serve.in -o requirements.txt
	$(LOCK) requirements/serve-gpu.in -o requirements-gpu.txt
	$(LOCK) requirements/tracing.in -o requirements-tracing.txt
	$(LOCK) requirements/openvino.in -o requirements-openvino.txt
	$(LOCK) requirements/heif.in -o requirements-heif.txt
	$(LOCK) requirements/bulk.in -o requirements-bulk.txt
	$(LOCK) requirements/ray.in -o requirements-ray.txt
	$(LOCK) requirements/kuberay.in -o requirements-kuberay.txt
	$(LOCK) --no-emit-package opencv-python requirements/bulk-tests.in -o requirements/bulk-tests.txt
	$(LOCK) training/requirements.in -o training/requirements.txt
	$(LOCK) training/requirements-gpu.in -o training/requirements-gpu.txt
	$(LOCK) training/requirements-jax.in -o training/requirements-jax.txt
	$(LOCK) training/requirements-jax-gpu.in -o training/requirements-jax-gpu.txt
	$(LOCK) requirements/dev.in -o requirements/dev.txt
	$(LOCK) requirements/backends.in -o requirements/backends.txt
	$(LOCK) requirements/engine.in -o requirements/engine.txt
	$(LOCK) requirements/remote.in -o requirements/remote.txt
	$(LOCK) requirements/security.in -o requirements/security.txt
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

$(UV): requirements/dev.txt | .venv/bin/python
	$(PIP) "$$(grep '^uv==' requirements/dev.txt)"
	@touch $@

# A suite's own environment, by uv in a sixth of pip's time: $(call venv,folder,requirements)
define venv
	$(UV) venv --quiet --clear --python $(BIN)/python $(1)
	$(UV) pip install --quiet --python $(1)/bin/python $(2)
	@touch $@
endef

$(CHECKS)/.installed: requirements/security.txt | $(UV)
	$(call venv,$(CHECKS),-r requirements/security.txt)

$(ENGINE)/.installed: requirements/engine.txt | $(UV)
	$(call venv,$(ENGINE),-r requirements/engine.txt)

$(BULK)/.installed: requirements.txt requirements-bulk.txt requirements-ray.txt requirements/bulk-tests.txt | $(UV)
	$(call venv,$(BULK),--no-deps $(addprefix -r ,$^))

$(JAX)/.installed: requirements.txt training/requirements.txt requirements/dev.txt requirements/backends.txt | $(UV)
	$(call venv,$(JAX),$(addprefix -r ,$^))

$(REMOTE)/.installed: requirements/remote.txt | $(UV)
	$(call venv,$(REMOTE),-r requirements/remote.txt)

frontend/node_modules/.installed: frontend/package-lock.json
	cd frontend && npm ci
	@touch $@

$(PAGE): frontend/node_modules/.installed $(PAGE_SOURCES)
	cd frontend && NEXT_TELEMETRY_DISABLED=1 npm run build
