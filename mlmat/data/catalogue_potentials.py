"""Entries of the catalogue with energies and forces: what potentials are trained on. Data only."""

from __future__ import annotations

from mlmat.data.entry import Entry, Local, Property

_READERS = "mlmat.data.potential_readers"

_GEOMETRY = (
    Property("n_atoms", "", "number of atoms"),
    Property("numbers", "", "atomic numbers, structure after structure"),
    Property("positions", "Å", "positions, structure after structure"),
)
_LABELS = (
    Property("energy", "eV", "total energy of the structure"),
    Property("forces", "eV/Å", "forces on the atoms, structure after structure; NaN where missing"),
)
_PARTS = (
    Property("group", "", "kind of structure, as the source names it"),
    Property("split", "", "published part: training, validation or test; empty where there is none"),
)
_CRYSTAL = (
    *_GEOMETRY,
    Property("cell", "Å", "cell vectors, one a row"),
    Property("pbc", "", "whether the structure repeats along each cell vector"),
    *_LABELS,
    *_PARTS,
)
_STRESS = Property("stress", "eV/Å^3", "stress xx, yy, zz, yz, xz, xy; tension positive; NaN where missing")
_MOLECULE = (*_GEOMETRY, *_LABELS, *_PARTS)

_ZUO = "Zuo et al., J. Phys. Chem. A 124, 731 (2020)"
_MLEARN_NOTES = {
    "Ni": "As published by ALIGNN. The stresses of its test part belong to other structures and are NaN "
    "here; training stresses differ from the slope of the energies by about 2.7 GPa (Pulay stress).",
    "Mo": "Cells of its elastic group hold displaced atoms.",
    "Li": "",
}
_MLEARN_NOTES["Cu"] = _MLEARN_NOTES["Ni"].replace("about 2.7", "2 to 3")
_MLEARN_FILES = {
    "Si": (239, "cb3964d528126277b5342783b590895b83f68d45a47c1548d002caeb859dac33"),
    "Ge": (253, "ac2da2adab2912f58e956202e479908de082965d8383c8c49034e9e125660888"),
    "Li": (270, "2499df0fa6b838b8a8f037e7ce173eb0b4f650568838e99134f73413b91ba59e"),
    "Mo": (217, "10bcc250dd5cc7f2a02590e1485280f673d509d90a89e9a0bb88a73d3a967063"),
    "Ni": (294, "301b6dcc117a2ae491e01a5f531a0d865395ff18cb17d05675d5352186798149"),
    "Cu": (293, "333bb5088d045b29ec51286fa2abafcef68248d5e48498e9aa88bdae619a6ae3"),
}


def _mlearn(symbol: str) -> Entry:
    items, digest = _MLEARN_FILES[symbol]
    alignn = symbol in ("Ni", "Cu")
    return Entry(
        name=f"mlearn_{symbol.lower()}",
        title=f"mlearn {symbol}: crystals strained, heated, with vacancies and surfaces, PBE",
        citation=_ZUO,
        licence="NIST, public domain" if alignn else "BSD-3-Clause",
        notes=f"The published test part is kept in split. {_MLEARN_NOTES.get(symbol, '')}".strip(),
        properties=(*_CRYSTAL, _STRESS),
        local=Local(
            files={f"materials/mlearn/{symbol}.npz": digest},
            reader=f"{_READERS}:read_mlearn",
            items=items,
            source="github.com/usnistgov/alignn, sample_data_ff/mlearn_data, commit a8be0bed"
            if alignn
            else "github.com/materialsvirtuallab/mlearn, data, commit 10c427a5",
        ),
    )


_TRAJECTORIES = {
    "rmd17_aspirin": (
        "rmd17_aspirin", 3000, "PBE/def2-SVP", "Christensen and von Lilienfeld, MLST 1, 045018 (2020)",
        "0e1417b7a87261e58e0d86ef0532c5a78776f03d2b27774a9e0a571a769e3fbd",
    ),
    "rmd17_ethanol": (
        "rmd17_ethanol", 2000, "PBE/def2-SVP", "Christensen and von Lilienfeld, MLST 1, 045018 (2020)",
        "47acf702813a8c4f939f70e6cd6345db5208dc5d37016fac8d9b50b2b88e0c17",
    ),
    "methanol_aimd": (
        "methanol_pbe_aimd", 445, "PBE/def2-SVP, 500 K", "Batatia et al., arXiv:2205.06643",
        "e668821c9e7fc5c05f3414459497572bb56d12b559dc748ed35b80c6541f49c4",
    ),
    "acac": (
        "acac", 2360, "PBE+D3/def2-SVP", "Batatia et al., arXiv:2205.06643",
        "b214c91273efd63e92b8e0d71b07061d115e837ec0f85b3b8725ef7eb79471af",
    ),
    "3bpa": (
        "3bpa", 1000, "ωB97X/6-31G(d)", "Kovács et al., J. Chem. Theory Comput. 17, 7696 (2021)",
        "971da0e5d2dbb09baa157c876978e8ff111c1cec79c2af7491c9922d5063063d",
    ),
}  # fmt: skip
"""Name → file, items, level, citation, checksum."""

