"""Bytes on disk of the installed distributions that a framework is made of.

`base`: the smallest distribution that gives tensors, without its dependencies.
`all`: the framework's distribution and everything it requires, directly or not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from importlib.util import cache_from_source
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from measure import read_arguments, report

BASE = {"lamella": "lamella-tensor-core"}
REQUIREMENT = re.compile(r"\s*(?P<name>[\w.-]+)\s*(?:\[(?P<extras>[^\]]*)\])?")
EXTRA_IN_MARKER = re.compile(r"extra\s*==\s*[\"']([^\"']+)[\"']")
Requirement = tuple[str, frozenset[str], bool]


def normalized(name: str) -> str:
    """The name as the packaging standard compares it: lower case, one hyphen for `-_.` runs."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(dist: Distribution, extras: Iterable[str]) -> Iterator[Requirement]:
    """What a distribution asked for with ``extras`` requires: name, extras, has it a marker."""
    for line in dist.requires or []:
        requirement, _, marker = line.partition(";")
        needs_extra = {normalized(extra) for extra in EXTRA_IN_MARKER.findall(marker)}
        if needs_extra and needs_extra.isdisjoint(extras):
            continue
        match = REQUIREMENT.match(requirement)
        if match is None:
            raise ValueError(f"{dist.name}: cannot read the requirement {line!r}")
        asked = (match["extras"] or "").split(",")
        wanted = frozenset(normalized(extra.strip()) for extra in asked if extra.strip())
        yield normalized(match["name"]), wanted, bool(marker)


def with_requirements(name: str) -> set[str]:
    """The distribution and all that it requires, as installed in this environment.

    A distribution that is required with a marker and is absent was not for this platform.
    """
    waiting: list[Requirement] = [(normalized(name), frozenset(), False)]
    seen: set[tuple[str, frozenset[str]]] = set()
    found: set[str] = set()
    while waiting:
        name, extras, has_marker = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            dist = distribution(name)
        except ModuleNotFoundError:
            if has_marker:
                continue
            raise
        found.add(name)
        waiting += requirements(dist, extras)
    return found


def files(dist: Distribution) -> set[Path]:
    """The files of a distribution, with their bytecode where Python has written it.

    An editable install lists none of its modules: for it, those under `src` are taken.
    """
    paths = {Path(str(dist.locate_file(file))).resolve() for file in dist.files or []}
    direct_url = json.loads(dist.read_text("direct_url.json") or "{}")
    if direct_url.get("dir_info", {}).get("editable"):
        root = Path(url2pathname(urlparse(direct_url["url"]).path))
        paths.update((root / "src").rglob("*"))
    modules = [path for path in paths if path.suffix == ".py"]
    paths.update(Path(cache_from_source(str(path))) for path in modules)
    return {path for path in paths if path.is_file()}


def main() -> None:
    arguments = read_arguments(__doc__, variants=("base", "all"))
    if arguments.variant == "base":
        names = {normalized(BASE.get(arguments.framework, arguments.framework))}
    else:
        names = with_requirements(arguments.framework)
    paths = set().union(*(files(distribution(name)) for name in names))
    detail = "counted: " + ", ".join(sorted(names))
    report(sum(path.stat().st_size for path in paths), "B", detail=detail)


if __name__ == "__main__":
    main()
