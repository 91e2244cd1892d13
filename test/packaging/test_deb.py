"""The Debian packages: build, contain what they should, install, pass their tests, are removed completely."""

import os
import pathlib
import re
import subprocess
import tempfile

import pytest

from tree import copy_of_the_tree

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

# In the view: $1 is the file of the package for Django.
INSTALL_DJANGO = """
    exec 2>&1
    set -eu
    dpkg --install "$1"
    echo === import
    cd /
    /usr/bin/python3 -c 'import bulk_update_django; print(bulk_update_django.__file__)'
    echo === remove
    dpkg --purge python3-bulk-update-django
    find /usr/lib/python3 /usr/share/doc -name '*bulk?update?django*'
"""


def run(command, tree, **environment):
    """The exit code and the output, with the reason if the command cannot be started."""
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


@pytest.fixture(scope="module")
def tree(work):
    return copy_of_the_tree(work / "debian" / "bulk-update")


@pytest.fixture(scope="module")
def no_view(tree):
    """The reason why there can be no view of this system, or None."""
    code, reason = run([IN_VIEW, "true"], tree)
    return f"no view of this system ({reason.strip()})" if code else None


@pytest.fixture(scope="module")
def built(tree, no_view):
    """The output of dpkg-buildpackage. It runs the package's tests if they cannot run with the installed package."""
    code, output = run(["dpkg-buildpackage", "-us", "-uc", "-b", *([] if no_view else ["-Pnocheck"])], tree,
                       DEB_BUILD_OPTIONS=f"parallel={os.cpu_count()}" + ("" if no_view else " nocheck"))
    assert code == 0, tail(output)
    return output


@pytest.fixture(scope="module")
def packages(tree, built):
    """The packages, by PostgreSQL's version."""
    made = {file.name.split("-")[1]: file for file in tree.parent.glob("postgresql-*-bulk-update_*.deb")}
    assert made
    print("there is a package for PostgreSQL " + ", ".join(sorted(made)))
    return made


@pytest.fixture(scope="module")
def installed(tree, no_view, packages):
    """By version, the output when the package is installed in the view, tested there as by autopkgtest, used with the
    JIT's inlining, removed."""
    if no_view:
        pytest.skip(no_view)
    said = {}
    for version, package in packages.items():
        code, output = run([IN_VIEW, "sh", "-c", INSTALL, "sh", package], tree, V=version, P=package.name.split("_")[0])
        said[version] = re.split(r"^=== .*\n", output, flags=re.M)
        assert code == 0 and len(said[version]) == 4, tail(output, 80)
    return said


def test_build(built, no_view):
    """Every source is compiled with Debian's flags."""
    if no_view:
        assert TEST_PASSED.search(built)
    lines = [line for line in built.splitlines() if re.match(r"\S*g\+\+ .* -c ", line)]
    assert lines
    assert [line for line in lines if not all(flag in line for flag in REQUIRED_FLAGS)][:1] == []


def test_lintian(tree, packages):
    code, output = run(["lintian", "--allow-root", "--fail-on", "error",
                        "--suppress-tags", "initial-upload-closes-no-bugs", *tree.parent.glob("*.changes")], tree,
                       TMPDIR=str(tree.parent))  # it leaves files behind
    print(output)
    assert code == 0


def expected_files(tree, version):
    lib, share = f"usr/lib/postgresql/{version}/lib", f"usr/share/postgresql/{version}/extension"
    doc = f"usr/share/doc/postgresql-{version}-bulk-update"
    files = {f"{lib}/bulk_update.so", f"{share}/bulk_update.control", f"{doc}/changelog.gz",
             f"{doc}/changelog.Debian.gz", f"{doc}/copyright", f"{doc}/README.md.gz"}
    files |= {f"{doc}/docs/{page.name}.gz" for page in tree.glob("docs/*.md")}
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


@pytest.fixture(scope="module")
def unpacked(tree, packages):
    """By version, the directory with the package's files."""
    directories = {}
    for version, package in packages.items():
        directories[version] = tree.parent / f"unpacked-{version}"
        run(["dpkg", "-x", package, directories[version]], tree)
    return directories


