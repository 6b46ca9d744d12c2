"""The two live parts that read: what the package exports, and that the page computes the same."""

import base64
import json
import math
import subprocess
import sys
from functools import cache
from io import BytesIO
from pathlib import Path

import nbformat
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgba
from PIL import Image

from backprop import live, plotting, reading, results
from backprop.activations import LECUN_TANH, RELU, TANH
from backprop.datasets import STROKES, draw, fit, read_picture
from backprop.datasets import family_trees as kin
from backprop.errors import InputError, PictureError, ResultsError, UnknownName
from backprop.experiments import family_trees, zip_codes
from backprop.layers import Dense, Local, Mask, Split
from backprop.network import Network
from browser import ROOT, show, watch

SCRIPTS = ROOT / "book" / "_static" / "live"
PARTS = ["draw-digit", "family-tree"]
CLOSE = 1e-6
# All kinds of layers, with what can be odd about them: a stride that overshoots, a table, no bias.
SMALL = Network(
    (
        Local((5, 7, 2), maps=3, size=3, stride=2, border=-0.7, activation=TANH),
        Local((3, 4, 3), maps=2, size=5, stride=3, table=((2, 0), (1,)), activation=LECUN_TANH),
        Split((Dense(1, 2), Dense(3, 4, TANH, bias=False))),
        Dense(6, 3),
    )
)

family_tree = cache(live.family_tree)  # it trains


def decoded(weights):
    """The numbers of an exported array."""
    return np.frombuffer(
        base64.b64decode(weights["base64"]), np.dtype(weights["type"]).newbyteorder("<")
    )


