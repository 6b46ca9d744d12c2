"""Verdicts are computed from the recorded runs, by rules that can say no."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy import stats

import readme
from backprop import claims, experiments, results
from backprop.errors import ClaimError, ResultsError, UnknownName

ROOT = Path(__file__).parents[1]
RULES = {
    "min_seeds": 10,
    "level": 0.95,
    "close": 0.25,
    "share_reproduced": 0.9,
    "share_partly": 0.5,
}


def claim(**changes):
    fields = {
        "id": "a-claim",
        "paper": "lecun1989",
        "place": "Section 5",
        "says": "Something.",
        "source": "seen",
        "page": "book/reproductions/zip-codes",
        "rule": "draw",
        "value": 5.0,
        "resolution": 0.1,
        "result": "symmetry/fast",
        "quantity": "loss",
    }
    return claims.Claim(**{**fields, **changes})


@pytest.fixture
def recorded(tmp_path):
    """Write made-up runs of one experiment, and judge claims about them."""

    def write(values, **more):
        runs = {
            seed: {"loss": value, **{key: column[seed] for key, column in more.items()}}
            for seed, value in enumerate(values)
        }
        record = results.Record(
            experiment="symmetry",
            preset="fast",
            config=asdict(experiments.get("symmetry").PRESETS["fast"]),
            runs=runs,
            data=None,
            versions={},
            wall_seconds=1.0,
        )
        results.save(record, tmp_path)
        register = claims.Register({}, RULES, {"symmetry/fast": {}})
        return lambda **changes: claims.judge(claim(**changes), register, tmp_path)

    return write


AROUND_FIVE = list(5 + 0.2 * np.linspace(-1.5, 1.5, 12))


def record_loss(folder, preset, losses):
    config = results.settings(experiments.get("symmetry").PRESETS[preset])
    runs = {seed: {"loss": loss} for seed, loss in losses.items()}
    results.save(results.Record("symmetry", preset, config, runs, None, {}, 1.0), folder)


@pytest.mark.parametrize(
    ("larger", "verdict"),
    [(10, claims.REPRODUCED), (6, claims.PARTLY), (2, claims.NOT_REPRODUCED)],
)
def test_more_compares_runs_of_the_same_seed(tmp_path, larger, verdict):
    record_loss(tmp_path, "fast", {seed: 2.0 if seed < larger else 0.5 for seed in range(10)})
    # Seed 99 has no partner, and does not count.
    record_loss(tmp_path, "targets-zero-one", {**dict.fromkeys(range(10), 1.0), 99: 0.0})
    register = claims.Register({}, RULES, {"symmetry/fast": {}, "symmetry/targets-zero-one": {}})
    asked = claim(rule="more", value=None, against="symmetry/targets-zero-one")
    answer = claims.judge(asked, register, tmp_path)
    assert (answer.verdict, answer.seeds) == (verdict, 10)
    assert f"{larger} of 10 pairs" in answer.reason


@pytest.mark.parametrize(
    ("rule", "values", "verdict"),
    [
        ("spread", [1.0] * 2 + [1.5] * 7 + [2.1] * 2, claims.REPRODUCED),
        ("spread", [1.0] * 2 + [1.5] * 9, claims.PARTLY),
        ("spread", [1.0] * 10 + [9.0], claims.NOT_REPRODUCED),  # one far run is no spread
        ("spread", [1.0] * 9 + [None] * 2, claims.REPRODUCED),
        ("spread", [None] * 11, claims.NOT_REPRODUCED),
        ("spread", [1.0, 9.0], claims.CANNOT_BE_TESTED),
        ("narrow", [1.0] * 2 + [1.5] * 7 + [1.9] * 2, claims.REPRODUCED),
        ("narrow", [1.0] * 2 + [3.0] * 9, claims.PARTLY),
        ("narrow", [1.0] * 2 + [5.0] * 9, claims.NOT_REPRODUCED),
        ("narrow", [1.0] * 9 + [None] * 2, claims.NOT_REPRODUCED),
    ],
)
def test_how_far_runs_lie_apart_is_judged_by_their_tenths(recorded, rule, values, verdict):
    assert recorded(values)(rule=rule, value=2).verdict == verdict


def test_runs_that_never_got_there_are_told(recorded):
    answer = recorded([1.0] * 9 + [None] * 2)(rule="spread", value=2)
    assert answer.ours == "endless"
    assert "2 of 11 never got there" in answer.reason
    assert recorded([2.0] * 2 + [3.0] * 9)(rule="narrow", value=2).ours == "1.5"


def test_a_number_of_an_old_machine_is_put_beside_ours_without_a_verdict(recorded):
    answer = recorded(AROUND_FIVE)(rule="beside")
    assert answer.verdict == claims.CANNOT_BE_TESTED
    assert answer.ours.startswith("5 (")


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (5.1, claims.REPRODUCED),  # inside the interval, near the median
        (6.0, claims.PARTLY),  # outside the interval, still within 25 %
        (7.0, claims.NOT_REPRODUCED),  # neither
    ],
)
def test_a_draw_is_judged_by_interval_and_distance(recorded, value, verdict):
    answer = recorded(AROUND_FIVE)(value=value)
    assert answer.verdict == verdict
    assert answer.seeds == 12
    assert answer.ours.startswith("5 (4.7 to 5.3)")


def test_a_wide_spread_alone_does_not_reproduce_a_number(recorded):
    assert recorded(list(np.linspace(1, 20, 12)))(value=5.0).verdict == claims.PARTLY


def test_quantiles_serve_skewed_results(recorded):
    values = list(np.exp(np.linspace(0, 5, 200)))
    judge = recorded(values)
    assert judge(value=13.0, interval="quantile").verdict == claims.REPRODUCED
    low, high = claims.prediction_interval(np.array(values), level=0.95, method="quantile")
    assert low == pytest.approx(np.quantile(values, 0.025))
    assert high == pytest.approx(np.quantile(values, 0.975))


def test_the_prediction_interval_is_the_textbook_one():
    values = np.array([1.0, 2.0, 4.0])
    reach = stats.t.ppf(0.95, 2) * np.std(values, ddof=1) * np.sqrt(4 / 3)
    low, high = claims.prediction_interval(values, level=0.9)
    assert (low, high) == pytest.approx((values.mean() - reach, values.mean() + reach))
    with pytest.raises(UnknownName, match="unknown method 'normal'"):
        claims.prediction_interval(values, level=0.9, method="normal")


def test_the_prediction_interval_covers_one_more_draw_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(2000):
        *runs, further = rng.normal(size=11)
        low, high = claims.prediction_interval(np.array(runs), level=0.95)
        hits += low <= further <= high
    assert 0.93 < hits / 2000 < 0.97


@pytest.mark.parametrize(
    ("true", "verdict"),
    [(11, claims.REPRODUCED), (6, claims.PARTLY), (5, claims.NOT_REPRODUCED)],
)
def test_a_share_is_judged_by_how_many_runs_agree(recorded, true, verdict):
    judge = recorded([1.0] * true + [0.0] * (12 - true))
    assert judge(rule="share", value=None).verdict == verdict


def test_runs_that_do_not_count_are_left_out(recorded):
    judge = recorded([5.0] * 12 + [50.0] * 4, solved=[True] * 12 + [False] * 4)
    assert judge(where="solved").seeds == 12
    assert judge(where="solved").verdict == claims.REPRODUCED


def test_a_quantity_that_was_never_reached_does_not_count(recorded):
    assert recorded([5.0] * 11 + [None] * 5)().seeds == 11


def test_too_few_runs_cannot_test_a_claim(recorded):
    answer = recorded([5.0] * 9)()
    assert answer.verdict == claims.CANNOT_BE_TESTED
    assert "9 runs" in answer.reason


def test_exact_claims_compare_with_the_network_itself():
    register = claims.load()
    good = register["zip-connections"]
    assert claims.judge(good, register).verdict == claims.REPRODUCED
    wrong = replace(good, value=64_661)
    assert claims.judge(wrong, register).verdict == claims.NOT_REPRODUCED
    with pytest.raises(UnknownName, match="Did you mean 'connections'"):
        claims.judge(replace(good, fact="zip_codes.conections"), register)


# A result that is not what the claim is about is refused.


def test_another_configuration_is_refused(recorded, tmp_path):
    judge = recorded(AROUND_FIVE)
    record = results.load(tmp_path, "symmetry", "fast")
    results.save(replace(record, config={**record.config, "lr": 0.2}), tmp_path)
    with pytest.raises(ClaimError, match=r"another configuration .*differs in lr"):
        judge()


def test_other_data_are_refused(recorded, tmp_path):
    judge = recorded(AROUND_FIVE)
    record = results.load(tmp_path, "symmetry", "fast")
    results.save(replace(record, data={"zip.train.gz": "0" * 64}), tmp_path)
    with pytest.raises(ClaimError, match="other data"):
        judge()


def test_missing_runs_and_quantities_are_refused(recorded, tmp_path):
    with pytest.raises(ResultsError, match="Did you mean 'loss'"):
        recorded(AROUND_FIVE)(quantity="los")
    (tmp_path / "symmetry" / "fast.json").unlink()
    register = claims.Register({}, RULES, {"symmetry/fast": {}})
    with pytest.raises(ResultsError, match="backprop sweep symmetry"):
        claims.judge(claim(), register, tmp_path)


# The register itself.


def test_the_register_is_readable_and_every_claim_leads_somewhere():
    register = claims.load()
    bibliography = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    for entry in register.claims.values():
        assert f"{{{entry.paper}," in bibliography
        assert list(ROOT.glob(f"{entry.page}.*")), entry.page
        assert entry.source in {"seen", "quoted", "recalled", "book"}
        assert (entry.source == "book") == (entry.paper == "thisbook"), entry.id
    with pytest.raises(UnknownName, match="Did you mean 'zip-test-error'"):
        register["zip-test-eror"]


def test_a_page_shows_its_own_claims_with_verdicts():
    table = claims.of_page("book/reproductions/zip-codes")
    names = [c for c in claims.load().claims.values() if c.page == "book/reproductions/zip-codes"]
    for claim in names:
        assert table.count(f"| {claim.id} |") == table.count(f"**`{claim.id}`**") == 1
    assert "5.0 % of the test digits" in table
    with pytest.raises(UnknownName, match="Did you mean 'book/reproductions/symmetry'"):
        claims.of_page("book/reproductions/symetry")


@pytest.mark.parametrize("paper", ["rumelhart1986", "lecun1989"])
def test_a_paper_shows_its_own_claims_with_links_to_the_pages_that_test_them(paper):
    register = claims.load()
    own = [entry for entry in register.claims.values() if entry.paper == paper]
    head, _, *lines = claims.of_paper(paper).splitlines()
    assert head == "| The paper says | Where | Verdict |"
    for line, entry in zip(lines, own, strict=True):
        says = entry.says + (" (recalled)" if entry.source == "recalled" else "")
        assert line.startswith(f"| {says} | {entry.place} | **")
        verdict = claims.judge(entry, register)
        ours = claims.rows([verdict])[0]["ours"]
        assert f"**{verdict.verdict}**; ours: {ours}" in line
        link = line.rsplit("](", 1)[1].split(")", 1)[0]
        target = (ROOT / "book" / "papers" / link).resolve()
        assert target == ROOT / entry.page
    with pytest.raises(UnknownName, match="Did you mean 'rumelhart1986'"):
        claims.of_paper("rumelhart1968")


def test_a_part_counts_the_verdicts_of_its_pages_and_links_to_them():
    head, _, *lines = claims.of_part("cons").splitlines()
    assert head.startswith("| page | claims | reproduced |")
    of_cons = [c for c in claims.load().claims.values() if c.page.startswith("book/cons/")]
    assert sum(int(line.split("|")[2]) for line in lines) == len(of_cons)
    for line in lines:
        target = line.split("](../", 1)[1].split(")", 1)[0]
        assert list((ROOT / "book").glob(f"{target}.*"))
    with pytest.raises(UnknownName, match="Did you mean 'cons'"):
        claims.of_part("con")


def test_links_of_a_table_depend_on_the_folder_of_its_page():
    assert "](book/reproductions/symmetry)" in claims.of_paper("rumelhart1986", start=".")


def test_a_bar_in_a_cell_does_not_begin_a_column():
    assert claims.markdown([{"a": "|x|", "b": "y"}]).splitlines()[-1] == r"| \|x\| | y |"


def test_the_headline_figure_shows_the_recorded_runs_beside_the_papers_numbers():
    record = results.load(results.default_folder(), "zip_codes", "pseudo-newton")
    panels = claims.five_results(record)
    assert [published for _, published, _ in panels] == [2.5e-3, 1.8e-2, 0.14, 5.0, 12.1]
    assert all(len(values) == len(record.runs) for values, _, _ in panels)


def test_a_departure_named_in_the_code_names_a_claim():
    register = claims.load()
    named = 0
    for path in (ROOT / "src").rglob("*.py"):
        text = " ".join(path.read_text(encoding="utf-8").split())
        for departure in text.split("Departure:")[1:]:
            name = departure.split("(claim ", 1)[1].split(")", 1)[0]
            assert name in register.claims, f"{path}: {name}"
            named += 1
    assert named >= 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": "guess"}, "rule must be"),
        ({"interval": "quantle"}, "interval must be"),
        ({"source": "remembered"}, "source must be"),
        ({"rule": "exact"}, "a fact goes with"),
        ({"rule": "more"}, "needs `against`"),
        ({"against": "symmetry/fast"}, "needs `against`"),
        ({"rule": "more", "against": "symmetry/slow"}, "compared with is not listed"),
        ({"result": None, "fact": "symmetry.cases"}, "a fact goes with"),
        ({"value": 0}, "other than 0"),
        ({"value": "five"}, "other than 0"),
        ({"fact": "symmetry.cases"}, "either a fact or a result"),
        ({"value": None}, "needs a value"),
        ({"quantity": None}, "needs a quantity"),
        ({"result": "symmetry/other"}, "not listed under results"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_claim_that_cannot_be_judged_is_refused(tmp_path, change, message):
    entry = {**asdict(claim(id="broken")), **change}
    content = {"schema": 1, "claims": [entry], "defaults": RULES, "results": {"symmetry/fast": {}}}
    path = tmp_path / "claims.yml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ClaimError, match=message):
        claims.load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("claims: [", "cannot be read"),
        ("schema: 1\ndefaults: {}", "cannot be read"),
        ("- schema: 1", "cannot be read"),
        ("schema: 2", "has schema 2; .* reads schema 1 only. Use the version of backprop"),
        ("claims: []", "has schema None"),
    ],
)
def test_a_damaged_register_is_refused(tmp_path, text, message):
    path = tmp_path / "claims.yml"
    path.write_text(text)
    with pytest.raises(ClaimError, match=message):
        claims.load(path)
    with pytest.raises(ClaimError, match="no claims register"):
        claims.load(tmp_path / "other.yml")


def test_two_claims_with_one_id_are_refused(tmp_path):
    content = {
        "schema": 1,
        "claims": [asdict(claim()), asdict(claim())],
        "defaults": RULES,
        "results": {"symmetry/fast": {}},
    }
    path = tmp_path / "claims.yml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ClaimError, match="two claims with one id"):
        claims.load(path)


# Notes in the register that say how close a verdict was.


def recorded_values(name):
    register = claims.load()
    entry = register[name]
    experiment, preset = entry.result.split("/")
    record = results.load(results.default_folder(), experiment, preset)
    return entry, np.asarray(record.column(entry.quantity), dtype=float)


def test_the_training_errors_are_a_close_call_as_their_note_says():
    entry, values = recorded_values("zip-train-error")
    for part, close in ((values[:10], True), (values[:20], False), (values, True)):
        assert bool(abs(np.median(part) / entry.value - 1) <= 0.25) is close
        assert abs(entry.value / np.median(part) - 1) <= 0.25
        low, high = claims.prediction_interval(part, level=0.95)
        assert low <= entry.value <= high


@pytest.mark.parametrize("name", ["zip-test-error-large-step", "zip-newton-speed"])
def test_two_verdicts_turn_on_the_rounding_of_the_printed_count(name):
    entry, values = recorded_values(name)
    low, high = claims.prediction_interval(values, level=0.95)
    assert entry.value + entry.resolution / 2 < low < 100 * 102 / 2007 < high


# What readers see is what is computed.


def test_the_readme_shows_the_verdicts_that_the_runs_give():
    assert readme.tables() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_claims_of_one_paper_are_judged_alone():
    verdicts = claims.judge_all(paper="hinton1986")
    assert {v.claim.paper for v in verdicts} == {"hinton1986"}
    assert verdicts == [v for v in claims.judge_all() if v.claim.paper == "hinton1986"]


def test_a_summary_counts_each_claim_once():
    verdicts = claims.judge_all()
    summary = claims.summary(verdicts)
    assert sum(int(row["claims"]) for row in summary) == len(verdicts)
    for row in summary:
        assert int(row["claims"]) == sum(int(row[kind]) for kind in claims.VERDICTS)
    by_page = {row["page"]: row for row in summary}
    shown = [v.verdict for v in verdicts if v.claim.page == "book/reproductions/symmetry"]
    assert int(by_page["symmetry"][claims.PARTLY]) == shown.count(claims.PARTLY)


def test_verdicts_are_counted_in_words_and_those_that_do_not_occur_left_out():
    claim = claims.load().claims["zip-test-error"]
    kinds = [claims.PARTLY, claims.CANNOT_BE_TESTED, claims.REPRODUCED, claims.PARTLY]
    verdicts = [claims.Verdict(claim, kind, "0", None, "computed") for kind in kinds]
    assert claims.counted(verdicts) == "1 reproduced, 2 partly, 1 cannot be tested"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1425.0, "1,425"),
        (999.6, "1,000"),
        (-0.0, "0"),
        (0.14, "0.14"),
        (5.0, "5"),
        (0.0025, "2.5e-3"),
        (0.018, "0.018"),
    ],
)
def test_numbers_are_written_in_one_way(value, text):
    assert claims.number(value) == text


def test_published_numbers_keep_their_digits():
    assert claims.published(claim(value=5.0, resolution=0.1, unit="%")) == "5.0 %"
    assert claims.published(claim(value=None)) == "–"


def test_facts_that_hold_or_not_are_shown_as_words():
    yes = claim(value=1, unit="yes or no")
    assert claims.published(yes) == "yes"
    verdict = claims.Verdict(yes, claims.NOT_REPRODUCED, "0", None, "computed")
    assert claims.rows([verdict])[0]["ours"] == "no"
