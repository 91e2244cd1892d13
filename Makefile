# bulk_update: built by PGXS, PostgreSQL's build system for extensions.
#
#   make                       the module
#   make install               into the server that PG_CONFIG names
#   make help                  the other targets
#
# PG_CONFIG=/path/pg_config chooses the server, WERROR= turns off errors for warnings, FAULTS=1
# compiles the fault points in (src/server/fault.h), for tests only; COVERAGE=1 is for scripts/coverage;
# SANITIZE=1 compiles checks for undefined behaviour in, PACKAGE_CXXFLAGS is for builders of
# packages: before PostgreSQL 18 PGXS has no such variable for C++.

MODULE_big = bulk_update
EXTENSION = bulk_update
PGFILEDESC = "bulk_update - update a table from a cursor in bounded chunks"

# VPATH builds keep the sources elsewhere; PGXS sets srcdir only later.
top := $(or $(VPATH),.)

in_rooms = $(wildcard $(addprefix $(top)/src/,*.$(1) */*.$(1) */*/*.$(1)))
SOURCES = $(sort $(patsubst $(top)/%,%,$(call in_rooms,cpp)))
OWN_HEADERS = $(call in_rooms,h)
OBJS = $(SOURCES:.cpp=.o)
DATA = $(sort $(patsubst $(top)/%,%,$(wildcard $(top)/bulk_update--*.sql)))

# Tests are found by wildcard so that none is forgotten; init comes first if it exists.
sql_tests = $(sort $(patsubst $(top)/sql/%.sql,%,$(wildcard $(top)/sql/*.sql)))
REGRESS = $(filter init,$(sql_tests)) $(filter-out init,$(sql_tests))
ISOLATION = $(sort $(patsubst $(top)/specs/%.spec,%,$(wildcard $(top)/specs/*.spec)))

# OUTPUT is the directory for results/ and regression.diffs; USE_MODULE_DB names the test
# database after this extension.
OUTPUT ?= build
USE_MODULE_DB = 1
REGRESS_OPTS = --outputdir=$(OUTPUT)/regress
ISOLATION_OPTS = --outputdir=$(OUTPUT)/isolation
REGRESS_PREP = test-output
EXTRA_CLEAN = build

# The module needs nothing of the C++ runtime library: errors are PostgreSQL's longjmp, memory is
# allocated in PostgreSQL's contexts (src/README.md).
SANITIZER = $(if $(SANITIZE),-fsanitize=undefined -fno-sanitize-recover=all)
WERROR ?= -Werror
MODULE_CXXFLAGS = -std=c++17 -fno-exceptions -fno-rtti -fno-threadsafe-statics \
	-Wall -Wextra $(WERROR) $(if $(FAULTS),-DBULK_UPDATE_FAULTS) $(if $(COVERAGE),-O0 --coverage) $(SANITIZER)
PG_CXXFLAGS = $(MODULE_CXXFLAGS) $(PACKAGE_CXXFLAGS)
SHLIB_LINK += $(if $(COVERAGE),--coverage) $(SANITIZER)

# Those whose executor src/apply/direct was compared with. src/server/compat.h and scripts/setup name
# them too.
supported = 15 16 17 18 19

# These need neither a server nor its headers; the scripts install missing packages.
scripts = check demo lint format
ifneq ($(filter-out $(scripts) help,$(or $(MAKECMDGOALS),all)),)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

ifeq ($(MAJORVERSION),)
$(error $(PG_CONFIG) names no server's headers; PG_CONFIG=/path/pg_config chooses the server)
endif
ifeq ($(filter $(supported),$(MAJORVERSION)),)
$(error bulk_update supports PostgreSQL $(supported), and $(PG_CONFIG) is of $(VERSION). \
	docs/versions.md says how another version is added)
endif

# The server's headers are not written for -Wextra in C++. A directory given by -isystem is a
# system directory even where PGXS also gives it by -I.
override CPPFLAGS += -I$(top)/src -isystem $(includedir_server) -isystem $(includedir_internal)
# PGXS does not pass PG_CXXFLAGS to the bitcode compiler.
COMPILE.cxx.bc += $(MODULE_CXXFLAGS) $(filter -ffile-prefix-map=%,$(PACKAGE_CXXFLAGS))

# One tree may be built for several servers in turn: the recorded flags change with the server,
# the compiler and the options, and everything is built again.
build_flags = $(VERSION) $(PG_CONFIG) $(CXX) $(CPPFLAGS) $(CXXFLAGS)
build/flags: FORCE
	@mkdir -p build $(sort $(dir $(OBJS)))
	@echo '$(build_flags)' | cmp -s - $@ || echo '$(build_flags)' >$@
$(OBJS) $(OBJS:.o=.bc): $(OWN_HEADERS) build/flags $(top)/Makefile

test-output:
	@mkdir -p $(OUTPUT)

# For the scripts that compile the sources or list the tests.
print-flags:
	@echo '$(CPPFLAGS) $(CXXFLAGS)'

print-supported:
	@echo '$(supported)'

print-module-flags:
	@echo '$(MODULE_CXXFLAGS)'

print-tests:
	@$(foreach t,$(REGRESS),echo regress $(t);)
	@$(foreach t,$(ISOLATION),echo isolation $(t);)

FORCE:
.PHONY: FORCE test-output print-flags print-supported print-module-flags print-tests

endif

# PGXS has a check target, which only prints that it is not supported. The scripts call make
# again, but not as part of this one, with its options and its jobs.
$(filter $(scripts),$(MAKECMDGOALS)):
	env -u MAKEFLAGS -u MAKELEVEL $(top)/scripts/$@

help:
	@echo 'make               build the module for the server that PG_CONFIG names'
	@echo 'make install       install it there'
	@echo 'make installcheck  run the SQL and isolation tests on a running server (PGHOST, PGPORT …)'
	@echo 'make check         every test suite, each on a throwaway server (scripts/check --help)'
	@echo 'make demo          the extension at work on 500,000 rows, on a throwaway server'
	@echo 'make lint          warnings, formatting, clang-tidy and the other checks of scripts/lint'
	@echo 'make format        format the sources with clang-format'
	@echo 'make clean         remove what was built and what the tests wrote'

.PHONY: check demo lint format help
