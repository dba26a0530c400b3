# Farebox. `make demo` and `make test` are all a newcomer needs; `make help` lists the rest.
#
# Sources are found by wildcard: adding a file needs no edit here. Everything built lands
# under $(BUILD). A program is built once its main.c exists.

VERSION := 0.1.0
ABI := 0

SAN ?=
empty :=
comma := ,
space := $(empty) $(empty)
BUILD ?= build$(if $(SAN),/$(subst $(comma),-,$(SAN)))
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
OPT ?= -O2 -g
SEED ?=
SEEDS ?= 1000
CYCLES ?= 1000
SECONDS ?= 60
JOBS ?= $(shell nproc)
# Each compiler's sanitizer of addresses finds what the other's does not; clang's knows more that C
# leaves undefined.
ifeq ($(origin CC),default)
CC := $(if $(filter address%,$(SAN)),clang,gcc)
endif
MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(MAKELEVEL),0)
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(JOBS)
endif
endif

OBJ := $(BUILD)/obj
GEN := $(BUILD)/gen
BIN := $(BUILD)/bin
LIB := $(BUILD)/lib

# V=1 shows the commands.
SAY = $(if $(V),,@echo '  $(patsubst $(BUILD)/%,%,$@)';)

.PHONY: all
all:
.SECONDARY:

# ---- what the machine offers ----------------------------------------------------------------

# Installs what is missing, then records the libraries' flags; make restarts with them.
# Targets that build nothing go without.
NEEDS_NOTHING := clean help deps deps-% check-tidy check-format check-shell
BUILDS := $(if $(MAKECMDGOALS),$(filter-out $(NEEDS_NOTHING),$(MAKECMDGOALS)),all)
ifneq ($(BUILDS),)
include $(BUILD)/libraries.mk
endif

$(BUILD)/libraries.mk: tools/deps tools/libraries
	@tools/deps build
	@mkdir -p $(@D)
	@tools/libraries > $@.tmp && mv $@.tmp $@

# ---- how things are compiled ----------------------------------------------------------------

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Werror
HARDEN := -fstack-protector-strong $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
SANITIZE := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
FUZZ_FLAGS := $(if $(FUZZ),-fsanitize=fuzzer-no-link)
# Position independent and hidden throughout, so that each file is compiled once for programs and
# shared objects alike; what the SDK exports says so itself.
CODEGEN := -std=c11 -D_GNU_SOURCE $(OPT) -fPIC -fvisibility=hidden -pthread $(HARDEN) \
	$(SANITIZE) $(FUZZ_FLAGS)
INCLUDE := -Ilibs -Ibroker -Iservices -Ilibs/client -isystem $(GEN) $(LIBRARIES_CFLAGS)
COMPILE = $(CC) $(CODEGEN) $(INCLUDE) -DFAREBOX_VERSION='"$(VERSION)"' $(CFLAGS) $(CPPFLAGS)
LINK = $(CC) $(CODEGEN) $(LDFLAGS) -Wl,--as-needed -Wl,-z,relro,-z,now
# The sanitizers' own symbols are only known to the program.
LINK_SHARED = $(LINK) -shared $(if $(SAN),,-Wl,-z,defs)

# Writes a file only when its text changes: what depends on it follows the flags or the file list.
# What builds nothing does not know the libraries' flags, and writes none. Not every make reads a
# file without its last newline.
differs = $(subst x$(strip $2),,x$(strip $(file <$1)))
stamp = $(if $(BUILDS),$(if $(differs),$(shell mkdir -p $(dir $1))$(file >$1,$(strip $2))))
objects = $(patsubst %.c,$(OBJ)/%.o,$(sort $1))

$(call stamp,$(OBJ)/flags,$(COMPILE) $(LINK))

