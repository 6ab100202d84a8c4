"""Properties that RDKit reads off the molecular graph: logP, QED, synthetic accessibility.

They are fitted formulas, not physics, and cost milliseconds:

* ``logp``: octanol-water partition, S. Wildman, G. Crippen, J. Chem. Inf. Comput. Sci. 39, 868 (1999);
* ``qed``: drug-likeness, 0 to 1, G. R. Bickerton et al., Nat. Chem. 4, 90 (2012);
* ``sa_score``: synthetic accessibility, 1 (easy) to 10 (hard), P. Ertl, A. Schuffenhauer,
  J. Cheminform. 1, 8 (2009), from RDKit's Contrib folder;
* ``molecular_weight``: of the natural isotope mixture;
* ``tpsa``: topological polar surface area of N and O, P. Ertl et al., J. Med. Chem. 43, 3714 (2000).
"""

from __future__ import annotations

import time

from rdkit import Chem
from rdkit.Chem import QED, Crippen, Descriptors, rdMolDescriptors

from mlmat.graphs.chemistry import silence_rdkit
from mlmat.oracles.verdict import OK, Verdict

UNITS = {"logp": "1", "qed": "1", "sa_score": "1", "molecular_weight": "g/mol", "tpsa": "Å²"}
"""Units of the values by name."""


def describe_smiles(smiles: str) -> Verdict:
    """The properties of one molecule of any elements.

    Args:
        smiles: what RDKit can read.

    Returns:
        A verdict with the values of `UNITS`.
    """
    # Reading its table of fragments takes a second: once per worker, and not at import.
    from rdkit.Contrib.SA_Score import sascorer

    began = time.perf_counter()
    with silence_rdkit():
        molecule = Chem.MolFromSmiles(smiles) if smiles.strip() else None
        if molecule is None:
            return Verdict(f"bad input: RDKit cannot read {smiles!r}", seconds=time.perf_counter() - began)
        values = {
            "logp": Crippen.MolLogP(molecule),
            "qed": QED.qed(molecule),
            "sa_score": sascorer.calculateScore(molecule),
            "molecular_weight": Descriptors.MolWt(molecule),
            "tpsa": rdMolDescriptors.CalcTPSA(molecule),
        }
    return Verdict(OK, {k: float(v) for k, v in values.items()}, time.perf_counter() - began)
