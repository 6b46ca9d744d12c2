"""The command line: useful output, one clear sentence for every mistake."""

import contextlib
import fcntl
import json
import os
import re
import struct
import subprocess
import sys
import termios

import pytest
from click.testing import CliRunner

from backprop import results
from backprop.cli import main, parse_seeds
from backprop.errors import InputError


def call(*words, **environment):
    return CliRunner().invoke(main, words, env=environment)


def test_list_names_experiments_presets_and_recorded_seeds():
    output = call("list").output
    assert "zip_codes" in output
    assert "pseudo-newton" in output
    assert "seeds recorded" in output


def test_run_prints_what_was_measured_as_json():
    answer = call("run", "symmetry", "--preset", "fast", "--seed", "3")
    assert answer.exit_code == 0
    assert json.loads(answer.output)["solved"] in (True, False)


def test_sweep_records_and_goes_on(tmp_path):
    words = ["sweep", "symmetry", "--preset", "fast", "--folder", str(tmp_path), "--seeds"]
    assert call(*words, "0:3").exit_code == 0
    assert call(*words, "1,3,4").exit_code == 0
    assert sorted(results.load(tmp_path, "symmetry", "fast").runs) == [0, 1, 2, 3, 4]


def test_sweep_is_quiet_and_machine_readable_where_there_is_no_terminal(tmp_path):
    words = ["sweep", "symmetry", "--preset", "fast", "--folder", str(tmp_path), "--seeds"]
    answer = call(*words, "0:3")
    assert answer.stderr == ""
    block, end = map(json.loads, answer.stdout.splitlines())
    assert (block["event"], block["seeds"], block["done"]) == ("block", [0, 1, 2], 3)
    assert (end["event"], end["recorded"], end["failed"]) == ("finished", 3, {})
    (end,) = map(json.loads, call(*words, "1,2").stdout.splitlines())
    assert (end["event"], end["recorded"], end["wanted"]) == ("finished", 3, 2)


def test_sweep_shows_a_terminal_a_bar_with_rate_and_time_left(tmp_path):
    words = ["sweep", "symmetry", "--preset", "fast", "--folder", str(tmp_path), "--seeds", "0:3"]
    code = f"from backprop import cli; cli.main({words})"
    near, far = os.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("4H", 24, 90, 0, 0))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=far, stderr=far)
    os.close(far)
    shown = b""
    with contextlib.suppress(OSError):  # when the last process has closed the terminal
        while part := os.read(near, 1000):
            shown += part
    os.close(near)
    assert process.wait() == 0
    *bar, sentence = re.split("[\r\n]+", shown.decode().strip())
    assert sentence == "symmetry/fast: 3 seeds recorded"
    assert "0/3" in bar[0] and "[00:00<?, ?run/s]" in bar[0]
    assert re.search(r"3/3 \[\d\d:\d\d<00:00, .*run", bar[-1])


def test_sweep_says_by_its_status_whether_all_is_recorded(tmp_path, monkeypatch):
    from backprop.experiments import symmetry

    words = ["sweep", "symmetry", "--preset", "fast", "--folder", str(tmp_path), "--seeds", "0:3"]
    real = symmetry.runs

    def fail(error):
        def runs(config, seeds):
            if 1 in seeds:
                raise error
            return real(config, seeds)

        monkeypatch.setattr(symmetry, "runs", runs)
        return call(*words)

    answer = fail(ZeroDivisionError("no such thing"))
    assert answer.exit_code == 1
    first, note, *traceback = answer.stderr.splitlines()
    assert first.startswith("error: 1 of 3 seeds of symmetry/fast failed (seed 1: ZeroDivision")
    assert note == "Traceback of seed 1:" and traceback[-1] == "ZeroDivisionError: no such thing"
    assert json.loads(answer.stdout.splitlines()[-1])["recorded"] == 2
    answer = fail(KeyboardInterrupt)
    assert answer.exit_code == 130
    assert answer.stderr == "interrupted. Recorded runs stay; the same command goes on.\n"
    monkeypatch.undo()
    assert call(*words).exit_code == 0
    assert call(*words[:-1], "x").exit_code == 2
    statuses = call("sweep", "--help").output.partition("Exit status:\n")[2].splitlines()
    assert [line.split()[0] for line in statuses] == ["0", "1", "2", "130"]


def test_claims_shows_the_table_and_single_claims():
    table = call("claims").output.splitlines()
    assert table[0].split() == ["claim", "paper", "ours", "seeds", "verdict"]
    assert any(line.startswith("zip-test-error") and "5.0 %" in line for line in table)
    single = call("claims", "zip-test-error").output
    assert "prediction interval" in single
    assert "Section 5" in single


