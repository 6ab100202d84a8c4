"""Size and separation: what a law card asks about more atoms, and about atoms far apart."""

from __future__ import annotations

from collections.abc import Sequence

import ase
import numpy as np

from mlmat.analysis.laws.law import Law, Plan, Subject
from mlmat.units import UNITS, convert

SEPARATIONS = (5.0, 8.0, 11.0, 14.0, 17.0, 20.0, 25.0)
"""Å between the nearest atoms of two copies."""

APART = 20.0
"""Å; what is this far apart does not interact, within the rounding of any property learnt here."""

COPIES = (1, 2, 3, 4)
CHAINS = tuple(range(2, 25))
"""Carbon atoms of the alkanes."""

LEARNT_CHAIN = 8
"""The increment of a CH2 group is compared with that between this chain and the next."""

CHEMICAL_ACCURACY = 1.0
"""kcal/mol."""


def smallest(structures: Sequence[ase.Atoms]) -> ase.Atoms:
    """The first of the structures with the fewest atoms, two at least."""
    return min((atoms for atoms in structures if len(atoms) > 1), key=len)


def side_by_side(atoms: ase.Atoms, gap: float) -> ase.Atoms:
    """Two copies whose extents along x are `gap` Å apart."""
    moved = atoms.copy()
    moved.positions[:, 0] += np.ptp(atoms.positions[:, 0]) + gap
    return atoms + moved


def two_copies(subject: Subject, structures: Sequence[ase.Atoms], exact: float) -> Plan:
    """Size extensivity, P(AA) = 2 P(A), or intensivity, P(AA) = P(A), of copies moved apart."""
    pairs = [side_by_side(atoms, gap) for gap in SEPARATIONS for atoms in structures]
    factor = 2 if subject.extensive else 1

    def judge(values: np.ndarray) -> Law:
        one, two = np.split(values, [len(structures)])
        worst = np.abs(two.reshape(len(SEPARATIONS), -1) - factor * one).max(axis=1)
        return Law(
            "size extensivity" if subject.extensive else "size intensivity",
            float(worst[-1]),
            subject.unit,
            exact,
            f"two copies {SEPARATIONS[-1]:g} Å apart less {'two' if factor == 2 else 'one'} alone, largest",
            {"two copies": (list(SEPARATIONS), worst.tolist())},
            ("distance of two copies (Å)", f"off by ({subject.unit})"),
        )

    return Plan([*structures, *pairs], judge)


def many_copies(subject: Subject, structures: Sequence[ase.Atoms], exact: float) -> Plan:
    """How the error of `two_copies` grows with the number of copies of the smallest molecule."""
    atoms = smallest(structures)
    span = float(np.ptp(atoms.positions, axis=0).max()) + APART
    corners = span * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])
    built = []
    for count in COPIES:
        together = ase.Atoms()
        for corner in corners[:count]:
            together += ase.Atoms(atoms.numbers, atoms.positions + corner)
        built.append(together)

    def judge(values: np.ndarray) -> Law:
        wanted = values[0] * (np.array(COPIES) if subject.extensive else 1)
        off = np.abs(values - wanted)
        text = f"{COPIES[-1]} copies of {atoms.get_chemical_formula()} at least {APART:g} Å apart"
        curve = {"copies": (list(COPIES), off.tolist())}
        axes = ("copies, far apart", f"off by ({subject.unit})")
        return Law("many copies", float(off[-1]), subject.unit, exact, text, curve, axes)

    return Plan(built, judge)


