"""Making ``oxidation_states.csv`` from mendeleev (MIT licence), with ``pip install mendeleev``.

Run ``python -m mlmat.elements.make_oxidation_states`` after an update and review the difference.
"""

from __future__ import annotations

from importlib.metadata import version

from mlmat.elements import table
from mlmat.elements.oxidation import STATES
from mlmat.errors import MissingEngineError
from mlmat.files import atomic_write

HEAD = """\
# Common oxidation states of the elements; made by python -m mlmat.elements.make_oxidation_states from
# mendeleev {mendeleev} (MIT): those of its category "main". An element without a row has none.
symbol,states
"""


def table_text() -> str:
    """The whole content of the file; the same library gives the same text.

    Raises:
        MissingEngineError: mendeleev is not installed.
    """
    try:
        from mendeleev.fetch import fetch_table
    except ImportError as error:
        raise MissingEngineError("mendeleev", "dev") from error
    main: dict[int, list[int]] = {}
    for row in fetch_table("oxidationstates").to_dict("records"):
        if row["category"] == "main" and row["oxidation_state"]:
            main.setdefault(row["atomic_number"], []).append(row["oxidation_state"])
    lines = [
        f"{entry.symbol},{' '.join(map(str, sorted(main[entry.number])))}"
        for entry in table().values()
        if entry.number in main
    ]
    return HEAD.format(mendeleev=version("mendeleev")) + "\n".join(lines) + "\n"


def main() -> None:
    """Write the table beside this file."""
    with atomic_write(STATES, "w", encoding="utf-8", newline="") as stream:
        stream.write(table_text())


if __name__ == "__main__":
    main()
