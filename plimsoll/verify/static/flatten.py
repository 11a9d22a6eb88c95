"""A Vyper 0.4.3 contract with its modules as one syntax tree in the shape of 0.3.7, which is what slither reads.

Every imported module is merged into the contract; what it defines is called `<import path>__<name>`, and source
positions stay those of the original files. Approximations: `a if c else b` becomes `max(a, b)`, `^` becomes `|`, `~`
becomes unary minus, `x in values` becomes a comparison, and the first of several values that an external call returns
is assigned to all names on the left.
"""

from __future__ import annotations

from typing import Any

from vyper import ast as vy

Node = dict[str, Any]
TOP_LEVEL = (vy.FunctionDef, vy.VariableDecl, vy.EventDef, vy.StructDef, vy.FlagDef, vy.InterfaceDef)
DROPPED = {"InitializesDecl", "UsesDecl", "ExportsDecl", "ImplementsDecl", "Import", "ImportFrom", "Pragma"}
RENAMED = {
    "FlagDef": "EnumDef",
    "FloorDiv": "Div",
    "LShift": "Shl",
    "RShift": "Shr",
    "BitXor": "BitOr",
    "Invert": "USub",
    "HexBytes": "Bytes",
    "Decimal": "Int",
}
ORDER = {"EnumDef": 0, "StructDef": 1, "InterfaceDef": 2, "EventDef": 3, "VariableDecl": 4, "FunctionDef": 5}
ONLY_COMPILER = ("type", "folded_value", "variable_reads", "variable_writes")


class Module:
    """A module as the contract imports it: its prefix, and what its names mean."""

    def __init__(self, node: Any, prefix: str, known: dict[str, Module]) -> None:
        self.node, self.prefix = node, prefix
        self.state: set[str] = set()
        self.functions: set[str] = set()
        self.others: set[str] = set()
        self.imports: dict[str, Module] = {}
        self.interfaces: dict[str, Any] = {}
        self.constants: dict[str, int] = {}
        self.interface: Any = None
        known[node.resolved_path] = self
        for each in node.body:
            self._note(each, known)

    def name(self, own: str) -> str:
        """Return what one of its names is called in the merged contract."""
        return self.prefix + own

    def _note(self, each: Any, known: dict[str, Module]) -> None:
        if isinstance(each, vy.FunctionDef):
            self.functions.add(each.name)
        elif isinstance(each, vy.VariableDecl):
            fixed = each.is_constant or each.is_immutable
            (self.others if fixed else self.state).add(each.target.id)
            if each.is_constant:
                value = each.value.reduced() if each.value.has_folded_value else each.value
                if isinstance(value, vy.Int):
                    self.constants[each.target.id] = value.value
        elif isinstance(each, TOP_LEVEL):
            self.others.add(each.name)
        elif isinstance(each, (vy.Import, vy.ImportFrom)):
            single = each._metadata.get("import_info")
            for info in [single] if single is not None else each._metadata["import_infos"]:
                if str(info.compiler_input.path).endswith((".vyi", ".json")):
                    self.interfaces[info.alias] = info
                else:
                    path = info.parsed.resolved_path
                    self.imports[info.alias] = known.get(path) or Module(
                        info.parsed, f"{self.prefix}{info.alias}__", known
                    )


def _new(kind: str, like: Node, **fields: Any) -> Node:
    return {"ast_type": kind, "src": like.get("src", "-1:-1:-1"), "node_id": like.get("node_id", -1), **fields}


def _call(like: Node, function: str, *arguments: Node) -> Node:
    name = _new("Name", like, id=function)
    return _new("Call", like, func=name, args=list(arguments), keyword=None, keywords=[])


