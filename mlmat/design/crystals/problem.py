"""The problem "a crystal of this prototype with these properties", in the terms of the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from mlmat.design.crystals.climb import CrystalPredictor
from mlmat.design.crystals.members import crystal_members, nearest_member
from mlmat.design.crystals.relaxed import LIMIT, SoftCrystal, decode_variables, init_variables, open_fillings
from mlmat.design.crystals.space import CrystalSpace
from mlmat.design.members import Members
from mlmat.design.objective import Objective
from mlmat.design.searcher import Candidate, Search
from mlmat.oracles.verdict import Verdict
from mlmat.typing import Problem

ENTROPY_WEIGHT = 0.05
"""Of the mixtures' entropy in the loss: weak, since sharpness anneals the mixtures anyway."""

DEFORMATION_WEIGHT = 0.1
"""Of (amplitude / limit)² in the loss."""


def penalties(crystal: SoftCrystal) -> jax.Array:
    """`ENTROPY_WEIGHT` · Σ_g −Σ_f w_gf ln w_gf + `DEFORMATION_WEIGHT` · Σ_m (amplitude / limit)².

    Zero for a real crystal of ideal geometry.
    """
    w = crystal.weights
    entropy = -jnp.where(w > 0, w * jnp.log(jnp.where(w > 0, w, 1.0)), 0.0).sum()
    return ENTROPY_WEIGHT * entropy + DEFORMATION_WEIGHT * ((crystal.modes / LIMIT) ** 2).sum()


def crystal_loss(
    objective: Objective, predictor: CrystalPredictor, crystal: SoftCrystal
) -> tuple[jax.Array, jax.Array]:
    """Loss of the objective and the penalties; and the predicted values of the wants ``[W]``."""
    loss, values = objective.loss(predictor, crystal)
    return loss + penalties(crystal), values


def no_oracle(names: Sequence[str]) -> Iterator[tuple[int, Verdict]]:
    """No oracle judges crystals: give a table of known values (`table_oracle`) where there is one."""
    return iter(())


def table_oracle(
    values: Mapping[str, Mapping[str, float]], names: Sequence[str]
) -> Iterator[tuple[int, Verdict]]:
    """Verdicts looked up in a table of known values, e.g. density functional theory.

    Args:
        values: name of a member → property → value.
        names: members to judge.
    """
    for index, name in enumerate(names):
        known = values.get(name)
        yield index, Verdict("not in the table") if known is None else Verdict("ok", dict(known))


def distinct_compositions(search: Search, members: Members) -> Search:
    """The search with the best geometry of each composition only."""
    best: dict[str, Candidate] = {}
    for candidate in sorted(search.pool, key=lambda c: (c.merit, c.name)):
        best.setdefault(members.family(candidate.name), candidate)
    return search._replace(pool=[c for c in search.pool if best[members.family(c.name)] is c])


def crystal_problem(
    objective: Objective,
    space: CrystalSpace,
    predictor: CrystalPredictor,
    verify: Callable[[Sequence[str]], Any] = no_oracle,
    predict: Callable | None = None,
) -> Problem:
    """Inverse design of a crystal of a space.

    Args:
        objective: what is wanted; its ``diversity`` spreads designs over compositions.
        space: of crystals.
        predictor: made by `climbable`; says in which deformations it is climbed.
        verify: an oracle, e.g. `table_oracle` with its table.
        predict: of `Members`, where the predictions of real members are known; None: they are computed.
    """
    opened = open_fillings(space)
    modes = len(predictor.frame.strains)
    return Problem(
        init=partial(init_variables, groups=opened.shape, modes=modes),
        decode=lambda x, sharpness, key: decode_variables(x, sharpness, opened),
        loss=partial(crystal_loss, objective),
        realise=partial(nearest_member, space, taken=lambda name: False),
        verify=verify,
        members=crystal_members(space, modes, predict),
    )
