"""What host-side searchers ask of a space of discrete members, whatever these are.

A member has a name that no other has: a canonical SMILES, or the occupation of a crystal's sites.
Searchers know nothing else of it; how it is predicted, drawn, bred and read is the space's own.
`mlmat.design.molecules.members` has those of organic molecules, `mlmat.design.crystals` of crystals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

Allowed = Callable[[str], bool] | None
"""Whether a member of this name may be submitted; None: every member may."""


class Members(NamedTuple):
    """A space of discrete members.

    Attributes:
        predict: ``predict(predictor, names) → (mean [N, P], std [N, P])``, one evaluation each.
        source: ``source(problem, predictor, allowed)(rng, lost) →`` endless iterator of random members;
            repeats are possible, and draws that were no member are counted by reason in `lost`.
        read: ``read(stream, predictor, lost) →`` names of what in a stream of texts is a member; the rest is
            counted in `lost`.
        parse: ``parse(name) →`` what is bred (a graph, an occupation).
        breed: ``breed(rng, parents, count, predictor, seen, lost, allowed, config) →`` distinct new names
            from parsed parents, the best first; fewer than `count` if they have no more to give.
        guide: ``guide(predictor, objective, allowed, config) →`` a breeder whose mutations the gradient
            chooses; see `mlmat.design.searchers.informed`.
        family: chemical family of a name; a predictor errs alike on its members.
        nearest: ``nearest(material, taken) →`` the most likely new member of a relaxed material, or the
            reason why there is none; None: the problem's `realise` has one answer only.
    """

    predict: Callable[[Any, list[str]], tuple[np.ndarray, np.ndarray]]
    source: Callable[..., Callable[[np.random.Generator, Counter], Iterator[str]]]
    read: Callable[[Iterable[str], Any, Counter], Iterator[str]]
    parse: Callable[[str], Any]
    breed: Callable[..., list[str]]
    guide: Callable[..., Any]
    family: Callable[[str], str]
    nearest: Callable[[Any, Callable[[str], bool]], Any] | None = None


def is_new(name: str, seen: Collection[str], allowed: Allowed, lost: Counter) -> bool:
    """Whether a name is neither in `seen` nor forbidden; the reason is counted in `lost` if it is."""
    if name in seen:
        lost["found before"] += 1
    elif allowed is not None and not allowed(name):
        lost["not allowed"] += 1
    else:
        return True
    return False
