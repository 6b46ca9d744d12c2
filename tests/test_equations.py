"""Pages, docstrings and the list of equations agree."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
import yaml

from backprop import equations
from backprop.errors import ClaimError, InputError, UnknownName
from backprop.layers import Dense
from backprop.listing import line, source

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("derivation", "pros", "cons")
LIST = equations.load()
# A displayed equation: dollars on lines of their own, and perhaps a label.
DISPLAYED = re.compile(r"^\$\$\s*$(.*?)^\$\$[ ]*(?:\(([\w-]+)\))?[ ]*$", re.MULTILINE | re.DOTALL)


def text_of(path: Path) -> str:
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    notebook = nbformat.read(path, as_version=4)
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def labels_of(text: str) -> list[str]:
    """Labels of the displayed equations; an empty one where there is none."""
    return [label for _, label in DISPLAYED.findall(text)]


PAGES = sorted(
    path for part in PARTS for path in (ROOT / "book" / part).iterdir() if path.is_file()
)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_displayed_equation_of_a_page_is_in_the_list_and_nothing_else(path):
    text = text_of(path)
    labels = labels_of(text)
    page = path.relative_to(ROOT).with_suffix("").as_posix()
    assert "" not in labels, f"{page} has a displayed equation without a label"
    assert "\\begin{align" not in text, f"{page}: an environment by itself gets no label"
    assert sorted(labels) == sorted(e.label for e in LIST.values() if e.page == page)


def test_displayed_equations_are_found_with_and_without_labels():
    text = "so $x$\n\n$$\na\n$$ (eq-a)\n\n$$\nb\n$$\n\nand\n\n$$\nc\n$$(eq-c)\n"
    assert labels_of(text) == ["eq-a", "", "eq-c"]


@pytest.mark.parametrize("equation", LIST.values(), ids=lambda e: e.label)
def test_the_code_of_an_equation_exists_and_names_it(equation):
    for name in equation.code:
        named = equations.named_in(equations.documentation(name))
        assert (equation.paper or equation.label) in named, f"{name} does not name it"


@pytest.mark.parametrize("equation", LIST.values(), ids=lambda e: e.label)
def test_the_check_of_an_equation_exists(equation):
    file, _, function = equation.test.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    tests = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert function in tests
    assert function.startswith("test_")


def known() -> set[str]:
    return LIST.keys() | {e.paper for e in LIST.values() if e.paper}


def test_every_equation_that_the_code_names_is_on_a_page():
    for path in sorted((ROOT / "src").rglob("*.py")):
        unknown = equations.named_in(path.read_text(encoding="utf-8")) - known()
        assert not unknown, f"{path.name} names {sorted(unknown)}, which no page has"


def test_the_nine_equations_of_the_1986_paper_are_on_pages():
    papers = [e.paper for e in LIST.values() if "Rumelhart" in e.paper]
    assert sorted(papers) == [f"Eq. {n} of Rumelhart et al. 1986" for n in range(1, 10)]


def test_equations_named_in_a_text_are_found():
    text = """Do it (Eqs. 5, 6 and 7 of Rumelhart et al. 1986; eq-one, eq-two-b and eq-c of
    # the book). Eqs. 1 to 3 of LeCun et al. 1989. An eq-nine of ours is no reference."""
    assert equations.named_in(text) == {
        *(f"Eq. {n} of Rumelhart et al. 1986" for n in (5, 6, 7)),
        *(f"Eq. {n} of LeCun et al. 1989" for n in (1, 2, 3)),
        *("eq-one", "eq-two-b", "eq-c"),
    }


def test_names_are_found_and_unknown_ones_answered_with_the_nearest():
    assert equations.find("backprop.layers.dense.Dense.forward")[0] is Dense.forward
    assert "logistic" in equations.documentation("backprop.activations.LOGISTIC")
    with pytest.raises(UnknownName, match="Did you mean 'forward'"):
        equations.find("backprop.layers.dense.Dense.forwards")
    with pytest.raises(UnknownName, match="unknown module"):
        equations.find("backdrop.layers")


ENTRY = {"label": "eq-a", "page": "p", "says": "s", "code": ["backprop"], "check": "numeric"}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{**ENTRY, "test": "t", "check": "none"}], "check 'none'"),
        ([{**ENTRY, "test": "t", "code": []}], "0 names"),
        ([{**ENTRY, "test": "t"}] * 2, "two equations with one label"),
        ([ENTRY], "cannot be read"),
    ],
)
def test_a_bad_entry_is_refused(tmp_path, entries, message):
    path = tmp_path / "equations.yml"
    path.write_text(yaml.safe_dump({"equations": entries}))
    with pytest.raises(ClaimError, match=message):
        equations.load(path)


def test_a_missing_list_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("BACKPROP_EQUATIONS", str(tmp_path / "none.yml"))
    with pytest.raises(ClaimError, match=r"none\.yml"):
        equations.load()


def test_the_table_has_a_row_for_each_equation_with_links():
    lines = equations.table(LIST).splitlines()[2:]
    assert len(lines) == len(LIST)
    for row, equation in zip(lines, LIST.values(), strict=True):
        assert f"{{eq}}`{equation.label}`" in row
        assert all(f"{equations.short(name)} <{name}>`" in row for name in equation.code)
    assert equations.short("backprop.layers.dense.Dense.forward") == "Dense.forward"
    assert equations.short("backprop.paths.count") == "count"


def test_a_listing_is_the_code_without_its_docstring():
    text = source(Dense.forward)
    assert text.startswith("def forward(self")
    assert '"""' not in text
    assert line(Dense.forward, "@") == "net = x @ parameters[0]"
    with pytest.raises(InputError, match=r"0 lines of Dense\.forward hold 'nothing of the kind'"):
        line(Dense.forward, "nothing of the kind")
