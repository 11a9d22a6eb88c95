"""Compiled contracts by name: the project's own Vyper sources and the Solidity artifacts of pinned npm packages.

``load("LendingPool")`` compiles ``contracts/**/LendingPool.vy``; ``load("@uniswap/v3-core:UniswapV3Factory")`` reads
the JSON artifact of an npm package. Every backend deploys the bytecode that this module returns.

Where the project is: the folder in ``PLIMSOLL_HOME`` if that is set, else the checkout this package is imported from,
else the working directory. The folder must contain ``contracts/``; npm packages are looked up in its
``node_modules/``.

The cache, ``.cache/artifacts/<name>.json``, holds one entry per contract with the digest of every file the compiler
read and the name of every file it looked for and did not find, so an entry is used only if compiling again would read
exactly the same text with the same compiler. Entries are replaced by an atomic rename: processes may share the
folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import site
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, cast

CACHE_FORMAT = 1
RUNTIME_LIMIT = 24_576
"""Largest runtime code that the EVM deploys, bytes (EIP-170)."""
BLUEPRINT_PREAMBLE = bytes.fromhex("fe7100")
"""What creation code that is stored for a factory starts with (ERC-5202, version 0, no data)."""

_BLUEPRINT_ROOM = RUNTIME_LIMIT - len(BLUEPRINT_PREAMBLE)

Abi = list[dict[str, Any]]


class ArtifactError(Exception):
    """A contract that cannot be found, compiled or deployed; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """What deploying a contract needs.

    `init_code` is the creation code without constructor arguments; `runtime_size` the bytes of deployed code including
    immutables, 0 for an interface; `source` the file it comes from.
    """

    name: str
    abi: Abi
    init_code: bytes
    runtime_size: int
    source: Path

    @property
    def blueprint(self) -> bytes:
        """The code of an ERC-5202 blueprint: creation code behind the preamble, as much as one contract can hold."""
        return BLUEPRINT_PREAMBLE + self.init_code[:_BLUEPRINT_ROOM]

    @property
    def blueprint_rest(self) -> bytes:
        """The creation code that the blueprint has no room for; a factory puts it before the arguments."""
        return self.init_code[_BLUEPRINT_ROOM:]


def home() -> Path:
    """Return the project folder (see the module's docstring); ArtifactError if there is none."""
    named = os.environ.get("PLIMSOLL_HOME")
    if named:
        root = Path(named).resolve()
        if not (root / "contracts").is_dir():
            raise ArtifactError(f"PLIMSOLL_HOME={named} has no contracts/ folder")
        return root
    for root in (Path(__file__).resolve().parent.parent, Path.cwd()):
        if (root / "contracts").is_dir():
            return root
    raise ArtifactError("no contracts/ folder here: run from the project or set PLIMSOLL_HOME to it")


def load(name: str) -> Artifact:
    """Return the artifact called `name`: a Vyper file stem, or ``<npm package>:<contract>``.

    Raises ArtifactError naming the file and the compiler's message when it does not compile, and naming the command to
    run when an npm package is missing.
    """
    if ":" in name:
        return _load_npm(home(), name)
    root = home()
    return _artifact(name, _source(root, name), _entry(root, name))


def compile_with(name: str, replaced: dict[str, str]) -> Artifact:
    """Compile a contract as if some sources, by their path from the project, had another text; nothing is cached."""
    root = home()
    source = _source(root, name)
    return _artifact(name, source, _compile(root, source, name, replaced))


def files_of(name: str) -> frozenset[str]:
    """Return the project's sources that go into a contract, by their path from the project."""
    entry = _entry(home(), name)
    return frozenset(key.removeprefix("project:") for key in entry["files"] if key.startswith("project:"))


def sources(root: Path | None = None) -> list[Path]:
    """Return every Vyper file that is compiled on its own: all under contracts/ but modules and interfaces."""
    folder = (root or home()) / "contracts"
    return sorted(path for path in folder.rglob("*.vy") if "modules" not in path.relative_to(folder).parts)


