"""Entries of the catalogue with crystals and their properties. Data only."""

from __future__ import annotations

from mlmat.data.entry import PERIODIC, Entry, Local, Property

_READERS = "mlmat.data.crystal_readers"

_ID = Property("id", "", "identifier in the source")
_FORMATION = Property("formation_energy", "eV/atom", "formation energy")

CRYSTAL_ENTRIES = (
    Entry(
        name="mp_crystals",
        title="Crystals of the Materials Project with formation energy, gap and Fermi energy, PBE and PBE+U",
        citation="Jain et al., APL Mater. 1, 011002 (2013); subset of Xie and Grossman, Phys. Rev. Lett. "
        "120, 145301 (2018)",
        licence="CC BY 4.0",
        notes="A subset of the 46,744 crystals of the CGCNN paper. Three below -5 eV/atom are wrong and left "
        "out. A gap of 0 is a metal's.",
        properties=(
            *PERIODIC,
            _ID,
            _FORMATION,
            Property("band_gap", "eV", "gap between bands, 0 for metals"),
            Property("fermi_energy", "eV", "Fermi energy, NaN for two crystals"),
            Property("magnetisation", "μ_B", "total magnetic moment of the cell"),
        ),
        local=Local(
            files={
                "materials/mp_crysxpp_37k/mp_33k.npz": "bce63c242807439099690ae9245ed104"
                "5da577792c695cc35c833dc7c9f10c66"
            },
            reader=f"{_READERS}:read_mp",
            items=33_034,
            source="github.com/kdmsit/crysxpp, commit b12e52b8; github.com/kdmsit/MEGNet, commit 4f3c76c6",
        ),
    ),
    Entry(
        name="mp_elastic",
        title="Crystals of the Materials Project with bulk and shear modulus and Poisson's ratio, PBE",
        citation="de Jong et al., Sci. Data 2, 150009 (2015)",
        licence="CC BY 4.0",
        notes="Moduli are whole numbers of GPa; their logarithms are to base 10.",
        properties=(
            *PERIODIC,
            _ID,
            Property("bulk_modulus", "GPa", "Voigt-Reuss-Hill mean"),
            Property("shear_modulus", "GPa", "Voigt-Reuss-Hill mean"),
            Property("log_bulk_modulus", "log10 GPa", "decadic logarithm of the bulk modulus"),
            Property("log_shear_modulus", "log10 GPa", "decadic logarithm of the shear modulus"),
            Property("poisson_ratio", "1", "Poisson's ratio"),
        ),
        local=Local(
            files={
                "materials/mp_elastic/mp_elastic_3191_cgcnn.npz": "95e8a64c310792ad61be70c034b29e17"
                "ff6069d52e29ce6955e6a0bde94466eb"
            },
            reader=f"{_READERS}:read_elastic",
            items=3191,
            source="github.com/kdmsit/MEGNet, data_elasticity, commit 4f3c76c6",
        ),
    ),
    Entry(
        name="perovskites",
        title="All 18,928 cubic perovskites ABX3 of a screening for water splitting, RPBE",
        citation="Castelli et al., Energy Environ. Sci. 5, 9034 (2012)",
        licence="NIST, public domain",
        notes="Formation energies (16,040 of them) are of the cell of five atoms; gaps (GLLB-SC) are 0 for "
        "nine in ten.",
        properties=(
            *PERIODIC,
            Property("a_site", "", "element of the large site"),
            Property("b_site", "", "element of the small site"),
            Property("formation_energy", "eV", "of the cell of five atoms, NaN where unknown"),
            Property("band_gap", "eV", "GLLB-SC gap, NaN where unknown"),
            Property("split", "", "part of the CDVAE paper: training, validation or test"),
        ),
        local=Local(
            files={
                "materials/perov_5/perov5_18928.npz": "0635bd181c592a8ed02f84f39b0ac24c"
                "b2b5f5749ba2852cadff636404a15ac4"
            },
            reader=f"{_READERS}:read_perovskites",
            items=18_928,
            source="github.com/usnistgov/jarvis_leaderboard, commit 57afc55f; labels: "
            "github.com/anthony-wang/CrabNet, matbench/castelli.csv",
        ),
    ),
    Entry(
        name="elpasolites",
        title="Elpasolites ABC2D6 of the main-group elements up to bismuth with formation energy, PBE",
        citation="Faber et al., Phys. Rev. Lett. 117, 135502 (2016)",
        licence="none stated",
        notes="A random half per cent of all compositions of 39 elements. No structures: the prototype is "
        "fixed. A and B are equivalent, so 34 compounds are there twice.",
        properties=(
            *(Property(f"{label}_site", "", f"element {label.upper()} of ABC2D6") for label in "abcd"),
            Property("formation_energy", "eV", "of the formula unit of ten atoms"),
        ),
        local=Local(
            files={
                "materials/elpasolite/elpasolite_10590.npz": "22ea25c036404b34bb974a7eb2fd81fd"
                "56b761188aea2ac694dfd3feb60670e0"
            },
            reader=f"{_READERS}:read_elpasolites",
            items=10_590,
            source="github.com/jeherr/Elpasolite-Formation-Energy-Predictor, commit e9664754",
        ),
    ),
    Entry(
        name="bimetallics",
        title="Intermetallic compounds of two metals, relaxed, with formation energy",
        citation="doi 10.1021/acs.chemmater.2c02498 (D-CGCNN)",
        licence="none stated",
        notes="Eight outliers beyond 5 eV/atom are left out.",
        properties=(*PERIODIC, _ID, _FORMATION),
        local=Local(
            files={
                "materials/dcgcnn_bimetallic_7391/fin_structures.npz": "29ca163b8065aeba84e42b472c2f352f"
                "d78e6e2415568f4af7715b0f95dc4e7d"
            },
            reader=f"{_READERS}:read_bimetallics",
            items=7383,
            source="github.com/SeoinBack/D-CGCNN, commit 5107e1a2",
        ),
    ),
    Entry(
        name="carbon24",
        title="Carbon crystals of 6 to 24 atoms found by random search, PBE",
        citation="Pickard, Materials Cloud Archive 2020.0026/v1 (2020)",
        licence="CC BY 4.0",
        notes="Energies are at hand for the validation and test parts of the CDVAE paper only.",
        properties=(
            *PERIODIC,
            _ID,
            Property("energy_per_atom", "eV/atom", "total energy, NaN in the training part"),
            Property("split", "", "part of the CDVAE paper: training, validation or test"),
        ),
        local=Local(
            files={
                "materials/carbon_24/carbon24_10153.npz": "1155e7923af59ff6f0d1509d72c03ee8"
                "33cde0c37ee3afd2cafa4004bde0f431"
            },
            reader=f"{_READERS}:read_carbon",
            items=10_153,
            source="github.com/usnistgov/jarvis_leaderboard, commit 57afc55f; energies: "
            "github.com/txie-93/cdvae, commit f857f598",
        ),
    ),
)
