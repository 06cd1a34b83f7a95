# make all         the tools, below build/
#      check       every test; ends with "N passed, N failed, N skipped"
#      check-fault the fault loops in full length
#      check-s3    what S3 promises, of a server, or that of S3_URL, by group
#      check-clients  S3 clients from npm, PyPI and Maven, which it fetches
#      check-cluster every fault of the table, on clusters of 3 and 4 nodes;
#		EC_CLUSTER_COUNT=N sets how often
#      check-heal  every kind of damage to drives, found and healed: a table
#      check-power the power of all drives cut under load, EC_POWER (200) times
#      check-seeded builds with one defect each, of which a test must go red
#      check-removed  each flush, quorum and hash check taken out: the same
#      prove       what all that shows, as a table: ROWS='C1 C17' of it
#      prove-long  the same at the counts of a release, for hours
#      fuzz        every fuzzer for FUZZ_SECONDS (default 60); needs clang
#      bench       every benchmark
#      bench-full  a table of goals, each with what was reached (ten minutes);
#		ROWS='put-small growth' of it, BENCH_SECONDS, BENCH_OBJECTS
#      coverage    check, then lines covered per file
#      lint        format, static analysis, layers, scripts, manual pages
#      install uninstall dist clean
#
#   WERROR=1                    warnings are errors
#   SANITIZE=address,undefined  or thread; builds into a folder of its own
#   PREFIX, DESTDIR             where install puts things
#   TESTS='t/1*.bats'           check only these (unit tests: a built program)

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/ec
UNITDIR ?= $(PREFIX)/lib/systemd/system
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
VERSION := 0.1

CC ?= cc
FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60
TEST_JOBS ?= 2
TEST_SECONDS ?= 900

PKGS := libisal libssl libcrypto libcurl sqlite3 libarchive expat jansson
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS))
PKG_LIBS := $(shell pkg-config --libs $(PKGS))

comma := ,
BUILD ?= build/$(if $(SANITIZE),$(subst $(comma),-,$(SANITIZE)),plain)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla \
	-Wformat=2 -Wnull-dereference -Wimplicit-fallthrough
CFLAGS ?= -O2 -g
BASE_CFLAGS := -std=c17 -D_GNU_SOURCE -DEC_VERSION='"$(VERSION)"' -Ilibec \
	-fvisibility=hidden -fno-strict-aliasing -pthread $(WARN) \
	$(if $(WERROR),-Werror)
ALL_CFLAGS := $(BASE_CFLAGS) \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer \
		-fno-sanitize-recover=all,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 \
		-fstack-protector-strong) \
	$(CFLAGS) $(PKG_CFLAGS)
ALL_LDFLAGS := -pthread -Wl,-z,relro,-z,now \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)

