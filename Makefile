# The front door: `make run` starts a four-node chain, `make test` checks everything.

export PATH := $(CURDIR)/.toolchain/bin:$(PATH)
export DENO_DIR := $(CURDIR)/.toolchain/deno-cache
export DENORT_BIN := $(CURDIR)/.toolchain/bin/denort
# behind a TLS-inspecting proxy Deno must trust what the system trusts
export DENO_TLS_CA_STORE := system
# analysing large packages overflows the default worker stack of Deno 2.7
export RUST_MIN_STACK := 67108864
export DENO_NO_UPDATE_CHECK := 1

NODES ?= 4
CRYPTO ?= sm
DATA ?= data/devnet

.DEFAULT_GOAL := help
.PHONY: help run test build toolchain engine servers deps fmt lint check proto wasm unit e2e crash sim sim-consensus sim-planted sim-shrink \
  fuzz fuzz-sm2 bench bench-blocks bench-chain bench-consensus bench-executor bench-executor-state bench-kms bench-network bench-storage \
  bench-sync image clean

help: ## show this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | \
	  awk -F ':.*## ' '{ printf "  make %-16s %s\n", $$1, $$2 }'

run: build ## start a chain of NODES=4 nodes in DATA=data/devnet and show its status
	bin/devnet up --nodes $(NODES) --dir $(DATA) --crypto $(CRYPTO)

test: check build servers ## everything CI needs: checks, unit tests, end-to-end tests
	@deno run -A .ci/test.ts unit e2e

toolchain: ## fetch and check Deno and the build tools into .toolchain
	@command -v npm >/dev/null || { echo "make: Node.js with npm is needed, see README.md" >&2; exit 1; }
	@node toolchain/install.mjs

engine: toolchain ## build QUIC and TLS of the network service into .toolchain/lib
	@toolchain/install_engine.sh

servers: toolchain ## fetch the PostgreSQL and S3 servers that the storage is tested against
	@toolchain/install_servers.sh

deps: toolchain ## fetch the packages that deno.lock names
	@deno install --quiet --frozen

build: deps engine ## compile every service and tool into bin/
	@deno run -A toolchain/build.ts

fmt: toolchain ## format the source
	@deno fmt --quiet

lint: toolchain ## lint the source
	@deno lint --quiet

check: deps ## format, lint, types, import layers and generated code, without changing anything
	@echo "check: format" && deno fmt --check
	@echo "check: lint" && deno lint
	@echo "check: types" && deno check --quiet
	@echo "check: import layers" && deno run -A .ci/check_imports.ts
	@echo "check: generated code" && deno run -A toolchain/proto.ts --check
	@deno run -A toolchain/wasm.ts --check

proto: deps ## make proto/gen from proto/*.proto
	@deno run -A toolchain/proto.ts

wasm: deps ## make shared/crypto/sm/wasm/module.ts from the AssemblyScript beside it
	@deno run -A toolchain/wasm.ts

unit: deps engine servers ## unit, vector, contract, property and simulation tests
	@deno run -A .ci/test.ts unit

e2e: build ## end-to-end tests on the executables in bin/
	@deno run -A .ci/test.ts e2e

crash: build ## kill the storage KILLS=500 times at work, SEED=n FLAVOUR=storage_rocksdb
	@KILLS=$(or $(KILLS),500) SEED=$(SEED) FLAVOUR=$(or $(FLAVOUR),storage_rocksdb) \
	  deno run -A --no-check tests/crash/main.ts

sim: deps ## SEEDS=1000 nets of consensus, with traitors too, and of whole nodes in chaos, SEED=n KIND=name
	@SEEDS=$(or $(SEEDS),1000) SEED=$(SEED) KIND="$(KIND)" deno run -A --no-check tests/sim/main.ts sim

sim-consensus: deps ## SEEDS=10000 nets of consensus, each until 100 heights are decided in chaos, SEED=n KIND=name
	@SEEDS=$(or $(SEEDS),10000) SEED=$(SEED) KIND="$(KIND)" deno run -A --no-check tests/sim/main.ts sim-consensus

sim-planted: deps ## known mistakes of consensus, each in SEEDS=200 nets: in how many it shows, SEED=n KIND=name
	@SEEDS=$(or $(SEEDS),200) SEED=$(SEED) KIND="$(KIND)" deno run -A --no-check tests/sim/planted.ts

sim-shrink: deps ## write what makes the net of SEED=n fail to tests/scripts, KIND="raft of 3" or DEFECT=words
	@KIND="$(KIND)" SEED="$(SEED)" DEFECT="$(DEFECT)" deno run -A --no-check tests/sim/shrink.ts

fuzz: build ## send RUNS=100000 damaged requests to storage and kms, SEED=n
	@RUNS=$(or $(RUNS),100000) SEED=$(SEED) deno run -A --no-check tests/fuzz/main.ts

fuzz-sm2: deps ## CASES=100000 signatures, SEED=n: the SM2 module against noble and sm-crypto
	@deno run -A --no-check tests/fuzz/sm2.ts --cases $(or $(CASES),100000) $(addprefix --seed ,$(SEED))

bench: build ## every benchmark, each against a baseline of the same run
	@for file in kms storage network consensus executor chain blocks sync; do \
	  deno run -A --no-check bench/$$file.ts || exit 1; done

bench-blocks bench-chain bench-executor bench-kms bench-storage bench-network: bench-%: build
	@deno run -A --no-check bench/$*.ts

bench-consensus: deps ## messages, bytes and processor time of a block by 4 to 31 validators, and of raft
	@deno run -A --no-check bench/consensus.ts

bench-executor-state: build ## blocks on a state of ACCOUNTS=1000000 and SLOTS=5000000, MODE=archive or full
	@ACCOUNTS=$(or $(ACCOUNTS),1000000) SLOTS=$(or $(SLOTS),5000000) MODE=$(or $(MODE),archive) \
	  deno run -A --no-check bench/executor_state.ts

bench-sync: build ## a fresh node catches up with BLOCKS=10000 blocks of TXS=10 transactions
	@BLOCKS=$(or $(BLOCKS),10000) TXS=$(or $(TXS),10) CRYPTO=$(or $(CRYPTO),sm) \
	  deno run -A --no-check bench/sync.ts

image: build ## build the container image with buildah: all executables, or one with ROLE=storage
	@toolchain/stage_image.sh
	buildah --storage-driver vfs bud --isolation chroot --target $(or $(ROLE),all) \
	  -t cita-cloud-ts$(addprefix -,$(ROLE)) .

clean: ## remove what was built, not the toolchain and not the chains in data/
	rm -rf bin build
