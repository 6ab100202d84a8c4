"""The space of crystals of one prototype: what each group of sites may be filled with, and the rules.

A member is one filling for each group, named like ``"Ca/Ti/O3"``. Spaces up to `ENUMERABLE` members are
written out once; of larger ones members are asked for one by one.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from mlmat.design.crystals.fillings import Filling, formula
from mlmat.design.crystals.prototypes import Prototype
from mlmat.elements import element
from mlmat.elements.oxidation import neutral_charges, oxidation_states
from mlmat.errors import InputError

ENUMERABLE = 100_000
"""Most combinations of fillings that are written out."""

PATIENCE = 20_000
"""Combinations that are looked at for one that is a member and new."""

Member = tuple[int, ...]
"""Number of the filling of each group."""


@dataclass(frozen=True, eq=False)
class CrystalSpace:
    """All crystals of a prototype within the rules; make it with `make_space`.

    Attributes:
        prototype: the sites.
        fillings: what each group may be filled with, ``[group][filling]``.
        states: common oxidation states that must balance; empty: no such rule.
        rows: ``[M, G]`` all members, if they are few enough or a list was given; None: not written out.
    """

    prototype: Prototype
    fillings: tuple[tuple[Filling, ...], ...]
    states: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    rows: np.ndarray | None = None
    _names: tuple[dict[str, int], ...] = ()
    _listed: frozenset[Member] | None = None

    @property
    def elements(self) -> tuple[str, ...]:
        """All elements that occur, by atomic number."""
        found = {symbol for group in self.fillings for filling in group for symbol in filling}
        return tuple(sorted(found, key=lambda symbol: element(symbol).number))

    @property
    def listed(self) -> bool:
        """Whether all members are written out."""
        return self.rows is not None

    def name(self, member: Sequence[int]) -> str:
        """Name of a member."""
        return "/".join(formula(self.fillings[g][f]) for g, f in enumerate(member))

    def parse(self, name: str) -> Member:
        """Member of a name, in the order that names it once.

        Raises:
            InputError: not the name of a member.
        """
        parts = name.split("/")
        if len(parts) != len(self.fillings):
            raise InputError(f"{name!r} does not name {len(self.fillings)} groups ({self._form()})")
        try:
            member = tuple(names[part] for names, part in zip(self._names, parts, strict=True))
        except KeyError as unknown:
            raise InputError(f"{unknown} of {name!r} is no filling of this space ({self._form()})") from None
        member = self.canonical(member)
        if not self.contains(member):
            raise InputError(f"{name!r} breaks a rule of the space: it is not neutral, or not listed")
        return member

    def _form(self) -> str:
        return "/".join(self.prototype.labels)

    def symbols(self, member: Sequence[int]) -> list[str]:
        """Element on each site."""
        found = [""] * len(self.prototype.positions)
        for g, f in enumerate(member):
            for site, symbol in zip(self.prototype.groups[g], self.fillings[g][f], strict=True):
                found[site] = symbol
        return found

    def canonical(self, member: Sequence[int]) -> Member:
        """The same crystal with groups that a symmetry exchanges in ascending order."""
        found = list(map(int, member))
        places = self.prototype.exchanged
        if len({self.fillings[g] for g in places}) == 1:
            for place, filling in zip(places, sorted(found[g] for g in places), strict=True):
                found[place] = filling
        return tuple(found)

    def contains(self, member: Sequence[int]) -> bool:
        """Whether a member, in canonical order, obeys the rules."""
        if self._listed is not None:
            return tuple(member) in self._listed
        return tuple(member) == self.canonical(member) and (
            not self.states or self.charges(member) is not None
        )

    def charges(self, member: Sequence[int]) -> tuple[int, ...] | None:
        """Oxidation states of the elements of each group, group by group; None if they cannot balance."""
        sites = [pair for g, f in enumerate(member) for pair in Counter(self.fillings[g][f]).items()]
        return neutral_charges(sites, self.states or oxidation_states())

    def draw(self, rng: np.random.Generator) -> Iterator[Member]:
        """Random combinations, endless; those that are no members of a space not written out included."""
        while True:
            if self.rows is not None:
                yield tuple(self.rows[rng.integers(len(self.rows))].tolist())
            else:
                yield self.canonical([rng.integers(len(group)) for group in self.fillings])

    def nearest(self, logits: Sequence[np.ndarray], taken: Callable[[Member], bool]) -> Member | None:
        """The member of the largest sum of logits that is not taken; None after `PATIENCE` others.

        Args:
            logits: ``[F]`` for each group.
            taken: whether a member does not count.
        """
        ordered = self._by_score(logits) if self.rows is not None else self._by_heap(logits)
        for _, member in zip(range(PATIENCE), ordered, strict=False):
            if self.contains(member) and not taken(member):
                return member
        return None

    def _by_score(self, logits: Sequence[np.ndarray]) -> Iterator[Member]:
        score = sum(part[self.rows[:, g]] for g, part in enumerate(logits))
        for row in np.argsort(-score, kind="stable"):
            yield tuple(self.rows[row].tolist())

    def _by_heap(self, logits: Sequence[np.ndarray]) -> Iterator[Member]:
        """All combinations in falling order of their score, without writing them out."""
        order = [np.argsort(-part, kind="stable") for part in logits]

        def score(ranks: tuple[int, ...]) -> float:
            return -sum(
                float(part[order[g][r]]) for g, (part, r) in enumerate(zip(logits, ranks, strict=True))
            )

        first = (0,) * len(logits)
        heap, met = [(score(first), first)], {first}
        while heap:
            _, ranks = heapq.heappop(heap)
            yield tuple(int(order[g][r]) for g, r in enumerate(ranks))
            for g in range(len(ranks)):
                following = (*ranks[:g], ranks[g] + 1, *ranks[g + 1 :])
                if following[g] < len(logits[g]) and following not in met:
                    met.add(following)
                    heapq.heappush(heap, (score(following), following))


def make_space(
    prototype: Prototype,
    fillings: Sequence[Sequence[str | Filling]],
    *,
    neutral: bool = True,
    listed: Sequence[str] | None = None,
) -> CrystalSpace:
    """The crystals of a prototype.

    Args:
        prototype: the sites.
        fillings: for each group, elements (on all its sites) or tuples of one element a site.
        neutral: whether common oxidation states must balance (`mlmat.elements.oxidation`).
        listed: names of the only members there are, if not every combination is one.

    Raises:
        InputError: groups that do not fit the prototype, a doubled filling, or no member at all.
    """
    if len(fillings) != len(prototype.groups):
        raise InputError(f"{prototype.name} has {len(prototype.groups)} groups, not {len(fillings)}")
    full: list[tuple[Filling, ...]] = []
    for label, group, given in zip(prototype.labels, prototype.groups, fillings, strict=True):
        each = tuple((one,) * len(group) if isinstance(one, str) else tuple(one) for one in given)
        if not each or len({formula(filling) for filling in each}) < len(each):
            raise InputError(f"group {label} needs fillings, each composition once")
        if any(len(filling) != len(group) for filling in each):
            raise InputError(f"a filling of group {label} needs one element for each of {len(group)} sites")
        full.append(each)
    for symbol in {s for group in full for filling in group for s in filling}:
        element(symbol)
    names = tuple({formula(filling): f for f, filling in enumerate(group)} for group in full)
    space = CrystalSpace(prototype, tuple(full), oxidation_states() if neutral else {}, _names=names)
    if listed is not None:
        members = dict.fromkeys(map(space.parse, listed))
    elif math.prod(map(len, full)) <= ENUMERABLE:
        every = product(*(range(len(group)) for group in full))
        members = dict.fromkeys(member for member in every if space.contains(member))
    else:
        return space
    if not members:
        raise InputError(f"no {prototype.name} of these elements obeys the rules: give more elements")
    return replace(space, rows=np.array(list(members), int), _listed=frozenset(members))
