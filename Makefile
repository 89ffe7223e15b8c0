# make hello: set-up and the demo. make test: set-up and the whole test suite. make check: what CI runs before the tests.
# make bench: what we cost over the least that the same work costs.
SHELL := /bin/bash
MEMBERS := pyproject.toml uv.lock $(wildcard shared/pyproject.toml services/*/pyproject.toml cli/pyproject.toml)
PYTEST_ARGS ?=
# for CI's two cores: a third fills them while tests wait for containers. A file's tests share a worker, in their order
WORKERS ?= 3
PYTEST = .venv/bin/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
# every worker imports everything: compiled once is enough
unexport PYTHONDONTWRITEBYTECODE

.PHONY: hello test soak check bench stubs docs clean

hello: .venv/.ready
	@.venv/bin/oneshot demo

test: .venv/.ready-dev
	@$(PYTEST) $(PYTEST_ARGS)

soak: .venv/.ready-dev
	@ONESHOT_SOAK=1 $(PYTEST) $(PYTEST_ARGS)

check: .venv/.ready-dev
	@scripts/check.sh

bench: .venv/.ready-dev
	@.venv/bin/python benchmarks/startup.py
	@.venv/bin/python benchmarks/run_overhead.py
	@.venv/bin/python benchmarks/capture.py
	@.venv/bin/python benchmarks/trace_store.py
	@.venv/bin/python benchmarks/proxy_throughput.py
	@.venv/bin/python benchmarks/proxy_stream.py

stubs: .venv/.ready-dev
	@scripts/generate_stubs.sh

docs: .venv/.ready-dev
	@.venv/bin/python scripts/settings_page.py
	@.venv/bin/python scripts/help_page.py

clean:
	@test ! -x .venv/bin/oneshot || .venv/bin/oneshot down --force
	rm -rf .venv .cache data/state

# --inexact: `make hello` after `make test` must not take the developers' tools away again
.venv/.ready: $(MEMBERS)
	@uv=$$(scripts/uv.sh) && echo "[setup] installing into .venv" >&2 && "$$uv" sync --quiet --frozen --no-dev --inexact
	@touch $@

.venv/.ready-dev: $(MEMBERS)
	@uv=$$(scripts/uv.sh) && echo "[setup] installing into .venv" >&2 && "$$uv" sync --quiet --frozen
	@touch .venv/.ready $@
