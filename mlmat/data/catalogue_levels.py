"""Entries of molecules calculated twice, or calculated and measured. Data only."""

from __future__ import annotations

from mlmat.data.entry import Entry, Local, Property

_QM9_GEOMETRY = {
    "molecules/qm9/qm9_geom_118744.npz": "905991a04028dab9da36a3ebdc093f6a5e09bb66e809e0dfb1821fed72547982"
}

_QM9_SOURCE = "geometries: github.com/ppqm/dataset-qm9, commit 45cc9a2a; "

_GEOMETRY = (
    Property("n_atoms", "", "number of atoms"),
    Property("numbers", "", "atomic numbers, molecule after molecule"),
    Property("positions", "Å", "positions, molecule after molecule; B3LYP/6-31G(2df,p)"),
)

_GDB = Property("gdb", "", "GDB-9 index, from 1")

_QM9 = "Ramakrishnan, Dral, Rupp and von Lilienfeld, Sci. Data 1, 140022 (2014)"

LEVEL_ENTRIES = (
    Entry(
        name="qm9_g4mp2",
        title="QM9 molecules with G4MP2 beside B3LYP",
        citation=f"Narayanan, Redfern, Assary and Curtiss, Chem. Sci. 10, 7449 (2019); {_QM9}",
        licence="none stated (G4MP2); CC0 (QM9)",
        notes="G4MP2 is an energy at 0 K. B3LYP is the internal energy at 298.15 K, so a difference of the "
        "two holds thermal terms; B3LYP at 0 K is there for a sixth. Elements H, C, N, O.",
        properties=(
            *_GEOMETRY,
            _GDB,
            Property("atomisation_energy_g4mp2", "eV", "at 0 K, less the free atoms, G4MP2"),
            Property("atomisation_energy_b3lyp_u298", "eV", "U at 298.15 K less the free atoms', B3LYP"),
            Property(
                "atomisation_energy_b3lyp_u0", "eV", "at 0 K less the free atoms, B3LYP, NaN if missing"
            ),
        ),
        local=Local(
            files={
                **_QM9_GEOMETRY,
                "molecules/qm9/qm9_labels_123885.npz": "bb66219a58e7e05be205c2f049b61c58"
                "2b8e92c79272f7d4a1752936c27e8388",
                "molecules/qm9/qm9_g4mp2_atomization_130k.npz": "2c7b90853d21ed1e76901059369f5c8d"
                "fc23d5faad103ffb4e569fbc4f3dd0a2",
                "molecules/qm9/qm9_full_properties_19859.csv.xz": "31a0b04b09f80a876c31c69ad10f86c4"
                "fd4685a8d0bc615a48a49a2c8c139364",
            },
            reader="mlmat.data.level_readers:read_qm9_g4mp2",
            items=118_118,
            source=f"{_QM9_SOURCE}U at 298 K: github.com/KRICT-DATA/EGCN, commit 7122542e; U at 0 K: "
            "github.com/Shreyas-Bhat/MolPropPred, commit 7e92e998; G4MP2: "
            "github.com/vksastry/gnn_anl_gc_collab, commit 427c079e",
        ),
    ),
    Entry(
        name="qm9_rimp2",
        title="QM9 molecules with Hartree-Fock and RI-MP2/def2-TZVP",
        citation=f"github.com/ppqm/dataset-qm9, job-tzvp-ran10 (unpublished calculations); {_QM9}",
        licence="none stated; scripts MIT; CC0 (QM9)",
        notes="ORCA 3.0.3, at the B3LYP geometry of QM9. Energies of atomisation, without vibrations.",
        properties=(
            *_GEOMETRY,
            _GDB,
            Property("atomisation_energy_hf", "eV", "energy less that of the free atoms, Hartree-Fock"),
            Property("atomisation_energy_rimp2", "eV", "energy less that of the free atoms, RI-MP2"),
            Property("homo_hf", "eV", "highest occupied orbital energy, Hartree-Fock"),
            Property("lumo_hf", "eV", "lowest unoccupied orbital energy, Hartree-Fock"),
        ),
        local=Local(
            files={
                **_QM9_GEOMETRY,
                "molecules/qm9/qm9_rimp2_10000.npz": "c4b3042520bd7ed2d38de4aa555cc57c"
                "bdf354bdb6fcd7fdea02872d49f2d241",
            },
            reader="mlmat.data.level_readers:read_qm9_rimp2",
            items=9183,
            source=f"{_QM9_SOURCE}energies: job-tzvp-ran10/*.log of the same commit",
        ),
    ),
    Entry(
        name="c7h10o2",
        title="6,095 isomers of C7H10O2, G4MP2 energies",
        citation=_QM9,
        licence="MIT (copy); CC0 (figshare)",
        notes="u0, u298, h298 and g298 are G4MP2 (checked against `qm9_g4mp2`, where a molecule is in "
        "both: the same but for a constant), the other properties and geometries B3LYP/6-31G(2df,p).",
        properties=(
            *_GEOMETRY,
            Property("isomer", "", "number in the published set, from 1"),
            Property("smiles", "", "SMILES"),
            Property("u0", "eV", "internal energy at 0 K, G4MP2"),
            Property("u298", "eV", "internal energy at 298.15 K, G4MP2"),
            Property("h298", "eV", "enthalpy at 298.15 K, G4MP2"),
            Property("g298", "eV", "free energy at 298.15 K, G4MP2"),
            Property("zpve", "eV", "zero-point vibrational energy"),
            Property("homo", "eV", "highest occupied orbital energy"),
            Property("lumo", "eV", "lowest unoccupied orbital energy"),
            Property("gap", "eV", "lumo - homo"),
            Property("dipole", "debye", "norm of the dipole moment"),
            Property("polarisability", "Å^3", "isotropic polarisability"),
            Property("r2", "Å^2", "electronic spatial extent"),
            Property("cv", "eV/K", "heat capacity at 298.15 K"),
        ),
        local=Local(
            files={
                "molecules/qm9/c7o2h10_6095_geometries.npz": "8ede928cbc0dba51c2b43aa849ec545f"
                "92555be45e233b0932c33d8aae5ef6e5",
                "molecules/qm9/c7o2h10_6095_properties.csv.xz": "0f849c51114b69e68270fac5e9841ab6"
                "e7b77f0cc5bffe1770c20319c963c453",
            },
            reader="mlmat.data.level_readers:read_c7h10o2",
            items=6095,
            source="github.com/chemspacelab/qm9-C7O2H10, commit 3784136b",
        ),
    ),
    Entry(
        name="qm8",
        title="QM8: two lowest singlet excitations at CC2, PBE0 and CAM-B3LYP",
        citation="Ramakrishnan, Hartmann, Tapavicza and von Lilienfeld, J. Chem. Phys. 143, 084111 (2015)",
        licence="MIT (copy)",
        notes="Only molecules whose geometry is in the local copy of QM9. CC2 and CAM-B3LYP in def2-TZVP; "
        "the file names two basis sets for PBE0 and holds one set of numbers. A few oscillator strengths "
        "are slightly negative.",
        properties=(
            *_GEOMETRY,
            _GDB,
            Property("smiles", "", "SMILES with all hydrogens"),
            *(
                Property(f"{quantity}{state}_{name}", unit, f"{meaning} of state {state}, {level}")
                for name, level in (("cc2", "CC2"), ("pbe0", "PBE0"), ("cam_b3lyp", "CAM-B3LYP"))
                for quantity, unit, meaning in (
                    ("excitation", "eV", "vertical excitation energy"),
                    ("oscillator_strength", "1", "oscillator strength"),
                )
                for state in (1, 2)
            ),
        ),
        local=Local(
            files={
                **_QM9_GEOMETRY,
                "molecules/qm8/qm8_21786.csv.xz": "13bfc7bac69e073cca5273ac15351395"
                "054f5a97ccf60cdaea37d29267ad43f9",
            },
            reader="mlmat.data.level_readers:read_qm8",
            items=19_792,
            source=f"{_QM9_SOURCE}excitations: github.com/chemprop/chemprop, data/qm8.csv.gz, "
            "commit b83635bc",
        ),
    ),
    Entry(
        name="dyes",
        title="Absorption maxima of dyes, measured and from TD-DFT",
        citation="Greenman, Green and Gómez-Bombarelli, Chem. Sci. 13, 1152 (2022), and the sources of the "
        "measured values named there",
        licence="MIT (copy)",
        notes="No geometries. One row for each dye and solvent; the calculated excitation (the strongest of "
        "ωB97X-D3, vertical, no solvent) is that of the dye. Three rows below 150 nm are left out.",
        properties=(
            Property("smiles", "", "SMILES of the dye"),
            Property("solvent", "", "SMILES of the solvent"),
            Property("absorption_tddft", "eV", "strongest vertical excitation, ωB97X-D3"),
            Property("absorption_experiment", "eV", "photon energy at the measured absorption maximum"),
        ),
        local=Local(
            files={
                "molecules/emitters/tddft_wb97xd3_peak.csv.xz": "a168fb36542ca2d795e1656ad3a6216c"
                "a80aeb7bf5ca6b637b17fbdd4b5cc6ce",
                "molecules/emitters/lambda_max_abs_combined.csv.xz": "c2f184fb5b839d3b796f4d040058fd90"
                "9f787b5029f6bb9bfec2008ef06499f7",
            },
            reader="mlmat.data.level_readers:read_dyes",
            items=24_374,
            source="github.com/learningmatter-mit/uvvisml, commit 72b2a3ea",
        ),
    ),
)
