import dataclasses
import json

import jax
import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from mlmat.errors import InputError, SmilesError, UnknownElementError
from mlmat.graphs.bond_graph import ATOM_FEATURES, BOND_FEATURES, BondGraphEncoder, elements_of
from mlmat.graphs.packing import Budget, pack

SMILES = (
    "C",
    "[Na+]",
    "c1ccc2[nH]ccc2c1",
    "[Na+].[O-]C(=O)c1ccccc1",
    "C[C@H](O)/C=C/F",
    "C[C@@H](N)C(=O)O",
    "F/C=C\\F",
    "[2H]C([2H])([2H])O",
    "[13CH4]",
    "C[CH2]",
    "CS(=O)(=O)F",
    "FS(F)(F)(F)(F)F",
    "C1CC1C2CCC2C3CCCCCCC3",
    "C[N+](=O)[O-]",
    "CN(=O)=O",
    "N->[Pt](Cl)(Cl)<-N",
    "F[B-]1(F)n2cccc2C=C2C=CC=[N+]21",
    "*CC*",
    "[CH3:1][OH:2]",
    "C1CCCCCCCCC1",
    "[H][H]",
    "FP(F)(F)(F)F",
    "CC#N",
    "C1CCCCCC1",
)


def reference_atom(atom):
    """Feature name → value, from RDKit's own methods one at a time."""
    values = dict.fromkeys(ATOM_FEATURES, 0.0)
    values[f"degree {min(atom.GetDegree(), 6)}"] = 1
    values[f"hydrogens {min(atom.GetTotalNumHs(), 4)}"] = 1
    kind = atom.GetHybridization().name.lower()
    if kind in values:
        values[kind] = 1
    values["formal charge"] = atom.GetFormalCharge()
    values["valence / 4"] = atom.GetTotalValence() / 4
    values["aromatic"] = atom.GetIsAromatic()
    values["radical electrons"] = atom.GetNumRadicalElectrons()
    values["isotope given"] = atom.GetIsotope() > 0
    values["in ring"] = atom.IsInRing()
    for size in range(3, 9):
        values[f"in ring of {size}"] = atom.IsInRingSize(size)
    if atom.HasProp("_CIPCode"):
        values[f"chirality {atom.GetProp('_CIPCode')}"] = 1
    return [float(values[name]) for name in ATOM_FEATURES]


def reference_bond(bond):
    values = dict.fromkeys(BOND_FEATURES, 0.0)
    kind = bond.GetBondType().name.lower()
    if kind in values:
        values[kind] = 1
    values["conjugated"], values["in ring"] = bond.GetIsConjugated(), bond.IsInRing()
    stereo = bond.GetStereo().name.removeprefix("STEREO")
    if stereo in values:
        values[stereo] = 1
    return [float(values[name]) for name in BOND_FEATURES]


@pytest.fixture(scope="module")
def encoder():
    return BondGraphEncoder(elements_of(SMILES))


@pytest.mark.parametrize("smiles", SMILES)
def test_features_are_what_rdkit_says(encoder, smiles):
    graph, molecule = encoder(smiles), Chem.MolFromSmiles(smiles)
    np.testing.assert_array_equal(
        graph.nodes["features"], np.array([reference_atom(a) for a in molecule.GetAtoms()], np.float32)
    )
    assert [encoder.elements[k] for k in graph.nodes["species"]] == [
        a.GetSymbol() for a in molecule.GetAtoms()
    ]
    ends = list(zip(graph.receivers.tolist(), graph.senders.tolist(), strict=True))
    assert ends == sorted(ends)
    assert len(ends) == 2 * molecule.GetNumBonds()
    for (i, j), edge in zip(ends, graph.edges, strict=True):
        np.testing.assert_array_equal(edge, reference_bond(molecule.GetBondBetweenAtoms(i, j)))
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    counts = np.zeros(1024)
    for bit, count in generator.GetCountFingerprint(molecule).GetNonzeroElements().items():
        counts[bit] = count
    np.testing.assert_allclose(graph.globals["fingerprint"], np.log(1 + counts)[None], rtol=1e-6)
    assert graph.nodes["features"].dtype == graph.edges.dtype == np.float32
    assert graph.nodes["species"].dtype == graph.receivers.dtype == graph.n_edge.dtype == np.int32
    assert (graph.n_node[0], graph.n_edge[0]) == (molecule.GetNumAtoms(), len(ends))


