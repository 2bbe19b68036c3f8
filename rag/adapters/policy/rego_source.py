"""A folder of Rego → modules and data, read and checked. Called by `RegoPolicy` and by the runner of Rego tests.

Layout: `FOLDER/x.rego`, tests beside it as `FOLDER/x_test.rego`, data in `FOLDER/data.json`, which becomes
`data.FOLDER`.

Three things that are legal Rego are errors here. An unknown built-in: the engine leaves it undefined, and a rule that
denies by it would never fire. `with`, and functions of one name with different numbers of arguments: regopy 1.5.2 ends
the whole process on them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.adapters.policy.rego_engine import Interpreter, LogLevel, RegoError
from rag.errors import Permanent

_HINT = "Mend the file; until then the last good policy decides, or nothing if there was none."
_COMMENT_OR_STRING = re.compile(r'#[^\n]*|`[^`]*`|"(?:[^"\\\n]|\\.)*"')
_CALL = re.compile(r"(?<![\w.\])])([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\(")
_DEFINED = re.compile(r"^(?:default\s+)?([A-Za-z_]\w*)\(([^)]*)\)", re.MULTILINE)
_READ = re.compile(r"(?<![\w.])data((?:\.[A-Za-z_]\w*)+)")
_RULE = re.compile(r"^(?:default\s+)?([A-Za-z_]\w*)", re.MULTILINE)
_WITH = re.compile(r"(?<![\w.])with(?![\w.])")
_PACKAGE = re.compile(r"^package\s+([\w.]+)", re.MULTILINE)
_KEYWORDS = frozenset({"if", "in", "not", "some", "every", "with", "as", "else", "contains", "default", "import"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One Rego file. `name` is relative to the policy folder."""

    name: str
    source: str

    @property
    def package(self) -> str:
        found = _PACKAGE.search(self.source)
        return found.group(1) if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySet:
    """All that decides: modules and the data tree."""

    modules: tuple[Module, ...]
    data: dict[str, object]
    digests: dict[str, str]
    """File name → sha256, of modules and data, sorted by name."""

    def revision(self, package: str | None = None) -> str:
        """Short digest of the whole set, or of one folder of it."""
        lines = [f"{name}:{digest}" for name, digest in self.digests.items() if package in {None, name.split("/")[0]}]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]

    def interpreter(self) -> Interpreter:
        """A fresh engine with everything loaded. Not thread-safe: one per thread. Raises `Permanent`."""
        engine = Interpreter()
        engine.log_level = LogLevel.NONE  # it prints the source of an error on stdout
        engine.strict_built_in_errors = True
        for module in self.modules:
            try:
                engine.add_module(module.name, module.source)
            except RegoError as error:
                raise _broken(module, str(error)) from None
        engine.add_data(self.data)
        return engine


def files_of(folder: Path, *, tests: bool = False) -> list[Path]:
    """Modules and data files, sorted. Tests decide nothing, so they are left out unless asked for."""
    found = [*folder.rglob("*.rego"), *folder.rglob("data.json")]
    return sorted(p for p in found if tests or not p.name.endswith("_test.rego"))


def read_policies(folder: Path, *, tests: bool = False) -> PolicySet:
    """Raises `Permanent("policy_invalid")` naming file and line."""
    modules: list[Module] = []
    data: dict[str, object] = {}
    digests: dict[str, str] = {}
    try:
        for path in files_of(folder, tests=tests):
            name, content = path.relative_to(folder).as_posix(), path.read_bytes()
            digests[name] = hashlib.sha256(content).hexdigest()
            if path.suffix == ".rego":
                modules.append(Module(name=name, source=content.decode()))
            else:
                _place(data, path.relative_to(folder).parts[:-1], _parsed(name, content))
    except (OSError, UnicodeDecodeError) as error:
        raise Permanent(
            "policy_invalid", f"A policy file cannot be read: {type(error).__name__}.", hint=_HINT
        ) from error
    if not modules:
        raise Permanent("policy_invalid", "The policy folder holds no Rego file.", hint="Set BELEG_POLICIES.")
    policies = PolicySet(modules=tuple(modules), data=data, digests=digests)
    _check_arities(modules)
    _check_reads(modules, data)
    engine = policies.interpreter()
    for module in modules:
        _check_calls(module, modules, engine)
    return policies