def brute_force(described, x):
    """A forward pass from the description alone, one number after the other."""
    w = iter(decoded(described["weights"]).tolist())

    def units(layer, net):
        o, a, s = (layer["activation"][name] for name in ("offset", "amplitude", "steepness"))
        return [o + a * math.tanh(s * total) for total in net]

    def dense(layer, x):
        rows = [[next(w) for _ in range(layer["n_out"])] for _ in range(layer["n_in"])]
        b = [next(w) if layer["bias"] else 0.0 for _ in range(layer["n_out"])]
        columns = zip(*rows, strict=True)
        return units(
            layer,
            [
                sum(map(math.prod, zip(x, column, strict=True))) + b[k]
                for k, column in enumerate(columns)
            ],
        )

    def local(layer, x):
        (rows, columns, below), (out_rows, out_columns, maps) = (
            layer["in_shape"],
            layer["out_shape"],
        )
        size, stride = layer["size"], layer["stride"]
        table = layer["table"] or [range(below)] * maps
        kernel = {
            (r, c, source, map_): next(w)
            for r in range(size)
            for c in range(size)
            for source in range(below)
            for map_ in range(maps)
            if source in table[map_]
        }

        def pixel(r, c, source):
            if 0 <= r < rows and 0 <= c < columns:
                return x[(r * columns + c) * below + source]
            return layer["border"]

        net = [
            sum(
                weight * pixel(stride * i + r - size // 2, stride * j + c - size // 2, source)
                for (r, c, source, own), weight in kernel.items()
                if own == map_
            )
            for i in range(out_rows)
            for j in range(out_columns)
            for map_ in range(maps)
        ]
        return units(layer, [total + next(w) for total in net])

    def of(layer, x):
        if layer["kind"] == "split":
            parts = []
            for branch in layer["branches"]:
                parts += of(branch, [x.pop(0) for _ in range(branch["n_in"])])
            return parts
        return {"dense": dense, "local": local}[layer["kind"]](layer, x)

    x = x.tolist()
    for layer in described["layers"]:
        x = of(layer, x)
    assert next(w, None) is None, "weights are left over"
    return np.array(x)


# What the package exports.


def test_a_description_is_all_that_a_forward_pass_needs():
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=SMALL.n_params), rng.normal(size=(3, SMALL.n_in))
    described = json.loads(json.dumps(live.network(SMALL, w)))
    for row, y in zip(x, SMALL.predict(w, x), strict=True):
        np.testing.assert_allclose(brute_force(described, row), y, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_digit_of_a_weight_is_lost(dtype):
    numbers = np.random.default_rng(1).normal(size=100).astype(dtype)
    again = decoded(live.encoded(numbers))
    assert again.dtype == dtype
    np.testing.assert_array_equal(again, numbers)


def test_what_the_pages_cannot_compute_is_refused():
    with pytest.raises(InputError, match="Mask"):
        live.described(Mask(np.ones((1, 4))))
    with pytest.raises(InputError, match="'relu' was given; expected a sigmoid"):
        live.described(Split((Dense(2, 2, RELU),)))
    with pytest.raises(InputError, match="Take one replica"):
        live.network(SMALL, np.zeros((2, SMALL.n_params)))
    with pytest.raises(UnknownName, match="draw-digit"):
        live.script("draw-digits")
    with pytest.raises(ResultsError, match="no run with seed 99"):
        live.draw_digit(99)


def test_the_outputs_of_every_layer_lead_to_those_of_the_network():
    rng = np.random.default_rng(2)
    w, x = rng.normal(size=SMALL.n_params), rng.normal(size=(3, SMALL.n_in))
    layers = live.activities(SMALL, w, x)
    assert [layer.shape for layer in layers] == [(3, each.n_out) for each in SMALL.layers]
    np.testing.assert_array_equal(layers[-1], SMALL.predict(w, x))


def test_the_digit_reader_is_the_one_of_the_command():
    exported = live.draw_digit()
    reader = reading.recorded_reader()
    np.testing.assert_array_equal(decoded(exported["network"]["weights"]), reader.w)
    assert exported["threshold"] == reader.threshold
    meant = {each["name"]: each["digit"] for each in exported["drawings"]}
    assert meant.keys() == STROKES.keys()
    assert {meant[name] for name in "0123456789"} == set(range(10))
    assert (meant["1 with a flag"], meant["closed 4"], meant["S"]) == (1, 4, None)


def test_the_family_network_is_the_recorded_one():
    """Weights are not on record, but what they lead to is."""
    exported = family_tree()
    run = results.load(results.default_folder(), "family_trees", "minimal").runs[exported["seed"]]
    y = family_trees.network().predict(decoded(exported["network"]["weights"]), family_trees.X)
    right = family_trees.right(y)["half"]
    out = [kin.case(kin.PEOPLE[p], kin.RELATIONS[r]) for p, r in exported["held_out"]]
    assert out == family_trees.held_out(4, seed=exported["seed"]).tolist()
    assert [k for k in out if right[k]] == run["held_out_right"]
    assert np.delete(right, out).sum() == run["train"]
    assert run["learned"]


def test_the_answers_are_those_of_the_trees():
    answers = np.zeros((24, 12, 24))
    for p, by_relation in enumerate(family_tree()["answers"]):
        for r, people in enumerate(by_relation):
            answers[p, r, people] = 1
    for x, expected in zip(family_trees.X, family_trees.ANSWERS, strict=True):
        np.testing.assert_array_equal(answers[x[:24].argmax(), x[24:].argmax()], expected)
    assert answers.sum() == family_trees.ANSWERS.sum()


@pytest.mark.parametrize("name", PARTS)
def test_the_data_are_a_script_that_assigns_plain_values(name):
    text = live.script(name)
    assert text.isascii()
    start, _, rest = text.partition(f'Backprop.data["{name}"] = ')
    assert "Backprop.data = Backprop.data || {}" in start
    assert json.loads(rest.removesuffix(";\n")) == json.loads(json.dumps(live.COMPONENTS[name]()))


@pytest.mark.parametrize("name", PARTS)
def test_each_part_has_one_place_in_the_book_with_a_still_figure(name):
    found = []
    for path in sorted((ROOT / "book").rglob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        found += [
            (cells, k) for k, cell in enumerate(cells) if f'data-live="{name}"' in cell.source
        ]
    [(cells, k)] = found
    assert '<div class="live-still">' in cells[k].source
    assert cells[k + 1].metadata["mystnb"]["image"]["alt"]
    assert any("image/png" in output.get("data", {}) for output in cells[k + 1].outputs)
    assert cells[k + 2].source.startswith("</div>\n</div>\n")


def by_title(figure):
    """The panels of a figure by their titles, wherever the style puts these."""
    return {ax.get_title(loc="left") or ax.get_title(): ax for ax in figure.axes}


def test_the_still_figures_show_the_same_numbers(tmp_path):
    x = read_picture(draw(tmp_path / "a.png", STROKES["7"], pen=live.PEN))
    w = reading.recorded_reader().w
    h1, h2, _, y = (layer[0] for layer in live.activities(zip_codes.network(), w, x[np.newaxis]))
    axes = by_title(plotting.reading_in_layers(x, h1, h2, y))
    bars = [bar.get_x() + bar.get_width() for bar in axes["outputs"].patches]
    np.testing.assert_allclose(bars, y, atol=1e-6)
    sheet = axes["H1: 12 maps, 8 × 8"].images[0].get_array()
    np.testing.assert_array_equal(sheet[9:17, 9:17], h1.reshape(8, 8, 12)[:, :, 7])
    y = np.linspace(0, 1, 24)
    axes = by_title(plotting.question_in_layers({"units": y[:6]}, y, ["Andrew", "Sophia"]))
    assert [text.get_text() for text in axes["units"].texts][:2] == ["0.0", "0.0"]
    colours = [
        bar.get_facecolor() for nation in ("English", "Italian") for bar in axes[nation].patches
    ]
    assert [k for k, colour in enumerate(colours) if colour == to_rgba(plotting.ORANGE)] == [1, 23]
    plt.close("all")


# In a browser.

PAGE = """# {name}

<div class="live" data-live="{name}">
<div class="live-still">

A still figure.

</div>
</div>
"""
CONF = """
extensions = ["myst_parser", "live_data"]
html_static_path = [{static!r}]
html_theme = "basic"
html_theme_options = {{"nosidebar": True}}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of pages with one live part each, and one with none, built as the book is."""
    source = tmp_path_factory.mktemp("live")
    out = source / "html"
    (source / "conf.py").write_text(CONF.format(static=str(SCRIPTS.parent)))
    for name in PARTS:
        (source / f"{name}.md").write_text(PAGE.format(name=name))
    names = "\n".join(PARTS)
    (source / "index.md").write_text(f"# Live\n\n```{{toctree}}\n{names}\n```\n")
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'book' / '_ext')!r})\n"
        "from sphinx.cmd.build import main\n"
        f"sys.exit(main(['-q', '-W', '-b', 'html', {str(source)!r}, {str(out)!r}]))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    return out