def test_every_feature_occurs_in_the_table(encoder):
    graphs = [encoder(smiles) for smiles in SMILES]
    for names, rows in (
        (ATOM_FEATURES, [graph.nodes["features"] for graph in graphs]),
        (BOND_FEATURES, [graph.edges for graph in graphs]),
    ):
        used = np.abs(np.concatenate(rows)).sum(axis=0)
        silent = {name for name, total in zip(names, used, strict=True) if not total}
        assert silent <= {"sp2d"}  # square planar: RDKit gives it to no atom of the table


@pytest.mark.parametrize("smiles", ["C[C@H](O)/C=C/F", "F[B-]1(F)n2cccc2C=C2C=CC=[N+]21", "C[C@@H](N)C(=O)O"])
def test_order_of_the_atoms_in_the_smiles_does_not_matter(encoder, smiles):
    def fingerprint(text):
        graph = encoder(text)
        nodes = np.c_[graph.nodes["species"], graph.nodes["features"]]
        edges = np.c_[nodes[graph.receivers], graph.edges, nodes[graph.senders]]
        return sorted(map(tuple, nodes)), sorted(map(tuple, edges))

    molecule = Chem.MolFromSmiles(smiles)
    texts = {Chem.MolToSmiles(molecule, doRandom=True) for _ in range(12)}
    assert len(texts) > 3
    for text in texts:
        assert fingerprint(text) == fingerprint(smiles)


def test_stereoisomers_differ_only_where_they_should(encoder):
    right, left = (encoder(s).nodes["features"] for s in ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"))
    changed = {ATOM_FEATURES[k] for k in np.flatnonzero((right != left).any(0))}
    assert changed == {"chirality R", "chirality S"}


def test_elements_are_sorted_and_unknown_ones_refused_by_name(encoder):
    assert elements_of(["CCl", "[Na+].[Br-]", "*N"]) == ("*", "C", "N", "Na", "Cl", "Br")
    with pytest.raises(UnknownElementError, match=r"'Si'.*C, O"):
        BondGraphEncoder(("C", "O"))("C[Si](C)(C)C")
    with pytest.raises(InputError, match="unknown element Xx"):
        BondGraphEncoder(("C", "Xx"))
    with pytest.raises(InputError, match="different"):
        BondGraphEncoder(("C", "C"))


@pytest.mark.parametrize("bad", ["C1CC", "", "c1cccc1", "C(", "CC%", "C[N](C)(C)(C)C", None, 3.5])
def test_bad_smiles(encoder, bad):
    with pytest.raises(SmilesError):
        encoder(bad)


def test_fields_travel_through_json(encoder):
    again = BondGraphEncoder(**json.loads(json.dumps(dataclasses.asdict(encoder))))
    assert again == encoder
    assert again.kind == "smiles"
    np.testing.assert_array_equal(again("CO").nodes["features"], encoder("CO").nodes["features"])


def test_packs_with_and_without_fingerprint(encoder):
    for each in (encoder, dataclasses.replace(encoder, fingerprint=0)):
        (batch,) = pack([each(s) for s in SMILES], Budget(256, 512, 64))
        assert batch.n_node[: len(SMILES)].tolist() == [Chem.MolFromSmiles(s).GetNumAtoms() for s in SMILES]
        if each.fingerprint:
            assert batch.globals["fingerprint"].shape == (64, 1024)
        else:
            assert batch.globals is None


def test_many_gives_what_one_by_one_gives_and_errors_in_their_place(encoder):
    texts = [*SMILES, "C1CC", "[Xe]", *SMILES[::-1] * 3]  # more than a block
    found = encoder.many(texts)
    assert len(found) == len(texts)
    assert isinstance(found[len(SMILES)], SmilesError)
    assert isinstance(found[len(SMILES) + 1], UnknownElementError)
    for text, graph in zip(texts, found, strict=True):
        if text not in ("C1CC", "[Xe]"):
            jax.tree.map(np.testing.assert_array_equal, graph, encoder(text))
    assert encoder.many([]) == []
    assert [type(one) for one in encoder.many(["C("])] == [SmilesError]
