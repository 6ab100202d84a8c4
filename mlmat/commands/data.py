"""`mlmat data`: list, inspect, fetch and verify data sets."""

from __future__ import annotations

from collections.abc import Mapping

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mlmat.commands.data_options import DataCommand, Fetch, Info, List, Verify
from mlmat.data import registry
from mlmat.data.catalogue import ENTRIES
from mlmat.data.entry import Entry
from mlmat.data.lookup import CACHE, EMBEDDED, Located, locate

OK, BAD_INPUT = 0, 2


def run(options: DataCommand, console: Console | None = None, entries: Mapping[str, Entry] = ENTRIES) -> int:
    """Run a sub-command.

    Args:
        options: which one, and its options.
        console: where to print; default: standard output.
        entries: the catalogue.

    Returns:
        0, or 2 if `Verify` found an altered file or missed a set it was asked for.

    Raises:
        DataError: as of `mlmat.data.registry.fetch`.
    """
    console = console or Console()
    actions = {List: _list, Info: _info, Fetch: _fetch, Verify: _verify}
    return actions[type(options)](options, console, entries)


def _list(options: List, console: Console, entries: Mapping[str, Entry]) -> int:
    table = Table("name", "items", "where", "what it is", box=box.SIMPLE_HEAD)
    for item in entries.values():
        found = locate(item, options.data_dir)
        table.add_row(item.name, _items(item, found), _where(item, found), item.title)
    console.print(table)
    console.print("mlmat data info NAME shows units, licence and what to cite.", highlight=False)
    return OK


def _info(options: Info, console: Console, entries: Mapping[str, Entry]) -> int:
    item = registry.entry(options.name, entries)
    found = locate(item, options.data_dir)
    facts = Table.grid(padding=(0, 2))
    facts.add_row("name", f"{item.name}: {item.title}")
    facts.add_row("items", _items(item, found))
    facts.add_row("where", _where(item, found))
    for path in found.files if found else ():
        facts.add_row("", escape(str(path)))
    if found:
        facts.add_row("source", escape(found.source))
    if item.remote:
        facts.add_row("download", item.remote.url)
    facts.add_row("licence", item.licence)
    facts.add_row("cite", item.citation)
    facts.add_row("note", item.notes)
    arrays = Table("array", "unit", "meaning", box=box.SIMPLE_HEAD)
    for array in item.properties:
        arrays.add_row(array.name, array.unit, array.meaning)
    console.print(facts, arrays)
    return OK


def _fetch(options: Fetch, console: Console, entries: Mapping[str, Entry]) -> int:
    found = registry.fetch(options.name, options.data_dir, force=options.force, entries=entries)
    if found.place == EMBEDDED:
        console.print(f"{options.name} ships with mlmat; it is unaltered.", highlight=False)
        return OK
    known = all(found.files.values())
    state = "checksum ok" if known else "no checksum is known"
    for path in found.files:
        # Without wrapping, so that the path can be copied or piped.
        console.print(f"{options.name}: {escape(str(path))} ({state})", highlight=False, soft_wrap=True)
    return OK


def _verify(options: Verify, console: Console, entries: Mapping[str, Entry]) -> int:
    table = Table("name", "file", "status", "detail", box=box.SIMPLE_HEAD)
    colours = {"ok": "green", "altered": "bold red"}
    failed = False
    for check in registry.verify(options.names, options.data_dir, entries):
        failed |= check.status == "altered" or (check.status == "absent" and bool(options.names))
        colour = colours.get(check.status, "yellow")
        status = f"[{colour}]{check.status}[/]"
        table.add_row(check.name, escape(check.file), status, escape(check.detail))
    console.print(table)
    return BAD_INPUT if failed else OK


def _items(item: Entry, found: Located | None) -> str:
    """Number of items of the copy that is here, or else of the one to come."""
    if item.embedded:
        return f"{item.embedded.items:,}"
    if found:
        copy = item.local if item.local and found.reader == item.local.reader else item.remote
    else:
        copy = item.remote or item.local
    return f"{copy.items:,}"


def _where(item: Entry, found: Located | None) -> str:
    """Place of the set in words; says what to do if it is not here."""
    if found:
        return {EMBEDDED: "in the package", CACHE: "cache"}.get(found.place, "data folder")
    return "to download" if item.remote else "absent (MLMAT_DATA)"
