# Does all the set-up itself: needs Python 3.11 to 3.13 and make.
#
#     make             what there is to make
#     make figures/tsar_fig1.pdf ARGS="--config scale=desk"
#
# CORES=4 limits the cores used; PYTHON=/path/to/python3.12 chooses the Python that the environment is made with.

PYTHON ?= python3
# nproc knows what the process may use, but also obeys OMP_NUM_THREADS, which is about threads
CORES ?= $(shell env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
ARGS ?=
TARGET ?= all
BIN := .venv/bin
INSTALLED := .venv/installed

# Snakemake and matplotlib keep caches in the home folder; where that cannot be written, they keep them here.
ifneq ($(shell test -w "$$HOME" && echo writable),writable)
XDG_CACHE_HOME ?= $(CURDIR)/.snakemake/cache
MPLCONFIGDIR ?= $(CURDIR)/.snakemake/cache/matplotlib
export XDG_CACHE_HOME MPLCONFIGDIR
endif

.PHONY: help all figures figures/ list report plan status install test quick test-slurm lint always
.NOTPARALLEL:

help:  ## what there is to make
	@awk -F ':.*## ' '/^[^\t#].*:.*## / { sub("%", "<name>.pdf", $$1); printf "make %-20s %s\n", $$1, $$2 }' Makefile

figures/%: $(INSTALLED) always  ## one figure, or one table as figures/<name>.tex; ARGS="--config scale=desk"
	$(BIN)/python -m snakemake --cores $(CORES) $@ $(ARGS)

list: $(INSTALLED)  ## the names of the figures and tables
	$(BIN)/python -m snakemake --cores 1 list_figures $(ARGS)

plan: $(INSTALLED)  ## what a run would take, before it: TARGET=figures/tsar_fig1.pdf ARGS="--config scale=paper"
	@$(BIN)/python -m common.running.plan --cores $(CORES) $(TARGET) $(ARGS)

status: $(INSTALLED)  ## what runs, how far it is, and when it ends
	@$(BIN)/python -m common.running.status

# The kept runs, or those of another scale: make report ARGS="--config scale=desk"
SCALE = $(or $(patsubst scale=%,%,$(filter scale=%,$(ARGS))),recorded)

report: $(INSTALLED)  ## what reproduces: the page results/recorded/report.html, and REPRODUCTION.md
	$(BIN)/python -m snakemake --cores $(CORES) results/$(SCALE)/report.html REPRODUCTION.md $(or $(ARGS),--config scale=recorded)

all: $(INSTALLED)  ## every figure, table and comparison: minutes at smoke scale, days at paper scale
	@echo "Making every figure and table. One of them: make figures/tsar_fig1.pdf. Their names: make list"
	$(BIN)/python -m snakemake --cores $(CORES) $@ $(ARGS)

figures figures/: all

# Each file of tests runs on one core: torch's own threads would only be in one another's way.
test quick test-slurm: export OMP_NUM_THREADS = 1
PYTEST := $(BIN)/python -m pytest --numprocesses $(CORES) --dist loadfile

test: $(INSTALLED)  ## all tests
	$(PYTEST) $(ARGS)

quick: $(INSTALLED)  ## the quick tests, in under two minutes
	$(PYTEST) -m "not slow" $(ARGS)

test-slurm: $(INSTALLED)  ## a figure on a SLURM cluster of one node, in minutes; says what it needs
	$(BIN)/python -m tests.slurm.cluster
	$(BIN)/python -m pytest -m slurm tests/slurm $(ARGS)

lint: $(INSTALLED)  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile common papers studies
	$(BIN)/python -m snakemake --lint

install: $(INSTALLED)  ## the pinned requirements, into .venv; every other target does it where needed

$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit("error: $(PYTHON) is Python %d.%d, but 3.11, 3.12 or 3.13 is needed; name one: make install PYTHON=python3.12" % sys.version_info[:2])'
	@echo "Installing the pinned requirements into .venv, once (torch with its CUDA libraries: about 3 GB)"
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	touch $@
