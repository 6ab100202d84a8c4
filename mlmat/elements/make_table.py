"""Making ``elements.csv`` from mendeleev (MIT licence) and CoolProp (MIT licence).

    pip install mendeleev coolprop
    python -m mlmat.elements.make_table

Re-run it after an update of either library and review the difference.
"""

from __future__ import annotations

import csv
import io
from importlib.metadata import version
from typing import Any

from mlmat.elements import TABLE
from mlmat.errors import MissingEngineError
from mlmat.files import atomic_write

LARGEST_NUMBER = 103
"""Lawrencium; heavier elements have no measured bulk properties."""

METASTABLE_ANIONS = ("He", "Be", "N", "Ar", "Xe")
"""mendeleev gives these the (negative) affinity of an excited, metastable anion."""

COMMON_ALLOTROPES = {"P": "white", "S": "monoclinic", "Se": "gray", "Sn": "white"}
"""Allotropes that density and melting point are of; rhombic sulfur turns monoclinic before it melts."""

LIQUEFIED_GASES = {
    "H": "Hydrogen", "He": "Helium", "N": "Nitrogen", "O": "Oxygen", "F": "Fluorine",
    "Ne": "Neon", "Cl": "Chlorine", "Ar": "Argon", "Kr": "Krypton", "Xe": "Xenon",
}  # fmt: skip
"""Gases at 295 K by their name in CoolProp: the volume of the gas says nothing of the atom."""

ATMOSPHERE = 101325.0
"""Pa."""

GAS_DENSITY = 0.02
"""g/cm³; lighter than any condensed element, heavier than any gas at 295 K."""

HEAD = """\
# Chemical elements; made by python -m mlmat.elements.make_table from mendeleev {mendeleev} (MIT) and
# CoolProp {coolprop} (MIT). Empty: not known or not defined. Units and sources (as the library cites them):
# group, period, block: periodic table, f elements without a group; electronegativity: Pauling, CRC 2014
# covalent_radius: angstrom, Cordero et al. 2008 (C: mean over valences; Mn, Fe, Co: mean over spin states)
# van_der_waals_radius: angstrom, CRC Handbook 2014
# valence_electrons: counted by mendeleev's nvalence() in the ground-state configuration
# ionisation_energy: eV, first, NIST Atomic Spectra Database
# electron_affinity: eV, CRC Handbook 2014 and updates, without {anions}
# atomic_volume: cm^3 per mole of atoms, mass / density; {gases}: liquid at
#   its normal boiling point by the equation of state in CoolProp; Rn: not known
# mass: u, IUPAC conventional weight or a long-lived isotope; density: g/cm^3 at 295 K, CRC Handbook 2014
# melting_point, boiling_point: K at 101325 Pa, CRC Handbook 2016; sublimation point where it does not boil;
#   allotropes: {allotropes}
"""


Record = dict[str, Any]


def _angstrom(picometres: float | None) -> float | None:
    return None if picometres is None else picometres / 100


def _common_form(symbol: str, transitions: list[Record]) -> Record:
    """The row of melting and boiling point (K) of the common allotrope; empty if there is none."""
    for entry in transitions:
        if len(transitions) == 1 or entry["allotrope"] == COMMON_ALLOTROPES.get(symbol):
            return entry
    return {}


def _atomic_volume(element: Record) -> float | None:
    from CoolProp.CoolProp import PropsSI

    symbol, density = element["symbol"], element["density"]
    if symbol in LIQUEFIED_GASES:
        density = PropsSI("D", "P", ATMOSPHERE, "Q", 0, LIQUEFIED_GASES[symbol]) / 1000
    elif density is None or density < GAS_DENSITY:
        return None
    return float(f"{element['atomic_weight'] / density:.5g}")


def _row(element: Record, ionisation_energy: float | None, transitions: list[Record]) -> Record:
    from mendeleev.econf import ElectronicConfiguration

    symbol, block, period = element["symbol"], element["block"], element["period"]
    form = _common_form(symbol, transitions)
    return {
        "number": element["atomic_number"],
        "symbol": symbol,
        "name": element["name"],
        "group": element["group_id"],
        "period": period,
        "block": block,
        "electronegativity": element["en_pauling"],
        "covalent_radius": _angstrom(element["covalent_radius_cordero"]),
        "van_der_waals_radius": _angstrom(element["vdw_radius"]),
        "valence_electrons": ElectronicConfiguration(element["electronic_configuration"]).nvalence(
            block, period
        ),
        "ionisation_energy": ionisation_energy,
        "electron_affinity": None if symbol in METASTABLE_ANIONS else element["electron_affinity"],
        "atomic_volume": _atomic_volume(element),
        "mass": element["atomic_weight"],
        "melting_point": form.get("melting_point"),
        "boiling_point": form.get("boiling_point"),
        "density": element["density"],
    }


def _rows() -> list[Record]:
    # Whole tables: loading elements one by one as objects drags in isotopes and scattering factors.
    from mendeleev.fetch import fetch_table

    def records(frame: Any) -> list[Record]:
        return frame.astype(object).where(frame.notna(), None).to_dict("records")

    elements = sorted(records(fetch_table("elements")), key=lambda row: row["atomic_number"])
    transitions = records(fetch_table("phasetransitions"))
    ions = records(fetch_table("ionizationenergies"))
    ionisation = {row["atomic_number"]: row["ionization_energy"] for row in ions if row["ion_charge"] == 0}
    return [
        _row(
            element,
            ionisation.get(element["atomic_number"]),
            [row for row in transitions if row["atomic_number"] == element["atomic_number"]],
        )
        for element in elements[:LARGEST_NUMBER]
    ]


def table_text() -> str:
    """The whole content of ``elements.csv``; the same libraries give the same text.

    Raises:
        MissingEngineError: mendeleev or CoolProp is not installed.
    """
    try:
        import CoolProp  # noqa: F401
        import mendeleev  # noqa: F401
    except ImportError as error:
        raise MissingEngineError(error.name or "mendeleev", "dev") from error

    rows = _rows()
    stream = io.StringIO()
    stream.write(
        HEAD.format(
            mendeleev=version("mendeleev"),
            coolprop=version("coolprop"),
            anions=", ".join(METASTABLE_ANIONS),
            gases=", ".join(LIQUEFIED_GASES),
            allotropes=", ".join(f"{symbol} {name}" for symbol, name in COMMON_ALLOTROPES.items()),
        )
    )
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        # Twelve digits hide what unit conversions add in the last bits (110.00000000000001 pm).
        writer.writerow({k: f"{v:.12g}" if isinstance(v, float) else v for k, v in row.items()})
    return stream.getvalue()


def main() -> None:
    """Write the table beside this file."""
    text = table_text()
    with atomic_write(TABLE, "w", encoding="utf-8", newline="") as stream:
        stream.write(text)


if __name__ == "__main__":
    main()