def dissociation(subject: Subject, structures: Sequence[ase.Atoms], exact: float) -> Plan:
    """Dissociation limit: the last atom of the smallest molecule is pulled off along its bond.

    An extensive property must end at that of the two fragments alone.
    """
    atoms = smallest(structures)
    rest = atoms[:-1]
    away = atoms.positions[-1] - rest.positions
    bond = away[np.linalg.norm(away, axis=1).argmin()]
    length, direction = np.linalg.norm(bond), bond / np.linalg.norm(bond)
    lengths = np.concatenate([np.arange(0.8 * length, 6.0, 0.1), np.arange(6.0, APART + 1.0, 1.0)])
    pulled = []
    for value in lengths:
        moved = atoms.copy()
        moved.positions[-1] += (value - length) * direction
        pulled.append(moved)

    def judge(values: np.ndarray) -> Law:
        # An intensive property has no rule for fragments of different kinds: a curve to look at.
        limit = values[0] + values[1] if subject.extensive else values[-1]
        symbol, name = atoms.symbols[-1], rest.get_chemical_formula()
        return Law(
            "dissociation limit",
            float(abs(values[-1] - limit)) if subject.extensive else None,
            subject.unit,
            exact,
            f"{symbol} pulled {lengths[-1]:g} Å off {name}, less the fragments alone"
            if subject.extensive
            else "does not apply: the property of unlike fragments does not add up",
            {f"{symbol} off {name}": (lengths.tolist(), (values[2:] - limit).tolist())},
            ("bond length (Å)", f"beyond the fragments ({subject.unit})"),
        )

    return Plan([rest, atoms[-1:], *pulled], judge)


def free_atoms(subject: Subject) -> Plan:
    """What is predicted for free atoms: a reading, since no training set holds them."""

    def judge(values: np.ndarray) -> Law:
        each = ", ".join(f"{s} {v:.3g}" for s, v in zip(subject.elements, values, strict=True))
        text = f"predicted for free atoms, zero for an energy of atomisation: {each}"
        return Law("free atoms", float(np.abs(values).max()), subject.unit, None, text)

    return Plan([ase.Atoms(symbol, positions=[[0.1, 0, 0]]) for symbol in subject.elements], judge)


def alkane(carbons: int) -> ase.Atoms:
    """Straight chain of ideal tetrahedra: C-C 1.53 Å, C-H 1.09 Å.

    Args:
        carbons: two at least.
    """
    half = np.arccos(-1 / 3) / 2
    x, y = 1.53 * np.sin(half), 1.53 * np.cos(half)
    centres = np.array([[i * x, (i % 2) * y, 0.0] for i in range(carbons)])
    symbols, positions = ["C"] * carbons, list(centres)
    for i, centre in enumerate(centres):
        up = np.array([0.0, 1.0 if i % 2 else -1.0, 0.0])
        directions = [np.cos(half) * up + np.sin(half) * np.array([0, 0, side]) for side in (1.0, -1.0)]
        if i in (0, carbons - 1):
            outward = np.array([-1.0 if i == 0 else 1.0, 0.0, 0.0])
            directions.append(np.sin(half) * outward - np.cos(half) * up)
        positions += [centre + 1.09 * direction for direction in directions]
        symbols += ["H"] * len(directions)
    return ase.Atoms(symbols, np.array(positions))


def alkanes(subject: Subject) -> Plan:
    """Beyond the training range: every CH2 group of a long chain adds the same."""

    def judge(values: np.ndarray) -> Law:
        steps = np.diff(values)
        off = steps - steps[CHAINS.index(LEARNT_CHAIN)]
        beyond = off[CHAINS.index(LEARNT_CHAIN) :]
        energy = subject.unit in UNITS["energy"]
        return Law(
            "chain growth",
            float(np.abs(beyond).max()),
            subject.unit,
            convert(CHEMICAL_ACCURACY, "kcal/mol", subject.unit) if energy else None,
            f"CH2 increments of straight alkanes up to C{CHAINS[-1]} against that of C{LEARNT_CHAIN}",
            {"CH2 increment": (list(CHAINS[:-1]), off.tolist())},
            ("carbon atoms of the chain", f"increment off by ({subject.unit})"),
        )

    return Plan([alkane(count) for count in CHAINS], judge)
