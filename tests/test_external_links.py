"""Links that lead elsewhere: those that are gone are told from those that gave no clear answer."""

import json

import pytest

import links


def line(status, info="", uri="https://example.org"):
    return json.dumps({"filename": "book/a.md", "status": status, "uri": uri, "info": info})


@pytest.mark.parametrize(
    ("info", "gone"),
    [
        ("404 Client Error: Not Found for url: https://example.org", True),
        ("410 Client Error: Gone for url: https://example.org", True),
        ("HTTPSConnectionPool: Failed to resolve 'example.org'", True),
        ("403 Client Error: Forbidden for url: https://example.org", False),
        ("429 Client Error: Too Many Requests for url: https://example.org/40410", False),
        ("503 Server Error: Service Unavailable", False),
    ],
)
def test_only_what_is_certainly_gone_is_gone(info, gone):
    answers = links.sort_out([line("working"), line("broken", info)])
    assert (len(answers.gone), len(answers.unknown)) == ((1, 0) if gone else (0, 1))
    assert links.report(answers) == int(gone)


def test_what_is_not_asked_is_not_counted():
    answers = links.sort_out([line("redirected"), line("ignored"), line("unchecked")])
    assert answers == links.Answers(["book/a.md: https://example.org (redirected)"], [], [])


def test_without_a_network_nothing_is_said_of_the_links(capsys):
    assert links.report(links.sort_out([line("broken", "Failed to resolve 'a'")])) == 2
    assert "network" in capsys.readouterr().err


def test_the_page_and_the_address_are_named(capsys):
    links.report(links.sort_out([line("working"), line("broken", "404 Client Error")]))
    assert "book/a.md: https://example.org (404 Client Error)" in capsys.readouterr().out
