"""Sizes and requirements of distributions that are laid out here, file by file."""

from __future__ import annotations

import json
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "programs"))

from installed_size import files, with_requirements


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Lays out an installed distribution with these requirements and files."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def lay(name: str, requires: tuple[str, ...] = (), **contents: str) -> Path:
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        lines = [f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {r}" for r in requires)]
        (info / "METADATA").write_text("Metadata-Version: 2.1\n" + "\n".join(lines) + "\n")
        for stem, text in contents.items():
            (site / f"{stem}.py").write_text(text)
        (info / "RECORD").write_text("".join(f"{stem}.py,,\n" for stem in contents))
        return info

    return lay


def test_requirements_are_followed_with_their_extras(install):
    install("lmt_top", ("lmt-middle[fast] >= 1", 'lmt_absent; sys_platform == "none"'))
    install("lmt_middle", ('lmt.leaf; extra == "fast"', 'lmt-slow; extra == "slow"'))
    install("lmt_leaf", ("lmt_top",))
    install("lmt_slow")
    assert with_requirements("lmt_top") == {"lmt-top", "lmt-middle", "lmt-leaf"}


def test_a_requirement_that_is_missing_is_an_error(install):
    install("lmt_broken", ("lmt_absent",))
    with pytest.raises(ModuleNotFoundError, match="lmt-absent"):
        with_requirements("lmt_broken")


def test_the_files_are_those_of_the_record_that_exist(install):
    info = install("lmt_plain", lmt_plain="x = 1\n")
    with (info / "RECORD").open("a") as record:
        record.write("lmt_gone.py,,\n")
    found = files(distribution("lmt_plain"))
    assert {path.name: path.stat().st_size for path in found} == {"lmt_plain.py": 6}


def test_an_editable_install_counts_its_source_folder(install, tmp_path):
    source = tmp_path / "project" / "src" / "lmt_edit" / "core.py"
    source.parent.mkdir(parents=True)
    source.write_text("y = 22\n")
    info = install("lmt_edit")
    direct_url = {"url": (tmp_path / "project").as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(direct_url))
    assert files(distribution("lmt_edit")) == {source.resolve()}