def test_a_page_loads_what_its_live_part_needs_and_other_pages_nothing(site):
    assert "/live/" not in (site / "index.html").read_text()
    text = (site / "family-tree.html").read_text()
    order = [
        text.index(f"_static/live/{name}")
        for name in ("live.css", "network.js", "family-tree-data.js", "family-tree.js")
    ]
    assert order[1:] == sorted(order[1:])
    assert "live/draw-digit" not in text


@pytest.fixture
def page(chromium):
    """A tab of a phone's width that knows touch."""
    context = chromium.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def opened(site, page, request):
    """A page with a live part, opened from the disk; in the end nothing must have gone wrong."""
    shown = watch(page, "file://")
    page.goto((site / f"{request.param}.html").as_uri())
    yield page
    assert (shown.foreign, shown.failed, shown.errors) == ([], [], [])


def tab_to(page, place):
    """Go by the keyboard to a control."""
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("place => document.activeElement.matches(place)", place):
            return
    pytest.fail(f"the keyboard does not reach {place}")


digit_page = pytest.mark.parametrize("opened", ["draw-digit"], indirect=True)
family_page = pytest.mark.parametrize("opened", ["family-tree"], indirect=True)
any_page = pytest.mark.parametrize("opened", PARTS, indirect=True)


def forward(page, described, x):
    """Outputs of all layers, computed in the page."""
    code = """([described, x]) => {
        const network = Backprop.network(described);
        return x.map(row => network.forward(Float64Array.from(row)).map(layer => [...layer]));
    }"""
    return page.evaluate(code, [described, x.tolist()])


