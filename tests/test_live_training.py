"""The live parts that train: their data, and in Chromium the same numbers as the package's."""

import json
import re
import shutil
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest
from live_data import SCRIPTS

from backprop import Dense, Momentum, Network, SteepestDescent, live, live_training, results
from backprop import symmetry_weights as weights
from backprop.errors import ResultsError
from backprop.experiments import symmetry
from backprop.initialisers import uniform
from backprop.losses import HALF_SUMMED_SQUARES
from backprop.training import train_batch
from browser import ROOT, watch

PAGES = {
    "symmetry": ROOT / "book/reproductions/symmetry.ipynb",
    "step-through": ROOT / "book/derivation/how-it-works.ipynb",
}


def cell(page, ident):
    """Source of one cell of a notebook."""
    cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
    return next("".join(each["source"]) for each in cells if each["id"] == ident)


# What is exported.


def test_a_script_carries_the_same_initial_weights_and_records_to_the_last_digit():
    text = live.script("symmetry")
    data = json.loads(text.partition('["symmetry"] = ')[2].rstrip(";\n"))
    seeds = list(live_training.SEEDS)
    starts = weights.NETWORK.init_replicas(uniform(0.3), seeds=seeds)
    np.testing.assert_array_equal(np.array(data["starts"]), starts)
    assert [run["high"] for run in data["recorded"]] == [0.9, 1.0]
    for preset, run in zip(live_training.READINGS, data["recorded"], strict=True):
        record = results.load(results.default_folder(), "symmetry", preset)
        for name in symmetry.LIMITS:
            assert run["reached"][name] == [record.runs[s][f"sweeps_to_{name}"] for s in seeds]
    learned = [run["reached"]["margin"] for run in data["recorded"]]
    assert all(None in sweeps for sweeps in learned)  # both outcomes are there
    assert all(any(sweeps) for sweeps in learned)


def test_the_page_names_the_seeds_that_it_carries():
    text = cell(PAGES["symmetry"], "symmetry-09-live")
    assert f"Seeds {live_training.SEEDS[0]} to {live_training.SEEDS[-1]} begin" in text


def test_runs_that_are_not_on_record_are_named():
    with pytest.raises(ResultsError, match=r"no runs of the seeds \[1000\]"):
        live_training.recorded("targets-point-one", [0, 1000])


def test_the_hand_worked_network_is_that_of_its_page():
    page = {"Network": Network, "Dense": Dense, "np": np, "SteepestDescent": SteepestDescent}
    for ident in ("how-it-works-05", "how-it-works-30"):
        exec(cell(PAGES["step-through"], ident).partition("w_new")[0], page)
    given = live_training.step_through()
    np.testing.assert_array_equal(given["w"], page["w"])
    np.testing.assert_array_equal([given["x"]], page["x"])
    assert given["d"] == page["d"].item()
    assert given["lr"] == page["optimiser"].lr


# In the browser.

# The part, as it stands on its page, with room below it to scroll away.
SHELL = """<!doctype html>
<html lang="en" data-theme="light"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{name}</title>
{links}
</head><body style="margin: 8px; font-family: sans-serif">
{part}
<div style="height: 3000px"></div></body></html>"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Folder with a page for each part, its scripts and its data."""
    folder = tmp_path_factory.mktemp("live")
    for file in (ROOT / "book/_static/live").iterdir():
        shutil.copy(file, folder)
    for name, notebook in PAGES.items():
        (folder / f"{name}-data.js").write_text(live.script(name), encoding="ascii")
        ident = {"symmetry": "symmetry-09-live", "step-through": "how-it-works-37-live"}[name]
        part = cell(notebook, ident).partition("<div")
        links = [
            f'<link rel="stylesheet" href="{style}">' for style in ("live.css", "live-training.css")
        ] + [f'<script defer src="{script}"></script>' for script in SCRIPTS[name]]
        text = SHELL.format(name=name, links="\n".join(links), part="".join(part[1:]))
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def tab(chromium):
    """One tab of the browser for all tests: opening one takes longer than using it."""
    context = chromium.new_context()
    yield watch(context.new_page(), "file:")
    context.close()


