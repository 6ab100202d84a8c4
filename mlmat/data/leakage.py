"""Leakage: items of a test set that the training set has seen, and how to say so."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

EXAMPLES = 5

SHOWN = 40
"""Characters of an example in a sentence."""


class Leak(NamedTuple):
    """Items that two parts of a split share.

    Attributes:
        part_a: name of the earlier part, e.g. ``"train"``.
        part_b: name of the later part, e.g. ``"test"``.
        count: items of `part_b` that are also in `part_a`, repetitions counted.
        examples: the first few shared items of `part_b`, in its order, each once.
        kind: what is equal, e.g. ``"identity"`` or ``"fingerprint"``.
        share: `count` over the size of `part_b`.
    """

    part_a: str
    part_b: str
    count: int
    examples: tuple[str, ...]
    kind: str
    share: float


def leakage(
    parts_identity: Mapping[str, Sequence[Hashable]],
    *,
    shown: Mapping[str, Sequence[str]] | None = None,
    kind: str = "identity",
) -> list[Leak]:
    """Find items that are in more than one part.

    Args:
        parts_identity: part → an identity per item (canonical SMILES, structure hash, …);
            in the order train, validation, test. An identity of None equals nothing.
        shown: part → what to give as the example of each item; the identities if left out.
        kind: name of what is compared.

    Returns:
        One `Leak` per pair of parts that share something, in the order of the parts.
    """
    found = []
    for (part_a, first), (part_b, second) in combinations(parts_identity.items(), 2):
        known = set(first) - {None}
        rows = [row for row, identity in enumerate(second) if identity in known]
        if rows:
            texts = second if shown is None else shown[part_b]
            examples = tuple(dict.fromkeys(str(texts[row]) for row in rows))[:EXAMPLES]
            found.append(Leak(part_a, part_b, len(rows), examples, kind, len(rows) / len(second)))
    return found


def smiles_leakage(parts: Mapping[str, Sequence[str]]) -> list[Leak]:
    """Equal molecules, and molecules that Morgan counts cannot tell apart, across parts.

    The second kind lists only what the first one does not: mostly stereoisomers, and
    chains that differ in length beyond the radius of the fingerprint.

    Args:
        parts: part → SMILES, in the order train, validation, test.

    Raises:
        SmilesError: a SMILES that RDKit cannot read.
    """
    identity, fingerprints = {}, {}
    for part, smiles in parts.items():
        identity[part], fingerprints[part] = _identities(smiles)
    found = leakage(identity, shown=parts)
    for part_a, part_b in combinations(parts, 2):
        # A molecule that is a leak already shall not count twice.
        same = set(identity[part_a])
        near = [
            None if name in same else key
            for name, key in zip(identity[part_b], fingerprints[part_b], strict=True)
        ]
        pair = {part_a: fingerprints[part_a], part_b: near}
        found += leakage(pair, shown=parts, kind="fingerprint")
    return found


def _identities(smiles: Sequence[str]) -> tuple[list[str], list[Hashable]]:
    """Canonical SMILES and unfolded Morgan counts of each molecule, both hashable."""
    from rdkit import Chem
    from rdkit.Chem import rdFingerprintGenerator

    from mlmat.errors import SmilesError
    from mlmat.graphs.chemistry import silence_rdkit
    from mlmat.graphs.fingerprints import RADIUS

    # Unfolded: a folded fingerprint would call unlike molecules equal by collision.
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS)
    names, keys = [], []
    with silence_rdkit():
        for text in smiles:
            molecule = Chem.MolFromSmiles(text)
            if molecule is None or molecule.GetNumAtoms() == 0:
                raise SmilesError(text)
            names.append(Chem.MolToSmiles(molecule))
            elements = generator.GetSparseCountFingerprint(molecule).GetNonzeroElements()
            keys.append(tuple(sorted(elements.items())))
    return names, keys


def _short(example: str) -> str:
    """Enough of a long SMILES to find it."""
    return example if len(example) <= SHOWN else f"{example[: SHOWN - 1]}…"


def leakage_summary(leaks: Sequence[Leak]) -> str:
    """Leaks in plain words, one sentence each; says so when there are none."""
    if not leaks:
        return "No item is in more than one part of the split."
    kinds = {
        "identity": ("is also", "are also", ""),
        "fingerprint": ("has a near twin", "have a near twin", " (equal Morgan fingerprint)"),
    }
    sentences = []
    for leak in leaks:
        one, many, why = kinds.get(leak.kind, ("is also", "are also", f" (same {leak.kind})"))
        items = "item" if leak.count == 1 else "items"
        examples = ", ".join(map(_short, leak.examples[:2]))
        sentences.append(
            f"{leak.count:,} {leak.part_b} {items} ({100 * leak.share:.2g} %) "
            f"{one if leak.count == 1 else many} in {leak.part_a}{why}, e.g. {examples}."
        )
    return "\n".join(sentences)
