"""Packing the labels of `small_organics` into the file that ships, with its provenance."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections import Counter
from pathlib import Path

import numpy as np

from mlmat.files import atomic_write, read_lines, sha256, write_json
from mlmat.graphs.chemistry import parse_smiles
from mlmat.oracles import conformers, xtb
from mlmat.oracles.verdict import OK

POSITION_STEP = 2.0**-12
"""Å; positions are stored as 16-bit multiples of it (range ±8 Å around the centroid)."""

ENGINES = ("tblite", "rdkit", "pyscf", "ase", "numpy")


def pack(work: Path, target: Path) -> None:
    """Write ``small_organics.npz`` and ``provenance.json`` from the JSON-lines files.

    The result depends on the labels alone: molecules are sorted by number of heavy
    atoms, then SMILES, whatever the order in which they were finished.

    Args:
        work: folder with ``sample.json``, ``gfn2.jsonl``, ``noise.jsonl``, ``mp2.jsonl``.
        target: folder for the two files.
    """
    records = {record["key"]: record for record in read_lines(work / "gfn2.jsonl")}
    labelled = {s: r["values"] for s, r in records.items() if r["status"] == OK}
    heavy = {s: sum(z > 1 for z in values["numbers"]) for s, values in labelled.items()}
    smiles = sorted(labelled, key=lambda s: (heavy[s], s))
    wave = {r["key"]: r["values"] for r in read_lines(work / "mp2.jsonl") if r["status"] == OK}
    free_atoms = xtb.atom_energies()

    arrays = _arrays(smiles, labelled, wave, heavy)
    with atomic_write(target / "small_organics.npz") as stream:
        np.savez_compressed(stream, **arrays)
    write_json(
        target / "provenance.json",
        {
            "made_by": "python -m mlmat.data.small_organics.make",
            "licence": "CC0-1.0",
            "sha256": sha256(target / "small_organics.npz"),
            "gfn2_sha256": gfn2_checksum(arrays),
            "versions": {name: importlib.metadata.version(name) for name in ENGINES},
            "protocol": {
                "embeddings": conformers.EMBEDDINGS,
                "seed": conformers.SEED,
                "force_field": "MMFF94s, UFF where it has no parameters",
                "relaxation": "GFN2-xTB, ASE BFGS",
                "max_force_eV_per_A": xtb.MAX_FORCE,
            },
            "space": _space_report(work, records, labelled, heavy),
            "conformer_noise": _noise_report(work),
            "free_atom_energies_eV": free_atoms,
            "wave_function": _wave_function_report(wave),
        },
    )


def gfn2_checksum(arrays: dict[str, np.ndarray]) -> str:
    """Checksum of the molecules and GFN2 labels alone: what a predictor trained on them saw."""
    names = ("smiles", "energy", "homo", "lumo", "gap")
    return hashlib.sha256(b"".join(arrays[name].tobytes() for name in names)).hexdigest()


def _arrays(smiles: list[str], labelled: dict, wave: dict, heavy: dict) -> dict[str, np.ndarray]:
    values = [labelled[s] for s in smiles]
    positions = np.concatenate([v["positions"] for v in values]) / POSITION_STEP
    if np.abs(positions).max() > np.iinfo(np.int16).max:
        raise ValueError("a molecule is longer than the packed positions can hold")
    arrays = {
        "smiles": np.frombuffer("\n".join(smiles).encode(), np.uint8),
        "n_atoms": np.array([len(v["numbers"]) for v in values], np.uint8),
        "n_heavy": np.array([heavy[s] for s in smiles], np.uint8),
        "numbers": np.concatenate([v["numbers"] for v in values]).astype(np.uint8),
        "positions": positions.round().astype(np.int16),
        "charges": np.concatenate([v["charges"] for v in values]).astype(np.float16),
        "energy": np.array([v["energy"] for v in values]),
    }
    for name in ("homo", "lumo", "gap", "dipole"):
        arrays[name] = np.array([v[name] for v in values], np.float32)
    for name in ("hf_energy", "mp2_energy"):
        arrays[name] = np.array([wave.get(s, {}).get(name, np.nan) for s in smiles])
    return arrays


def _space_report(work: Path, records: dict, labelled: dict, heavy: dict) -> dict:
    plan = json.loads((work / "sample.json").read_text())
    gaps = np.array([values["gap"] for values in labelled.values()])
    percentiles = (0, 1, 5, 25, 50, 75, 95, 99, 100)
    tried = Counter(parse_smiles(s).GetNumAtoms() for s in records)
    return {
        "sampling_seed": plan["seed"],
        "graphs_grown": plan["drawn"],
        "rejected_by_rule": plan["rejected"],
        "share_passing_the_filter": round(1 - sum(plan["rejected"].values()) / plan["drawn"], 4),
        "molecules_sampled": len(plan["smiles"]),
        "molecules_tried": len(records),
        "molecules_labelled": len(labelled),
        "share_surviving_relaxation": round(len(labelled) / len(records), 4),
        "failures": dict(Counter(r["status"] for r in records.values() if r["status"] != OK)),
        "tried_by_heavy_atoms": dict(sorted(tried.items())),
        "labelled_by_heavy_atoms": dict(sorted(Counter(heavy.values()).items())),
        "gap_mean_eV": round(float(gaps.mean()), 4),
        "gap_std_eV": round(float(gaps.std()), 4),
        "gap_percentiles_eV": {str(p): round(float(np.percentile(gaps, p)), 4) for p in percentiles},
        "seconds_per_molecule": round(float(np.mean([r["seconds"] for r in records.values()])), 3),
    }


def _noise_report(work: Path) -> dict:
    """Spread of the gap between conformer seeds, over the molecules relabelled."""
    gaps: dict[str, list[float]] = {}
    for record in read_lines(work / "noise.jsonl"):
        if record["status"] == OK:
            gaps.setdefault(record["key"].rsplit(" ", 1)[0], []).append(record["values"]["gap"])
    several = [np.array(v) for v in gaps.values() if len(v) > 1]
    if not several:
        return {"molecules": 0}
    std = np.array([v.std(ddof=1) for v in several])
    return {
        "molecules": len(several),
        "seeds": max(len(v) for v in several),
        "gap_std_root_mean_square_eV": round(float(np.sqrt((std**2).mean())), 4),
        "gap_std_median_eV": round(float(np.median(std)), 4),
        "gap_std_95th_percentile_eV": round(float(np.percentile(std, 95)), 4),
    }


def _wave_function_report(wave: dict) -> dict:
    from mlmat.oracles import pyscf

    report = {"molecules": len(wave), "basis": pyscf.BASIS, "fitting": pyscf.FITTING}
    return report | ({"free_atom_energies_eV": pyscf.atom_energies()} if wave else {})