class Flattener:
    """Merges one contract; `tree()` is the result."""

    def __init__(self, contract: Any) -> None:
        self.modules: dict[str, Module] = {}
        self.contract = contract
        self.used: dict[str, Any] = {}
        self.borrowed: dict[str, tuple[Any, Any]] = {}
        Module(contract, "", self.modules)

    def tree(self) -> Node:
        """Return the merged contract."""
        body = [each for path, module in self.modules.items() for each in self._definitions(path, module)]
        body = sorted(self._interfaces() + body, key=lambda each: ORDER.get(each["ast_type"], 9))
        for each in body:
            _number(each)
        source = self.contract.to_dict()["src"]
        return {"ast_type": "Module", "name": "", "doc_string": None, "src": source, "node_id": 0, "body": body}

    # Definitions

    def _definitions(self, path: str, module: Module) -> list[Node]:
        exposed = {
            (declared.get_ancestor(vy.Module).resolved_path, function.name)
            for function in self.contract._metadata["type"].exposed_functions
            if (declared := function.decl_node or function.ast_def) is not None and not isinstance(declared, vy.Module)
        }
        locked = bool(getattr(module.node.settings, "nonreentrancy_by_default", False))
        found = []
        for each in module.node.body:
            if not isinstance(each, TOP_LEVEL):
                continue
            if isinstance(each, vy.FunctionDef):
                if module.prefix and "external" in _decorators(each) and (path, each.name) not in exposed:
                    continue
                found.append(self._function(each, module, locked))
                continue
            tree = self.convert(each.to_dict(), module)
            if isinstance(each, vy.VariableDecl):
                tree["target"]["id"] = module.name(each.target.id)
                tree.setdefault("value", None)
                if locked and not getattr(each, "is_reentrant", False):
                    tree["is_public"] = False  # a locked getter, which slither would take for a reentrant reader
                elif module.prefix:
                    tree["is_public"] = (path, each.target.id) in exposed
            else:
                tree["name"] = module.name(each.name)
            found.append(tree)
        return found

    def _function(self, function: Any, module: Module, locked: bool) -> Node:
        decorators = _decorators(function)
        external = "external" in decorators
        tree: Node = self.convert(function.to_dict(), module)
        outside = external or ("deploy" in decorators and not module.prefix)
        names = ["external" if outside else "internal"]
        names += [each for each in decorators if each in ("view", "pure") or (each == "payable" and outside)]
        tree["decorator_list"] = [_new("Name", tree, id=each) for each in names]
        guarded = locked and external and "reentrant" not in decorators and "pure" not in decorators
        if "nonreentrant" in decorators or guarded:
            tree["decorator_list"].append(_call(tree, "nonreentrant", _new("Str", tree, value="lock")))
        tree["name"] = function.name if external else module.name(function.name)
        return tree

    def _interfaces(self) -> list[Node]:
        found: list[Node] = []
        done: set[str] = set()
        while waiting := (set(self.borrowed) | {f"interface {each}" for each in self.used}) - done:
            for name in sorted(waiting):
                done.add(name)
                if name.startswith("interface "):
                    found.append(self._interface(name.removeprefix("interface ")))
                    continue
                declared, info = self.borrowed[name]
                tree = self.convert(declared.to_dict(), self._scope(info))
                if isinstance(declared, vy.VariableDecl):
                    tree["target"]["id"] = name
                    tree.setdefault("value", None)
                else:
                    tree["name"] = name
                found.append(tree)
        return found

    def _interface(self, alias: str) -> Node:
        info = self.used[alias]
        functions = []
        for each in info.parsed.get_children(vy.FunctionDef):
            tree: Node = self.convert(each.to_dict(), self._scope(info))
            decorators = _decorators(each)
            kind = next((kind for kind in ("view", "pure", "payable") if kind in decorators), "nonpayable")
            tree["args"]["defaults"] = []
            tree["body"] = [_new("Expr", tree, value=_new("Name", tree, id=kind))]
            tree["decorator_list"] = []
            functions.append(tree)
        identity = 10**7 + sorted(self.used).index(alias) + 1_000 * len(self.used)
        source = self.contract.body[0].to_dict()["src"]
        return {"ast_type": "InterfaceDef", "src": source, "node_id": identity, "name": alias, "body": functions}

    def _scope(self, info: Any) -> Module:
        scope = Module(info.parsed, f"{info.alias}__", {})
        scope.interface, scope.functions = info, set()
        return scope

    # Expressions and statements

    def convert(self, node: Any, module: Module) -> Any:
        """Return a node, a list of nodes, or anything else, in the old shape; None for what has no place there."""
        if isinstance(node, list):
            found: list[Any] = []
            for each in node:
                converted = self.convert(each, module)
                if isinstance(converted, list):
                    found += converted
                elif converted is not None:
                    found.append(converted)
            return found
        if not isinstance(node, dict) or "ast_type" not in node:
            return node
        kind = node["ast_type"]
        if kind in DROPPED:
            return None
        if kind in ("ExtCall", "StaticCall"):
            return self.convert(node["value"], module)
        if kind == "Attribute" and (named := self._attribute(node, module)) is not None:
            return named
        if kind == "Name":
            return self._name(node, module)
        if kind == "Assign" and node["target"].get("ast_type") == "Tuple" and not _is_internal(node["value"], module):
            return self._unpacked(node, module)
        if kind == "Compare" and node["op"].get("ast_type") in ("In", "NotIn"):
            node = _comparison(node)
        if kind == "Subscript":
            node = {**node, "slice": self._sized(node["slice"], module)}
        tree = {key: self.convert(value, module) for key, value in node.items() if key not in ONLY_COMPILER}
        return self._reshaped(kind, tree)

    def _attribute(self, node: Node, module: Module) -> Node | None:
        value, own = node["value"], node["attr"]
        info = module.interfaces.get(value["id"]) if value.get("ast_type") == "Name" else _interface_of(value, module)
        if info is not None:
            for each in info.parsed.get_children((vy.EventDef, vy.StructDef, vy.FlagDef)):
                if each.name == own:
                    self.borrowed[f"{info.alias}__{own}"] = (each, info)
                    return _new("Name", node, id=f"{info.alias}__{own}")
        target = _module_of(value, module)
        if target is not None:
            if own in target.interfaces:
                self.used[own] = target.interfaces[own]
                return _new("Name", node, id=own)
            if own in target.state | target.functions:
                return _new("Attribute", node, attr=target.name(own), value=_new("Name", node, id="self"))
            return _new("Name", node, id=target.name(own))
        if value.get("ast_type") == "Name" and value.get("id") == "self" and own in module.state | module.functions:
            return _new("Attribute", node, attr=module.name(own), value=self.convert(value, module))
        return None

    def _name(self, node: Node, module: Module) -> Node:
        own = node["id"]
        if own in module.others:
            if module.interface is not None:
                for each in module.node.body:
                    if isinstance(each, TOP_LEVEL) and getattr(each, "name", "") == own:
                        self.borrowed[module.name(own)] = (each, module.interface)
            return _new("Name", node, id=module.name(own))
        if own in module.interfaces:
            self.used[own] = module.interfaces[own]
        return _new("Name", node, id=own)

    def _unpacked(self, node: Node, module: Module) -> list[Node]:
        targets = [self.convert(each, module) for each in node["target"]["elements"]]
        values = [self.convert(node["value"], module), *targets[:1] * (len(targets) - 1)]
        return [_new("Assign", node, target=each, value=value) for each, value in zip(targets, values, strict=True)]

    def _sized(self, size: Node, module: Module) -> Node:
        constant = None
        if size["ast_type"] == "Name":
            constant = module.constants.get(size["id"])
        elif size["ast_type"] == "Attribute" and (target := _module_of(size["value"], module)) is not None:
            constant = target.constants.get(size["attr"])
        if constant is not None:
            return _new("Int", size, value=constant)
        folded = size.get("folded_value")
        if folded and folded.get("ast_type") == "Int" and size["ast_type"] != "Int":
            return dict(folded)
        if size["ast_type"] == "Tuple":
            return {**size, "elements": [self._sized(each, module) for each in size["elements"]]}
        return size

    def _reshaped(self, kind: str, tree: Node) -> Node:
        tree["ast_type"] = RENAMED.get(kind, kind)
        if kind == "IfExp":
            return _call(tree, "max", tree["body"], tree["orelse"])
        if kind == "Subscript" and tree["slice"].get("ast_type") != "Index":
            tree["slice"] = _new("Index", tree["slice"], value=tree["slice"])
        elif kind == "For" and tree["target"].get("ast_type") == "AnnAssign":
            _loop(tree)
        elif kind == "arguments":
            tree.setdefault("default", None)
        elif kind == "AnnAssign":
            tree.setdefault("value", None)
        elif kind == "FunctionDef":
            tree.setdefault("doc_string", None)
            tree.setdefault("pos", None)
        elif kind == "Log" and tree["value"].get("keywords"):
            tree["value"]["args"] = [each["value"] for each in tree["value"]["keywords"]]
            tree["value"]["keywords"] = []
        elif kind == "Call":
            _arguments(tree)
        return tree