_TRAJECTORY_NOTES = {
    "acac": "Groups test_dihedral and test_H_transfer are scans without forces. Frames are rotated.",
    "3bpa": "Training parts only. Frames are rotated.",
    "methanol_aimd": "One trajectory; it has no published parts.",
}


def _trajectory(name: str) -> Entry:
    file, items, level, citation, digest = _TRAJECTORIES[name]
    maker = "ACEsuit/mace-jax, commit 9fe59d9d" if name == "rmd17_aspirin" else "davkovacs/BOTNet-datasets"
    return Entry(
        name=name,
        title=f"{name}: frames of a molecule in motion, {level}",
        citation=citation,
        licence="MIT",
        notes=_TRAJECTORY_NOTES.get(name, "Part of the published revised MD17 set, with its own parts."),
        properties=_MOLECULE,
        local=Local(
            files={f"molecules/md17/{file}.npz": digest},
            reader=f"{_READERS}:read_md17",
            items=items,
            source=f"github.com/{maker}",
        ),
    )


_QM22 = {
    "ethanol": (11_011, "B3LYP", True, "99d7ccec1a6b1717d0eda877944f6dd4167692978333e78f41efc6067e97de81"),
    "methane": (9_000, "B3LYP", True, "0980a13fec35437d4ca009b4c71c0cb442d18abca0d46b4838bea811681bae97"),
    "malonaldehyde": (
        11_145, "CCSD(T)/CBS, relative", False,
        "b9ae6473a93e4d727901f052d7bebc48affe70edf84f7fdaa5f2bb011a2baf91",
    ),
    "formic_acid_dimer": (
        13_475, "CCSD(T)", False,
        "cdbafa08c6f919bc5f6a87f49888e80970f8ccd0dcc6ef4d55d3468ef0158b8a",
    ),
    "h2co_and_hcoh": (
        34_750, "MRCI", False,
        "a74cb956a4bd9001d8bae737b92e4c350878e2f8589550c8ba6febcefa9f9564",
    ),
    "hydronium": (
        32_141, "CCSD(T), relative", False,
        "e959e176b40de1e4734de653019fbfc6ae32fa52bfe2b9bf74d6af9c536a5d0d",
    ),
    "ochco_cation": (
        7_800, "CCSD(T), relative", False,
        "d56255869c0c1331fc1ec5926417e704e77d81848fa0164c0bdae6c7736eb734",
    ),
}  # fmt: skip
"""File → items, level, whether it has gradients, checksum."""


def _qm22(name: str) -> Entry:
    items, level, gradients, digest = _QM22[name]
    relative = " Energies count from the minimum." if "relative" in level else ""
    walls = " 563 points lie more than 5.4 eV up, the highest 228 eV." if name == "malonaldehyde" else ""
    return Entry(
        name=f"qm22_{name}",
        title=f"QM-22 {name.replace('_', ' ')}: configurations for a potential energy surface, {level}",
        citation="Bowman et al., J. Chem. Phys. 156, 240901 (2022)",
        licence="Apache-2.0",
        notes=f"{'Energies and forces.' if gradients else 'Energies only.'}{relative}{walls}",
        properties=(*_GEOMETRY, *_LABELS) if gradients else (*_GEOMETRY, _LABELS[0]),
        local=Local(
            files={f"molecules/qm22/{name}.npz": digest},
            reader=f"{_READERS}:read_qm22",
            items=items,
            source="github.com/jmbowma/QM-22, commit fcb74a59",
        ),
    )