def test_files(tree, unpacked):
    """Module, control file, SQL, documentation, bitcode if there is a JIT, and nothing else."""
    for version, directory in unpacked.items():
        files = {str(file.relative_to(directory)) for file in directory.rglob("*") if file.is_file()}
        # Debian compresses what has more than 4 kB.
        files = {file + ".gz" if file.endswith(".md") else file for file in files}
        assert files == expected_files(tree, version)


def test_module(tree, unpacked):
    """It is hardened, and needs no library of the build machine."""
    for version, directory in unpacked.items():
        module = directory / f"usr/lib/postgresql/{version}/lib/bulk_update.so"
        _, output = run(["readelf", "--wide", "--dynamic", "--segments", "--dyn-syms", module], tree)
        assert [word for word in ("BIND_NOW", "GNU_RELRO", "__stack_chk_fail") if word not in output] == []
        assert not re.search(r"RPATH|RUNPATH|libstdc", output)


def test_debugging_symbols(tree, unpacked, directory):
    """They have the names of the sources; no file contains the build directory."""
    for version, files in unpacked.items():
        symbols = directory / version
        for package in tree.parent.glob(f"postgresql-{version}-bulk-update-dbgsym_*.*deb"):
            run(["dpkg", "-x", package, symbols], tree)
        debug = [file for file in symbols.rglob("*") if file.suffix == ".debug"]
        assert any(b"src/source/source.cpp" in plain(file, version) for file in debug)
        assert [file.name for file in (*files.rglob("*"), *symbols.rglob("*"))
                if file.is_file() and str(tree.parent).encode() in plain(file, version)] == []


def test_sql_with_the_installed_package(tree, installed):
    """Every SQL and isolation test passes."""
    tests = len(list(tree.glob("sql/*.sql"))) + len(list(tree.glob("specs/*.spec")))
    assert {version: len(TEST_PASSED.findall(parts[1])) for version, parts in installed.items()} \
        == dict.fromkeys(installed, tests)


def test_bitcode_is_inlined(installed):
    with_jit = {version: parts[2] for version, parts in installed.items() if "JIT is true" in parts[2]}
    if not with_jit:
        pytest.skip("no server has a JIT")
    for said in with_jit.values():
        assert "Inlining true" in said and "3 tables" in said


def test_removal_leaves_nothing(installed):
    for parts in installed.values():
        assert [line for line in parts[3].splitlines() if line.startswith("/")] == []


@pytest.fixture(scope="module")
def package_for_django(tree, built):
    package, = tree.parent.glob("python3-bulk-update-django_*_all.deb")
    return package


def test_files_of_the_package_for_django(tree, package_for_django):
    """The package, its metadata and documentation, and nothing else."""
    directory = tree.parent / "unpacked-django"
    run(["dpkg", "-x", package_for_django, directory], tree)
    files = {str(file.relative_to(directory)) for file in directory.rglob("*") if file.is_file()}
    library, doc = "usr/lib/python3/dist-packages", "usr/share/doc/python3-bulk-update-django"
    assert {file for file in files if ".dist-info/" not in file} == {
        *(f"{library}/{file.relative_to(tree / 'contrib/django')}" for file in tree.glob("contrib/django/bulk_*/**/*.py")),
        *(f"{doc}/{name}" for name in ("README.md.gz", "changelog.gz", "changelog.Debian.gz", "copyright"))}
    assert any(re.fullmatch(rf"{library}/bulk_update_django-[0-9.]+\.dist-info/METADATA", file) for file in files)


def test_the_package_for_django_installs_and_is_removed(tree, no_view, package_for_django):
    if no_view:
        pytest.skip(no_view)
    code, output = run([IN_VIEW, "sh", "-c", INSTALL_DJANGO, "sh", package_for_django], tree)
    parts = re.split(r"^=== .*\n", output, flags=re.M)
    assert code == 0 and len(parts) == 3, tail(output)
    assert parts[1].strip() == "/usr/lib/python3/dist-packages/bulk_update_django/__init__.py"
    assert [line for line in parts[2].splitlines() if line.startswith("/")] == []