def _decorators(function: Any) -> list[str]:
    return [each.id if isinstance(each, vy.Name) else each.func.id for each in function.decorator_list]


def _module_of(node: Node, module: Module) -> Module | None:
    """Return the module that `a.b` names, if it names one."""
    if node.get("ast_type") == "Name":
        return module.imports.get(node["id"])
    if node.get("ast_type") == "Attribute":
        parent = _module_of(node["value"], module)
        return parent.imports.get(node["attr"]) if parent else None
    return None


def _interface_of(node: Node, module: Module) -> Any:
    if node.get("ast_type") != "Attribute":
        return None
    parent = _module_of(node["value"], module)
    return parent.interfaces.get(node["attr"]) if parent else None


def _is_internal(node: Node, module: Module) -> bool:
    """Whether a value is a call of the contract's own or a module's function, which slither can resolve."""
    if node["ast_type"] == "Tuple":
        return True
    if node["ast_type"] != "Call" or node["func"]["ast_type"] != "Attribute":
        return False
    owner = node["func"]["value"]
    return owner.get("id") == "self" or _module_of(owner, module) is not None


def _comparison(node: Node) -> Node:
    values = node["right"]
    if values.get("folded_value", {}).get("ast_type") == "List":
        return {**node, "right": values["folded_value"]}
    if values.get("ast_type") == "List":
        return node
    return {**node, "op": {**node["op"], "ast_type": "Eq" if node["op"]["ast_type"] == "In" else "NotEq"}}