_OTHERS = (
    Entry(
        name="mlearn_monbtaw",
        title="Mo–Nb–Ta–W: elements, binaries and their solid solutions, PBE",
        citation="Li et al., npj Comput. Mater. 6, 70 (2020)",
        licence="BSD-3-Clause",
        notes="The quaternary quasi-random structures of the paper are missing. Groups named _Test are the "
        "test part.",
        properties=(*_CRYSTAL, _STRESS),
        local=Local(
            files={
                "materials/mlearn/MoNbTaW_partial.npz": "53e6121a6b6154f49ba43f6a4a902407"
                "3aa44090f457b954424cdc44fc73bd81"
            },
            reader=f"{_READERS}:read_mlearn",
            items=5658,
            source="github.com/materialsvirtuallab/maml, mvl_models/pes/MoNbTaW, commit f7c0b6f6",
        ),
    ),
    Entry(
        name="si_pyxtal_ff",
        title="Random silicon crystals of up to 16 atoms, PBE",
        citation="Yanxon, Zagaceta, Tang, Matteson and Zhu, MLST 2, 027001 (2021)",
        licence="none stated",
        notes="Structures above -4 eV/atom are left out, as the authors do. Group is the source file: "
        "atoms a cell at most.",
        properties=_CRYSTAL,
        local=Local(
            files={
                "materials/si_pyxtal_ff/Si4.npz": "6c7c92b6761e4503c49f19f10de2ff2d"
                "f4507b6551586008df1c49dd826131b0",
                "materials/si_pyxtal_ff/Si6.npz": "2e0cf558d08e86b277e49a906a0fc714"
                "a3a8a94ab3c3855720afb8fe09cf2c09",
                "materials/si_pyxtal_ff/Si8.npz": "b8cc8ea6bb860fe1e94852411ae3604e"
                "8c63ffef5574dd23e045b977df00506b",
                "materials/si_pyxtal_ff/Si16.npz": "b2dfa2aca2a75e239597a987d0abd1eb"
                "7ec2c8ebe496321f09e0c7a7d6ad3489",
            },
            reader=f"{_READERS}:read_si_pyxtal",
            items=5352,
            source="github.com/MaterSim/PyXtal_FF, commit 41d01d8f",
        ),
    ),
    Entry(
        name="si_mo_group",
        title="Silicon with vacancies and interstitials, PBE",
        citation="npj Comput. Mater. 9 (2023), doi 10.1038/s41524-023-01123-3",
        licence="none stated",
        notes="132 structures are those of mlearn_si: do not test a model of one set on the other without "
        "leaving them out. Published training, validation and test parts.",
        properties=_CRYSTAL,
        local=Local(
            files={
                "materials/si_mo_group/si_vac_int.npz": "85c31ca013b3e527958f6937ea90ea5e"
                "40aaaf4bfbdbc5483409fc4407bfe102"
            },
            reader=f"{_READERS}:read_crystals",
            items=688,
            source="github.com/mogroupumd/Silicon_MLIP_datasets, commit 6c7fad5e",
        ),
    ),
    Entry(
        name="aenet_tio2",
        title="TiO2 and oxygen-deficient cells of 6 to 95 atoms, PBE",
        citation="Artrith and Urban, Comput. Mater. Sci. 114, 135 (2016)",
        licence="MIT-like",
        notes="1,000 of the 7,815 published structures, forces up to 3 eV/Å. Total energies hold the core "
        "electrons: take off the energies of the elements first. Group is the name of the structure.",
        properties=_CRYSTAL,
        local=Local(
            files={
                "materials/aenet_tio2/tio2_subset.npz": "035e85165cc98afd455662a89c193429"
                "03f14dd639e1422d4363779271854505"
            },
            reader=f"{_READERS}:read_crystals",
            items=1000,
            source="github.com/atomisticnet/aenet-PyTorch, example, commit c1cf315c",
        ),
    ),
    Entry(
        name="deepmd_water",
        title="Liquid water, 64 molecules a cell, PBE0+TS",
        citation="Zhang, Han, Wang, Car and E, Phys. Rev. Lett. 120, 143001 (2018)",
        licence="LGPL-3.0",
        notes="Energies were stored in single precision: ±2 meV a cell. The level is the paper's.",
        properties=_CRYSTAL,
        local=Local(
            files={
                "materials/deepmd_water/water_64_400.npz": "a78d7d55de3489fc2726ce34c53ccba3"
                "d4c5fe2f2f68552ac2b434e0bac4af9a"
            },
            reader=f"{_READERS}:read_crystals",
            items=400,
            source="github.com/deepmodeling/deepmd-kit, examples/water/data, commit bc902daf",
        ),
    ),
)

POTENTIAL_ENTRIES = (
    *map(_mlearn, _MLEARN_FILES),
    *_OTHERS,
    *map(_trajectory, _TRAJECTORIES),
    *map(_qm22, _QM22),
)
