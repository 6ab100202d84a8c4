"""Entry of the ANI-1 conformations at hand. Data only."""

from __future__ import annotations

from mlmat.data.entry import Entry, Local, Property

ANI_ENTRIES = (
    Entry(
        name="ani1_small",
        title="ANI-1 conformations of six molecules with one or two heavy atoms, ωB97X/6-31G(d)",
        citation="Smith, Isayev and Roitberg, Sci. Data 4, 170193 (2017)",
        licence="none stated in the repositories the files came from",
        notes="All of s01 (methane, ammonia, water) and the hydrocarbons of s02 (ethane, ethylene, "
        "acetylene). Geometries by normal-mode sampling; some of ethane lie 274 kcal/mol up. No forces.",
        properties=(
            Property("n_atoms", "", "number of atoms"),
            Property("numbers", "", "atomic numbers, conformation after conformation"),
            Property("positions", "Å", "positions, conformation after conformation"),
            Property("energy", "eV", "total energy"),
            Property("group", "", "the molecule, as its atoms in the order of the file"),
        ),
        local=Local(
            files={
                "molecules/ani1/ani1_s01.npz": "4378f761b0e00aa67ec8822d53f4a5ef"
                "43d9ac7b7d5dc30e15c60d08fb838201",
                "molecules/ani1/ani1_hc_s02.npz": "d89a1bc4d9f9d8bf25f21ac329f5dd71"
                "340747fb9513f44873f500ff08a3c37b",
            },
            reader="mlmat.data.ani_readers:read_ani1",
            items=27_909,
            source="github.com/tratohecho3/Machine-Learning, ani_gdb_s01.h5, commit b5bba697; "
            "github.com/GoodpasterGroup/Alkane-Dataset, gdb_HC_s02.h5, commit 5d99a515",
        ),
    ),
)