PROTOS := $(wildcard proto/farebox/v1/*.proto)
PROTO_C := $(PROTOS:proto/%.proto=$(GEN)/%.pb-c.c)
PROTO_H := $(PROTO_C:.c=.h)
PROTO_OBJ := $(PROTO_C:$(GEN)/%.c=$(OBJ)/gen/%.o)

$(GEN)/%.pb-c.c $(GEN)/%.pb-c.h: proto/%.proto
	@mkdir -p $(GEN)
	$(SAY)protoc-c --c_out=$(GEN) -Iproto $<

$(OBJ)/gen/%.o: $(GEN)/%.c $(OBJ)/flags | $(PROTO_H)
	@mkdir -p $(@D)
	$(SAY)$(COMPILE) -w -MMD -MP -c -o $@ $<

$(OBJ)/%.o: %.c $(OBJ)/flags | $(PROTO_H)
	@mkdir -p $(@D)
	$(SAY)$(COMPILE) $(WARN) -MMD -MP -c -o $@ $<

# libnng must find the shim's symbols in the program or the SDK, ahead of its own and libc's.
$(OBJ)/libs/shim/%.o: CODEGEN += -fvisibility=default
$(OBJ)/tests/%.o: INCLUDE += -Itests

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

# ---- libraries ------------------------------------------------------------------------------

INTERNAL := module client store token settings wire base
OBJECTS_broker := $(call objects,$(filter-out broker/main.c,$(wildcard broker/*.c broker/*/*.c)))
OBJECTS_gateway := $(call objects,$(filter-out gateway/main.c,$(wildcard gateway/*.c)))
OBJECTS_inspector := $(call objects,$(filter-out inspector/main.c,$(wildcard inspector/*.c)))
OBJECTS_wire := $(call objects,$(wildcard libs/wire/*.c)) $(PROTO_OBJ)
$(foreach lib,module client store token settings base,\
	$(eval OBJECTS_$(lib) := $(call objects,$(wildcard libs/$(lib)/*.c))))
OBJECTS_services := $(call objects,$(filter-out services/host/main.c,$(wildcard services/*/*.c)))
NNG_SHIM := $(call objects,$(wildcard libs/shim/*.c))
ARCHIVED := $(foreach lib,services gateway inspector broker $(INTERNAL),$(if $(OBJECTS_$(lib)),$(lib)))
archives = $(patsubst %,$(OBJ)/lib%.a,$(filter $1,$(ARCHIVED)))

define archive_rule
$(call stamp,$(OBJ)/lib$1.list,$(OBJECTS_$1))
$(OBJ)/lib$1.a: $(OBJECTS_$1) $(OBJ)/lib$1.list
	@rm -f $$@
	@ar rcs $$@ $(OBJECTS_$1)
endef
$(foreach lib,$(ARCHIVED),$(eval $(call archive_rule,$(lib))))

SDK_REAL := $(LIB)/libfarebox.so.$(VERSION)
SDK_MAP := $(wildcard libs/client/farebox.map)
SDK := $(if $(OBJECTS_client),$(LIB)/libfarebox.so)

# Programs of others have no shim of their own.
$(SDK_REAL): $(OBJECTS_client) $(OBJ)/libs/shim/workaround.o $(call archives,wire base) $(SDK_MAP)
	@mkdir -p $(@D)
	$(SAY)$(LINK_SHARED) -Wl,-soname,libfarebox.so.$(ABI) $(SDK_MAP:%=-Wl,--version-script=%) -o $@ \
		$(filter %.o %.a,$^) $(LIBRARIES)

$(LIB)/libfarebox.so: $(SDK_REAL)
	@ln -sf $(notdir $<) $(LIB)/libfarebox.so.$(ABI)
	@ln -sf libfarebox.so.$(ABI) $@

# ---- programs and modules -------------------------------------------------------------------

RUN_PATH := -Wl,-rpath,'$$ORIGIN/../lib'
# libnng calls these through its PLT; exported, the shim's definitions are found first.
EXPORT_SHIM := $(patsubst %,-Wl$(comma)--export-dynamic-symbol=%,\
	sendmsg nng_stream_recv nng_stream_send recv gnutls_record_recv)
USE_SDK := -L$(LIB) -lfarebox

# $1 program, $2 its folder, $3 internal libraries, $4 the SDK or nothing
define program_rule
$(BIN)/$1: $(call objects,$(wildcard $2/*.c $2/measure/*.c)) $(NNG_SHIM) $(call archives,$3) $4
	@mkdir -p $$(@D)
	$$(SAY)$$(LINK) $$(RUN_PATH) $$(EXPORT_SHIM) -o $$@ $$(filter %.o %.a,$$^) $(if $4,$(USE_SDK)) \
		$$(LIBRARIES)
PROGRAMS += $(if $(wildcard $2/main.c),$(BIN)/$1)
endef

$(BIN)/fareboxd: $(call objects,broker/main.c) $(NNG_SHIM) $(call archives,broker store token settings wire base)
	@mkdir -p $(@D)
	$(SAY)$(LINK) $(EXPORT_SHIM) -o $@ $(filter %.o %.a,$^) $(LIBRARIES)

PROGRAMS := $(if $(wildcard broker/main.c),$(BIN)/fareboxd)
$(eval $(call program_rule,farebox-host,services/host,module wire base,$(SDK)))
$(eval $(call program_rule,farebox,inspector,token wire base,$(SDK)))
$(eval $(call program_rule,farebox-bench,bench,token wire base,$(SDK)))
$(eval $(call program_rule,farebox-gateway,gateway,settings wire base,$(SDK)))

# services/common is part of every module.
SERVICES := $(filter-out host common,$(patsubst services/%/,%,$(sort $(dir $(wildcard services/*/*.c)))))
MODULES := $(SERVICES:%=$(LIB)/farebox/%.so)

