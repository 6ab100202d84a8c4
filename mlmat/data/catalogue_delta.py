"""Entries of the catalogue with one property at several levels. Data only."""

from __future__ import annotations

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

DELTA_ENTRIES = (
    Entry(
        name="ppe1694",
        title="PPE1694: heats of formation of 1,694 molecules, measured and calculated",
        citation="Das, Chakraborty and Ramakrishnan, J. Chem. Phys. 154, 044113 (2021)",
        licence="MIT",
        notes="Geometries at B3LYP/6-31G(2df,p); 22 elements, 2 to 56 atoms. The density functionals "
        "include corrections of the free atoms that the authors fitted, so they are no raw baselines.",
        properties=(
            Property("n_atoms", "", "number of atoms"),
            Property("numbers", "", "atomic numbers, molecule after molecule"),
            Property("positions", "Å", "positions, molecule after molecule"),
            Property("title", "", "name of the molecule"),
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
)