def _parsed(name: str, content: bytes) -> object:
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        where = f"{name}, line {error.lineno}"
        raise Permanent("policy_invalid", f"The policy data is not valid JSON: {where}.", hint=_HINT) from None


def _place(data: dict[str, object], folders: Iterable[str], value: object) -> None:
    if not isinstance(value, dict):
        raise Permanent("policy_invalid", "A data.json must hold an object.", hint=_HINT)
    node = data
    for folder in folders:
        below = node.setdefault(folder, {})
        assert isinstance(below, dict)  # noqa: S101 - only dicts are placed
        node = below
    node.update(value)


def _check_calls(module: Module, modules: list[Module], engine: Interpreter) -> None:
    """Every function that is called is a known built-in or one of ours."""
    own = {name for m in modules for name, _ in _DEFINED.findall(_code(m.source))}
    for name, line in calls(module.source):
        if name.split(".")[-1] in own or engine.is_builtin(name):
            continue
        message = f"The policy calls {name}(), which the engine does not know: {module.name}, line {line}."
        raise Permanent("policy_invalid", message, hint=_HINT)


def _check_arities(modules: list[Module]) -> None:
    """Raises for what would end the process when it is compiled or asked."""
    arities: dict[str, int] = {}
    for module in modules:
        code = _code(module.source)
        if found := _WITH.search(code):
            raise _unusable(module, code, found.start(), "`with` ends the engine; write a function of its facts")
        for found in _DEFINED.finditer(code):
            name, arguments = found.group(1), found.group(2).count(",") + 1
            if arities.setdefault(name, arguments) != arguments:
                raise _unusable(module, code, found.start(), f"{name} exists with another number of arguments")


def _check_reads(modules: list[Module], data: dict[str, object]) -> None:
    """Whatever a rule reads by name is there: a `data.json` that was deleted makes its rules undefined, which is "no" for
    everybody and looks like a decision.
    """
    rules = {f"{module.package}.{rule}" for module in modules for rule in _RULE.findall(_code(module.source))}
    known = rules | {module.package for module in modules}
    for module in modules:
        code = _code(module.source)
        for found in _READ.finditer(code):
            path = found.group(1).removeprefix(".").split(".")
            if not _stands(path, data) and not _is_known(path, known):
                what = f"it reads data.{'.'.join(path)}, which no data.json holds"
                raise _unusable(module, code, found.start(), what)


def _is_known(path: list[str], known: set[str]) -> bool:
    """A whole package, or a rule and what is below it."""
    whole = ".".join(path)
    return whole in known or any(".".join(path[:n]) in known for n in range(2, len(path)))


def _stands(path: list[str], data: object) -> bool:
    """Whether the data has it, or something at its beginning that is looked into by key."""
    for name in path:
        if not isinstance(data, dict):
            return True
        if name not in data:
            return False
        data = data[name]
    return True


def _unusable(module: Module, code: str, offset: int, what: str) -> Permanent:
    where = f"{module.name}, line {code.count(chr(10), 0, offset) + 1}"
    return Permanent("policy_invalid", f"The policy cannot be used: {where}: {what}.", hint=_HINT)


def calls(source: str) -> Iterator[tuple[str, int]]:
    """Names of called functions with their lines (from 1)."""
    code = _code(source)
    for found in _CALL.finditer(code):
        if found.group(1) not in _KEYWORDS:
            yield found.group(1), code.count("\n", 0, found.start()) + 1


def _code(source: str) -> str:
    """The source with comments and strings blanked, line breaks kept."""
    return _COMMENT_OR_STRING.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), source)


def _broken(module: Module, report: str) -> Permanent:
    """The engine reports `|OFFSET|LENGTH` and a message per error; people want a line."""
    offset = re.search(r"\|(\d+)\|", report)
    words = re.search(r"\(errormsg \d+:([^)]*)\)", report)
    line = module.source.encode()[: int(offset.group(1))].count(b"\n") + 1 if offset else 1
    what = words.group(1) if words else "not valid Rego"
    return Permanent("policy_invalid", f"The policy cannot be read: {module.name}, line {line}: {what}.", hint=_HINT)