define module_rule
$(LIB)/farebox/$1.so: $(call objects,$(wildcard services/$1/*.c services/common/*.c)) \
		$(call archives,token store wire base) $(SDK)
	@mkdir -p $$(@D)
	$$(SAY)$$(LINK_SHARED) -Wl,-rpath,'$$$$ORIGIN/..' -o $$@ $$(filter %.o %.a,$$^) $(USE_SDK) \
		$$(LIBRARIES) -lm
endef
$(foreach name,$(SERVICES),$(eval $(call module_rule,$(name))))

DATA := $(patsubst services/data-bridge/data/%,$(BUILD)/share/farebox/data/%,\
	$(wildcard services/data-bridge/data/*))

$(BUILD)/share/farebox/data/%: services/data-bridge/data/%
	@mkdir -p $(@D)
	@cp $< $@

UI := $(patsubst gateway/ui/%,$(BUILD)/share/farebox/ui/%,$(wildcard gateway/ui/*))

$(BUILD)/share/farebox/ui/%: gateway/ui/%
	@mkdir -p $(@D)
	@cp $< $@

# Built with the installed header and library's names only, as a user's program would be.
EXAMPLES := $(patsubst examples/%.c,$(BUILD)/examples/%,$(wildcard examples/*.c))

$(BUILD)/examples/%: examples/%.c $(SDK) $(OBJ)/flags
	@mkdir -p $(@D)
	$(SAY)$(LINK) $(WARN) -Ilibs/client -Wl,-rpath,'$$ORIGIN/../lib' -o $@ $< $(USE_SDK)

all: $(SDK) $(PROGRAMS) $(MODULES) $(DATA) $(UI)

# ---- tests ----------------------------------------------------------------------------------

# A test links whatever it refers to. USES narrows that while other parts do not compile.
USES ?= services gateway inspector broker $(INTERNAL)
TESTS := $(BUILD)/tests
UNIT := $(patsubst tests/%.c,$(TESTS)/%,$(wildcard tests/unit/test_*.c))
OBJECTS_unit := $(call objects,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
$(eval $(call archive_rule,unit))
DIALOGUE := $(patsubst tests/%.c,$(TESTS)/%,$(wildcard tests/dialogue/test_*.c))
DIALOGUE_HELP := $(call objects,$(filter-out tests/dialogue/test_%,$(wildcard tests/dialogue/*.c)))
SIM := $(if $(wildcard tests/sim/*.c),$(TESTS)/sim/sim)
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYS := $(FUZZERS:%=$(TESTS)/fuzz/replay_%)
LINK_TEST = $(SAY)mkdir -p $(@D); $(LINK) -o $@ $(filter %.o %.a,$^)

$(UNIT): $(TESTS)/unit/%: $(OBJ)/tests/unit/%.o $(OBJ)/libunit.a $(call archives,$(USES))
	$(LINK_TEST) $(LIBRARIES) -lcmocka -lm

# Of the benchmarks, what is not measuring.
$(TESTS)/unit/test_allowance: $(OBJ)/bench/allowance.o

# Its broker is the test.
$(TESTS)/unit/test_gateway_subscribers: LDFLAGS += \
	-Wl,--wrap=fbx_subscribe_async -Wl,--wrap=fbx_unsubscribe_async

# Modules for the import manager's tests: good ones and such as must be refused.
TEST_MODULES := $(patsubst tests/%.c,$(TESTS)/%.so,$(wildcard tests/modules/*.c))

$(TESTS)/modules/%.so: $(OBJ)/tests/modules/%.o
	@mkdir -p $(@D)
	$(SAY)$(LINK_SHARED) -o $@ $<

$(TESTS)/unit/test_module $(TESTS)/dialogue/test_host: | $(TEST_MODULES)
$(TESTS)/unit/test_bars $(TESTS)/unit/test_analytics: | $(DATA)

$(DIALOGUE): $(TESTS)/dialogue/%: $(OBJ)/tests/dialogue/%.o $(DIALOGUE_HELP) $(NNG_SHIM) \
		$(call archives,token store wire base) $(SDK)
	$(LINK_TEST) -Wl,-rpath,'$$ORIGIN/../../lib' $(EXPORT_SHIM) $(USE_SDK) $(LIBRARIES) -lcmocka

$(TESTS)/sim/sim: $(call objects,$(wildcard tests/sim/*.c)) $(call archives,broker $(INTERNAL))
	$(LINK_TEST) $(LIBRARIES) -lm

$(TESTS)/fuzz/replay_%: $(OBJ)/tests/fuzz/fuzz_%.o $(OBJ)/tests/fuzz/replay.o $(call archives,$(USES))
	$(LINK_TEST) $(LIBRARIES)

$(TESTS)/fuzz/fuzz_%: $(OBJ)/tests/fuzz/fuzz_%.o $(call archives,$(USES))
	$(LINK_TEST) -fsanitize=fuzzer $(LIBRARIES)

.PHONY: tests deps deps-test deps-check deps-bench deps-browser test sim soak browser
tests: all $(EXAMPLES) $(UNIT) $(DIALOGUE) $(SIM) $(REPLAYS)

$(call objects,$(wildcard tests/*/*.c)): | deps-test

