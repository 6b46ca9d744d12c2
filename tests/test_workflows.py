"""The workflows, Dependabot and pre-commit: they call what exists, with what the project says."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import checks
from backprop.cli import main

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TARGETS = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def jobs():
    return [
        (f"{file}/{name}", job) for file, w in WORKFLOWS.items() for name, job in w["jobs"].items()
    ]


def steps():
    return [(name, step) for name, job in jobs() for step in job["steps"]]


def commands():
    """Each command that a workflow runs, as words: lines that go on are joined, pipes are cut."""
    for name, step in steps():
        text = step.get("run", "").replace("\\\n", " ")
        for part in re.split(r"\n|\||&&|;", text):
            if part.split():
                yield name, part.split()


def missing_options(command: click.Command, words: list[str]) -> list[str]:
    known = {option for parameter in command.params for option in parameter.opts}
    return [word for word in words if word.startswith("--") and word not in known]


def test_there_are_the_three_workflows_and_each_says_when_it_runs():
    assert set(WORKFLOWS) == {"test", "book", "weekly"}
    # YAML 1.1 reads the key `on` as true.
    when = {name: set(workflow[True]) for name, workflow in WORKFLOWS.items()}
    assert {"push", "pull_request"} <= when["test"] and {"push", "pull_request"} <= when["book"]
    assert "schedule" in when["weekly"]


def test_actions_are_pinned_by_commit_and_say_their_version():
    pinned = {}
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if "uses:" in line:
                found = re.search(r"uses: ([\w/-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$", line)
                assert found, f"{path.name}: {line.strip()}"
                pinned.setdefault(found[1], set()).add((found[2], found[3]))
    assert [name for name, versions in pinned.items() if len(versions) > 1] == []
    assert "actions/checkout" in pinned


def test_every_make_target_exists():
    called = {words[1] for _, words in commands() if words[0] == "make"}
    assert {"setup", "test", "book"} <= called <= set(TARGETS)


def test_every_tool_exists_and_knows_its_options():
    called = set()
    for name, words in commands():
        for i, word in enumerate(words):
            if re.fullmatch(r"tools/\w+\.(py|sh)", word):
                text = (ROOT / word).read_text(encoding="utf-8")
                options = [option for option in words[i:] if option.startswith("--")]
                assert [o for o in options if f'"{o}"' not in text] == [], f"{name}: {words}"
                called.add(word)
    assert {"tools/launches.py", "tools/links.py", "tools/publish_site.sh"} <= called


def test_every_command_of_the_package_exists_and_knows_its_options():
    called = set()
    for name, words in commands():
        if ".venv/bin/backprop" in words:
            words = words[words.index(".venv/bin/backprop") + 1 :]
            words = words[: words.index(">")] if ">" in words else words
            command: click.Command = main
            while isinstance(command, click.Group) and words and not words[0].startswith("-"):
                command, words = command.commands[words[0]], words[1:]
            if words != ["--version"]:
                assert missing_options(command, words) == [], f"{name}: {words}"
            called.add(command.name)
    assert {"fetch", "reproduce", "claims"} <= called


def test_programs_of_the_environment_exist():
    programs = {
        word.removeprefix(".venv/bin/")
        for _, words in commands()
        for word in words
        if word.startswith(".venv/bin/")
    }
    assert programs - {"python"} and all(
        (Path(sys.executable).parent / program).exists() for program in programs
    )


def test_the_pythons_are_those_of_the_project():
    named = {
        line.rpartition(" ")[2]
        for line in PROJECT["classifiers"]
        if re.search(r"Python :: 3\.\d+$", line)
    }
    supported = SpecifierSet(PROJECT["requires-python"])
    assert named == {f"3.{n}" for n in range(30) if supported.contains(f"3.{n}.5")}
    matrix = WORKFLOWS["test"]["jobs"]["checks"]["strategy"]["matrix"]
    assert set(matrix["python"]) == named
    assert {"ubuntu-latest", "macos-latest"} <= set(matrix["os"])
    for name, step in steps():
        if "setup-python" in step.get("uses", ""):
            version = step["with"]["python-version"]
            assert version in named or version == "${{ matrix.python }}", name


def test_numpy_is_tried_at_both_ends_of_what_is_allowed():
    (numpy,) = (r for r in map(Requirement, PROJECT["dependencies"]) if r.name == "numpy")
    bounds = {each.operator: each.version for each in numpy.specifier}
    matrix = WORKFLOWS["test"]["jobs"]["numpy"]["strategy"]["matrix"]["include"]
    oldest, newest = (SpecifierSet(entry["numpy"]) for entry in matrix)
    assert oldest == SpecifierSet(f"=={bounds['>=']}.0")
    assert newest == SpecifierSet(f"<{bounds['<']}")


def test_jobs_end_by_themselves_and_may_do_no_more_than_they_need():
    assert [name for name, job in jobs() if "timeout-minutes" not in job] == []
    assert {w["permissions"]["contents"] for w in WORKFLOWS.values()} == {"read"}
    writing = {
        name: {scope for scope, right in job["permissions"].items() if right == "write"}
        for name, job in jobs()
        if "permissions" in job
    }
    assert writing == {
        "book/publish": {"contents", "pages", "id-token"},
        "weekly/report": {"issues"},
    }
    # What a pull request says must not be run as a command.
    for name, step in steps():
        assert "${{ github.event" not in step.get("run", ""), name
    assert "pull_request" in WORKFLOWS["book"]["jobs"]["publish"]["if"]


def test_the_weekly_report_waits_for_all_other_jobs():
    weekly = WORKFLOWS["weekly"]["jobs"]
    assert set(weekly["report"]["needs"]) == weekly.keys() - {"report"}
    uploaded = {
        step["with"]["name"]
        for name, step in steps()
        if name.startswith("weekly/") and "upload-artifact" in step.get("uses", "")
    }
    assert {"moved-claims", "moved-links"} <= uploaded


def test_dependabot_watches_actions_and_packages():
    config = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))
    assert config["version"] == 2
    assert {update["package-ecosystem"] for update in config["updates"]} == {
        "github-actions",
        "pip",
    }


def test_pre_commit_runs_the_lint_of_make_test():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    locked = [" ".join(str(word) for word in command) for _, command in checks.LINT]
    assert [hook["entry"] for hook in hooks] == [
        line.replace(f"{checks.BIN}/", ".venv/bin/") for line in locked
    ]
    assert all(hook["language"] == "system" and not hook["pass_filenames"] for hook in hooks)


# The scripts that the workflows call


def git(folder, *words):
    done = subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b", *words],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A small repository of its own, with a remote that takes pushes."""
    for variable in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{variable}_NAME", "A")
        monkeypatch.setenv(f"{variable}_EMAIL", "a@b")
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")
    git(tmp_path, "clone", "--quiet", "remote.git", "clone")
    clone = tmp_path / "clone"
    (clone / "tools").mkdir()
    for name in ("publish_site.sh", "versions.py"):
        shutil.copy(ROOT / "tools" / name, clone / "tools")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "-m", "Start")
    return clone