LIB_SRC := $(wildcard libec/*/*.c)
TOOL_SRC := $(wildcard cmd/ec-*.c)
S3D_SRC := $(wildcard cmd/ec-s3d/*.c)
KEY_SRC := $(wildcard cmd/ec-key/*.c)
UNIT_SRC := $(wildcard t/unit/*.c)
BENCH_SRC := $(wildcard t/bench/*.c)
LOAD_SRC := $(filter-out %/bare.c,$(wildcard t/bench/load/*.c))
FUZZ_SRC := $(wildcard t/fuzz/*.c)
BATS := $(wildcard t/[0-9]*.bats)
MAN := $(wildcard share/man/man[1-8]/*.[1-8])

# What ec-s3d is made of, less its main, for unit tests and fuzzers.
S3D_PARTS := $(filter-out cmd/ec-s3d/main.c,$(S3D_SRC))
# What several unit tests share.
T_LIB_SRC := $(wildcard t/lib/*.c)
T_LIB := $(if $(T_LIB_SRC),$(BUILD)/libt.a)
LIB := $(BUILD)/libec.a
S3D_LIB := $(if $(S3D_PARTS),$(BUILD)/libs3d.a)
TOOLS := $(TOOL_SRC:cmd/%.c=$(BUILD)/%)
S3D := $(if $(wildcard cmd/ec-s3d/main.c),$(BUILD)/ec-s3d)
PROGRAMS := $(TOOLS) $(S3D) $(BUILD)/ec-key
UNITS := $(UNIT_SRC:%.c=$(BUILD)/%)
BENCHES := $(BENCH_SRC:%.c=$(BUILD)/%)
LOADS := $(BUILD)/t/bench/load/ec-load $(BUILD)/t/bench/load/ec-bare
FILL := $(BUILD)/t/bench/full/fill
FAULT := $(BUILD)/fault.so $(BUILD)/clock.so \
	$(if $(SANITIZE),$(BUILD)/fault-sanitized.so)
SWITCH := $(BUILD)/t/cluster/switch
SIM := $(BUILD)/t/sim/sim
SIM_SRC := $(wildcard t/sim/*.c)
TESTS ?= $(UNITS) $(BATS)

all: $(PROGRAMS)

$(BUILD)/%.o: %.c | build/.gitignore
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

build/.gitignore:
	@mkdir -p build && echo '*' > $@

$(LIB): $(LIB_SRC:%.c=$(BUILD)/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libs3d.a: $(S3D_PARTS:%.c=$(BUILD)/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libt.a: $(T_LIB_SRC:%.c=$(BUILD)/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

$(TOOLS): $(BUILD)/%: $(BUILD)/cmd/%.o $(LIB)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/ec-s3d: $(BUILD)/cmd/ec-s3d/main.o $(S3D_LIB) $(LIB)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

# Users and policies are those of S3.
$(BUILD)/ec-key: $(KEY_SRC:%.c=$(BUILD)/%.o) $(S3D_LIB) $(LIB)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(UNITS) $(BENCHES) $(FILL): $(BUILD)/%: $(BUILD)/%.o $(T_LIB) $(S3D_LIB) $(LIB)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

# The load generator, and what it compares with.
$(BUILD)/t/bench/load/ec-load: $(LOAD_SRC:%.c=$(BUILD)/%.o) $(S3D_LIB) $(LIB)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/t/bench/load/ec-bare: $(BUILD)/t/bench/load/bare.o $(LIB)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/cmd/ec-key/%.o: ALL_CFLAGS += -Icmd
$(BUILD)/t/%.o: ALL_CFLAGS += -Icmd -It/lib

# The fault library goes into unmodified programs, so no sanitizer in it; and
# programs with a sanitizer have an allocator that none may stand in front of.
$(BUILD)/fault-sanitized.so: FAULT_CFLAGS := -DFAULT_NO_MALLOC
$(BUILD)/clock.so: t/fault/clock.c
$(BUILD)/fault.so $(BUILD)/fault-sanitized.so: $(addprefix t/fault/, \
		fault.c spec.c calls.c memory.c fault.h)
$(BUILD)/clock.so $(BUILD)/fault.so $(BUILD)/fault-sanitized.so: \
		| build/.gitignore
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(FAULT_CFLAGS) -O2 -g -fPIC -shared -o $@ \
		$(filter %.c,$^) -ldl

$(SWITCH): $(BUILD)/%: $(BUILD)/%.o
	$(CC) $(ALL_LDFLAGS) -o $@ $^

# What the simulator (t/sim/seams.c) puts below the library.
SEAMS := clock_gettime nanosleep getrandom clock_hlc clock_hlc_observe \
	$(addprefix pthread_,create join mutex_init mutex_destroy mutex_lock \
	mutex_trylock mutex_unlock condattr_init condattr_setclock \
	condattr_destroy cond_init cond_destroy cond_wait cond_timedwait \
	cond_signal cond_broadcast)
$(SIM): $(SIM_SRC:%.c=$(BUILD)/%.o) $(T_LIB) $(LIB)
	$(CC) $(ALL_LDFLAGS) $(addprefix -Wl$(comma)--wrap=,$(SEAMS)) -o $@ $^ \
		$(PKG_LIBS)

units: $(UNITS)

# Of the unit tests those asked for, and that which t/0100 runs.
check: $(PROGRAMS) $(LOADS) $(FAULT) $(SWITCH) $(SIM) \
		$(BUILD)/t/unit/base-digest \
		$(filter $(UNITS),$(TESTS))
	@EC_BIN=$(BUILD) t/lib/run -j $(TEST_JOBS) -t $(TEST_SECONDS) \
		$(or $(strip $(TESTS)),$(error there are no tests))

check-s3: $(PROGRAMS)
	@EC_BIN=$(CURDIR)/$(BUILD) t/lib/check-s3

check-clients: $(PROGRAMS)
	@EC_BIN=$(CURDIR)/$(BUILD) t/lib/check-clients

check-fault: $(PROGRAMS) $(FAULT)
	@EC_BIN=$(BUILD) EC_FAULT_FULL=1 t/lib/run -j $(TEST_JOBS) -t 14400 \
		$(wildcard t/8*.bats)

check-cluster: $(PROGRAMS) $(FAULT) $(SWITCH)
	@t/cluster/faults.py -l -n 3 -d 4 $(BUILD)
	@t/cluster/faults.py -l -n 4 -d 4 $(BUILD)
	@t/cluster/speed.py $(BUILD)

check-power: $(PROGRAMS)
	@EC_BIN=$(BUILD) EC_POWER=$${EC_POWER:-200} t/lib/run -j 1 -t 7200 \
		t/8600-power.bats

check-seeded: $(PROGRAMS) $(UNITS) $(FAULT)
	@t/seeded/seeded.py

check-removed: $(PROGRAMS) $(UNITS) $(FAULT) $(SIM)
	@t/seeded/removed.py

check-heal: $(PROGRAMS) $(FAULT)
	@/usr/bin/python3 t/heal/faults.py $(BUILD)
	@EC_BIN=$(BUILD) EC_FAULT_FULL=1 t/lib/run -j $(TEST_JOBS) -t 14400 \
		t/8300-fault-heal.bats t/8310-fault-refill.bats

# What a run of check left in EC_RESULTS is not done again.
prove prove-long: $(PROGRAMS) $(LOADS) $(FAULT) $(SWITCH) $(SIM) $(UNITS)
	@t/prove/prove.py $(if $(filter %-long,$@),--long) $(BUILD) $(ROWS)

# Fuzzers: the library once more, by clang, with libFuzzer's instrumentation.
FUZZ_BUILD := build/fuzz
FUZZ_CFLAGS := $(BASE_CFLAGS) -Icmd -It/lib -O1 -g -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=all $(PKG_CFLAGS)
FUZZERS := $(FUZZ_SRC:%.c=$(FUZZ_BUILD)/%)
FUZZ_LIB_OBJ := $(T_LIB_SRC:%.c=$(FUZZ_BUILD)/%.o) \
	$(S3D_PARTS:%.c=$(FUZZ_BUILD)/%.o) \
	$(LIB_SRC:%.c=$(FUZZ_BUILD)/%.o)

$(FUZZ_BUILD)/%.o: %.c | build/.gitignore
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c \
		-o $@ $<

$(FUZZ_BUILD)/libfuzz.a: $(FUZZ_LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(FUZZERS): $(FUZZ_BUILD)/%: $(FUZZ_BUILD)/%.o $(FUZZ_BUILD)/libfuzz.a
	$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS)

fuzzers: $(FUZZERS)

fuzz: $(FUZZERS)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) t/lib/fuzz $(FUZZERS)

bench: $(PROGRAMS) $(BENCHES) $(LOADS)
	@EC_BIN=$(BUILD) t/lib/bench $(BENCHES) $(wildcard t/bench/*.sh)

bench-full: $(PROGRAMS) $(LOADS) $(FILL)
	@EC_BIN=$(BUILD) ROWS="$(ROWS)" t/lib/bench t/bench/full/full.py

coverage:
	@$(MAKE) BUILD=build/coverage CFLAGS='-O0 -g --coverage' \
		LDFLAGS=--coverage check
	@t/lib/coverage build/coverage $(LIB_SRC) $(TOOL_SRC) $(S3D_SRC) \
		$(KEY_SRC)

lint:
	@CC='$(CC)' t/lint/lint

# Completion is made from what the tools say of themselves.
$(BUILD)/completion/%: $(BUILD)/% share/completion/generate
	@mkdir -p $(@D)
	share/completion/generate $< > $@.tmp
	@mv $@.tmp $@

INSTALL := install
install: $(PROGRAMS) $(PROGRAMS:$(BUILD)/%=$(BUILD)/completion/%)
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(DOCDIR)/examples \
		$(DESTDIR)$(UNITDIR) $(DESTDIR)$(BASHCOMPDIR)
	$(INSTALL) -m 755 $(PROGRAMS) $(DESTDIR)$(BINDIR)
	for page in $(MAN); do \
		$(INSTALL) -D -m 644 $$page \
			$(DESTDIR)$(MANDIR)/$${page#share/man/} || exit; \
	done
	$(INSTALL) -m 644 README LICENSE libec/DESIGN $(DESTDIR)$(DOCDIR)
	$(INSTALL) -m 644 share/cron/* $(DESTDIR)$(DOCDIR)/examples
	$(INSTALL) -m 644 $(PROGRAMS:$(BUILD)/%=$(BUILD)/completion/%) \
		$(DESTDIR)$(BASHCOMPDIR)
	for unit in share/systemd/*; do \
		sed 's,@BINDIR@,$(BINDIR),g' $$unit \
			> $(DESTDIR)$(UNITDIR)/$${unit##*/} || exit; \
	done

uninstall:
	rm -f $(PROGRAMS:$(BUILD)/%=$(DESTDIR)$(BINDIR)/%)
	rm -f $(PROGRAMS:$(BUILD)/%=$(DESTDIR)$(BASHCOMPDIR)/%)
	rm -f $(MAN:share/man/%=$(DESTDIR)$(MANDIR)/%)
	rm -f $(patsubst share/systemd/%,$(DESTDIR)$(UNITDIR)/%,\
		$(wildcard share/systemd/*))
	rm -rf $(DESTDIR)$(DOCDIR)

# The same commit gives the same bytes.
dist: build/.gitignore
	git archive --format=tar --prefix=ec-$(VERSION)/ HEAD | gzip -9n \
		> build/ec-$(VERSION).tar.gz

clean:
	rm -rf build

.PHONY: all units check check-fault check-s3 check-clients check-heal \
	check-cluster check-power check-seeded check-removed prove prove-long \
	fuzzers fuzz bench bench-full coverage lint install uninstall dist clean
.SECONDARY:
.DELETE_ON_ERROR:
-include $(shell find build -name '*.d' 2>/dev/null)
