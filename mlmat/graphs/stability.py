"""Which molecules are left out of the design space because nobody could keep them in a flask.

A list of substructures, each with its reason, and rules of rings that no SMARTS says well.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors


class Motif(NamedTuple):
    """A rejected substructure: a name, its SMARTS and why it is rejected."""

    name: str
    smarts: str
    reason: str


UNSTABLE_MOTIFS = (
    Motif("peroxide", "[OX2]-[OX2]", "weak O-O bond, decomposes"),
    Motif("sulfenate", "[SX2]-[OX2]", "S-O single bond, rearranges"),
    Motif("sulfenamide", "[SX2;!$(s)]-[NX3;!$(n)]", "S-N single bond outside an aromatic ring, hydrolyses"),
    Motif("sulfur-nitrogen double bond", "[S]=[N]", "lower-valent sulfur imide, oligomerises"),
    Motif("sulfur oxide", "[S]=[O,S]", "S=O or S=S with two-valent sulfur: a fragment, not a molecule"),
    Motif("heteroatom fluoride", "[F]-[N,O,S]", "N-F, O-F and S-F are strong oxidisers"),
    Motif(
        "heteroatom chain", "[N,O,S;!a]~[N,O,S;!a]~[N,O,S;!a]", "three heteroatoms in a row lose N2, O2 or S"
    ),
    Motif("polynitrogen ring", "[n,o,s][n,o,s][n,o,s][n,o,s][n,o,s]", "pentazole-like, loses N2"),
    Motif("diazene N-H", "[NX2;H1]=[N]", "1,1- or 1,2-diazene with N-H, loses N2"),
    Motif("enol", "[OX2H]-[CX3;!$(C=[O,N,S])]=[C]", "tautomerises to the carbonyl"),
    Motif("enethiol", "[SX2H]-[CX3;!$(C=[O,N,S])]=[C]", "tautomerises to the thiocarbonyl"),
    Motif(
        "primary or secondary enamine N-H",
        "[NX3;!H0;!$(NC=[O,N,S]);!$(N-a)]-[CX3;!$(C=[O,N,S])]=[CX3;!$(CC=[O,N,S]);!$(CC#N)]",
        "tautomerises to the imine",
    ),
    Motif("ynol or ynamine", "[O,N,S;!H0]-[CX2]#[CX2]", "tautomerises to the ketene"),
    Motif("imidic acid", "[OX2H]-[CX3]=[NX2]", "tautomerises to the amide"),
    Motif(
        "geminal diol or hemiaminal",
        "[O,N,S;!H0;!$([O,N,S][CX3]=[O,N,S]);!$([N,O,S]a)]-[CX4]-[O,N,S;!H0;!$([O,N,S][CX3]=[O,N,S]);!$([N,O,S]a)]",
        "loses water, ammonia or H2S",
    ),
    Motif("alpha-fluoro alcohol or amine", "[F]-[CX4]-[O,N,S;!H0]", "loses HF"),
    Motif("unsubstituted imine", "[NX2;H1]=[CX3;!$(C[N,O,S])]", "N-H imine without a donor, hydrolyses"),
    Motif(
        "thial or thione", "[S]=[CX3;!$(C[N,O,S])]", "thiocarbonyl without a donor neighbour, oligomerises"
    ),
    Motif(
        "ketene, ketenimine or longer cumulene",
        "[C,N,O,S]=[C]=[C]=[*]",
        "cumulene of four atoms, polymerises",
    ),
    Motif("ketene", "[O,S,N]=[C]=[C]", "adds any nucleophile"),
    Motif("carbonic monoacid", "[OX2H]-[CX3](=[O,S])-[N,O,S]", "carbonic or carbamic acid, loses CO2"),
    Motif("anhydride-like formyl acid", "[CX3H](=O)-[F]", "formyl fluoride, loses CO"),
    Motif("nitroso N-H or O-H", "[O]=[N]-[N,O;!H0]", "isomerises"),
    Motif("nitroso on C-H", "[O]=[N]-[CX4;!H0]", "tautomerises to the oxime"),
    Motif("antiaromatic four-membered ring", "C1=CC=C1", "cyclobutadiene"),
    Motif(
        "double bond in a three-membered ring",
        "[#6,#7,#8,#16]1=,#[#6,#7,#8,#16]~[#6,#7,#8,#16]1",
        "cyclopropene, azirine, oxirene: extreme strain",
    ),
    Motif("three-membered ring ketone", "[O,N,S]=C1~*~*1", "opens"),
    Motif(
        "saturated heteroatom pair in a three-membered ring",
        "[N,O,S]1[N,O,S]*1",
        "diaziridine, oxaziridine: opens",
    ),
    Motif("fused three-membered rings", "*12~*~*~1~*~2", "bicyclobutane-like"),
)
"""Every rejected motif; names appear in counts and messages."""


@lru_cache(maxsize=1)
def _motif_queries() -> tuple[tuple[str, Chem.Mol], ...]:
    return tuple((motif.name, Chem.MolFromSmarts(motif.smarts)) for motif in UNSTABLE_MOTIFS)


def stability_violations(molecule: Chem.Mol) -> list[str]:
    """Names of the rejected motifs and impossible rings in a sanitised molecule.

    Args:
        molecule: sanitised RDKit molecule with implicit hydrogens.

    Returns:
        Names of `UNSTABLE_MOTIFS` and of `RING_RULES`; empty for a member of the space.
    """
    return list(_violations(molecule))


def first_violation(molecule: Chem.Mol) -> str | None:
    """The first of `stability_violations`, found without asking for the others; None for a member."""
    return next(_violations(molecule), None)


def _violations(molecule: Chem.Mol) -> Iterator[str]:
    yield from (name for name, query in _motif_queries() if molecule.HasSubstructMatch(query))
    if molecule.GetRingInfo().NumRings():
        yield from (name for name, broken in RING_RULES.items() if broken(molecule))


def located_violations(molecule: Chem.Mol) -> tuple[list[str], set[int]]:
    """`stability_violations`, and where: one match of each motif, or all ring atoms for a ring rule alone."""
    matches = {name: molecule.GetSubstructMatch(query) for name, query in _motif_queries()}
    names = [name for name, atoms in matches.items() if atoms]
    where = {atom for atoms in matches.values() for atom in atoms}
    rings = molecule.GetRingInfo()
    if rings.NumRings() and (broken := [name for name, rule in RING_RULES.items() if rule(molecule)]):
        names += broken
        where = where or {atom for ring in rings.AtomRings() for atom in ring}
    return names, where


def _unsaturated(bond: Chem.Bond) -> bool:
    return bond.GetBondType() != Chem.BondType.SINGLE


def _small_rings(molecule: Chem.Mol, largest: int) -> list[set[int]]:
    return [set(ring) for ring in molecule.GetRingInfo().AtomRings() if len(ring) <= largest]


def _ring_triple_bond(molecule: Chem.Mol) -> bool:
    return any(b.IsInRing() and b.GetBondType() == Chem.BondType.TRIPLE for b in molecule.GetBonds())


def _ring_allene(molecule: Chem.Mol) -> bool:
    for atom in molecule.GetAtoms():
        double = [b for b in atom.GetBonds() if b.GetBondType() == Chem.BondType.DOUBLE]
        if len(double) == 2 and any(b.IsInRing() for b in double):
            return True
    return False


def _bredt(molecule: Chem.Mol) -> bool:
    bridgeheads: list[int] = []
    rdMolDescriptors.CalcNumBridgeheadAtoms(molecule, bridgeheads)
    return any(
        _unsaturated(b) for i in bridgeheads for b in molecule.GetAtomWithIdx(i).GetBonds() if b.IsInRing()
    )


def _crowded_small_rings(molecule: Chem.Mol) -> bool:
    small = _small_rings(molecule, 4)
    return any(sum(i in ring for ring in small) >= 3 for i in range(molecule.GetNumAtoms()))


def _unsaturated_small_bicycle(molecule: Chem.Mol) -> bool:
    small = _small_rings(molecule, 4)
    for k, ring in enumerate(small):
        for other in small[k + 1 :]:
            joined = ring | other
            if ring & other and any(
                _unsaturated(b) and b.GetBeginAtomIdx() in joined and b.GetEndAtomIdx() in joined
                for b in molecule.GetBonds()
            ):
                return True
    return False


def _aromatic_small_ring(molecule: Chem.Mol) -> bool:
    return any(molecule.GetAtomWithIdx(i).GetIsAromatic() for ring in _small_rings(molecule, 3) for i in ring)


RING_RULES = {
    "triple bond in a ring": _ring_triple_bond,
    "allene in a ring": _ring_allene,
    "unsaturated bond at a bridgehead (Bredt)": _bredt,
    "three small rings at one atom": _crowded_small_rings,
    "unsaturated bond in joined small rings": _unsaturated_small_bicycle,
    "three-membered ring on an aromatic ring": _aromatic_small_ring,
}
"""Ring rules that no SMARTS says well: name → test of a molecule."""