def test_reproduce_runs_every_record_again_and_compares(tmp_path, monkeypatch):
    """On a small folder of results, with the register reduced to what is in it."""
    old, new = tmp_path / "results", tmp_path / "new"
    call("sweep", "symmetry", "--preset", "fast", "--folder", str(old), "--seeds", "0:12")
    register = tmp_path / "claims.yml"
    register.write_text(
        """
schema: 1
defaults: {min_seeds: 10, level: 0.95, close: 0.25, share_reproduced: 0.9, share_partly: 0.5}
results: {symmetry/fast: {}}
claims:
  - {id: never, paper: rumelhart1986, place: Fig. 1, says: Nothing., source: seen,
     page: book/reproductions/symmetry, result: symmetry/fast, quantity: solved, rule: share}
"""
    )
    environment = {"BACKPROP_RESULTS": str(old), "BACKPROP_CLAIMS": str(register)}
    words = ["reproduce", "--folder", str(new), "--jobs", "1"]
    answer = call(*words, **environment)
    assert answer.exit_code == 0, answer.output
    assert "same verdict" in answer.output
    # If the book's own runs had said otherwise, that would be noticed.
    text = (old / "symmetry" / "fast.json").read_text()
    (old / "symmetry" / "fast.json").write_text(text.replace('"solved": false', '"solved": true'))
    answer = call(*words, **environment)
    assert answer.exit_code == 1
    assert "never: was reproduced, now not reproduced" in answer.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "symetry"], "Did you mean 'symmetry'"),
        (["run", "symmetry", "--preset", "slow"], "unknown preset 'slow'"),
        (["sweep", "symmetry", "--preset", "fast", "--seeds", "x"], "expected a range"),
        (["claims", "zip-test-eror"], "Did you mean 'zip-test-error'"),
        (["data", "verify", "no/such/folder"], "zip.train.gz"),
    ],
)
def test_mistakes_get_one_message_and_no_traceback(words, message):
    answer = call(*words)
    assert answer.exit_code == 2
    assert answer.output.startswith("error: ")
    assert message in answer.output
    assert "Traceback" not in answer.output


def test_a_damaged_record_is_an_error_message(tmp_path):
    call("sweep", "symmetry", "--preset", "fast", "--folder", str(tmp_path), "--seeds", "0:2")
    path = tmp_path / "symmetry" / "fast.json"
    path.write_text(path.read_text()[:-20])
    words = ["sweep", "symmetry", "--preset", "fast", "--folder", str(tmp_path), "--seeds", "0:3"]
    answer = call(*words)
    assert answer.exit_code == 2
    assert answer.output.startswith("error: ")
    assert len(path.read_text()) > 0


def test_an_unwritable_folder_is_noticed_before_anything_is_trained(tmp_path, monkeypatch):
    from backprop.experiments import symmetry

    def never(config, seeds):
        raise AssertionError("trained although nothing can be recorded")

    monkeypatch.setattr(symmetry, "runs", never)
    (tmp_path / "file").write_text("not a folder")
    folder = str(tmp_path / "file")
    answer = call("sweep", "symmetry", "--preset", "fast", "--folder", folder, "--seeds", "0:2")
    assert answer.exit_code == 2
    assert "cannot be written" in answer.output


def test_a_run_on_stand_in_digits_says_so(monkeypatch):
    from backprop.experiments import zip_codes

    monkeypatch.setattr(zip_codes, "run", lambda config, seed: {"test_error": 0.0})
    monkeypatch.setattr("backprop.datasets.digits.find_digits", lambda: None)
    answer = call("run", "zip_codes", BACKPROP_OFFLINE="1")
    assert "Not the zip-code digits" in answer.stderr
    assert json.loads(answer.stdout) == {"test_error": 0.0}


def test_help_shows_examples_line_by_line():
    assert "    backprop run symmetry --seed 7\n" in call("--help").output


def test_data_status_names_every_place(tmp_path):
    answer = call("data", "status", BACKPROP_DATA=str(tmp_path))
    assert answer.exit_code == 0
    assert str(tmp_path) in answer.output
    assert "cache" in answer.output


@pytest.mark.parametrize(
    ("text", "seeds"), [("0:3", [0, 1, 2]), ("7", [7]), ("1,5", [1, 5]), ("4:6", [4, 5])]
)
def test_seeds_are_read_as_ranges_and_lists(text, seeds):
    assert list(parse_seeds(text)) == seeds


@pytest.mark.parametrize("text", ["", "a", "3:1", "0:1:2", "-1", "1.5"])
def test_seeds_that_make_no_sense_are_refused(text):
    with pytest.raises(InputError, match="expected a range"):
        parse_seeds(text)
