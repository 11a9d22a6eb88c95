"""Creation code of contracts whose sources differ a little, made twice as fast as the compiler's own driver makes it.

The code is the compiler's: the same passes in the same order, but for the runtime's second pass that only its size
needs, for what the driver prints besides, and for visits of the IR optimiser to subtrees that it has found settled.
A test holds it equal to `plimsoll.artifacts`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plimsoll import artifacts

_DIGEST = bytes(32)


def creation_code(source: Path, replaced: dict[str, str]) -> bytes:
    """Compile a contract as if some sources, by their path from the project, had another text.

    In place of the sources' digest the trailer has zeros, so that equal code is equal. Raises the compiler's exception
    if it does not compile.
    """
    from vyper.codegen import core
    from vyper.codegen.module import generate_ir_for_module
    from vyper.compiler.input_bundle import FileInput, FilesystemInputBundle
    from vyper.compiler.phases import CompilerData, generate_assembly, generate_bytecode
    from vyper.compiler.settings import Settings, anchor_settings
    from vyper.ir import compile_ir, optimizer

    root = artifacts.home()
    texts = {str(root / name): text for name, text in replaced.items()}

    class Bundle(FilesystemInputBundle):  # type: ignore[misc]
        """The compiler's file system with some files' text replaced."""

        def _load_from_path(self, resolved_path: Path, original_path: Path) -> FileInput:
            read = super()._load_from_path(resolved_path, original_path)
            text = texts.get(str(resolved_path))
            return read if text is None else FileInput(read.source_id, read.path, read.resolved_path, text)

    bundle = Bundle([*artifacts.libraries(), root])
    with quickly():
        data = CompilerData(bundle.load_file(source), bundle, settings=Settings())
        with anchor_settings(data.settings):
            contract = data.global_ctx
            core.reset_names()
            compile_ir.reset_symbols()
            ir, _ = generate_ir_for_module(contract)
            ir = optimizer.optimize(ir)
            assembly = generate_assembly(ir, data.settings.optimize)
            return bytes(generate_bytecode(assembly, compiler_metadata=_DIGEST))


def without_metadata(init_code: bytes) -> bytes:
    """Return creation code without the trailer, whose last two bytes are its length."""
    return init_code[: -int.from_bytes(init_code[-2:], "big")]


@contextmanager
def quickly() -> Iterator[None]:
    """Let the compiler's trees live until it is done, and its optimiser pass by what it has found settled."""
    from vyper.ir import optimizer

    plain = optimizer._optimize

    def optimize(node: Any, parent: Any) -> tuple[bool, Any]:
        above = None if parent is None else parent.value
        if above in node.__dict__.get("settled", ()):
            return False, node
        changed, result = plain(node, parent)
        if not changed:
            node.__dict__.setdefault("settled", []).append(above)
        return changed, result

    collects = gc.isenabled()
    gc.disable()
    optimizer._optimize = optimize
    try:
        yield
    finally:
        optimizer._optimize = plain
        if collects:
            gc.enable()