def guard_ape_cache(root: Path | None = None) -> bool:
    """Drop ape's build cache when any source or tool differs from the last call; return whether it was dropped.

    ape recompiles a file only when its own text changed, so after an edit of a module the contracts that import it
    would keep their old bytecode.
    """
    root = root or home()
    digest = hashlib.sha256()
    texts = [path for pattern in ("*.vy", "*.vyi") for path in (root / "contracts").rglob(pattern)]
    for path in sorted([*texts, root / "ape-config.yaml"]):
        if path.is_file():
            digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    for tool in ("vyper", "snekmate", "ape-vyper", "eth-ape"):
        digest.update(f"{tool}={_version(tool)};".encode())
    stamp = root / ".cache" / "ape-sources.sha256"
    if stamp.is_file() and stamp.read_text() == digest.hexdigest():
        return False
    shutil.rmtree(root / ".build", ignore_errors=True)
    _replace(stamp, digest.hexdigest())
    return True


def put_tools_on_path() -> None:
    """Make the running interpreter's own scripts win on PATH: ape-vyper starts the first ``vyper`` it finds there.

    The anvil binary of the npm platform package comes before npm's wrapper, which hides anvil's exit code.
    """
    folders = [str(Path(sys.executable).parent)]
    platform = sorted((home() / "node_modules" / "@foundry-rs").glob("anvil-*/bin"))
    folders += [str(folder) for folder in platform]
    present = os.environ.get("PATH", "").split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join(folders + [folder for folder in present if folder not in folders])


# Vyper


def _source(root: Path, name: str) -> Path:
    found = [path for path in sources(root) if path.stem == name]
    if not found:
        raise ArtifactError(f"no contract {name}: contracts/ holds no {name}.vy")
    if len(found) > 1:
        raise ArtifactError(f"contract name {name} is ambiguous: {', '.join(str(p.relative_to(root)) for p in found)}")
    return found[0]


def _compile(root: Path, source: Path, name: str, replaced: dict[str, str] | None = None) -> dict[str, Any]:
    from vyper.compiler.input_bundle import FileInput, FilesystemInputBundle
    from vyper.compiler.output import build_abi_output
    from vyper.compiler.phases import CompilerData
    from vyper.compiler.settings import Settings, anchor_settings

    files: dict[str, str] = {}
    missing: set[str] = set()

    class Recorder(FilesystemInputBundle):
        """The compiler's file system, noting what was read and what was looked for in vain."""

        def _normalize_path(self, path: Path) -> Path:
            try:
                return cast("Path", super()._normalize_path(path))
            except Exception:
                missing.add(_portable(root, Path(os.path.normpath(path))))
                raise

        def _load_from_path(self, resolved_path: Path, original_path: Path) -> FileInput:
            read = super()._load_from_path(resolved_path, original_path)
            key = _portable(root, resolved_path)
            other = (replaced or {}).get(key.removeprefix("project:"))
            if other is not None:
                read = FileInput(read.source_id, read.path, read.resolved_path, other)
            files[key] = _digest(read.contents.encode())
            return read

    bundle = Recorder([*libraries(), root])
    try:
        data = CompilerData(bundle.load_file(source), bundle, settings=Settings())
        with anchor_settings(data.settings):
            abi = build_abi_output(data)
            init_code = data.bytecode
            runtime_size = len(data.bytecode_runtime) + data.global_ctx.immutable_section_bytes
    except Exception as error:
        raise ArtifactError(f"{source.relative_to(root)} does not compile: {_compiler_message(error)}") from error
    return {
        "format": CACHE_FORMAT,
        "tools": _tools(),
        "files": files,
        "missing": sorted(missing - set(files)),
        "source": _portable(root, source),
        "abi": abi,
        "init_code": init_code.hex(),
        "runtime_size": runtime_size,
    }


