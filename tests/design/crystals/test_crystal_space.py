"""The space of crystals: rules, names, order, symmetry, lattice constants, plausible structures."""

from itertools import islice, product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import ANIONS, CATIONS

from mlmat.design.crystals.fillings import formula
from mlmat.design.crystals.lattice import covalent_lattice, fit_lattice
from mlmat.design.crystals.prototypes import PROTOTYPES, get_prototype, prototype_from_atoms
from mlmat.design.crystals.realise import atoms_of, implausible
from mlmat.design.crystals.space import make_space
from mlmat.design.crystals.symmetry import deformations, operations
from mlmat.elements import element
from mlmat.errors import InputError


def test_members_are_neutral_and_named_once(space):
    names = [space.name(row) for row in space.rows]
    assert len(names) == len(set(names)) > 50
    assert "Ca/Ti/O3" in names
    assert "La/Ti/O2N" in names
    assert "Na/Ti/O3" not in names
    for row, name in zip(space.rows, names, strict=True):
        assert space.parse(name) == tuple(row)
        counts = [
            (symbol, filling.count(symbol))
            for g, f in enumerate(row)
            for filling in [space.fillings[g][f]]
            for symbol in dict.fromkeys(filling)
        ]
        charges = space.charges(row)
        assert sum(c * n for c, (_, n) in zip(charges, counts, strict=True)) == 0
    every = make_space(space.prototype, [CATIONS, CATIONS, ANIONS], neutral=False)
    assert len(every.rows) == len(CATIONS) ** 2 * len(ANIONS)
    with pytest.raises(InputError, match="not neutral"):
        space.parse("Na/Ti/O3")
    with pytest.raises(InputError, match="A/B/X"):
        space.parse("Ca/Ti/Q3")
    with pytest.raises(InputError, match="no perovskite"):
        make_space(space.prototype, [["Na"], ["K"], ["O"]])


def test_exchanged_groups_are_one_crystal():
    prototype = get_prototype("elpasolite")
    elements = ("Na", "K", "Al", "F")
    space = make_space(prototype, [elements] * 4, neutral=False, listed=["Na/Al/K2/F6", "K/Al/Na2/F6"])
    assert space.name(space.parse("Al/Na/K2/F6")) == "Na/Al/K2/F6"
    assert len(space.rows) == 2
    with pytest.raises(InputError, match="not listed"):
        space.parse("Na/Al/F2/K6")
    with pytest.raises(InputError, match="choose one of perovskite"):
        get_prototype("garnet")


def test_members_come_in_order_of_their_score(space):
    rng = np.random.default_rng(0)
    logits = [rng.standard_normal(len(group)) for group in space.fillings]
    found, taken = [], set()
    for _ in range(12):
        member = space.nearest(logits, taken.__contains__)
        taken.add(member)
        found.append(sum(part[f] for part, f in zip(logits, member, strict=True)))
    best = sorted((sum(p[f] for p, f in zip(logits, row, strict=True)) for row in space.rows), reverse=True)
    np.testing.assert_allclose(found, best[:12])
    # The same, of a space that is not written out.
    ranked = [sum(p[f] for p, f in zip(logits, m, strict=True)) for m in islice(space._by_heap(logits), 500)]
    every = sorted(
        (
            sum(p[f] for p, f in zip(logits, m, strict=True))
            for m in product(*(range(len(g)) for g in space.fillings))
        ),
        reverse=True,
    )
    np.testing.assert_allclose(ranked, every[:500])


@pytest.mark.parametrize("name", PROTOTYPES)
def test_symmetric_deformations_keep_all_operations(name):
    prototype = PROTOTYPES[name]
    cell, sites = np.array(prototype.cell), np.array(prototype.positions)
    group = operations(prototype)
    assert len(group) == (24 if name == "zincblende" else 48)
    strains, shifts = deformations(prototype)
    assert len(strains) == (2 if name == "elpasolite" else 1)
    loose, _ = deformations(prototype, symmetric=False)
    assert len(loose) == 6 + 3 * len(sites) - 3
    bent = cell @ (np.eye(3) + 0.03 * strains.sum(axis=0))
    moved = sites @ bent + 0.03 * shifts.sum(axis=0)
    for rotation, to in group:
        # A rotated crystal has the same distances between the sites that correspond.
        turned = moved @ rotation.T
        difference = (turned - turned[0]) - (moved[to] - moved[to[0]])
        whole = difference @ np.linalg.inv(bent)
        np.testing.assert_allclose(whole, np.rint(whole), atol=1e-6)


def test_lattice_constants_against_plain_numpy(space):
    lattice = covalent_lattice(space.prototype, space.elements)
    for name in ("Ca/Ti/O3", "Cs/Nb/O3", "La/Ti/O2N"):
        symbols = space.symbols(space.parse(name))
        r = [element(s).covalent_radius for s in symbols]
        x = np.mean(r[2:])
        plain = (((np.sqrt(2) * (r[0] + x)) ** 6 + (2 * (r[1] + x)) ** 6) / 2) ** (1 / 6)
        shares = np.eye(len(space.elements))[[space.elements.index(s) for s in symbols]]
        assert float(scaled(lattice, shares[None])[0]) == pytest.approx(plain, rel=1e-5)


@jax.jit
def scaled(lattice, shares):
    return jax.vmap(lattice.scale)(shares)


def test_radii_are_fitted(space):
    lattice = covalent_lattice(space.prototype, space.elements)
    true = lattice._replace(radii=0.8 * lattice.radii + 0.1, power=jnp.float32(4.0))
    kinds = [[space.elements.index(s) for s in space.symbols(row)] for row in space.rows]
    shares = np.eye(len(space.elements), dtype=np.float32)[np.array(kinds)]
    scales = np.asarray(scaled(true, shares))
    fitted = fit_lattice(space.prototype, space.elements, shares[::2], scales[::2])
    error, guess = (np.abs(scaled(x, shares[1::2]) - scales[1::2]) for x in (fitted, lattice))
    assert np.mean(error) < 0.1 * np.mean(guess)


def test_every_member_is_a_plausible_structure(space, cgcnn):
    for row in space.rows[::7]:
        atoms = atoms_of(space, cgcnn, space.name(row))
        assert not implausible(atoms)
        assert atoms.get_chemical_symbols() == space.symbols(row)
    atoms.set_cell(0.7 * atoms.cell, scale_atoms=True)
    assert implausible(atoms) == "atoms too close"
    atoms.set_cell(4 * atoms.cell, scale_atoms=True)
    assert implausible(atoms) == "implausible volume"


def test_a_given_crystal_is_a_prototype(space):
    given = PROTOTYPES["perovskite"].atoms(["Sr", "Ti", "O", "O", "O"], 3.9)
    found = prototype_from_atoms(given)
    assert found.labels == ("Sr", "Ti", "O")
    assert found.groups == PROTOTYPES["perovskite"].groups
    np.testing.assert_allclose(found.cell, np.eye(3), atol=1e-9)
    assert formula(("O", "O", "N")) == "O2N"
    given.pbc = False
    with pytest.raises(InputError, match="periodic"):
        prototype_from_atoms(given)
