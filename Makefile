# What a developer types. Needs Python 3.11 or newer, git, make and access to
# PyPI; everything else goes into the virtual environment .venv.

VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough and can make virtual environments.
PYTHON ?= $(firstword $(shell for python in python3 python3.13 python3.12 \
	python3.11; do $$python -c 'import ensurepip, sys, venv; \
	sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python; done))

# For "make test ARGS=...": a regex that picks tests, options of run_tests.py.
ARGS ?=
# For "make demo DEMO_ARGS=...": other options of "fenix-sandbox run".
DEMO_ARGS ?= --hosts 3 --instances-per-host 2 --spare 0
# For "make cloud CLOUD_ARGS=...": options of "tools.cloud up"; for "make
# cloud-down CLOUD_ARGS=--remove". FENIX_CLOUD is where the cloud lives.
CLOUD_ARGS ?=

SCRIPTS := .ci/run devstack/plugin.sh devstack/settings \
	tests/functional/devstack/stubs.sh
PACKAGING := pyproject.toml setup.cfg setup.py requirements.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check
SPHINX := $(BIN)/python -m sphinx -W --keep-going -q -b html

BENCHMARKS := bench-run bench-asks bench-reaction bench-engine bench-replies \
	bench-plan bench-optimum bench-long bench-sessions

.PHONY: help demo test walk $(BENCHMARKS) cloud test-cloud cloud-down lint docs \
	release-notes samples clean
.DEFAULT_GOAL := help

help:
	@echo 'make demo           watch Fenix take a small cloud through maintenance'
	@echo 'make test           run all tests; ARGS="REGEX" runs some'
	@echo 'make walk           something goes wrong at every point of a session'
	@echo 'make cloud          start a real OpenStack with Fenix on this machine'
	@echo 'make test-cloud     take that cloud through everything; ARGS picks'
	@echo 'make cloud-down     stop it; CLOUD_ARGS=--remove removes it, too'
	@echo 'make bench-run      a large session against its plan; ARGS=--small'
	@echo 'make bench-asks     1,000 questions at once over RabbitMQ'
	@echo 'make bench-reaction how fast Fenix acts on replies that release instances'
	@echo 'make bench-engine   what an engine costs: processor time and memory'
	@echo 'make bench-sessions 200 sessions at once on one engine'
	@echo 'make bench-replies  how many replies the API takes in a minute'
	@echo 'make bench-plan     how fast and how good plans are; ARGS="--hosts N"'
	@echo 'make bench-optimum  plans of small clouds against the proved optimum'
	@echo 'make bench-long     100,000 hosts maintained on a virtual clock'
	@echo 'make lint           ruff, hacking and shellcheck'
	@echo 'make docs           the documentation, in doc/build/html'
	@echo 'make release-notes  the release notes, in releasenotes/build/html'
	@echo 'make samples        sample configuration files, in etc/fenix'
	@echo 'make clean          remove everything that was made'

demo: $(VENV)/installed
	$(BIN)/fenix-sandbox run $(DEMO_ARGS)

test: $(VENV)/test-installed
	$(BIN)/python tools/run_tests.py $(ARGS)

cloud: $(VENV)/cloud-installed
	$(BIN)/python -m tools.cloud up $(CLOUD_ARGS)

test-cloud: cloud
	$(BIN)/python -m tests.cloud.run $(ARGS)

cloud-down: $(VENV)/cloud-installed
	$(BIN)/python -m tools.cloud down $(CLOUD_ARGS)

walk: $(VENV)/test-installed
	$(BIN)/python -m tests.walk $(ARGS)

$(BENCHMARKS): $(VENV)/test-installed
	$(BIN)/python -m tools.$(subst -,_,$@) $(ARGS)

lint: $(VENV)/test-installed
	$(BIN)/ruff check .
	$(BIN)/flake8
	for file in $(SCRIPTS); do bash -n $$file || exit 1; done
	$(BIN)/shellcheck $(SCRIPTS)

docs: $(VENV)/test-installed
	$(SPHINX) doc/source doc/build/html

release-notes: $(VENV)/test-installed
	$(BIN)/reno lint
	$(SPHINX) releasenotes/source releasenotes/build/html

samples: $(VENV)/installed
	$(BIN)/oslo-config-generator --config-file etc/fenix/config-generator.conf
	$(BIN)/oslopolicy-sample-generator --config-file etc/fenix/policy-generator.conf

clean:
	rm -rf $(VENV) .stestr doc/source/_static .hypothesis .ruff_cache build dist *.egg-info \
		doc/build releasenotes/build etc/fenix/*.sample
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/python:
	@test -n "$(PYTHON)" || { echo 'No Python 3.11 or newer with the module' \
		'"venv" was found (Debian and Ubuntu: the package python3-venv).' >&2; \
		exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/installed: $(VENV)/python $(PACKAGING)
	$(PIP) install -q -e .
	touch $@

$(VENV)/test-installed: $(VENV)/installed test-requirements.txt
	$(PIP) install -q -r test-requirements.txt
	touch $@

$(VENV)/cloud-installed: $(VENV)/test-installed
	$(PIP) install -q -e '.[mysql,uwsgi]'
	touch $@