def _compiler_message(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _entry(root: Path, name: str) -> dict[str, Any]:
    """Return a contract's entry in the cache, compiled now if there is none that holds."""
    entry = _valid_entry(root, name)
    if entry is None:
        entry = _compile(root, _source(root, name), name)
        _store(root, name, entry)
    return entry


def _valid_entry(root: Path, name: str) -> dict[str, Any] | None:
    path = _entry_path(root, name)
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    entry = _parse(text)
    if entry is None or entry.get("format") != CACHE_FORMAT or entry.get("tools") != _tools():
        return None
    if entry["source"] != _portable(root, _source(root, name)):
        return None
    for key, digest in entry["files"].items():
        file = _located(root, key)
        if not file.is_file() or _digest(file.read_text().encode()) != digest:
            return None
    if any(_located(root, key).exists() for key in entry["missing"]):
        return None
    return entry


_parsed: dict[str, dict[str, Any]] = {}


def _parse(text: str) -> dict[str, Any] | None:
    """Decode a cache entry once per distinct text; None when the text is no JSON object."""
    if text not in _parsed:
        try:
            entry = json.loads(text)
        except json.JSONDecodeError:
            return None
        if not isinstance(entry, dict):
            return None
        _parsed[text] = entry
    return _parsed[text]


def _artifact(name: str, source: Path, entry: dict[str, Any]) -> Artifact:
    return Artifact(name, entry["abi"], bytes.fromhex(entry["init_code"]), entry["runtime_size"], source)


def _store(root: Path, name: str, entry: dict[str, Any]) -> None:
    _replace(_entry_path(root, name), json.dumps(entry, sort_keys=True))


def _entry_path(root: Path, name: str) -> Path:
    return root / ".cache" / "artifacts" / f"{name}.json"


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@cache
def libraries() -> list[Path]:
    """Search paths for library imports, lowest precedence first."""
    return [Path(folder) for folder in reversed([*site.getsitepackages(), *_user_site()]) if Path(folder).is_dir()]


def _user_site() -> list[str]:
    return [site.getusersitepackages()] if site.ENABLE_USER_SITE else []


def _portable(root: Path, path: Path) -> str:
    """Name a file relative to the project or the libraries, so that an entry holds no machine's path."""
    for label, base in (("project", root), *((f"library{i}", base) for i, base in enumerate(libraries()))):
        if path.is_relative_to(base):
            return f"{label}:{path.relative_to(base)}"
    return f"file:{path}"


def _located(root: Path, key: str) -> Path:
    label, _, relative = key.partition(":")
    if label == "project":
        return root / relative
    if label == "file":
        return Path(relative)
    return libraries()[int(label.removeprefix("library"))] / relative


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@cache
def _tools() -> dict[str, str]:
    return {tool: _version(tool) for tool in ("vyper", "snekmate")}


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "absent"


# npm


@cache
def _load_npm(root: Path, name: str) -> Artifact:
    package, _, contract = name.partition(":")
    folder = root / "node_modules" / package
    if not folder.is_dir():
        raise ArtifactError(f"npm package {package} is not installed: run `make setup`")
    found = sorted(path for path in folder.rglob(f"{contract}.json") if path.parent.name == f"{contract}.sol")
    if not found:
        raise ArtifactError(f"npm package {package} has no artifact for {contract}: run `make setup`")
    if len(found) > 1:
        raise ArtifactError(f"npm package {package} has several artifacts for {contract}: {', '.join(map(str, found))}")
    return _npm_artifact(name, found[0])


def _npm_artifact(name: str, path: Path) -> Artifact:
    try:
        data = json.loads(path.read_text())
        abi, init_code, runtime = data["abi"], data["bytecode"], data["deployedBytecode"]
    except (json.JSONDecodeError, KeyError) as error:
        raise ArtifactError(f"{path} is no contract artifact: run `make setup`") from error
    if data.get("linkReferences"):
        raise ArtifactError(f"{name} needs libraries linked: {', '.join(data['linkReferences'])}")
    return Artifact(name, abi, bytes.fromhex(init_code[2:]), len(runtime) // 2 - 1, path)
