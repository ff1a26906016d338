# Does all the set-up itself: needs Python 3.11 to 3.13 and make.
#
#     make figures/tsar_fig1.pdf               any figure; make list shows which there are, make all makes them
#     make figures/tsar_fig1.pdf ARGS="--config scale=desk"
#     make test        make lint
#
# CORES=4 limits the cores used; PYTHON=/path/to/python3.12 chooses the Python that the environment is made with.

PYTHON ?= python3
# nproc knows what the process may use, but also obeys OMP_NUM_THREADS, which is about threads
CORES ?= $(shell env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
ARGS ?=
BIN := .venv/bin
INSTALLED := .venv/installed
RULES := Snakefile $(wildcard common/*.smk papers/*/*.smk)

# Snakemake and matplotlib keep caches in the home folder; where that cannot be written, they keep them here.
ifneq ($(shell test -w "$$HOME" && echo writable),writable)
XDG_CACHE_HOME ?= $(CURDIR)/.snakemake/cache
MPLCONFIGDIR ?= $(CURDIR)/.snakemake/cache/matplotlib
export XDG_CACHE_HOME MPLCONFIGDIR
endif

.PHONY: all list install test lint always
.NOTPARALLEL:

all: $(INSTALLED)
	$(BIN)/python -m snakemake --cores $(CORES) $@ $(ARGS)

figures/%: $(INSTALLED) always
	$(BIN)/python -m snakemake --cores $(CORES) $@ $(ARGS)

list: $(INSTALLED)
	$(BIN)/python -m snakemake --cores 1 list_figures $(ARGS)

# Each file of tests runs on one core: torch's own threads would only be in one another's way.
test: export OMP_NUM_THREADS = 1
test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses $(CORES) --dist loadfile $(ARGS)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check $(RULES)
	$(BIN)/python -m snakemake --lint

install: $(INSTALLED)

$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit("error: $(PYTHON) is Python %d.%d, but 3.11, 3.12 or 3.13 is needed; name one: make PYTHON=python3.12" % sys.version_info[:2])'
	@echo "Installing the pinned requirements into .venv, once (torch with its CUDA libraries: about 3 GB)"
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	touch $@
