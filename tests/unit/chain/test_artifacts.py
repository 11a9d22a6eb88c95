"""Loading artifacts: the cache is never stale, and what goes wrong says what to do."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from plimsoll import artifacts
from plimsoll.artifacts import ArtifactError
from plimsoll.chain import RevmChain

APE_CONFIG = Path(__file__).resolve().parents[3] / "ape-config.yaml"
MODULE = "contracts/modules/sampling.vy"
INTERFACE = "contracts/interfaces/ISampler.vyi"


def edit(root: Path, file: str, old: str, new: str) -> None:
    path = root / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def forbid_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise AssertionError("compiled again")

    monkeypatch.setattr(artifacts, "_compile", fail)


def test_load__unchanged__comes_from_the_cache(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = artifacts.load("Sampler")
    forbid_compiling(monkeypatch)
    assert artifacts.load("Sampler") == first


def test_load__project_moved__cache_still_valid(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = artifacts.load("Sampler")
    moved = project.rename(project.with_name("moved"))
    monkeypatch.setenv("PLIMSOLL_HOME", str(moved))
    forbid_compiling(monkeypatch)
    assert artifacts.load("Sampler").init_code == first.init_code


def test_load__contract_edited__new_bytecode(project: Path) -> None:
    before = artifacts.load("Sampler")
    edit(project, "contracts/Sampler.vy", "1_000", "1_001")
    assert artifacts.load("Sampler").init_code != before.init_code


def test_load__imported_module_edited__new_bytecode(project: Path) -> None:
    before = artifacts.load("Sampler")
    edit(project, MODULE, "sample * 2", "sample * 3")
    assert artifacts.load("Sampler").init_code != before.init_code


def test_load__imported_interface_edited__new_abi(project: Path) -> None:
    artifacts.load("Sampler")
    edit(project, INTERFACE, "who: indexed(address)", "who: address")
    events = [entry for entry in artifacts.load("Sampler").abi if entry["type"] == "event"]
    assert [part["indexed"] for part in events[0]["inputs"]] == [False, True, False, False]


def test_load__edit_undone__old_bytecode(project: Path) -> None:
    before = artifacts.load("Sampler")
    edit(project, MODULE, "sample * 2", "sample * 3")
    artifacts.load("Sampler")
    edit(project, MODULE, "sample * 3", "sample * 2")
    assert artifacts.load("Sampler") == before


def test_load__new_file_shadows_an_import__new_bytecode(project: Path) -> None:
    before = artifacts.load("Sampler")
    shadow = project / "contracts" / MODULE
    shadow.parent.mkdir(parents=True)
    shadow.write_text((project / MODULE).read_text().replace("sample * 2", "sample * 5"))
    assert artifacts.load("Sampler").init_code != before.init_code


def test_load__import_deleted__error(project: Path) -> None:
    artifacts.load("Sampler")
    (project / MODULE).unlink()
    with pytest.raises(ArtifactError, match=r"contracts/Sampler\.vy does not compile: ModuleNotFound"):
        artifacts.load("Sampler")


def test_load__other_compiler__compiled_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifacts.load("Sampler")
    monkeypatch.setattr(artifacts, "_tools", lambda: {"vyper": "0.0.0", "snekmate": "0.0.0"})
    forbid_compiling(monkeypatch)
    with pytest.raises(AssertionError, match="compiled again"):
        artifacts.load("Sampler")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 0}'])
def test_load__damaged_entry__compiled_again(project: Path, text: str) -> None:
    before = artifacts.load("Sampler")
    (project / ".cache" / "artifacts" / "Sampler.json").write_text(text)
    assert artifacts.load("Sampler") == before


def _load_in_worker(root: str) -> bytes:
    os.environ["PLIMSOLL_HOME"] = root
    return artifacts.load("Sampler").init_code


def test_load__several_processes_at_once__all_agree(project: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        codes = pool.map(_load_in_worker, [str(project)] * 6, chunksize=1)
    assert set(codes) == {artifacts.load("Sampler").init_code}
    assert [path.name for path in (project / ".cache" / "artifacts").iterdir()] == ["Sampler.json"]


def test_load__cache_entry__names_no_machine_path(project: Path) -> None:
    artifacts.load("Sampler")
    entry = json.loads((project / ".cache" / "artifacts" / "Sampler.json").read_text())
    assert set(entry["files"]) == {"project:contracts/Sampler.vy", f"project:{MODULE}", f"project:{INTERFACE}"}
    assert not [name for name in entry["missing"] if name.startswith("file:")]


def test_load__runtime_size__is_what_is_deployed(small_home: Path) -> None:
    chain = RevmChain()
    sampler = chain.deploy("Sampler", 7, sender=chain.accounts()[0])
    assert artifacts.load("Sampler").runtime_size == len(chain.code(sampler))


def test_load__does_not_compile__names_file_and_reason(project: Path) -> None:
    edit(project, MODULE, "sample * 2", "sample * unknown")
    with pytest.raises(ArtifactError) as caught:
        artifacts.load("Sampler")
    message = str(caught.value)
    assert message.startswith("contracts/Sampler.vy does not compile: UndeclaredDefinition: 'unknown'")
    assert "modules/sampling.vy:7" in message


def test_load__unknown_name__error(project: Path) -> None:
    with pytest.raises(ArtifactError, match=r"^no contract Nothing: contracts/ holds no Nothing\.vy$"):
        artifacts.load("Nothing")


def test_load__module_by_name__error(project: Path) -> None:
    with pytest.raises(ArtifactError, match=r"^no contract sampling:"):
        artifacts.load("sampling")


def test_load__two_contracts_of_one_name__error(project: Path) -> None:
    (project / "contracts" / "mocks").mkdir()
    (project / "contracts" / "mocks" / "Sampler.vy").write_text((project / "contracts" / "Sampler.vy").read_text())
    expected = r"^contract name Sampler is ambiguous: contracts/Sampler\.vy, contracts/mocks/Sampler\.vy$"
    with pytest.raises(ArtifactError, match=expected):
        artifacts.load("Sampler")


def test_load__contract_moved__new_source(project: Path) -> None:
    artifacts.load("Sampler")
    (project / "contracts" / "mocks").mkdir()
    (project / "contracts" / "Sampler.vy").rename(project / "contracts" / "mocks" / "Sampler.vy")
    assert artifacts.load("Sampler").source == project / "contracts" / "mocks" / "Sampler.vy"


def test_load__npm_artifact() -> None:
    factory = artifacts.load("@uniswap/v3-core:UniswapV3Factory")
    assert factory.init_code
    assert 0 < factory.runtime_size <= artifacts.RUNTIME_LIMIT
    assert {"createPool", "getPool"} <= {entry.get("name") for entry in factory.abi}


def test_load__npm_package_missing__says_make_setup(project: Path) -> None:
    expected = r"^npm package @uniswap/v3-core is not installed: run `make setup`$"
    with pytest.raises(ArtifactError, match=expected):
        artifacts.load("@uniswap/v3-core:UniswapV3Factory")


def test_load__npm_contract_missing__error() -> None:
    with pytest.raises(ArtifactError, match=r"^npm package @uniswap/v3-core has no artifact for Nothing"):
        artifacts.load("@uniswap/v3-core:Nothing")


@pytest.mark.parametrize("text", ["{", "{}"])
def test_load__npm_artifact_damaged__error(project: Path, text: str) -> None:
    folder = project / "node_modules" / "pack" / "Thing.sol"
    folder.mkdir(parents=True)
    (folder / "Thing.json").write_text(text)
    with pytest.raises(ArtifactError, match=r"Thing\.json is no contract artifact: run `make setup`$"):
        artifacts.load("pack:Thing")


def test_load__npm_artifact_with_libraries__error() -> None:
    with pytest.raises(ArtifactError, match=r"needs libraries linked: contracts/libraries/NFTDescriptor\.sol$"):
        artifacts.load("@uniswap/v3-periphery:NonfungibleTokenPositionDescriptor")


def test_deploy__interface__error() -> None:
    chain = RevmChain()
    with pytest.raises(ArtifactError, match="is an interface: nothing to deploy"):
        chain.deploy("@uniswap/v3-core:IUniswapV3Pool", sender=chain.accounts()[0])


def test_home__without_contracts__error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path))
    with pytest.raises(ArtifactError, match=r"has no contracts/ folder$"):
        artifacts.home()


def test_sources__leave_out_modules_and_interfaces(project: Path) -> None:
    assert artifacts.sources() == [project / "contracts" / "Sampler.vy"]


def test_guard_ape_cache__drops_it_after_an_edit_only(project: Path) -> None:
    artifacts.guard_ape_cache()
    built = project / ".build" / "__local__.json"
    built.parent.mkdir()
    built.write_text("{}")
    assert artifacts.guard_ape_cache() is False
    assert built.is_file()
    edit(project, MODULE, "sample * 2", "sample * 3")
    assert artifacts.guard_ape_cache() is True
    assert not built.exists()


def test_put_tools_on_path__own_tools_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    artifacts.put_tools_on_path()
    artifacts.put_tools_on_path()
    folders = os.environ["PATH"].split(os.pathsep)
    assert folders[0] == str(Path(sys.executable).parent)
    assert folders[-1] == "/usr/bin"
    assert len(folders) == len(set(folders))


def test_ape_compile__same_bytecode(small_home: Path) -> None:
    (small_home / "ape-config.yaml").write_text(APE_CONFIG.read_text())
    subprocess.run(["ape", "compile", "--force"], cwd=small_home, check=True, capture_output=True)
    built = json.loads((small_home / ".build" / "__local__.json").read_text())["contractTypes"]
    assert list(built) == ["Sampler"]
    assert built["Sampler"]["deploymentBytecode"]["bytecode"] == "0x" + artifacts.load("Sampler").init_code.hex()