def assert_same_layers(page, net, described, w, x):
    expected = live.activities(net, w.astype(np.float64), x)
    for k, layers in enumerate(forward(page, described, x)):
        assert len(layers) == len(expected)
        for found, layer in zip(layers, expected, strict=True):
            np.testing.assert_allclose(found, layer[k], rtol=0, atol=CLOSE)


@digit_page
def test_every_kind_of_layer_computes_what_the_package_does(opened):
    rng = np.random.default_rng(3)
    w, x = rng.normal(size=SMALL.n_params), rng.normal(size=(20, SMALL.n_in))
    assert_same_layers(opened, SMALL, live.network(SMALL, w), w, x)


@digit_page
def test_every_layer_of_the_digit_reader_is_that_of_the_package(opened, tmp_path):
    x = [np.random.default_rng(4).uniform(-1, 1, (30, 256))]
    for figure in STROKES.values():
        x.append(read_picture(draw(tmp_path / "a.png", figure, pen=live.PEN))[np.newaxis])
    data = opened.evaluate("Backprop.data['draw-digit'].network")
    w = reading.recorded_reader().w
    assert_same_layers(opened, zip_codes.network(), data, w, np.concatenate(x).astype(np.float64))


@digit_page
def test_inputs_and_weights_of_a_wrong_number_are_an_error(opened):
    described = live.network(SMALL, np.zeros(SMALL.n_params))
    code = """([described, count]) => {
        try { Backprop.network(described).forward(new Float64Array(count)); return ""; }
        catch (error) { return error.message; }
    }"""
    assert "expected 70" in opened.evaluate(code, [described, 69])
    described["layers"].pop()
    assert "weights were given" in opened.evaluate(code, [described, 70])


# The preparation of a drawing.


def scribble(rng, side):
    """Some blots and a line on paper, of many sizes: what is refused is among them."""
    ink = np.zeros((side, side))
    corner, size = rng.integers(0, side, 2), rng.integers(3, side, 2)
    box = tuple(slice(c, c + s) for c, s in zip(corner, size, strict=True))
    ink[box] = rng.uniform(0, 1, ink[box].shape) * (rng.uniform(size=ink[box].shape) < 0.3)
    if rng.uniform() < 0.4:
        ink[rng.integers(side), rng.integers(side)] = 1
    ink[[0, -1]] = ink[:, [0, -1]] = 0  # the package finds out from the border what is paper
    return np.round(255 * ink) / 255


@digit_page
def test_a_drawing_is_prepared_as_the_package_does_it(opened):
    rng = np.random.default_rng(5)
    drawings = [scribble(rng, int(rng.integers(17, 50))) for _ in range(100)] + [np.zeros((40, 40))]
    code = """drawings => drawings.map(({ink, side}) => {
        const {x, problem} = Backprop.fit(ink, side, Backprop.data["draw-digit"].rules);
        return problem || [...x];
    })"""
    given = [{"ink": ink.ravel().tolist(), "side": len(ink)} for ink in drawings]
    words = {
        "empty:": "nothing",
        "pixels; expected": "too small",
        "rows": "empty rows",
        "columns": "empty columns",
    }
    seen = {}
    for ink, found in zip(drawings, opened.evaluate(code, given), strict=True):
        try:
            np.testing.assert_allclose(found, fit(ink).ravel(), rtol=0, atol=CLOSE)
            seen["read"] = seen.get("read", 0) + 1
        except PictureError as error:
            word = next(words[word] for word in words if word in str(error))
            assert word in found
            seen[word] = seen.get(word, 0) + 1
    assert seen.keys() == {"read", *words.values()}
    assert seen["read"] > 20


