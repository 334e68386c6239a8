# Each target sets up what it needs first (scripts/install: quick when nothing changed).

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
UNIT_PROCESSES ?= 2
FUZZ_INPUTS ?= 10000000
FUZZ_TARGETS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test test-unit test-lab lint bench bench-quick bench-docs bench-floods first-syns fuzz docs install clean

help: ## Say what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: ## See FTP through the gateway: 100 MB active and passive, under a minute (root)
	@scripts/install demo
	@$(BIN)/ryu-alg lab demo

test: test-unit test-lab ## Run every test

test-unit: install ## Run the tests that need neither root nor Open vSwitch
	$(PYTEST) -m "not lab" -n $(UNIT_PROCESSES)

test-lab: install ## Run the tests with real switches, clients and servers (root)
	$(PYTEST) -m lab -v

lint: install ## Check style, types and the import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install ## Measure against the plain bridge, OVS and the kernel, in twenty minutes (root)
	$(BIN)/python -m tests.bench --profile

bench-quick: install ## The same in two minutes, less exact (root)
	$(BIN)/python -m tests.bench --quick

bench-docs: install ## The same as bench; its tables and profiles go into docs/performance.md (root)
	$(BIN)/python -m tests.bench --profile --update-docs

first-syns: install ## Count lost first SYNs in 10,000 FTP transfers, under two minutes (root)
	$(BIN)/python -m tests.bench.first_syns

bench-floods: install ## Flood a gateway while users work: what they notice of it (root)
	$(BIN)/python -m tests.bench.floods

fuzz: install ## Fuzz every target for long: FUZZ_INPUTS=... each, FUZZ_TARGETS="ftp editor ..."
	@$(BIN)/python -c "import atheris" 2>/dev/null || \
		$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt atheris
	nice -n 19 $(BIN)/python -m tests.fuzz --inputs $(FUZZ_INPUTS) $(FUZZ_TARGETS)

docs: install ## Regenerate what is made from the code: the JSON schema, the tables of the documentation
	$(BIN)/python -m ryu_alg.settings.reference config/schema.json docs/configuration.md \
		docs/bittorrent.md docs/ftp.md docs/irc.md docs/rtsp.md docs/sip.md docs/tftp.md docs/xmpp.md

install: ## Set up packages and .venv, nothing else
	@scripts/install

clean: ## Remove what the other targets made, the lab too
	-[ ! -x $(BIN)/ryu-alg ] || $(BIN)/ryu-alg lab down
	rm -rf .venv .venv.log .venv.lock .fuzz .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
