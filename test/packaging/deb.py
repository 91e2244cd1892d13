"""The Debian package: builds, holds what it should, installs, passes its own tests, goes without a trace."""

import os
import pathlib
import re
import subprocess
import tempfile

from harness import equal, ok, skip

IN_VIEW = pathlib.Path(__file__).resolve().parent / "in_view"
TEST_PASSED = re.compile(r"^(?:(?:test|    ) .* \.\.\. ok |ok +\d+ )", re.M)
REQUIRED_FLAGS = ("-D_FORTIFY_SOURCE=", "-fstack-protector-strong", "-ffile-prefix-map=")

# In the view: V is PostgreSQL's version, P the package, $1 its file.
INSTALL = """
    exec 2>&1
    set -eu
    dpkg --install "$1"
    echo === installcheck
    debian/tests/installcheck
    echo === jit
    pg_virtualenv -t -v "$V" psql -X -v ON_ERROR_STOP=1 \
        -c "CREATE EXTENSION bulk_update" \
        -c "SET jit = on; SET jit_above_cost = 0; SET jit_inline_above_cost = 0; SET jit_optimize_above_cost = 0;
            EXPLAIN (ANALYZE, VERBOSE) SELECT bulk_update_create_rejects('r' || i) FROM generate_series(1, 3) AS i" \
        -c "SELECT 'JIT is ' || pg_jit_available(), count(*) || ' tables' FROM pg_class WHERE relname ~ '^r[123]$'"
    echo === remove
    dpkg --purge "$P"
    find /usr/lib/postgresql /usr/share/postgresql /usr/share/doc -name '*bulk?update*'
"""


def run(command, tree, **environment):
    """Its exit code and all it said, with the reason when it cannot be started."""
    done = subprocess.run(command, cwd=tree, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "LC_ALL": "C.UTF-8", **environment}, check=False)
    return done.returncode, done.stdout.decode(errors="replace")


def tail(output, lines=40):
    return "\n" + "\n".join(output.splitlines()[-lines:])


def makefile_says(version, variable):
    """The value of a variable of PGXS."""
    file = pathlib.Path(f"/usr/lib/postgresql/{version}/lib/pgxs/src/Makefile.global")
    found = re.search(rf"^{variable}\s*=\s*(.*)$", file.read_text(), re.M)
    return found[1].strip() if found else ""


def build(tree, with_tests):
    """dpkg-buildpackage; the packages that it made, by PostgreSQL's version."""
    without = [] if with_tests else ["-Pnocheck"]
    code, output = run(["dpkg-buildpackage", "-us", "-uc", "-b", *without], tree,
                       DEB_BUILD_OPTIONS=f"parallel={os.cpu_count()}" + ("" if with_tests else " nocheck"))
    if not ok(code == 0, "dpkg-buildpackage builds", tail(output)):
        return {}
    if with_tests:
        ok(TEST_PASSED.search(output), f"and runs the package's tests: {len(TEST_PASSED.findall(output))}")
    lines = [line for line in output.splitlines() if re.match(r"\S*g\+\+ .* -c ", line)]
    bare = [line for line in lines if not all(flag in line for flag in REQUIRED_FLAGS)]
    ok(lines and not bare, "every source is compiled with Debian's flags", "\n".join(bare[:1]))
    made = {file.name.split("-")[1]: file for file in tree.parent.glob("postgresql-*-bulk-update_*.deb")}
    ok(made, "there is a package for PostgreSQL " + ", ".join(sorted(made)))
    return made


def lint(tree):
    code, output = run(["lintian", "--allow-root", "--fail-on", "error",
                        "--suppress-tags", "initial-upload-closes-no-bugs", *tree.parent.glob("*.changes")], tree,
                       TMPDIR=str(tree.parent))  # it leaves files behind
    print("".join(f"    {line}\n" for line in output.splitlines()), end="")
    ok(code == 0, "lintian finds no error")