def publish(clone, text, version):
    """Publish a book of one page, as a fresh checkout on a server would."""
    book = clone.parent / "built"
    book.mkdir(exist_ok=True)
    (book / "index.html").write_text(text)
    subprocess.run(["sh", "tools/publish_site.sh", book, version], cwd=clone, check=True)
    git(clone, "worktree", "remove", "--force", "site")


def test_publishing_keeps_the_versions_that_are_there(clone):
    publish(clone, "draft", "dev")
    publish(clone, "one", "0.1.0")
    publish(clone, "two", "dev")

    def shown(path):
        return git(clone, "show", f"FETCH_HEAD:{path}")

    git(clone, "fetch", "--quiet", "origin", "gh-pages")
    assert json.loads(shown("versions.json"))["versions"] == ["0.1.0", "dev"]
    assert (shown("0.1.0/index.html"), shown("dev/index.html")) == ("one", "two")
    assert shown("latest/index.html") == "one"
    files = git(clone, "ls-tree", "-r", "--name-only", "FETCH_HEAD").split()
    assert not [name for name in files if name.startswith("tools/")]
    assert git(clone, "rev-list", "--count", "FETCH_HEAD").strip() == "1"


def test_a_book_that_cannot_be_published_leaves_the_site_as_it_was(clone):
    publish(clone, "one", "0.1.0")
    with pytest.raises(subprocess.CalledProcessError):
        publish(clone, "another", "0.1.0")
    git(clone, "fetch", "--quiet", "origin", "gh-pages")
    assert git(clone, "show", "FETCH_HEAD:0.1.0/index.html") == "one"


@pytest.mark.parametrize(("open_issue", "action"), [("", "create"), ("7", "comment 7")])
def test_what_moved_goes_into_one_issue(tmp_path, open_issue, action):
    """With a stand-in for the program gh that writes down what it was asked."""
    gh = tmp_path / "gh"
    gh.write_text(
        f"#!{shutil.which('sh')}\n"
        f'case "$2" in list) echo "{open_issue}";; *) echo "$2 $3" > "{tmp_path}/asked"\n'
        f'while [ "$1" != --body-file ]; do shift; done; cp "$2" "{tmp_path}/body";; esac\n'
    )
    gh.chmod(0o755)
    (tmp_path / "moved" / "moved-claims").mkdir(parents=True)
    (tmp_path / "moved" / "moved-claims" / "moved.txt").write_text("-zip-rejection  reproduced\n")
    subprocess.run(
        ["sh", ROOT / "tools" / "report_moved.sh", tmp_path / "moved"],
        env={
            "PATH": f"{tmp_path}:{Path(sys.executable).parent}:/usr/bin:/bin",
            "NEEDS": '{"links": {"result": "success"}, "verdicts": {"result": "failure"}}',
            "RUN": "https://example.org/runs/1",
        },
        check=True,
    )
    assert (tmp_path / "asked").read_text().startswith(action)
    body = (tmp_path / "body").read_text()
    assert "- verdicts: failure" in body and "-zip-rejection  reproduced" in body
    assert "https://example.org/runs/1" in body