# Draw a digit.


def pad_ink(page):
    """What is on the pad, from 0 to 1."""
    address = page.locator(".live-digit-pad").evaluate("canvas => canvas.toDataURL()")
    picture = Image.open(BytesIO(base64.b64decode(address.partition(",")[2])))
    return np.array(picture.getchannel("A")) / 255


def shown_outputs(page):
    """The ten outputs, all digits of them."""
    page.evaluate("new Promise(requestAnimationFrame)")
    page.evaluate("new Promise(requestAnimationFrame)")
    values = page.locator(".live-digit-outputs data").evaluate_all("all => all.map(d => d.value)")
    return np.array([float(value) if value else np.nan for value in values])


def check_reading(page):
    """What is shown is what the package makes of the pad; returns the answer's sentence."""
    shown = shown_outputs(page)
    x = fit(pad_ink(page)).ravel()
    reader = reading.recorded_reader()
    exact = zip_codes.network().predict(reader.w.astype(float), x[np.newaxis].astype(float))[0]
    np.testing.assert_allclose(shown, exact, rtol=0, atol=CLOSE)
    read = reading.classify(x, reader)
    np.testing.assert_allclose(shown, read.outputs, rtol=0, atol=1e-5)
    sentence = page.locator(".live-answer").inner_text()
    decision = "rejected as unsure" if read.rejected else "accepted"
    assert sentence.startswith(f"Answer: {read.digit}, {decision}.")
    reason = page.locator(".live-digit-reason").inner_text().replace("−", "-")
    assert f"between them is {read.margin:.2f}; below {read.threshold:.2f}" in reason
    assert page.locator(".live-digit-outputs tr.live-first th").inner_text() == str(read.digit)
    return sentence


def on_pad(page, x, y):
    """A place on the pad, in pixels of the window."""
    box = page.locator(".live-digit-pad").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


@digit_page
def test_a_mouse_draws_and_the_page_reads_at_once(opened):
    assert check_reading(opened) == "Answer: 7, accepted. It is meant as 7."
    opened.locator(".live-digit-pad").scroll_into_view_if_needed()
    opened.mouse.move(*on_pad(opened, 0.5, 0.1))
    opened.mouse.down()  # the drawing that was there to begin with goes
    opened.mouse.move(*on_pad(opened, 0.5, 0.9), steps=5)
    assert check_reading(opened) == "Answer: 1, accepted."
    opened.mouse.move(*on_pad(opened, 0.9, 0.9), steps=5)
    assert "1" not in check_reading(opened)[:10]
    opened.mouse.up()
    before = pad_ink(opened)
    opened.mouse.move(*on_pad(opened, 0.1, 0.1), steps=5)
    np.testing.assert_array_equal(pad_ink(opened), before)


@digit_page
def test_a_finger_draws_and_does_not_scroll(opened):
    opened.locator(".live-digit-pad").scroll_into_view_if_needed()
    session = opened.context.new_cdp_session(opened)
    before = opened.evaluate("scrollY")

    def touch(kind, *places):
        points = [dict(zip("xy", on_pad(opened, *place), strict=True)) for place in places]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (0.5, 0.9))
    for y in np.linspace(0.9, 0.1, 8):
        touch("touchMove", (0.5, float(y)))
    touch("touchEnd")
    assert check_reading(opened) == "Answer: 1, accepted."
    assert opened.evaluate("scrollY") == before


