"""Makes a layer of an image: leaves out what is never imported, compiles, settles dates.

Runs while the image is built (`Dockerfile`), on the standard library alone. The same files give the
same layer, whenever and wherever they are packed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from py_compile import PycInvalidationMode
from py_compile import compile as compile_file

LIB = Path("app/lib")
# What no server imports, below LIB.
LEFT_OUT = (
    "bin",
    "**/tests",
    "**/*.pyi",
    "**/*.pxd",
    "fastapi_offline/static/redoc*",
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/_core/_simd.*",
    "numpy/_core/*_tests.*",
    "numpy/random/lib",
    "pydantic/v1",
    "sqlalchemy/dialects/mssql",
    "sqlalchemy/dialects/oracle",
    "sqlalchemy/testing",
    "xgboost/dask",
    "xgboost/spark",
    "xgboost/testing",
)
# The same of what batch scoring has beside them: of pyarrow, what developers and services need.
BATCH_LEFT_OUT = (
    "bin",
    "**/tests",
    "**/*.pxd",
    "**/*.pyx",
    "pyarrow/include",
    "pyarrow/src",
    "pyarrow/_flight.*",
    "pyarrow/libarrow_flight.so*",
    "pyarrow/libarrow_python_flight.so*",
)
# scipy is there because xgboost imports its sparse matrices and softmax: a tenth of it. The rest
# has an OpenBLAS of its own, which is a sixth of the whole image.
SCIPY = frozenset({"_lib", "sparse", "special"})
SCIPY_LEFT_OUT = ("scipy.libs", "scipy/sparse/linalg", "scipy/sparse/csgraph")
SPECIAL = "_logsumexp.py"
SPECIAL_INIT = '''"""Of scipy.special, what xgboost imports; the image has no more of it."""

from scipy.special._logsumexp import softmax as softmax
'''
# Compiled with debugging information, which is most of them. Not numpy's and scipy's: those have
# been patched to find their libraries, and strip breaks them.
STRIPPED = ("httptools", "sqlalchemy", "uvloop")
# What a server imports of its packages and of Python. Only that is compiled: bytecode of the rest
# would weigh more than it is worth.
IMPORTED = (
    *("alembic.command", "fastapi", "fastapi_offline", "httptools", "litserve", "numpy", "orjson"),
    *(
        "prometheus_client.core",
        "prometheus_client.multiprocess",
        "psycopg",
        "pydantic",
        "ruamel.yaml",
        "scipy.special",
    ),
    *("sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite.pysqlite"),
    *("starlette.middleware.cors", "uvicorn.protocols.http.httptools_impl", "uvloop", "xgboost"),
    *("argparse", "http.server", "logging", "multiprocessing.spawn", "runpy", "socketserver"),
    *("multiprocessing.popen_spawn_posix", "multiprocessing.resource_tracker", "sqlite3"),
    *("multiprocessing.managers", "multiprocessing.popen_fork", "http.client"),
)
# And what batch scoring does, beside that.
BATCH_IMPORTED = (
    *("joblib", "pyarrow.compute", "pyarrow.csv", "pyarrow.fs", "pyarrow.ipc", "pyarrow.parquet"),
    *("concurrent.futures.thread", "netrc", "pymysql", "sqlalchemy.dialects.mysql.pymysql"),
    *("tqdm", "urllib.request"),
)
TRACE = """
import importlib, sys
for name in sys.argv[1:]: importlib.import_module(name)
files = {getattr(one, "__file__", None) or "" for one in [*sys.modules.values()]}
print(*sorted(one for one in files if one.endswith(".py")), sep="\\n")
"""
# Where a base image has Python's own modules: without bytecode in distroless images.
STDLIB = Path("usr/lib/python3.11")


def leave_out(lib: Path, patterns: Sequence[str]) -> None:
    """Remove files and folders; a pattern that fits none has been overtaken by a new version.

    Args:
        lib: folder of the packages.
        patterns: below it.
    """
    for pattern in patterns:
        found = [*lib.glob(pattern)]
        if not found:
            sys.exit(f"error: {pattern}: no such file; take it out of {__file__}")
        for path in found:
            remove(path)


def trim(lib: Path) -> None:
    """Leave out of the installed packages what no server needs.

    Args:
        lib: folder of the packages.
    """
    scipy = [one.relative_to(lib) for one in (lib / "scipy").iterdir() if one.is_dir()]
    others = [str(one) for one in scipy if one.name not in SCIPY]
    leave_out(lib, (*LEFT_OUT, *SCIPY_LEFT_OUT, *others))
    special = lib / "scipy/special"
    for path in special.iterdir():
        if path.name != SPECIAL:
            remove(path)
    (special / "__init__.py").write_text(SPECIAL_INIT)


def remove(path: Path) -> None:
    """Remove a file or folder, if it has not gone with another."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def strip(lib: Path) -> None:
    """Take debugging information out of the modules that bring most of it."""
    modules = [str(one) for name in STRIPPED for one in sorted((lib / name).rglob("*.so"))]
    subprocess.run(["strip", "--strip-debug", *modules], check=True)


