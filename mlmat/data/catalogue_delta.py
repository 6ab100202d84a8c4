"""Entries of the catalogue with one property at several levels. Data only."""

from __future__ import annotations

from mlmat.data.catalogue_levels import LEVEL_ENTRIES
from mlmat.data.entry import Entry, Local, Property

_LEVELS = {
    "experiment": "measured",
    "g4": "G4, NaN where it failed",
    "g4mp2": "G4(MP2)",
    "b3lyp": "B3LYP with the authors' atomic corrections",
    "pbe0": "PBE0 with the authors' atomic corrections",
    "wb97xd3": "ωB97X-D3 with the authors' atomic corrections",
    "pm6": "PM6",
    "pm7": "PM7",
}

_RMG_LEVELS = {
    "reference": "ATcT where it has the species, else CATCH, CCCBDB or others",
    "b3lyp": "B3LYP/def2-TZVP, NaN where missing",
    "wb97mv": "ωB97M-V/def2-TZVPD",
    "g4": "G4",
    "ccsdt_f12": "CCSD(T)-F12/cc-pVTZ-F12, NaN where missing",
}

_GEOMETRY = (
    Property("n_atoms", "", "number of atoms"),
    Property("numbers", "", "atomic numbers, molecule after molecule"),
    Property("positions", "Å", "positions, molecule after molecule"),
    Property("title", "", "name of the molecule"),
)

DELTA_ENTRIES = (
    Entry(
        name="ppe1694",
        title="PPE1694: heats of formation of 1,694 molecules, measured and calculated",
        citation="Das, Chakraborty and Ramakrishnan, J. Chem. Phys. 154, 044113 (2021)",
        licence="MIT",
        notes="Geometries at B3LYP/6-31G(2df,p); 22 elements, 2 to 56 atoms. The density functionals "
        "include corrections of the free atoms that the authors fitted, so they are no raw baselines.",
        properties=(
            *_GEOMETRY,
            *(
                Property(f"heat_of_formation_{name}", "eV", f"heat of formation at 298.15 K, {meaning}")
                for name, meaning in _LEVELS.items()
            ),
        ),
        local=Local(
            files={
                "molecules/delta/ppe1694_enthalpies.csv": "a1f21cdc1eaad5163d8072aa87eaba45"
                "6f399fa03dea2e683ba06485cead7f33",
                "molecules/delta/ppe1694_geometries.npz": "5538c04e86a9fe85014ec88a223425eb"
                "be1e52083ffb7fee1e8b47ddca241800",
            },
            reader="mlmat.data.delta_readers:read_ppe1694",
            items=1694,
            source="github.com/moldis-group/prunedhof, data/SI_review_23_12_2020.txt and "
            "1694prunedHOF_geom_01.xyz, commit ef6b8834",
        ),
    ),
    Entry(
        name="rmg_reference",
        title="Reference heats of formation of 421 species, radicals and ions among them",
        citation="Johnson et al., J. Chem. Inf. Model. 62 (2022), doi 10.1021/acs.jcim.2c00965; "
        "reference values: ATcT, CATCH, CCCBDB",
        licence="none stated in the database; RMG itself is MIT",
        notes="Calculated values carry no bond corrections. Geometries at ωB97M-V where given.",
        properties=(
            *_GEOMETRY,
            Property("charge", "", "total charge"),
            Property("multiplicity", "", "spin multiplicity"),
            *(
                Property(f"heat_of_formation_{name}", "eV", f"heat of formation at 298.15 K, {meaning}")
                for name, meaning in _RMG_LEVELS.items()
            ),
            Property("reference_uncertainty", "eV", "of the reference as its source states it, NaN if not"),
        ),
        local=Local(
            files={
                "molecules/delta/rmg_reference_H298.csv": "dc3e5891c1ee9b955bae771f4d400b01"
                "c4ef05aed03b19129c124c4f0194cc66",
                "molecules/delta/rmg_reference_geometries.npz": "ba7b36fcb59b9ea97b75b00c8ad8487d"
                "428e4264a1744f671d8e0e9500a5f640",
            },
            reader="mlmat.data.delta_readers:read_rmg_reference",
            items=421,
            source="github.com/ReactionMechanismGenerator/RMG-database, input/reference_sets/main/*.yml, "
            "commit 15c41971",
        ),
    ),
    *LEVEL_ENTRIES,
)
