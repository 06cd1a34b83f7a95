# make all | check | lint | bench | fuzz | coverage | install | uninstall |
#      dist | clean
#   WERROR=1                    warnings are errors
#   SANITIZE=address,undefined  or thread; builds into a folder of its own
#   PREFIX, DESTDIR             where install puts things

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
VERSION := 0.1

CC ?= cc
PKGS := libisal libcrypto libcurl sqlite3 libarchive expat jansson \
	libmicrohttpd
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS))
PKG_LIBS := $(shell pkg-config --libs $(PKGS))

BUILD := build/$(if $(SANITIZE),$(subst $(comma),-,$(SANITIZE)),plain)
comma := ,

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla \
	-Wformat=2 -Wnull-dereference -Wimplicit-fallthrough
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=c17 -D_GNU_SOURCE -DEC_VERSION='"$(VERSION)"' -Ilibec \
	-fvisibility=hidden -fno-strict-aliasing -pthread $(WARN) \
	$(if $(WERROR),-Werror) \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer \
		-fno-sanitize-recover=all,-D_FORTIFY_SOURCE=2 -fstack-protector-strong) \
	$(CFLAGS) $(PKG_CFLAGS)
ALL_LDFLAGS := -pthread -Wl,-z,relro,-z,now \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)

LIB := $(BUILD)/libec.a
LIB_SRC := $(wildcard libec/*/*.c)
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o)
TOOL_SRC := $(wildcard cmd/ec-*.c)
TOOLS := $(TOOL_SRC:cmd/%.c=$(BUILD)/%)
S3D_SRC := $(wildcard cmd/ec-s3d/*.c)
S3D_OBJ := $(S3D_SRC:%.c=$(BUILD)/%.o)
PROGRAMS := $(TOOLS) $(if $(S3D_SRC),$(BUILD)/ec-s3d)
UNIT_SRC := $(wildcard t/unit/*.c)
UNITS := $(UNIT_SRC:t/unit/%.c=$(BUILD)/t/unit/%)

all: $(PROGRAMS)

$(BUILD)/%.o: %.c | build/.gitignore
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

build/.gitignore:
	@mkdir -p build && echo '*' > $@

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(TOOLS): $(BUILD)/%: $(BUILD)/cmd/%.o $(LIB)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/ec-s3d: $(S3D_OBJ) $(LIB)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(UNITS): $(BUILD)/t/unit/%: $(BUILD)/t/unit/%.o $(LIB)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

units: $(UNITS)

clean:
	rm -rf build

.PHONY: all units clean
.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
