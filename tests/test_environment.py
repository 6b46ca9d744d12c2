"""pyproject.toml, requirements.lock, environment.yml and CITATION.cff agree with each other."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import backprop
import lock

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
ENVIRONMENT = (ROOT / "environment.yml").read_text(encoding="utf-8")
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def direct(project: dict) -> list[Requirement]:
    """Every requirement to be locked: for running, for extras (but peers) and for building."""
    table = project["project"]
    extras = [table["optional-dependencies"][name] for name in lock.extras()]
    stated = [table["dependencies"], *extras, project["build-system"]["requires"]]
    return [Requirement(line) for lines in stated for line in lines]


def pins(lines: list[str]) -> dict[str, str]:
    """Package name to exact version, with its marker, of lines such as `numpy==2.4.6`."""
    found = {}
    for requirement in map(Requirement, lines):
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", f"{requirement} is not an exact version"
        name = canonicalize_name(requirement.name)
        assert name not in found, f"{name} stands there twice"
        found[name] = f"{specifier.version} ; {requirement.marker or 'always'}"
    return found


def locked_pins(text: str) -> dict[str, str]:
    """The pins of a lock file."""
    return pins([str(requirement) for requirement in lock.locked(text)])


def environment_lines(text: str) -> tuple[list[str], list[str]]:
    """The lines for conda and those for pip of an environment.yml."""
    entries = yaml.safe_load(text)["dependencies"]
    conda = [entry for entry in entries if isinstance(entry, str)]
    pip = [line for entry in entries if isinstance(entry, dict) for line in entry["pip"]]
    return conda, pip


def disagreements(project: dict, lock_text: str, environment_text: str) -> list[str]:
    """Every way in which the three files contradict each other, one sentence each."""
    found = []
    locked = locked_pins(lock_text)
    for requirement in direct(project):
        version = locked.get(canonicalize_name(requirement.name), "").split(" ;")[0]
        if not version:
            found.append(f"{requirement.name} is in pyproject.toml, but not in the lock")
        elif not requirement.specifier.contains(version):
            found.append(f"the lock has {requirement.name} {version}, not {requirement.specifier}")
    conda, pip = environment_lines(environment_text)
    given = pins([line for line in pip if not line.startswith("-")])
    found += [
        f"{name}: {given.get(name)} in environment.yml, {locked.get(name)} in the lock"
        for name in sorted(given.keys() | locked.keys())
        if given.get(name) != locked.get(name)
    ]
    if [line for line in pip if line.startswith("-")] != ["-e ."]:
        found.append("environment.yml does not install this checkout and it alone")
    pythons = [line.split("=")[1] for line in conda if line.startswith("python=")]
    supported = SpecifierSet(project["project"]["requires-python"])
    if len(pythons) != 1 or not supported.contains(f"{pythons[0]}.0"):
        found.append(f"environment.yml has Python {pythons}, pyproject.toml wants {supported}")
    return found


def test_the_three_files_agree():
    assert disagreements(PROJECT, LOCK, ENVIRONMENT) == []


NUMPY = re.search(r"^numpy==(\S+)", LOCK, re.MULTILINE)[1]


@pytest.mark.parametrize(
    ("lock_text", "environment_text", "said"),
    [
        (LOCK.replace(f"numpy=={NUMPY}", "numpy==1.0.0"), ENVIRONMENT, "the lock has numpy 1.0.0"),
        (LOCK.replace("scipy==", "scipies=="), ENVIRONMENT, "scipy is in pyproject.toml, but not"),
        (LOCK, ENVIRONMENT.replace(f"numpy=={NUMPY}", "numpy==9.9.9"), "numpy: 9.9.9"),
        (LOCK, re.sub(r'.*"tqdm==.*\n', "", ENVIRONMENT), "tqdm: None"),
        (LOCK, ENVIRONMENT.replace("python=3.11", "python=3.9"), "has Python ['3.9']"),
        (LOCK, ENVIRONMENT.replace("      - -e .\n", ""), "does not install this checkout"),
    ],
    ids=["outside-range", "not-locked", "other-version", "left-out", "python", "no-checkout"],
)
def test_a_disagreement_is_found(lock_text, environment_text, said):
    assert (lock_text, environment_text) != (LOCK, ENVIRONMENT)
    assert any(said in text for text in disagreements(PROJECT, lock_text, environment_text))


def test_environment_is_what_make_lock_writes():
    assert lock.environment(lock.locked(LOCK)) == ENVIRONMENT


def test_every_locked_package_has_checksums():
    # One backslash joins a package to its first checksum, one each checksum to the next.
    entries = re.split(r"^(?=[A-Za-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert len(entries) == len(lock.locked(LOCK)) > 100
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_lock_names_no_address_and_no_folder():
    assert re.findall(r"https?:|file:|--index-url|--find-links|@ ", LOCK) == []


def test_one_version_and_licence_everywhere():
    assert PROJECT["project"]["version"] == backprop.__version__ == str(CITATION["version"])
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert config["sphinx"]["config"]["release"] == backprop.__version__
    assert PROJECT["project"]["license"] in CITATION["license"]


def test_the_citation_file_names_both_papers():
    dois = {reference["doi"] for reference in CITATION["references"]}
    assert dois == {"10.1038/323533a0", "10.1162/neco.1989.1.4.541"}
    required = {"cff-version", "message", "title", "authors"}
    assert required <= CITATION.keys()
