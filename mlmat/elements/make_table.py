"""Making ``elements.csv`` from the library mendeleev (MIT licence; in the extra ``dev``).

    python -m mlmat.elements.make_table

Re-run it after an update of mendeleev and review the difference.
"""

from __future__ import annotations

import csv
from importlib.metadata import version
from pathlib import Path

from mlmat.files import atomic_write

LARGEST_NUMBER = 103

COLUMNS = {
    "number": lambda e: e.atomic_number,
    "symbol": lambda e: e.symbol,
    "name": lambda e: e.name,
    "group": lambda e: e.group_id,
    "period": lambda e: e.period,
    "block": lambda e: e.block,
    "electronegativity": lambda e: e.en_pauling,
    "covalent_radius": lambda e: _picometres(e.covalent_radius_cordero),
    "van_der_waals_radius": lambda e: _picometres(e.vdw_radius),
    "valence_electrons": lambda e: e.nvalence(),
    "ionisation_energy": lambda e: e.ionenergies.get(1),
    "electron_affinity": lambda e: e.electron_affinity,
    "atomic_volume": lambda e: e.atomic_volume,
    "mass": lambda e: e.mass,
    "melting_point": lambda e: _number(e.melting_point),
    "boiling_point": lambda e: _number(e.boiling_point),
    "density": lambda e: e.density,
}


def _picometres(value: float | None) -> float | None:
    return None if value is None else round(value / 100, 4)


def _number(value: object) -> float | None:
    """Melting and boiling points may come by allotrope; the first is the common form."""
    return next(iter(value.values()), None) if isinstance(value, dict) else value


def main() -> None:
    """Write the table beside this file."""
    from mendeleev import element

    target = Path(__file__).parent / "elements.csv"
    with atomic_write(target, "w", encoding="utf-8", newline="") as stream:
        stream.write(f"# mendeleev {version('mendeleev')} (MIT); made by python -m mlmat.elements.make_table\n")
        stream.write("# eV, Å, u, K, cm^3/mol, g/cm^3; Pauling electronegativity, Cordero radii; empty: not known\n")
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for number in range(1, LARGEST_NUMBER + 1):
            record = element(number)
            row = [read(record) for read in COLUMNS.values()]
            writer.writerow(["" if cell is None else cell for cell in row])


if __name__ == "__main__":
    main()