@digit_page
def test_the_keyboard_draws_and_goes_on_to_the_next_control(opened):
    keys = opened.keyboard
    tab_to(opened, ".live-digit-pad")
    before = opened.evaluate("scrollY")
    keys.press("ArrowUp")
    assert check_reading(opened).startswith("Answer: 7")  # moved, not drawn
    keys.press("Space")
    for _ in range(20):
        keys.press("ArrowDown")
    assert check_reading(opened) == "Answer: 1, accepted."
    state = opened.locator(".live-digit-draw [role=status]").inner_text()
    assert state == "Pen down, column 9 and row 14 of 16"
    keys.press("Enter")
    assert "Pen up" in opened.locator(".live-digit-draw [role=status]").inner_text()
    keys.down("ArrowLeft")
    keys.press("ArrowUp")  # two at once: slantwise
    keys.press("ArrowUp")
    keys.up("ArrowLeft")
    assert "column 7 and row 13" in opened.locator(".live-digit-draw [role=status]").inner_text()
    assert opened.evaluate("scrollY") == before
    keys.press("Tab")
    assert opened.evaluate("document.activeElement.textContent") == "Clear"
    keys.press("Enter")
    assert np.isnan(shown_outputs(opened)).all()
    assert opened.locator(".live-answer").inner_text() == "No answer. There is nothing on the pad."
    assert pad_ink(opened).max() == 0
    keys.press("Tab")
    assert opened.evaluate("document.activeElement.id") == "live-digit-drawings"


@digit_page
def test_our_own_drawings_are_read_and_the_page_says_which_ones_wrongly(opened, tmp_path):
    select = opened.locator("#live-digit-drawings")
    groups = {
        group: opened.locator(
            f'#live-digit-drawings optgroup[label="{group}"] option'
        ).all_inner_texts()
        for group in ("read rightly", "rejected or wrong", "letters")
    }
    assert sorted(name for names in groups.values() for name in names) == sorted(STROKES)
    assert all(groups.values())
    wrong = 0
    for group, names in groups.items():
        for name in names:
            select.select_option(name)
            sentence = check_reading(opened)
            drawn = fit(pad_ink(opened)).ravel()
            same = read_picture(draw(tmp_path / "a.png", STROKES[name], pen=live.PEN))
            assert np.abs(drawn - same).mean() < 0.05, name
            good = "accepted" in sentence and "wrong" not in sentence
            assert good == (group == "read rightly") or group == "letters"
            assert ("as the letter" in sentence) == (group == "letters")
            wrong += "the answer is wrong" in sentence
    assert wrong >= 1


@digit_page
def test_the_maps_light_up_where_the_units_are_active(opened):
    """Orange above zero, blue below, as opaque as the unit is active."""
    opened.locator("#live-digit-drawings").select_option("3")
    check_reading(opened)
    x = fit(pad_ink(opened)).reshape(1, 256).astype(float)
    layers = live.activities(zip_codes.network(), reading.recorded_reader().w.astype(float), x)
    code = """all => all.map(canvas => {
        const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return [...data];
    })"""
    pictures = opened.locator(".live-digit-maps canvas").evaluate_all(code)
    assert len(pictures) == 24
    for layer, own in ((layers[0], pictures[:12]), (layers[1], pictures[12:])):
        maps = layer[0].reshape(-1, 12).T
        for values, picture in zip(maps, own, strict=True):
            red, _, blue, opacity = np.array(picture).reshape(-1, 4).T
            np.testing.assert_allclose(opacity / 255, np.abs(values) / 1.7159, atol=0.003)
            clear = np.abs(values) > 0.05
            np.testing.assert_array_equal((red > blue)[clear], values[clear] > 0)


# Ask the family tree.


def values_of(page, place):
    """All digits of the numbers shown in a place."""
    found = page.locator(f"{place} data").evaluate_all("all => all.map(d => Number(d.value))")
    return np.array(found)