deps: deps-build
deps-build deps-test deps-check deps-bench deps-browser: deps-%:
	@tools/deps $*

# One unit or dialogue test: make unit/test_map
unit/%: $(TESTS)/unit/%
	@FAREBOX_BUILD=$(BUILD) $<

dialogue/%: $(TESTS)/dialogue/% all $(EXAMPLES)
	@FAREBOX_BUILD=$(BUILD) $<

# What a program of somebody else's makes of the gateway: make outside/test_client
outside/%: all
	@FAREBOX_BUILD=$(BUILD) tests/outside/run tests/outside/$*.mjs

# With SAN only that variant, which is built in a folder of its own below.
test: deps-test
	@MAKE='$(MAKE)' BUILD=$(patsubst %/$(subst $(comma),-,$(SAN)),%,$(BUILD)) SEEDS=$(SEEDS) \
		tests/run $(SAN)

sim: $(SIM)
	$(SIM) $(if $(SEED),--seed $(SEED) $(if $(V),--trace),--seeds $(SEEDS))

# The dashboard in a headless Chromium. SHOTS=dir keeps pictures of it.
browser: all
	@FAREBOX_BUILD=$(BUILD) tests/browser/run $(SHOTS)

# CYCLES kills of the broker under load, and of who calls and serves; then the usage is compared with
# what was received.
soak: $(TESTS)/dialogue/test_metering all
	@FAREBOX_BUILD=$(BUILD) FAREBOX_CYCLES=$(CYCLES) $<

# Coverage-guided fuzzing, SECONDS for each target.
fuzz: deps-check
	@$(MAKE) BUILD=$(BUILD)/fuzz CC=clang SAN=address,undefined FUZZ=1 fuzz-run