@contextmanager
def opened(tab, pages, name):
    """A page, opened from disk; at the end there must be no error and no outside request."""
    tab.page.set_viewport_size({"width": 1280, "height": 800})
    tab.page.emulate_media(media="screen", reduced_motion="no-preference")
    tab.page.goto((pages / f"{name}.html").as_uri())
    yield tab.page
    found = [*tab.foreign, *tab.errors, *tab.failed]
    for problems in (tab.foreign, tab.errors, tab.failed):
        problems.clear()
    assert found == []


@pytest.fixture
def symmetry_page(tab, pages):
    with opened(tab, pages, "symmetry") as page:
        yield page


@pytest.fixture
def steps_page(tab, pages):
    with opened(tab, pages, "step-through") as page:
        yield page


@pytest.fixture(params=PAGES)
def either_page(request, tab, pages):
    with opened(tab, pages, request.param) as page:
        yield page


@pytest.mark.parametrize("name", PAGES)
def test_without_javascript_the_page_says_where_else_to_look(chromium, pages, name):
    context = chromium.new_context(java_script_enabled=False)
    with opened(watch(context.new_page(), "file:"), pages, name) as page:
        assert page.locator(".live-still").is_visible()
        assert page.locator("button").count() == 0
        for link in page.locator(".live-still a").all():
            label = link.get_attribute("href").removeprefix("#")
            assert f'"name": "{label}"' in PAGES[name].read_text(encoding="utf-8")
    context.close()


def test_on_paper_the_still_text_stands_again(either_page):
    page = either_page
    assert not page.locator(".live-still").is_visible()
    assert page.locator("button").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator(".live-still").is_visible()
    assert not page.locator("button").first.is_visible()


