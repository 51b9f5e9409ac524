"""Rules of style and structure that no linter knows: imports, sizes, first lines, the map."""

import ast
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SERVER = ROOT / "server" / "stubtail"
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 60
GENERATED = re.compile(r"_pb2(_grpc)?\.pyi?$")
TEXT_SUFFIXES = {".py", ".pyi", ".md", ".toml", ".yaml", ".json", ".proto", ".csv", ".svg", ""}

# (who, what it must not import, the only modules of it that may; paths below server/stubtail).
FORBIDDEN = [
    # A forecasting process is another one than the server.
    ("", "onnxruntime", ("models/session.py", "llm/local_minilm.py", "forecasting/graphs.py")),
    ("", "statsmodels", ("forecasting/classical.py",)),
    ("", "onnx", ("models/",)),
    ("", "pygrpc_native", ("transport/native.py", "transport/native_calls.py")),
    ("", "grpc", ("transport/grpcio.py", "transport/tls.py")),
    ("", "prometheus_client", ("metrics/", "monitoring/", "supervisor/pages.py")),
    ("", "watchfiles", ("models/watch.py",)),
    ("", "uvloop", ("worker.py",)),
    ("", "opentelemetry", ("telemetry/",)),
    ("", "httptools", ("llm/http_reply.py",)),
    ("", "pybreaker", ("breaker.py",)),
    ("anomaly/", "stubtail.endpoints", ()),
    ("anomaly/", "stubtail.lane", ()),
    ("anomaly/", "stubtail.models", ()),
    ("anomaly/", "stubtail.transport", ()),
    ("anomaly/", "stubtail.v1", ()),
    ("forecasting/", "stubtail.endpoints", ()),
    ("forecasting/", "stubtail.lane", ()),
    ("forecasting/", "stubtail.models", ()),
    ("forecasting/", "stubtail.transport", ()),
    ("forecasting/", "stubtail.v1", ()),
    ("decisions/", "stubtail.endpoints", ()),
    ("decisions/", "stubtail.lane", ()),
    ("decisions/", "stubtail.models", ()),
    ("decisions/", "stubtail.transport", ()),
    ("decisions/", "stubtail.v1", ()),
    ("lane/", "numpy", ()),
    ("lane/", "stubtail.endpoints", ()),
    ("lane/", "stubtail.transport", ()),
    ("lane/", "stubtail.models", ()),
    ("endpoints/", "stubtail.transport", ()),
    (
        "endpoints/",
        "asyncio",
        (
            *("endpoints/watch.py", "endpoints/health.py", "endpoints/oip_stream.py"),
            *("endpoints/forecast_part.py", "endpoints/watch_quota.py"),
        ),
    ),
    ("llm/", "stubtail.endpoints", ()),
    ("llm/", "stubtail.lane", ()),
    ("llm/", "stubtail.models", ()),
    ("llm/", "stubtail.transport", ()),
    ("models/", "stubtail.endpoints", ()),
    ("models/", "stubtail.lane", ()),
    ("models/", "stubtail.transport", ()),
    ("transport/", "stubtail.models", ()),
    ("config/", "stubtail", ("config/",)),
    ("", "training", ()),
    ("", "stubtail_client", ()),
    ("", "stubtail_bench", ()),
]


@cache
def files() -> list[Path]:
    """All files of the repository, those that git does not know yet included; skips without git."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git, or no checkout of it: which files are the repository's is not known")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = [ROOT / name for name in listed.stdout.splitlines()]
    return [path for path in found if path.is_file() and not GENERATED.search(path.name)]


def python_files() -> list[Path]:
    """All Python files that people write."""
    return [path for path in files() if path.suffix == ".py"]


def name_of(path: Path) -> str:
    """How messages call a file."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    """A file, parsed."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def imports_of(path: Path) -> list[str]:
    """Every module that a file imports anywhere, `from a import b` as `a.b`."""
    found = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def is_within(module: str, package: str) -> bool:
    """Whether a module is a package or lies below it."""
    return module == package or module.startswith(f"{package}.")


def server_modules() -> dict[str, Path]:
    """The modules of the server by their path below it."""
    return {
        path.relative_to(SERVER).as_posix(): path
        for path in python_files()
        if path.is_relative_to(SERVER)
    }


@pytest.mark.parametrize(("who", "what", "allowed"), FORBIDDEN)
def test_server_modules_import_only_what_they_may(
    who: str, what: str, allowed: tuple[str, ...]
) -> None:
    """Heavy libraries have one importer each, and layers know only those below them."""
    wrong = [
        f"{name} imports {module}"
        for name, path in server_modules().items()
        if name.startswith(who) and not (allowed and name.startswith(allowed))
        for module in imports_of(path)
        if is_within(module, what)
    ]
    assert not wrong, wrong