fuzz-run: $(FUZZERS:%=$(TESTS)/fuzz/fuzz_%)
	@tests/fuzz/run $(SECONDS) $^

.PHONY: fuzz fuzz-run check demo run bench peers install clean help

# ---- checks ---------------------------------------------------------------------------------

CODE_DIRS := $(wildcard libs broker services inspector gateway bench)
LINTED := $(filter-out bench/peers/%,$(foreach dir,$(CODE_DIRS),\
	$(wildcard $(dir)/*.c $(dir)/*/*.c $(dir)/*/*/*.c)))

CHECKS := check-format check-tidy check-shell check-gcc check-clang check-symbols check-cppcheck \
	check-lint
.PHONY: $(CHECKS)

check: deps-check
	@MAKE='$(MAKE)' BUILD=$(BUILD) tools/check

check-format:
	@tools/format

check-tidy:
	@tools/tidy

check-shell:
	@grep -rlE '^#!/bin/(sh|bash)' .ci bench demo services tests tools 2>/dev/null | xargs shellcheck

check-gcc:
	@$(MAKE) CC=gcc tests

# What `make test` runs under the address sanitizer, so that it is built once.
check-clang:
	@$(MAKE) BUILD=$(BUILD)/address-undefined SAN=address,undefined CC=clang tests

check-symbols: all
	@tools/symbols $(OBJ) $(SDK_REAL)

# varFuncNullUB: NULL is a pointer in every libc here. The others follow pointers and out-parameters
# no further than a call, and do not count a designated initialiser.
CPPCHECK_NOT := varFuncNullUB objectIndex ctuuninitvar arrayIndexOutOfBoundsCond \
	normalCheckLevelMaxBranches

check-cppcheck: | $(PROTO_H)
	@mkdir -p $(BUILD)/lint/cppcheck
	@cppcheck -q -j $(JOBS) --std=c11 --enable=warning,performance,portability --inline-suppr \
		$(CPPCHECK_NOT:%=--suppress=%) -D'_Noreturn=__attribute__((noreturn))' \
		-DFAREBOX_VERSION='"$(VERSION)"' \
		--error-exitcode=1 --cppcheck-build-dir=$(BUILD)/lint/cppcheck -D_GNU_SOURCE \
		-Ilibs -Ibroker -Iservices -Ilibs/client $(CODE_DIRS)

# What has changed in a folder goes to one process: to start one takes as long as to read a file. The
# object stands for the headers it was made from.
LINT_FOLDERS := $(patsubst %/,%,$(sort $(dir $(LINTED))))
LINT_CHANGED = $(sort $(patsubst $(OBJ)/%.o,%.c,$(filter %.c %.o,$(if $(filter .clang-tidy,$?),$^,$?))))

define lint_rule
$(BUILD)/lint/$1/ok: $2 $(call objects,$2) .clang-tidy
	@mkdir -p $$(@D)
	$$(SAY)clang-tidy --quiet $$(LINT_CHANGED) -- $$(CODEGEN) $$(INCLUDE) \
		-DFAREBOX_VERSION='"$(VERSION)"' 2>$$@.log || { cat $$@.log; exit 1; }
	@touch $$@