def expected_files(tree, version):
    lib, share = f"usr/lib/postgresql/{version}/lib", f"usr/share/postgresql/{version}/extension"
    doc = f"usr/share/doc/postgresql-{version}-bulk-update"
    files = {f"{lib}/bulk_update.so", f"{share}/bulk_update.control", f"{doc}/changelog.gz",
             f"{doc}/changelog.Debian.gz", f"{doc}/copyright", f"{doc}/README.md.gz"}
    files |= {f"{doc}/docs/{page.name}.gz" for page in tree.glob("docs/*.md")}
    files |= {f"{doc}/examples/django/{file.name}" for file in tree.glob("contrib/django/*")}
    files |= {f"{share}/{script.name}" for script in tree.glob("bulk_update--*.sql")}
    if makefile_says(version, "with_llvm") == "yes":
        files.add(f"{lib}/bitcode/bulk_update.index.bc")
        files |= {f"{lib}/bitcode/bulk_update/{source.relative_to(tree).with_suffix('.bc')}" for source in tree.glob("src/**/*.cpp")}
    return files


def plain(file, version):
    """A file's bytes, in a form in which strings are readable."""
    if file.suffix == ".bc":
        clang = makefile_says(version, "CLANG")
        return subprocess.run([clang, "-x", "ir", "-S", "-emit-llvm", file.name, "-o", "-"],
                              cwd=file.parent, check=True, capture_output=True).stdout
    if file.suffix == ".debug":
        with tempfile.NamedTemporaryFile() as copy:
            subprocess.run(["objcopy", "--decompress-debug-sections", file, copy.name], check=True)
            return pathlib.Path(copy.name).read_bytes()
    return file.read_bytes()


def contents(tree, version, package):
    """What is in the package, and in the one with its debugging symbols."""
    unpacked = tree.parent / f"unpacked-{version}"
    run(["dpkg", "-x", package, unpacked], tree)
    files = {str(file.relative_to(unpacked)) for file in unpacked.rglob("*") if file.is_file()}
    # Debian compresses what has more than 4 kB.
    files = {file + ".gz" if file.endswith(".md") and "/examples/" not in file else file for file in files}
    expected = expected_files(tree, version)
    equal((sorted(files - expected), sorted(expected - files)), ([], []),
          f"{version}: module, control file, SQL, documentation"
          + (", bitcode" if any(file.endswith(".bc") for file in expected) else "") + " and nothing else")

    module = unpacked / f"usr/lib/postgresql/{version}/lib/bulk_update.so"
    _, told = run(["readelf", "--wide", "--dynamic", "--segments", "--dyn-syms", module], tree)
    ok(all(word in told for word in ("BIND_NOW", "GNU_RELRO", "__stack_chk_fail")), f"{version}: the module is hardened")
    ok(not re.search(r"RPATH|RUNPATH|libstdc", told), f"{version}: it needs no library of the build's")

    for symbols in tree.parent.glob(f"postgresql-{version}-bulk-update-dbgsym_*.*deb"):
        run(["dpkg", "-x", symbols, unpacked], tree)
    every = [file for file in unpacked.rglob("*") if file.is_file()]
    ok(any(b"src/source/source.cpp" in plain(file, version) for file in every if file.suffix == ".debug"),
       f"{version}: the debugging symbols name the sources")
    equal([file.name for file in every if str(tree.parent).encode() in plain(file, version)], [],
          f"{version}: no file contains the directory of the build")


def installed(tree, version, package):
    """Installed in the view, tested there as autopkgtest would, used with the JIT's inlining, removed."""
    code, output = run([IN_VIEW, "sh", "-c", INSTALL, "sh", package], tree, V=version, P=package.name.split("_")[0])
    parts = re.split(r"^=== .*\n", output, flags=re.M)
    if not ok(code == 0 and len(parts) == 4, f"{version}: installs, passes its tests, is removed", tail(output, 80)):
        return
    count = len(TEST_PASSED.findall(parts[1]))
    tests = len(list(tree.glob("sql/*.sql"))) + len(list(tree.glob("specs/*.spec")))
    equal(count, tests, f"{version}: every SQL and isolation test passes with the installed package")
    if "JIT is true" in parts[2]:
        ok("Inlining true" in parts[2] and "3 tables" in parts[2], f"{version}: works with its bitcode inlined", parts[2])
    else:
        skip(f"{version}: the server has no JIT to inline its bitcode")
    left = [line for line in parts[3].splitlines() if line.startswith("/")]
    equal(left, [], f"{version}: nothing is left when it is removed")


def check(tree):
    code, reason = run([IN_VIEW, "true"], tree)
    packages = build(tree, with_tests=code != 0)
    if not packages:
        return
    lint(tree)
    for version, package in sorted(packages.items()):
        contents(tree, version, package)
        if code:
            skip(f"{version}: installing it: no view of this system ({reason.strip()})")
        else:
            installed(tree, version, package)