@family_page
def test_every_question_gets_the_outputs_and_activities_of_the_package(opened):
    w = decoded(family_tree()["network"]["weights"])
    layers = live.activities(family_trees.network(), w, family_trees.X)
    right = family_trees.right(layers[-1])["half"]
    hidden = np.concatenate(layers[:-1], axis=1)
    out = family_trees.held_out(4, seed=0)
    for k, (person, relation) in enumerate(kin.CASES):
        opened.locator("#live-family-person").select_option(person)
        opened.locator("#live-family-relation").select_option(relation)
        assert np.abs(values_of(opened, ".live-family-outputs") - layers[-1][k]).max() < CLOSE
        assert np.abs(values_of(opened, ".live-family-layers") - hidden[k]).max() < CLOSE
        marked = opened.locator(".live-family-outputs .live-first th").all_inner_texts()
        assert tuple(marked) == kin.relatives(person, relation)
        sentence = opened.locator(".live-answer").inner_text()
        assert sentence.startswith(f"{person}, {relation}: {' and '.join(marked)}.")
        assert ("is right." in sentence, "is wrong, it says" in sentence) == (
            right[k],
            not right[k],
        )
        note = opened.locator(".live-family > p").nth(1).inner_text()
        assert ("held out" in note) == (k in out)


@family_page
def test_a_question_without_an_answer_says_so(opened):
    opened.locator("#live-family-person").select_option("Christopher")
    opened.locator("#live-family-relation").select_option("father")
    assert "the tree shows none" in opened.locator(".live-answer").inner_text()
    assert opened.locator(".live-family-outputs .live-first").count() == 0


@family_page
def test_the_keyboard_asks(opened):
    tab_to(opened, "#live-family-person")
    assert (
        opened.locator(".live-answer").inner_text().startswith("Colin, aunt: Jennifer and Margaret")
    )
    opened.keyboard.press("ArrowUp")
    assert opened.locator(".live-answer").inner_text().startswith("Charles, aunt")
    opened.keyboard.press("Tab")
    opened.keyboard.type("wife")
    assert opened.locator(".live-answer").inner_text().startswith("Charles, wife: Jennifer.")
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.closest('.live') === null")


# Both.


@any_page
def test_controls_have_names_and_are_large_enough_and_nothing_is_cut_off(opened):
    assert opened.locator(".live-still").is_hidden()
    controls = opened.locator(".live :is(button, select, input, [tabindex])")
    assert controls.count() >= 2
    for k in range(controls.count()):
        box = controls.nth(k).bounding_box()
        assert min(box["width"], box["height"]) >= 24
        name = "e => e.ariaLabel || (e.labels[0] || e).textContent"
        assert controls.nth(k).evaluate(name)
    assert opened.locator(".live").evaluate(
        "e => e.scrollWidth <= e.clientWidth && e.clientWidth < 360"
    )
    assert opened.locator(".live-answer[role=status]").count() == 1


@any_page
def test_on_paper_there_is_the_still_figure(opened):
    opened.emulate_media(media="print")
    assert opened.locator(".live-still").is_visible()
    assert not opened.locator(".live-answer").is_visible()


@pytest.mark.parametrize("name", PARTS)
def test_without_javascript_the_still_figure_stands_there(site, chromium, name):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / f"{name}.html").as_uri())
    assert page.get_by_text("A still figure.").is_visible()
    context.close()


@pytest.mark.parametrize("name", PARTS)
def test_without_its_data_the_still_figure_stays(site, page, name):
    page.route("**/*-data.js*", lambda route: route.abort())
    page.goto((site / f"{name}.html").as_uri())
    assert page.get_by_text("A still figure.").is_visible()


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("book/reproductions/zip-codes-try.html", "Answer: 7, accepted. It is meant as 7."),
        ("book/reproductions/family-trees-encoding.html", "Colin, aunt: Jennifer and Margaret."),
    ],
)
def test_the_parts_are_live_in_the_book(page, book, path, sentence):
    shown = show(page, book, path)
    assert page.locator(".live-answer").inner_text().startswith(sentence)
    assert page.locator(".live-still img").count() == 1
    assert page.locator(".live-still").is_hidden()
    page.emulate_media(media="print")
    assert page.locator(".live-still img").is_visible()
    assert not page.locator(".live-answer").is_visible()
    assert (shown.foreign, shown.failed, shown.errors) == ([], [], [])