endef
$(foreach folder,$(LINT_FOLDERS),\
	$(eval $(call lint_rule,$(folder),$(filter $(wildcard $(folder)/*.c),$(LINTED)))))

check-lint: $(LINT_FOLDERS:%=$(BUILD)/lint/%/ok)

# ---- showing it -----------------------------------------------------------------------------

demo: all
	@BUILD=$(BUILD) demo/demo.sh

run: all
	@BUILD=$(BUILD) demo/run.sh

# Each peer needs its own library only; one that is missing leaves out its peer.
PEER_SHARED := $(call objects,$(wildcard bench/measure/*.c bench/peers/shared/*.c))
PEERS := $(patsubst bench/peers/%.c,$(BUILD)/peers/%,$(wildcard bench/peers/*.c))
$(BUILD)/peers/nats_rr $(BUILD)/peers/nats_ps: PEER_LIBRARY := -lnats
$(BUILD)/peers/nng_rr: PEER_LIBRARY := -lnng
$(BUILD)/peers/zmq_rr: PEER_LIBRARY := -lzmq

$(PEERS): $(BUILD)/peers/%: $(OBJ)/bench/peers/%.o $(PEER_SHARED) $(call archives,base)
	@mkdir -p $(@D)
	$(SAY)$(LINK) -o $@ $(filter %.o %.a,$^) $(PEER_LIBRARY) $(LIBRARIES)

peers: $(PEERS)

bench: all
	@tools/deps bench || true
	@$(MAKE) -k peers || true
	@BUILD=$(BUILD) bench/run

# ---- installing -----------------------------------------------------------------------------

SHARE := $(DESTDIR)$(PREFIX)/share
define PKG_CONFIG_FILE
prefix=$(PREFIX)
libdir=$(LIBDIR)
includedir=$${prefix}/include

Name: farebox
Description: Client library of the Farebox message bus
Version: $(VERSION)
Libs: -L$${libdir} -lfarebox
Cflags: -I$${includedir}
endef

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include $(SHARE)/man/man1 \
		$(SHARE)/man/man8
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(LIBDIR)/farebox
	install $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 libs/client/farebox.h $(DESTDIR)$(PREFIX)/include
	install -d $(DESTDIR)$(PREFIX)/include/farebox
	install -m 644 libs/module/module.h $(DESTDIR)$(PREFIX)/include/farebox
	install -m 644 $(SDK_REAL) $(DESTDIR)$(LIBDIR)
	ln -sf $(notdir $(SDK_REAL)) $(DESTDIR)$(LIBDIR)/libfarebox.so.$(ABI)
	ln -sf libfarebox.so.$(ABI) $(DESTDIR)$(LIBDIR)/libfarebox.so
	install -m 644 $(MODULES) $(DESTDIR)$(LIBDIR)/farebox
	$(file >$(BUILD)/farebox.pc,$(PKG_CONFIG_FILE))
	install -m 644 $(BUILD)/farebox.pc $(DESTDIR)$(LIBDIR)/pkgconfig
	$(if $(DATA),install -d $(SHARE)/farebox/data && install -m 644 $(DATA) $(SHARE)/farebox/data)
	install -d $(SHARE)/farebox/ui
	install -m 644 $(UI) $(SHARE)/farebox/ui
	install -m 644 $(wildcard docs/man/*.1) $(SHARE)/man/man1
	install -m 644 $(wildcard docs/man/*.8) $(SHARE)/man/man8
	$(BIN)/farebox manual | install -m 644 /dev/stdin $(SHARE)/man/man1/farebox.1
	install -d $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions
	install -d $(SHARE)/fish/vendor_completions.d
	$(BIN)/farebox completion bash | install -m 644 /dev/stdin $(SHARE)/bash-completion/completions/farebox
	$(BIN)/farebox completion zsh | install -m 644 /dev/stdin $(SHARE)/zsh/site-functions/_farebox
	$(BIN)/farebox completion fish | install -m 644 /dev/stdin $(SHARE)/fish/vendor_completions.d/farebox.fish

clean:
	rm -rf $(BUILD)

define HELP
make             build everything under $(BUILD)/
make demo        a tour of the bus on real data, in a minute
make run         the demo's broker and services, left running
make test        every test, plainly and under the sanitizers (SAN=thread: only those)
make check       format, warnings, analysers and the rules of the house
make unit/test_x, make dialogue/test_x, make outside/test_x
                 one test program
make sim         the simulator: SEEDS=1000, or SEED=n to replay one
make soak        the usage is right after kill -9: CYCLES=1000 of them
make fuzz        coverage-guided fuzzing: SECONDS=60 for each target
make browser     the dashboard in Chromium, if that is there: SHOTS=dir keeps pictures of it
make bench       ours and the peers in one run
make install     PREFIX=/usr/local DESTDIR= LIBDIR=$$PREFIX/lib
make deps        installs missing Debian packages (also deps-test, deps-check, deps-bench, deps-browser)
make clean

Variables: BUILD=dir, CC=gcc|clang, SAN=address,undefined|thread, V=1 shows the commands.
endef

help:
	@:$(info $(HELP))
