"""The data sets mlmat knows: where their files are, what they hold, what to cite. Data only."""

from __future__ import annotations

from types import MappingProxyType

from mlmat.data.catalogue_ani import ANI_ENTRIES
from mlmat.data.catalogue_crystals import CRYSTAL_ENTRIES
from mlmat.data.catalogue_delta import DELTA_ENTRIES
from mlmat.data.catalogue_potentials import POTENTIAL_ENTRIES
from mlmat.data.catalogue_surfaces import SURFACE_ENTRIES
from mlmat.data.entry import Embedded, Entry, Local, Property, Remote

GEOMETRY = (
    Property("n_atoms", "", "number of atoms"),
    Property("numbers", "", "atomic numbers, molecule after molecule"),
    Property("positions", "Å", "positions, molecule after molecule"),
)

_ENTRIES = (
    Entry(
        name="small_organics",
        title="Molecules of 3 to 10 heavy atoms (C, N, O, F, S), GFN2-xTB",
        citation="mlmat, embedded set small_organics (GFN2-xTB: Bannwarth et al., JCTC 15, 1652, 2019)",
        licence="CC0-1.0",
        notes="The gap is a difference of GFN2 orbital energies, not an optical gap. Hartree-Fock and "
        "MP2 energies cover the smaller molecules only (NaN elsewhere).",
        properties=(
            *GEOMETRY,
            Property("smiles", "", "canonical SMILES without stereo marks"),
            Property("n_heavy", "", "number of heavy atoms"),
            Property("charges", "e", "atomic charges, molecule after molecule"),
            Property("energy", "eV", "total energy, GFN2-xTB"),
            Property("atomisation_energy", "eV", "energy minus that of the free atoms"),
            Property("homo", "eV", "highest occupied orbital energy"),
            Property("lumo", "eV", "lowest unoccupied orbital energy"),
            Property("gap", "eV", "lumo - homo"),
            Property("dipole", "debye", "norm of the dipole moment"),
            Property("hf_energy", "eV", "Hartree-Fock/def2-SVP energy, NaN where not computed"),
            Property("mp2_energy", "eV", "MP2/def2-SVP energy, NaN where not computed"),
        ),
        embedded=Embedded(
            path="small_organics/small_organics.npz",
            provenance="small_organics/provenance.json",
            reader="mlmat.data.small_organics:load",
            items=10_703,
        ),
    ),
    Entry(
        name="qm7",
        title="QM7: molecules of up to 7 heavy atoms (C, N, O, S), PBE0",
        citation="Rupp et al., Phys. Rev. Lett. 108, 058301 (2012); Blum and Reymond, "
        "J. Am. Chem. Soc. 131, 8732 (2009)",
        licence="none stated; quantum-machine.org asks for citation",
        notes="Force-field geometries, PBE0 energies (FHI-aims, tier 2). The local copy is centred and "
        "rotated against the original and lacks the five published folds.",
        properties=(
            *GEOMETRY,
            Property("atomisation_energy", "eV", "energy minus that of the free atoms, PBE0"),
            Property("fold", "", "published fold 0 to 4 (download only)"),
        ),
        local=Local(
            files={
                "molecules/qm7/qm7.npz": "4675a67267d67b3ef7f5719d42e8a78dc0a2c00cb045e3507555e226701457c4",
            },
            reader="mlmat.data.readers:read_qm7",
            items=7165,
            source="github.com/SFdS-atelier-3/block-1, qm7.npz, commit b3d7250c",
        ),
        remote=Remote(
            url="http://quantum-machine.org/data/qm7.mat",
            filename="qm7.mat",
            sha256=None,
            reader="mlmat.data.archives:read_qm7_mat",
            items=7165,
        ),
    ),
    Entry(
        name="qm7_delta",
        title="Molecules of QM7 relaxed anew, with PBE0/def2-TZVP and DFTB energies",
        citation="A. S. Christensen, qmlcode/tutorial (github.com/qmlcode/tutorial); molecules of QM7",
        licence="MIT",
        notes="Not the original QM7: other geometries and energies. The level 'PBE0/def2-TZVP' is as "
        "stated by users of the files; the DFTB variant is not documented.",
        properties=(
            *GEOMETRY,
            Property("file_id", "", "number of the source file"),
            Property("qm7_index", "", "row of qm7 with the same bonds, -1 where none"),
            Property("atomisation_energy_pbe0", "eV", "energy minus that of the free atoms, PBE0"),
            Property("atomisation_energy_dftb", "eV", "energy minus that of the free atoms, DFTB"),
        ),
        local=Local(
            files={
                "molecules/qm7/qm7_pbe0_dftb_7101.npz": "cab5c55fe19f01693c3b2f667d952284"
                "aa2152c8c1a51a8c5c665a8eb56c037e",
            },
            reader="mlmat.data.readers:read_qm7_delta",
            items=7101,
            source="github.com/qmlcode/tutorial, qm7/*.xyz and hof_qm7.txt, commit da714b16",
        ),
    ),
    Entry(
        name="qm9",
        title="QM9: molecules of up to 9 heavy atoms (C, N, O, F), B3LYP/6-31G(2df,p)",
        citation="Ramakrishnan, Dral, Rupp and von Lilienfeld, Sci. Data 1, 140022 (2014); "
        "Ruddigkeit et al., J. Chem. Inf. Model. 52, 2864 (2012)",
        licence="CC0 (figshare)",
        notes="The local copy lacks molecules with fluorine, those that failed the published consistency "
        "check and a held-back part; homo and lumo are NaN for about 29 % of it. The download has "
        "all molecules and properties, those that failed the check included. The orbital gap is not "
        "an optical gap.",
        properties=(
            *GEOMETRY,
            Property("gdb", "", "GDB-9 index, from 1"),
            Property("smiles", "", "SMILES of GDB-9"),
            Property("u298", "eV", "internal energy at 298.15 K"),
            Property("atomisation_energy", "eV", "u298 minus that of the free atoms"),
            Property("homo", "eV", "highest occupied orbital energy"),
            Property("lumo", "eV", "lowest unoccupied orbital energy"),
            Property("gap", "eV", "lumo - homo"),
            Property("polarisability", "Å^3", "isotropic polarisability"),
            Property("cv", "eV/K", "heat capacity at 298.15 K"),
            Property("charges", "e", "Mulliken charges, molecule after molecule (download only)"),
            Property("rotational_constants", "GHz", "A, B, C (download only)"),
            Property("dipole", "debye", "norm of the dipole moment (download only)"),
            Property("r2", "Å^2", "electronic spatial extent (download only)"),
            Property("zpve", "eV", "zero-point vibrational energy (download only)"),
            Property("u0", "eV", "internal energy at 0 K (download only)"),
            Property("h298", "eV", "enthalpy at 298.15 K (download only)"),
            Property("g298", "eV", "free energy at 298.15 K (download only)"),
        ),
        local=Local(
            files={
                "molecules/qm9/qm9_geom_118744.npz": "905991a04028dab9da36a3ebdc093f6a"
                "5e09bb66e809e0dfb1821fed72547982",
                "molecules/qm9/qm9_labels_123885.npz": "bb66219a58e7e05be205c2f049b61c58"
                "2b8e92c79272f7d4a1752936c27e8388",
                "molecules/qm9/qm9_smiles_gdb_order.txt.xz": "ff7ccab40e3f7d5e984eac6dc64a2b16"
                "cd795a0e4e68c07eb8ff3a8a33e7a00c",
            },
            reader="mlmat.data.readers:read_qm9",
            items=118_744,
            source="geometries: github.com/ppqm/dataset-qm9, commit 45cc9a2a; U298, gap, polarisability "
            "and heat capacity: github.com/KRICT-DATA/EGCN, commit 7122542e; orbital energies: "
            "github.com/VldKnd/vae_qm9, commit cd9c9ac0; SMILES: GDB-9 order",
        ),
        remote=Remote(
            url="https://ndownloader.figshare.com/files/3195389",
            filename="dsgdb9nsd.xyz.tar.bz2",
            sha256=None,
            reader="mlmat.data.archives:read_qm9_archive",
            items=133_885,
        ),
    ),
)

ENTRIES = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            *_ENTRIES,
            *DELTA_ENTRIES,
            *POTENTIAL_ENTRIES,
            *ANI_ENTRIES,
            *CRYSTAL_ENTRIES,
            *SURFACE_ENTRIES,
        )
    }
)
"""Every data set by name."""