def _loop(tree: Node) -> None:
    """Turn `for x: T in values` into a loop over numbers that assigns `x` first."""
    variable, values = tree["target"], tree["iter"]
    if values.get("ast_type") == "Call" and values["func"].get("id") == "range":
        tree["target"] = variable["target"]
        return
    index = _new("Name", variable, id="i__" + variable["target"]["id"])
    if values.get("ast_type") == "List":
        bound, value = _new("Int", variable, value=len(values["elements"])), values["elements"][0]
    else:
        bound = _call(variable, "len", values)
        value = _new("Subscript", variable, value=values, slice=_new("Index", variable, value=index))
    tree["target"], tree["iter"] = index, _call(variable, "range", bound)
    first = _new("AnnAssign", variable, target=variable["target"], annotation=variable["annotation"], value=value)
    tree["body"] = [first, *tree["body"]]


def _arguments(tree: Node) -> None:
    tree.setdefault("keyword", None)
    function = tree["func"].get("id", "")
    is_struct = function.split("__")[-1][:1].isupper()
    if tree["keywords"] and not tree["args"] and tree["func"].get("ast_type") == "Name" and is_struct:
        keys = [_new("Name", each, id=each["arg"]) for each in tree["keywords"]]
        tree["args"] = [_new("Dict", tree, keys=keys, values=[each["value"] for each in tree["keywords"]])]
        tree["keywords"] = []
    if function in ("abi_decode", "_abi_decode"):
        tree["args"] = tree["args"][:1]  # the second one is a type


def _number(node: Any) -> None:
    """Make node numbers unique over files."""
    if isinstance(node, dict):
        if "node_id" in node and node.get("src", "").count(":") == 2:
            node["node_id"] = int(node["node_id"]) + 100_000 * (abs(int(node["src"].split(":")[2])) + 1)
        for each in node.values():
            _number(each)
    elif isinstance(node, list):
        for each in node:
            _number(each)
