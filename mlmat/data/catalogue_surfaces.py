"""Entries of the catalogue with surfaces: adsorption, surface energy, work function. Data only."""

from __future__ import annotations

from mlmat.data.entry import PERIODIC, Entry, Local, Property

_READERS = "mlmat.data.surface_readers"

_ENERGY = Property("adsorption_energy", "eV", "adsorption energy")
_FAMILY = Property("family", "", "elements of the metal, such as Ni-Pt")

SURFACE_ENTRIES = (
    Entry(
        name="adsorption_mamun",
        title="Adsorption of 11 species on close-packed surfaces of metals and ordered alloys, BEEF-vdW",
        citation="Mamun et al., Sci. Data 6, 76 (2019), doi 10.1038/s41597-019-0080-z; selection of Fung et "
        "al., Nat. Commun. 12, 88 (2021), doi 10.1038/s41467-020-20342-6",
        licence="none stated",
        notes="Compositions and labels of sites, no positions. Alloys A3B are L1_2, alloys AB are L1_0; "
        "37 metals. The third part of a label of a bridge is not defined in the source.",
        properties=(
            Property("a", "", "element A of the labels of sites"),
            Property("b", "", "element B, that of A for a pure metal"),
            Property("prototype", "", "fcc, L1_2 (A3B) or L1_0 (AB)"),
            Property("alloy", "", "formula, such as Ni3Pt"),
            _FAMILY,
            Property("site", "", "such as hollow|A_A_B|FCC, with the atoms that touch the adsorbate"),
            Property("adsorbate", "", "such as NH"),
            Property("reaction", "", "molecules that the energy is relative to"),
            _ENERGY,
        ),
        local=Local(
            files={
                "materials/adsorption_mamun/mamun_ads_35938.csv.gz": "487aa6d013388df635a7f14e3e1f5efe"
                "91335006dd396593240ad5442d4d1b03"
            },
            reader=f"{_READERS}:read_mamun",
            items=35_938,
            source="github.com/vxfung/DOSnet, commit 7e1bb126",
        ),
    ),
    Entry(
        name="adsorption_tinnet_oh",
        title="Hydroxyl on close-packed surfaces of alloys, slabs with geometry",
        citation="Wang et al., Nat. Commun. 12, 5288 (2021), doi 10.1038/s41467-021-25639-8",
        licence="source repository under GPL-3; the numbers are those of the paper",
        notes="Four layers of four metal atoms, the hydroxyl's O and H last.",
        properties=(*PERIODIC, _ENERGY, _FAMILY),
        local=Local(
            files={
                "materials/adsorption_tinnet_OH/OH_748.npz": "9ed0ec1bdfb5e8772d271bdcb308d90f"
                "337ffb2442e5cc9c27917c217f151dfc"
            },
            reader=f"{_READERS}:read_oh",
            items=748,
            source="github.com/hlxin/tinnet, commit aebc3a52",
        ),
    ),
    Entry(
        name="adsorption_agra_hea",
        title="CO, CHO and COOH on close-packed surfaces of high-entropy alloys, relaxed slabs",
        citation="AGRA, J. Chem. Phys. (2023), doi 10.1063/5.0140487",
        licence="none stated",
        notes="64 metal atoms (Co, Cu, Fe, Mo, Ni) in four layers. Rows of clean slabs are left out.",
        properties=(
            *PERIODIC,
            _ENERGY,
            Property("adsorbate", "", "CO, CHO or COOH"),
            Property("surface_id", "", "number of the slab, each of its own composition"),
        ),
        local=Local(
            files={
                "materials/adsorption_agra/CO2RR_HEA_710.npz": "851af1cc2d572267dd848a3b66433ac0"
                "7b9b4eb04c4f862d3b6966a734215b12"
            },
            reader=f"{_READERS}:read_hea",
            items=690,
            source="github.com/Feugmo-Group/AGRA, commit 94efe765",
        ),
    ),
    Entry(
        name="adsorption_agra_o",
        title="Oxygen on fragments of alloy surfaces",
        citation="AGRA, J. Chem. Phys. (2023), doi 10.1063/5.0140487",
        licence="none stated",
        notes="15 to 19 metal atoms around the oxygen, cut out of a slab: not periodic.",
        properties=(
            *PERIODIC,
            Property("id", "", "number in the source"),
            _ENERGY,
            Property("split", "", "published part: training, validation or test"),
        ),
        local=Local(
            files={
                "materials/adsorption_agra/O_on_alloy_1000.npz": "d2c08eb8c909d8df0910f0b8249ab7da"
                "f41418ea5f1d25381a57eb4ca5f0b3ff"
            },
            reader=f"{_READERS}:read_oxygen",
            items=1000,
            source="github.com/Feugmo-Group/AGRA, commit 94efe765; labels: "
            "github.com/usnistgov/jarvis_leaderboard, commit 57afc55f",
        ),
    ),
    Entry(
        name="surfaces_secgcnn",
        title="Clean slabs of metals and intermetallics with surface energy and work function",
        citation="SE-CGCNN (github.com/GNscSHI/SE-CGCNN); intermetallics: Palizhati et al., J. Chem. Inf. "
        "Model. (2019), doi 10.1021/acs.jcim.9b00550",
        licence="MIT",
        notes="3,526 slabs of magnesium binaries, 801 of elements, 3,033 of intermetallics; the last have "
        "no work function.",
        properties=(
            *PERIODIC,
            Property("id", "", "identifier in the source"),
            Property("surface_energy", "eV/Å^2", "surface energy"),
            Property("work_function", "eV", "work function, NaN where there is none"),
            Property("origin", "", "mg_binary, elements or intermetallics"),
            _FAMILY,
        ),
        local=Local(
            files={
                "materials/surfaces_secgcnn/mg_binary.npz": "91bb145df62a10bcbf939550a8a39f1c"
                "0465fc301b5024ca756d27ef9a314eb3",
                "materials/surfaces_secgcnn/pure_mp_surfaces.npz": "617390c0bbaaa374ec46eed7fc3bb7e8"
                "ae993f0a550b9ebb0af4339f7200e0d4",
                "materials/surfaces_secgcnn/intermetallics_palizhati.npz": "9dce115ff7251655e029c0a8814188ad"
                "2ae98cd9632c700482efa98fdb1edf17",
            },
            reader=f"{_READERS}:read_surfaces",
            items=7360,
            source="github.com/GNscSHI/SE-CGCNN, commit 68ca723c",
        ),
    ),
)
