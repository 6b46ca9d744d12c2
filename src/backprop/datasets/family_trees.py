"""Two families of the same shape and who is what to whom (Rumelhart et al. 1986, Fig. 2).

Only the marriages and their children are written down. Every relation follows from them
by a rule; uncles, aunts, nephews and nieces include those by marriage. That gives 104
pairs of a person and a relation that have an answer, eight of them two answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from backprop.activations import Array
from backprop.errors import InputError, unknown_name


@dataclass(frozen=True)
class Marriage:
    """A couple and its children; each couple of these families has one of each or none."""

    husband: str
    wife: str
    son: str | None = None
    daughter: str | None = None

    @property
    def children(self) -> tuple[str, ...]:
        """Son and daughter, if there are any."""
        return tuple(child for child in (self.son, self.daughter) if child)


# Seen in a scan of Fig. 2. In both trees the couples stand in the same order.
TREES = {
    "English": (
        Marriage("Christopher", "Penelope", "Arthur", "Victoria"),
        Marriage("Andrew", "Christine", "James", "Jennifer"),
        Marriage("Arthur", "Margaret"),
        Marriage("James", "Victoria", "Colin", "Charlotte"),
        Marriage("Charles", "Jennifer"),
    ),
    "Italian": (
        Marriage("Roberto", "Maria", "Emilio", "Lucia"),
        Marriage("Pierro", "Francesca", "Marco", "Angela"),
        Marriage("Emilio", "Gina"),
        Marriage("Marco", "Lucia", "Alfonso", "Sophia"),
        Marriage("Tomaso", "Angela"),
    ),
}
MARRIAGES = tuple(marriage for tree in TREES.values() for marriage in tree)

# The paper's order of the input units (Fig. 4): men, then women, English above Italian.
ENGLISH = (
    *("Christopher", "Andrew", "Arthur", "James", "Charles", "Colin"),
    *("Penelope", "Christine", "Victoria", "Jennifer", "Margaret", "Charlotte"),
)
ITALIAN = (
    *("Roberto", "Pierro", "Emilio", "Marco", "Tomaso", "Alfonso"),
    *("Maria", "Francesca", "Lucia", "Angela", "Gina", "Sophia"),
)
PEOPLE = ENGLISH + ITALIAN

MEN = frozenset(
    man for marriage in MARRIAGES for man in (marriage.husband, marriage.son) if man is not None
)


def parents(person: str) -> tuple[str, ...]:
    """Father and mother, or nobody for those who are the oldest or married in."""
    return tuple(
        parent
        for marriage in MARRIAGES
        if person in marriage.children
        for parent in (marriage.husband, marriage.wife)
    )


def children(person: str) -> tuple[str, ...]:
    """Son and daughter."""
    return tuple(
        child
        for marriage in MARRIAGES
        if person in (marriage.husband, marriage.wife)
        for child in marriage.children
    )


def spouses(person: str) -> tuple[str, ...]:
    """Husband or wife."""
    return tuple(
        other
        for marriage in MARRIAGES
        for one, other in (
            (marriage.husband, marriage.wife),
            (marriage.wife, marriage.husband),
        )
        if person == one
    )


def siblings(person: str) -> tuple[str, ...]:
    """Brother or sister."""
    return tuple(
        child
        for marriage in MARRIAGES
        if person in marriage.children
        for child in marriage.children
        if child != person
    )


def _each(step: Callable[[str], tuple[str, ...]], people: Iterable[str]) -> tuple[str, ...]:
    """Take one step of kinship from each of several people."""
    return tuple(relative for person in people for relative in step(person))


def uncles_and_aunts(person: str) -> tuple[str, ...]:
    """Siblings of the parents, and their husbands and wives."""
    by_blood = _each(siblings, parents(person))
    return by_blood + _each(spouses, by_blood)


def nephews_and_nieces(person: str) -> tuple[str, ...]:
    """Children of one's siblings and of the siblings of one's husband or wife."""
    return _each(children, _each(siblings, (person, *spouses(person))))


# Relation -> the relatives among whom its answers are, and whether they are men.
_RULES: dict[str, tuple[Callable[[str], tuple[str, ...]], bool]] = {
    "father": (parents, True),
    "mother": (parents, False),
    "husband": (spouses, True),
    "wife": (spouses, False),
    "son": (children, True),
    "daughter": (children, False),
    "uncle": (uncles_and_aunts, True),
    "aunt": (uncles_and_aunts, False),
    "brother": (siblings, True),
    "sister": (siblings, False),
    "nephew": (nephews_and_nieces, True),
    "niece": (nephews_and_nieces, False),
}
RELATIONS = tuple(_RULES)


def relatives(person: str, relation: str) -> tuple[str, ...]:
    """Find the people who stand in a relation to a person.

    Parameters
    ----------
    person : str
        One of `PEOPLE`.
    relation : str
        One of `RELATIONS`: "aunt" asks for the person's aunts.

    Returns
    -------
    tuple of str
        In the order of `PEOPLE`; empty if there is none.

    Raises
    ------
    UnknownName
        If there is no such person or relation; the message holds the nearest name.
    """
    if person not in PEOPLE:
        raise unknown_name("person", person, PEOPLE)
    if relation not in _RULES:
        raise unknown_name("relation", relation, RELATIONS)
    kin, male = _RULES[relation]
    return tuple(sorted((p for p in kin(person) if (p in MEN) == male), key=PEOPLE.index))


CASES = tuple(
    (person, relation) for person in PEOPLE for relation in RELATIONS if relatives(person, relation)
)


def case(person: str, relation: str) -> int:
    """Find the number of a case.

    Parameters
    ----------
    person, relation : str
        As in `relatives`.

    Returns
    -------
    int
        Its row in `encoded`.

    Raises
    ------
    UnknownName
        If there is no such person or relation.
    InputError
        If nobody stands in that relation to the person.
    """
    if not relatives(person, relation):
        known = ", ".join(r for r in RELATIONS if relatives(person, r))
        raise InputError(
            f"'{person}, {relation}' is not a case: the tree shows no {relation} of {person}. "
            f"Ask for one of {person}'s relations: {known}."
        )
    return CASES.index((person, relation))


def encoded() -> tuple[Array, Array]:
    """List all cases: a person and a relation as inputs, the relatives as desired outputs.

    Returns
    -------
    x : array, shape (104, 36)
        One of 24 units on for the person and one of 12 for the relation.
    answers : array, shape (104, 24)
        1 for each person who stands in the relation, else 0.
    """
    x, answers = np.zeros((len(CASES), 36)), np.zeros((len(CASES), 24))
    for row, (person, relation) in enumerate(CASES):
        x[row, PEOPLE.index(person)] = x[row, 24 + RELATIONS.index(relation)] = 1
        for relative in relatives(person, relation):
            answers[row, PEOPLE.index(relative)] = 1
    return x, answers


def isomorphic() -> bool:
    """Say whether putting each Italian for their English counterpart leaves every answer right."""
    counterpart = dict(zip(ENGLISH, ITALIAN, strict=True))
    return all(
        {counterpart[answer] for answer in relatives(person, relation)}
        == set(relatives(counterpart[person], relation))
        for person in ENGLISH
        for relation in RELATIONS
    )


def _ancestors(person: str) -> set[str]:
    above = parents(person)
    return {person, *above}.union(*(_ancestors(parent) for parent in above))


def nationality() -> Array:
    """Tell the English (1) from the Italian (-1), ``(24,)``."""
    return np.where(np.isin(PEOPLE, ENGLISH), 1.0, -1.0)


def generation() -> Array:
    """Count generations from the oldest (1) to the youngest (3), ``(24,)``.

    Those who married in belong to the generation of the one they married.
    """

    def depth(person: str) -> int:
        return max((1 + depth(parent) for parent in parents(person)), default=1)

    return np.array([float(max(map(depth, (p, *spouses(p))))) for p in PEOPLE])


def branch() -> Array:
    """Tell the left side of each tree (-1) from the right one (1), ``(24,)``.

    Left are the first couple and its descendants, right the second and theirs; whoever
    married in goes with the one they married, and the grandchildren of both couples are 0.
    """
    first, second = ({p for tree in TREES.values() for p in _couple(tree[i])} for i in (0, 1))

    def side(person: str) -> float:
        kin = _ancestors(person)
        return float(bool(kin & second)) - float(bool(kin & first))

    own = {person: side(person) for person in PEOPLE}
    return np.array([own[p] if parents(p) else own[p] or _of_spouse(own, p) for p in PEOPLE])


def _couple(marriage: Marriage) -> tuple[str, str]:
    return marriage.husband, marriage.wife


def _of_spouse(values: dict[str, float], person: str) -> float:
    return sum(values[spouse] for spouse in spouses(person))