def imported(names: Sequence[str], *libs: Path) -> list[Path]:
    """The modules that these import; a cut too many ends the build here, and not the server.

    Args:
        names: of modules.
        libs: folders of the packages.
    """
    command = [sys.executable, "-B", "-c", TRACE, *names]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, libs))}
    done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True)
    return [Path(line) for line in done.stdout.splitlines()]


def compile_packages(layer: Path, base: Path, names: Sequence[str], upon: Sequence[Path]) -> None:
    """Compile what is imported, of the packages and of Python's own modules.

    Args:
        layer: its files, as they stand in the image.
        base: root of the base image.
        names: of the modules that are imported.
        upon: packages of the layers below.
    """
    lib, stdlib = layer / LIB, Path(sysconfig.get_path("stdlib"))
    below = {*imported(IMPORTED, *upon)} if upon else set()
    for path in [one for one in imported(names, lib, *upon) if one not in below]:
        if root := next((one for one in (lib, *upon) if path.is_relative_to(one)), None):
            compiled(path, root.parents[len(LIB.parts) - 1], layer)
        elif path.is_relative_to(stdlib):
            compiled(base / STDLIB / path.relative_to(stdlib), base, layer)


def compiled(source: Path, root: Path, layer: Path) -> None:
    """Compile a module: the file system of a container cannot be written to.

    Hashes stand in the bytecode where dates do otherwise, and nobody checks them.

    Args:
        source: the module; nothing happens if it is not there.
        root: that stands for the image's root in its path.
        layer: to put the bytecode into.
    """
    if source.is_file():
        place = source.relative_to(root)
        cache = layer / importlib.util.cache_from_source(str(place))
        mode = PycInvalidationMode.UNCHECKED_HASH
        compile_file(str(source), str(cache), f"/{place}", doraise=True, invalidation_mode=mode)


def settle(layer: Path) -> None:
    """Give everything one date, and let everybody read it and nobody change it."""
    for path in (layer, *layer.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (0, 0))


def main() -> None:
    """Pack one layer."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("layer", type=Path, help="its files, as they stand in the image")
    arguments.add_argument("--packages", type=Path, metavar="BASE", help="the layer of packages")
    arguments.add_argument(
        "--upon", type=Path, metavar="LIB", help="those of batch scoring, on LIB"
    )
    given = arguments.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        sys.exit("error: without PYTHONHASHSEED=0 the order of constants is left to chance")
    if given.upon:
        leave_out(given.layer / LIB, BATCH_LEFT_OUT)
        compile_packages(given.layer, given.packages, BATCH_IMPORTED, [given.upon])
    elif given.packages:
        trim(given.layer / LIB)
        strip(given.layer / LIB)
        compile_packages(given.layer, given.packages, IMPORTED, [])
    else:
        for source in sorted(given.layer.rglob("*.py")):
            compiled(source, given.layer, given.layer)
    settle(given.layer)


if __name__ == "__main__":
    main()
