"""The command line for scripts and shells: exit statuses, help with examples, completion."""

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from backprop import cli, experiments, results
from backprop.cli import main


def call(*words, **environment):
    return CliRunner().invoke(main, words, env=environment, prog_name="backprop")


def all_commands(group: click.Group, before=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from all_commands(command, (*before, name))
        else:
            yield (*before, name)


def example_lines(words):
    """The examples at the end of the help of a command, as the words after `backprop`."""
    text = call(*words, "--help").output
    block = text.partition("Examples:\n")[2].partition("\n\n")[0]
    return [line.strip() for line in block.splitlines()]


# Exit statuses


def test_help_lists_the_statuses_of_every_command():
    text = call("--help").output.partition("Exit status of every command:\n")[2]
    statuses = [line.split()[0] for line in text.splitlines() if line.strip()]
    assert statuses == ["0", "1", "2", "3", "130"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(ZeroDivisionError("defect"), 3), (PermissionError("no"), 3), (KeyboardInterrupt(), 130)],
    ids=["defect", "unforeseen", "interrupted"],
)
def test_a_defect_has_a_status_of_its_own(monkeypatch, error, status):
    def fail():
        raise error

    monkeypatch.setattr(results, "default_folder", fail)
    answer = call("list")
    assert answer.exit_code == status
    assert ("Traceback" in answer.stderr) == (status == 3)


def test_wrong_usage_and_wrong_input_have_the_status_2():
    assert call("list").exit_code == 0
    for words in (["no-such-command"], ["run"], ["run", "no-such"], ["cite", "no-such"]):
        answer = call(*words)
        assert answer.exit_code == 2, words
        assert "Traceback" not in answer.stderr and answer.stdout == ""


def test_a_reader_that_stops_early_sees_no_traceback():
    """As in `backprop claims | head -1`."""
    command = [sys.executable, "-c", "from backprop.cli import main; main(['claims'])"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


# Help


@pytest.mark.parametrize("words", [(), *all_commands(main)], ids=" ".join)
def test_every_command_says_what_it_does_and_the_main_ones_show_examples(words):
    assert call(*words, "--help").exit_code == 0
    if words and words[0] not in ("list", "data"):
        assert any(" ".join(("backprop", *words)) in line for line in example_lines(words))


def test_examples_name_what_exists():
    """Each word of an example that stands where a name belongs is one."""
    seen = set()
    for words in [(), *all_commands(main)]:
        for line in example_lines(words):
            example = line.split("$(")[-1].split()
            assert example[0] == "backprop", line
            command, rest = main.commands[example[1]], example[2:]
            with command.make_context(example[1], cut(rest)) as ctx:
                seen.add(example[1])
                if "experiment" in ctx.params:
                    presets = experiments.get(ctx.params["experiment"]).PRESETS
                    assert ctx.params["preset"] in (None, *presets), line
    assert {"run", "sweep", "claims", "cite", "classify", "completion"} <= seen


def cut(words):
    """The words of a command without what the shell takes for itself."""
    for sign in (">", ">>", "|", "#"):
        words = words[: words.index(sign)] if sign in words else words
    return [word.rstrip(')"') for word in words]


# Completion


def completed(line, **environment):
    """What a shell is offered at the end of a line."""
    words = line.split(" ")
    answer = call(
        _BACKPROP_COMPLETE="bash_complete",
        COMP_WORDS=line,
        COMP_CWORD=str(len(words) - 1),
        **environment,
    )
    return [offered.partition(",")[2] for offered in answer.output.split()]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("backprop comp", ["completion"]),
        ("backprop run symm", ["symmetry", "symmetry_hidden", "symmetry_map"]),
        ("backprop sweep symmetry --preset targets-z", ["targets-zero-one"]),
        (
            "backprop sweep --preset targets-zero-one symm",
            ["symmetry", "symmetry_hidden", "symmetry_map"],
        ),
        ("backprop sweep no-such --preset ", []),
        ("backprop claims zip-test-err", ["zip-test-error", "zip-test-error-large-step"]),
        ("backprop cite zip-test-err", ["zip-test-error", "zip-test-error-large-step"]),
        ("backprop completion z", ["zsh"]),
    ],
)
def test_words_are_completed(line, offered):
    assert completed(line) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_each_shell_asks_this_command(shell):
    answer = call("completion", shell)
    assert answer.exit_code == 0
    assert f"_BACKPROP_COMPLETE={shell}_complete" in answer.stdout


@pytest.mark.skipif(not os.path.exists("/bin/bash"), reason="bash is not installed in /bin")
def test_bash_completes_with_the_script(tmp_path):
    """The whole way: bash reads the script, and asks the installed command."""
    lines = [
        'eval "$(backprop completion bash)"',
        "COMP_WORDS=(backprop run symmetry_h); COMP_CWORD=2",
        "_backprop_completion backprop symmetry_h run; echo ${COMPREPLY[@]}",
    ]
    path = f"{os.path.dirname(sys.executable)}:/usr/bin:/bin"
    done = subprocess.run(
        ["/bin/bash", "--norc", "-c", "\n".join(lines)],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["symmetry_hidden"]


def test_the_module_and_the_help_name_the_same_commands():
    named = cli.__doc__.partition(": ")[2].rstrip(".").split(", ")
    assert set(named) == main.commands.keys()