def test_nothing_is_wider_than_the_screen_and_everything_can_be_touched(either_page):
    page = either_page
    for width in (320, 360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0
        controls = page.locator("button, input, select").all()
        for box in [control.bounding_box() for control in controls]:
            assert min(box["width"], box["height"]) >= 40


def test_every_control_is_reached_by_tab_shows_its_focus_and_has_a_name(either_page):
    page = either_page
    reached = 0
    while True:
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => {
                const at = document.activeElement;
                const look = getComputedStyle(at);
                const label = at.getAttribute("aria-label") || at.innerText ||
                    (at.labels && at.labels[0] && at.labels[0].innerText) || "";
                return at.matches(".live *") &&
                    {label, outline: look.outlineStyle, wide: parseFloat(look.outlineWidth)};
            }"""
        )
        if not found:
            break
        reached += 1
        assert found["label"], f"control {reached} has no name"
        assert found["outline"] == "solid", found
        assert found["wide"] >= 2
    focusable = "button, input, select, [tabindex='0']"
    assert reached == page.locator(f".live :is({focusable})").count() > 5


# Watch symmetry being learned: the numbers.

TRAIN = """({seed, settings, stops}) => {
    const {begin, sweep, initial} = Backprop.symmetry;
    const net = begin({...settings, w: initial(seed)});
    return stops.map((stop) => {
        while (net.sweeps < stop) sweep(net);
        const {loss, largest, right} = net.now;
        return {w: [...net.w], loss, largest, right};
    });
}"""
STOPS = (0, 1, 10, 500)


def drawn_in_the_page(seed):
    """Initial weights by the generator that symmetry-network.js documents."""
    state, numbers = 1 + seed % (2**31 - 2), []
    for _ in range(10 + 17):
        state = 16807 * state % (2**31 - 1)
        numbers.append(0.3 * (2 * state / (2**31 - 1) - 1))
    return np.array(numbers[10:])


def start(seed):
    if seed in live_training.SEEDS:
        return weights.NETWORK.init_replicas(uniform(0.3), seeds=[seed])[0]
    return drawn_in_the_page(seed)


@pytest.mark.parametrize("seed", [0, 1, 49, 50, 123_456_789_012])
@pytest.mark.parametrize(
    "settings",
    [
        {"lr": 0.1, "momentum": 0.9, "low": 0.1, "high": 0.9},
        {"lr": 0.1, "momentum": 0.9, "low": 0.0, "high": 1.0},
        {"lr": 0.5, "momentum": 0.0, "low": 0.1, "high": 0.9},
        {"lr": 0.02, "momentum": 0.99, "low": 0.0, "high": 1.0},
    ],
    ids=["paper", "zero-one", "no-momentum", "much-momentum"],
)
def test_losses_and_weights_are_those_of_the_package(symmetry_page, seed, settings):
    x, answers, d = symmetry.cases(symmetry.Config(low=settings["low"], high=settings["high"]))
    optimiser = Momentum(settings["lr"], settings["momentum"])
    trained = train_batch(
        weights.NETWORK, start(seed)[None], x, d, optimiser=optimiser, sweeps=500, snapshots=STOPS
    )
    found = symmetry_page.evaluate(
        TRAIN, {"seed": seed, "settings": settings, "stops": list(STOPS)}
    )
    for stop, there in zip(STOPS, found, strict=True):
        w = trained.snapshots[stop][0]
        y, _ = weights.NETWORK.forward(w, x)
        np.testing.assert_allclose(there["w"], w, rtol=0, atol=1e-6)
        assert there["loss"] == pytest.approx(HALF_SUMMED_SQUARES.value(y, d), abs=1e-6)
        assert there["largest"] == pytest.approx(np.abs(y - answers).max(), abs=1e-6)
        assert there["right"] == weights.correct(w)


def test_seeds_of_the_page_give_numbers_all_over_the_range(symmetry_page):
    drawn = np.array(
        symmetry_page.evaluate(
            "[50, 51, 52, 53, 1e9].map((s) => [...Backprop.symmetry.initial(s)])"
        )
    )
    assert np.abs(drawn).max() < 0.3
    assert len(np.unique(drawn)) == drawn.size
    assert drawn.min() < -0.2 < 0.2 < drawn.max()
    assert np.abs(drawn[:, 0]).max() > 0.1  # neighbouring seeds do not begin alike


def test_the_pattern_is_measured_as_the_package_measures_it(symmetry_page):
    rng = np.random.default_rng(0)
    kinds = [weights.PUBLISHED, weights.PDP]
    kinds += [rng.normal(size=17), np.concatenate([[14.0, 14], [-7, 7], [10.5, 10.5], np.ones(11)])]
    three = weights.PUBLISHED.copy()
    three[:12] = np.array([[4, -2, 3, -3, 2, -4], [-4, 2, -3, 3, -2, 4]]).T.ravel()
    kinds.append(three)
    cases = [w * (1 + noise * rng.normal(size=17)) for w in kinds for noise in np.r_[:12] * 0.02]
    found = symmetry_page.evaluate(
        """(cases) => cases.map((w) => {
            const {mirrorShape, antisymmetric, hasRatios} = Backprop.symmetry;
            const shape = mirrorShape(w);
            return {...shape, mirror: antisymmetric(shape),
                one: hasRatios(shape, [1, 2, 4]), two: hasRatios(shape, [2, 3, 4])};
        })""",
        [case.tolist() for case in cases],
    )
    verdicts = set()
    for w, there in zip(cases, found, strict=True):
        shape = weights.mirror_shape(w)
        assert there["antisymmetry"] == pytest.approx(shape.antisymmetry)
        np.testing.assert_allclose(there["ratios"], shape.ratios)
        assert there["opposite"] == shape.opposite
        ours = (shape.antisymmetric(), shape.one_two_four(), shape.has_ratios((2, 3, 4)))
        assert (there["mirror"], there["one"], there["two"]) == ours
        verdicts.add(ours)
    assert verdicts == {
        (False, False, False),
        (True, False, False),
        (True, True, False),
        (True, False, True),
    }


@pytest.mark.parametrize("reading", [0, 1], ids=live_training.READINGS)
def test_runs_in_the_page_take_as_many_sweeps_as_on_record(symmetry_page, reading):
    found = symmetry_page.evaluate(
        """({reading, seeds}) => {
            const {begin, sweep, initial} = Backprop.symmetry;
            const {recorded, limits} = Backprop.data.symmetry;
            return seeds.map((seed) => {
                const net = begin({...recorded[reading], w: initial(seed)});
                const done = () => Object.keys(limits).every((name) => name in net.reached);
                while (net.sweeps < 4000 && !done()) sweep(net);
                return net.reached;
            });
        }""",
        {"reading": reading, "seeds": list(range(12))},
    )
    reached = live_training.recorded(live_training.READINGS[reading], range(12))["reached"]
    for name, sweeps in reached.items():
        until = [n if n is not None and n <= 4000 else None for n in sweeps]
        assert [there.get(name) for there in found] == until
        assert None in until
        assert any(until)


# Watch symmetry being learned: the part itself.


def sweeps(page):
    return int(page.locator(".live-symmetry dd").first.inner_text().replace(",", ""))


def wait_for_sweeps(page):
    """Wait until a few sweeps are done."""
    page.wait_for_function("Number(document.querySelector('.live-symmetry dd').textContent) > 20")


def record_of(page):
    """The table of criteria: sweeps here and on record."""
    rows = page.locator(".live-symmetry tbody tr").all()
    return [tuple(cell.inner_text() for cell in row.locator("td").all()) for row in rows]


def status(page):
    return page.locator("[role=status]").inner_text()


def run_to_the_end(page):
    page.get_by_label("Speed").press("End")
    page.get_by_role("button", name="Start").press("Enter")
    page.wait_for_function(
        "document.querySelector('[role=status]').textContent.includes('Stopped')", timeout=60_000
    )


def test_with_the_keyboard_alone_a_network_learns_as_on_record(symmetry_page):
    page = symmetry_page
    assert "recorded run" in status(page)
    assert sweeps(page) == 0
    run_to_the_end(page)
    record = live_training.recorded("targets-point-one", [0])["reached"]
    want = [f"{record[name][0]:,}" for name in symmetry.LIMITS]
    assert record_of(page) == [(text, text) for text in want]
    assert sweeps(page) == record["published"][0]
    assert f"Learned after {want[1]} sweeps" in status(page)
    # The record says with which pattern the run of this seed ended.
    run = results.load(results.default_folder(), "symmetry", "targets-point-one").runs[0]
    there = page.locator(".live-symmetry-pattern").inner_text().startswith("1:2:4 is there.")
    assert there == run["one_two_four"]
    assert ("with 1:2:4" in status(page)) == run["one_two_four"]
    label = page.locator(".live-symmetry-figures svg").first.get_attribute("aria-label")
    numbers = [float(n.replace("−", "-")) for n in re.findall(r"(?<=[ :])−?\d+\.\d+", label)]
    w = np.array(run["w"])
    order = [*range(0, 12, 2), 12, *range(1, 12, 2), 13, 14, 15, 16]
    np.testing.assert_allclose(numbers, w[order], atol=0.006)


def test_another_run_gets_stuck_and_stops_where_the_records_end(symmetry_page):
    page = symmetry_page
    stuck = live_training.recorded("targets-point-one", live_training.SEEDS)["reached"]["side"]
    page.get_by_label("Seed").fill(str(stuck.index(None)))
    page.get_by_label("Seed").press("Enter")
    run_to_the_end(page)
    assert status(page).startswith("Not learned, without 1:2:4. Stopped after 20,000")
    assert record_of(page) == [("not yet", "not by 20,000")] * 3


def test_start_pause_one_sweep_and_reset(symmetry_page):
    page = symmetry_page
    page.get_by_role("button", name="One sweep").click()
    assert sweeps(page) == 1
    page.get_by_role("button", name="Start").click()
    wait_for_sweeps(page)
    page.get_by_role("button", name="Pause").click()
    paused = sweeps(page)
    page.wait_for_timeout(300)
    assert sweeps(page) == paused > 1
    assert status(page) == f"Paused after {paused} sweeps."
    page.get_by_role("button", name="Reset").click()
    assert sweeps(page) == 0
    assert record_of(page)[0][0] == "not yet"


def test_nothing_is_computed_out_of_view(symmetry_page):
    page = symmetry_page
    page.get_by_role("button", name="Start").click()
    wait_for_sweeps(page)
    page.evaluate("scrollTo(0, 3000)")
    page.wait_for_timeout(200)
    before = sweeps(page)
    page.wait_for_timeout(400)
    assert sweeps(page) == before
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(200)
    assert sweeps(page) > before
    page.get_by_role("button", name="Pause").click()


def test_settings_that_are_not_on_record_are_not_compared(symmetry_page):
    page = symmetry_page
    paper = str(live_training.recorded("targets-point-one", [0])["reached"]["side"][0])
    assert record_of(page)[0][1] == paper
    page.get_by_label("Learning rate").press("ArrowRight")
    assert page.locator("#live-symmetry-lr + output").inner_text() == "0.11"
    assert {there for _, there in record_of(page)} == {"no record"}
    page.get_by_label("Learning rate").press("ArrowLeft")
    assert record_of(page)[0][1] == paper
    # Changed on the way and changed back: no longer the recorded run.
    page.get_by_role("button", name="One sweep").click()
    page.get_by_label("Momentum").press("ArrowLeft")
    page.get_by_label("Momentum").press("ArrowRight")
    assert {there for _, there in record_of(page)} == {"no record"}
    page.get_by_role("button", name="Reset").click()
    assert record_of(page)[0][1] == paper
    page.get_by_label("Targets").select_option(label="0 and 1")
    other = live_training.recorded("targets-zero-one", [0])["reached"]["side"][0]
    assert record_of(page)[0][1] == f"{other:,}"
    page.get_by_label("Seed").fill("50")
    page.get_by_label("Seed").press("Enter")
    assert "drawn in the page" in status(page)
    assert {there for _, there in record_of(page)} == {"no record"}
    page.get_by_label("Seed").fill("-3.5")
    page.get_by_label("Seed").press("Enter")
    assert page.get_by_label("Seed").input_value() == "0"
    page.get_by_role("button", name="Next").click()
    assert page.get_by_label("Seed").input_value() == "1"


def test_signs_differ_in_form_and_areas_are_sizes(symmetry_page):
    page = symmetry_page
    page.get_by_role("button", name="One sweep").click()
    drawn = page.evaluate(
        """() => {
            const squares = document.querySelectorAll(".live-symmetry-plus, .live-symmetry-minus");
            return [...squares].map((r) => ({
                side: Number(r.getAttribute("width")) + Number(r.getAttribute("stroke-width")),
                hollow: getComputedStyle(r).fill === "none",
                edge: getComputedStyle(r).stroke !== "none" &&
                    Number(r.getAttribute("stroke-width")) > 0}));
        }"""
    )
    settings = {"lr": 0.1, "momentum": 0.9, "low": 0.1, "high": 0.9}
    asked = {"seed": 0, "settings": settings, "stops": [1]}
    w = np.array(page.evaluate(TRAIN, asked)[0]["w"])
    assert [each["hollow"] for each in drawn] == (w <= 0).tolist()
    assert [each["edge"] for each in drawn] == (w <= 0).tolist()
    areas = np.array([each["side"] for each in drawn]) ** 2
    np.testing.assert_allclose(areas / areas[0], np.abs(w / w[0]))


@pytest.mark.parametrize(("motion", "least", "most"), [("reduce", 1, 4), ("no-preference", 8, 999)])
def test_readers_who_want_less_motion_get_fewer_pictures(symmetry_page, motion, least, most):
    page = symmetry_page
    page.emulate_media(reduced_motion=motion)
    page.evaluate(
        """() => { window.pictures = 0;
            new MutationObserver(() => (window.pictures += 1)).observe(
                document.querySelector(".live-symmetry-curve"), {attributes: true}); }"""
    )
    page.get_by_role("button", name="Start").click()
    page.wait_for_timeout(1000)
    assert least <= page.evaluate("window.pictures") <= most


# Step through backpropagation.

NAMES = ["w31", "w41", "w32", "w42", "b3", "b4", "w53", "w54", "b5"]
STEP = """() => {
    const now = document.querySelectorAll("g.live-steps-now");
    const parts = document.querySelectorAll("[data-part].live-steps-now");
    return {
        places: [...now].map((g) => [g.dataset.name, g.textContent]),
        read: [...document.querySelectorAll("g.live-steps-read")].map((g) => g.dataset.name),
        parts: [...parts].map((part) => part.dataset.part),
        value: document.querySelector(".live-steps data").value,
        shown: document.querySelector(".live-steps data").textContent,
        formula: document.querySelector(".live-steps-formula").textContent,
        filled: document.querySelector(".live-steps-filled").textContent,
        spoken: document.querySelector("[role=status]").textContent,
        where: document.querySelector(".live-steps-where").textContent,
        stage: document.querySelector(".live-steps").dataset.stage,
    };
}"""


def short(value):
    """As the page's own drawings write a number."""
    text = f"{value + 0.0:.4f}".rstrip("0").rstrip(".")
    return text.replace("-", "−")


def by_the_package(w):
    """Every number of one round, and the parameters after it."""
    given = live_training.step_through()
    network = Network((Dense(2, 2), Dense(2, 1)))
    x, d = np.array([given["x"]]), np.array([[given["d"]]])
    y, caches = network.forward(w, x)
    dy = HALF_SUMMED_SQUARES.slope(y, d)
    gradient = network.backward(w, caches, dy)
    upper = Network(network.layers[1:])
    dy_hidden = upper.input_gradient(w[6:], caches[1:], dy)
    (to_hidden, hidden_b), (to_output, output_b) = network.unpack(w)
    hidden = caches[0][1]
    after, _ = SteepestDescent(given["lr"]).step(w, gradient, None)
    values = dict(zip(NAMES, w, strict=True))
    values |= {f"g{name}": value for name, value in zip(NAMES, gradient, strict=True)}
    values |= {f"new_{name}": value for name, value in zip(NAMES, after, strict=True)}
    values |= dict(zip(("x3", "x4"), (x @ to_hidden + hidden_b)[0], strict=True))
    values |= {"x5": (hidden @ to_output + output_b).item(), "y5": y.item()}
    values |= dict(zip(("y3", "y4"), hidden[0], strict=True))
    values |= {"gy3": dy_hidden[0, 0], "gy4": dy_hidden[0, 1], "gy5": dy.item()}
    values |= {f"delta{j}": values[f"gb{j}"] for j in (3, 4, 5)}
    values["E"] = float(HALF_SUMMED_SQUARES.value(y, d))
    return {name: float(value) for name, value in values.items()}, after


def worked_out(spoken):
    """What the arithmetic of a step comes to that is read out with its numbers."""
    sides = spoken.partition(": ")[2].rstrip(".").split(" = ")
    numbers = sides[2] if len(sides) == 4 else sides[-1]
    for sign, operator in {"×": "*", "−": "-", "½": "0.5", "²": "**2"}.items():
        numbers = numbers.replace(sign, operator)
    return eval(numbers, {"exp": np.exp, "__builtins__": {}})


def test_every_number_is_that_of_the_package_in_three_rounds(steps_page):
    page = steps_page
    page.locator(".live-steps").focus()
    w = np.array(live_training.step_through()["w"])
    for number in range(3):
        expected, w = by_the_package(w)
        computed = []
        step = page.evaluate(STEP)
        assert step["where"] == f"Round {number + 1}, step 1 of 32"
        assert step["value"] == ""
        assert step["places"] == []
        for _ in range(31):
            page.keyboard.press("ArrowRight")
            step = page.evaluate(STEP)
            [(name, text)] = step["places"]
            computed.append(name)
            assert float(step["value"]) == pytest.approx(expected[name], rel=1e-12, abs=1e-15)
            assert step["shown"] == short(expected[name])
            assert text.endswith(short(expected[name]))
            assert worked_out(step["spoken"].split(" In the")[0]) == pytest.approx(
                expected[name], abs=5e-4
            )
            # What the formula reads was computed before, or given; all of it is marked.
            given = {"y1", "y2", "d", *NAMES}
            assert set(step["read"]) <= {*given, *computed[:-1]}
            assert step["read"]
            unit = re.sub(r"\D", "", name)[:1]
            part = "loss" if name == "E" else f"unit{unit}"
            if "w" in name.removeprefix("new_"):
                part = name.removeprefix("new_").removeprefix("g")
            assert set(step["parts"]) == {part}
        assert sorted(computed) == sorted(set(expected) - set(NAMES))
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Home")


def test_formulas_are_shown_with_names_and_with_numbers(steps_page):
    page = steps_page
    page.get_by_role("button", name="Backward").press("Enter")
    step = page.evaluate(STEP)
    assert step["stage"] == "backward"
    assert step["formula"] == "∂E/∂y₅ = y₅ − d"
    assert step["filled"] == "= 0.5908 − 1 = −0.4092"
    page.keyboard.press("ArrowRight")
    step = page.evaluate(STEP)
    assert step["formula"] == "δ₅ = ∂E/∂y₅ × y₅ × (1 − y₅)"
    assert step["filled"] == "= (−0.4092) × 0.5908 × (1 − 0.5908) = −0.0989"
    assert step["spoken"] == (
        "Step 10 of 32, backward: δ5 = dE/dy5 × y5 × (1 − y5) "
        "= (−0.4092) × 0.5908 × (1 − 0.5908) = −0.0989."
    )
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    step = page.evaluate(STEP)
    assert (step["formula"], step["filled"]) == ("∂E/∂b₅ = δ₅", "= −0.0989")


def test_steps_by_buttons_and_by_keys_lead_to_the_same_places(steps_page):
    page = steps_page

    def place():
        return tuple(map(int, re.findall(r"\d+", page.evaluate(STEP)["where"])))[:2]

    page.locator(".live-steps").focus()
    for key, button, want in [
        ("ArrowRight", "Next", (1, 2)),
        ("ArrowLeft", "Previous", (1, 1)),
        ("ArrowLeft", "Previous", (1, 1)),  # there is nothing before the first
        ("End", "Last", (1, 32)),
        ("End", "Last", (1, 32)),
        ("ArrowRight", "Next round", (2, 1)),
        ("End", "Last", (2, 32)),
        ("Home", "First", (2, 1)),
        ("ArrowLeft", "Previous", (1, 32)),
        ("Home", "First", (1, 1)),
    ]:
        before = page.evaluate(STEP)["where"]
        page.get_by_role("button", name=button, exact=True).press("Space")
        assert place() == want
        assert page.evaluate("document.activeElement.tagName") == "BUTTON"  # the focus stays
        # The same by the key, from where the button began.
        number, k = map(int, re.findall(r"\d+", before)[:2])
        page.evaluate("scrollTo(0, 0)")
        while place() != (number, k):
            page.keyboard.press("ArrowRight" if place() < (number, k) else "ArrowLeft")
        page.keyboard.press(key)
        assert place() == want
        assert page.evaluate("scrollY") == 0  # the page does not move
    stages = ["Start", "Forward", "Loss", "Backward", "Update"]
    firsts = []
    for title in stages:
        page.get_by_role("button", name=title, exact=True).click()
        assert page.locator("[aria-current=step]").inner_text() == title
        firsts.append(place()[1])
    assert firsts == [1, 2, 8, 9, 24]
    assert all(early < late for early, late in pairwise(firsts))


def test_keys_with_a_modifier_are_left_to_the_browser(steps_page):
    page = steps_page
    page.locator(".live-steps").focus()
    page.keyboard.press("Shift+ArrowRight")
    assert page.evaluate(STEP)["where"] == "Round 1, step 1 of 32"
