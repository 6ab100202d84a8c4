"""SMILES as users write them: checked, with the reason where RDKit refuses one."""

from __future__ import annotations

from rdkit import Chem

from mlmat.data.own.text import broken, readable
from mlmat.errors import SmilesError
from mlmat.graphs.chemistry import canonical_smiles, silence_rdkit


def identity_of_smiles(text: str) -> str:
    """Canonical SMILES without stereo marks, isotopes and atom numbers.

    Salts, charges, isotopes, radicals and any element pass.

    Raises:
        SmilesError: the cell is empty, RDKit cannot read it (says why), or it holds bytes
            of another encoding.
    """
    molecule = read_molecule(text)
    for atom in molecule.GetAtoms():
        atom.SetAtomMapNum(0)
    return canonical_smiles(molecule)


def read_molecule(text: str) -> Chem.Mol:
    """Sanitised RDKit molecule; errors as of `identity_of_smiles`."""
    if not text.strip():
        raise SmilesError(text, "the cell is empty")
    if reason := broken(text):
        raise SmilesError(readable(text), reason)
    with silence_rdkit():
        molecule = Chem.MolFromSmiles(text)
        if molecule is None:
            raise SmilesError(text, _reason(text))
    if molecule.GetNumAtoms() == 0:
        raise SmilesError(text, "it holds no atom")
    return molecule


def parses(text: str) -> bool:
    """Whether the text is a SMILES; numbers are not, though RDKit never sees them as such."""
    try:
        read_molecule(text)
    except SmilesError:
        return False
    return True


def _reason(text: str) -> str:
    raw = Chem.MolFromSmiles(text, sanitize=False)
    if raw is None:
        return "it is no SMILES"
    problems = Chem.DetectChemistryProblems(raw)
    return problems[0].Message().strip() if problems else "RDKit cannot parse it"