@pytest.mark.parametrize(
    ("folder", "allowed"),
    [
        ("clients/python/stubtail_client", ("stubtail.v1",)),
        ("clients/python/stubtail_bench", ("stubtail.v1", "stubtail.oip")),
        ("training", ("stubtail.models.manifest", "stubtail.forecasting")),  # the same features
    ],
)
def test_clients_and_training_know_little_of_the_server(
    folder: str, allowed: tuple[str, ...]
) -> None:
    """The client needs the messages, training the manifest: nothing else of the server."""
    wrong = [
        f"{name_of(path)} imports {module}"
        for path in python_files()
        if path.is_relative_to(ROOT / folder)
        for module in imports_of(path)
        if is_within(module, "stubtail")
        if not any(is_within(module, one) for one in allowed)
    ]
    assert not wrong, wrong


def test_only_the_configuration_reads_the_environment() -> None:
    """`os.environ` and `os.getenv` stand in config/load.py and nowhere else in the server."""
    wrong = [
        name
        for name, path in server_modules().items()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"}
        if isinstance(node.value, ast.Name) and node.value.id == "os"
        if name != "config/load.py"
    ]
    assert not wrong, wrong


def test_files_and_functions_are_short() -> None:
    """A file has at most 300 lines, a function at most 60: more is more than one thing."""
    wrong = []
    for path in python_files():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > FILE_LINES_MAX:
            wrong.append(f"{name_of(path)} has {lines} lines")
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    wrong.append(f"{name_of(path)}: {node.name} has {length} lines")
    assert not wrong, "\n".join(wrong)


def test_every_file_says_what_it_is_for() -> None:
    """The first line of a Python file is the first sentence of its docstring."""
    wrong = [
        name_of(path)
        for path in python_files()
        if not re.match(r'r?"""\S.*[.:;"]?', path.read_text(encoding="utf-8"))
    ]
    assert not wrong, wrong


def test_no_open_ends() -> None:
    """No bare except, and what is left to do has the number of its issue."""
    wrong = []
    marks = "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX"))
    for path in python_files():
        text = path.read_text(encoding="utf-8")
        wrong += [
            f"{name_of(path)}: {line.strip()}"
            for line in text.splitlines()
            if re.search(rf"\b({marks})\b(?!\(#\d+\))", line)
        ]
        wrong += [
            f"{name_of(path)}:{node.lineno}: bare except"
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.ExceptHandler) and node.type is None
        ]
    assert not wrong, "\n".join(wrong)


def test_no_machine_in_the_repository() -> None:
    """No folder of somebody's machine and no host of a package registry, in any text."""
    folders = ["/" + name + "/" for name in ("root", "work", "home", "Users")]
    domains = ("py" + "pi.org", "pythonhosted" + ".org", "npm" + "js.org", "crates" + ".io")
    pattern = re.compile("|".join([rf"(?<![\w.$}}-]){f}\w" for f in folders] + list(domains)))
    wrong = []
    for path in files():
        if path.suffix not in TEXT_SUFFIXES or path.name == "LICENSE":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if found := pattern.search(line):
                wrong.append(f"{name_of(path)}:{number}: {found[0]}")
    assert not wrong, "\n".join(wrong)


def test_the_map_names_every_module_and_no_other() -> None:
    """server/README.md has exactly one line for each module of the server."""
    text = (ROOT / "server" / "README.md").read_text(encoding="utf-8").partition("## Map")[2]
    named = re.findall(r"^\| `([\w/]+\.py)` \|", text, re.MULTILINE)
    modules = {name for name in server_modules() if not name.endswith("__init__.py")}
    assert len(named) == len(set(named)), "a module is named twice"
    assert set(named) == modules, f"{set(named) ^ modules} differ"


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link of every page names a file or a folder of the repository."""
    wrong = []
    for page in files():
        if page.suffix != ".md":
            continue
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        wrong += [
            f"{name_of(page)}: {target}"
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
            if "://" not in target and not (page.parent / target).exists()
        ]
    assert not wrong, "\n".join(wrong)


def test_decisions_are_shown_under_their_numbers() -> None:
    """Markdown counts on from the first number of a list: a jump needs a heading before it."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").partition("\n## Decisions\n")[2]
    text, before, numbers = text.partition("\n## ")[0], 0, set()
    for number, heading in re.findall(r"^(?:(\d+)\. |(#+) )", text, re.MULTILINE):
        assert heading or before in {0, int(number) - 1}, f"decision {number} needs a heading"
        before = 0 if heading else int(number)
        numbers.add(before)
    assert len(numbers) > 60


def test_the_supervisor_starts_without_heavy_libraries() -> None:
    """The parent of the workers imports no grpc, onnxruntime or numpy: it is small and lives on."""
    code = "import sys, stubtail.supervisor.supervisor; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert not {"grpc", "onnxruntime", "numpy", "onnx"} & set(done.stdout.split())
