"""Models by name, and settings that suit the size of a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlmat.errors import InputError
from mlmat.training.config import LossConfig, TrainingConfig

KINDS = {
    **dict.fromkeys(("bond-mpnn", "soft-mpnn"), "smiles"),
    **dict.fromkeys(("schnet", "dtnn", "hdnnp", "ani", "equivariant"), "structure"),
    **dict.fromkeys(("cgcnn", "crystal", "sgcnn", "amp", "amp-image"), "structure"),
}
"""Model name → what it takes. The first of a kind is its default, but of crystals."""


@dataclass(frozen=True)
class Preset:
    """How much work goes into a model.

    Attributes:
        width: of the atom features.
        layers: rounds of messages.
        members: of the ensemble.
        atoms: how many each member meets in a whole training, over all epochs.
        epochs: fewest and most.
    """

    width: int
    layers: int
    members: int
    atoms: float
    epochs: tuple[int, int]


PRESETS = {
    "quick": Preset(width=64, layers=3, members=1, atoms=1.5e6, epochs=(3, 60)),
    "default": Preset(width=64, layers=3, members=3, atoms=6e6, epochs=(5, 150)),
    "large": Preset(width=192, layers=6, members=5, atoms=2e8, epochs=(60, 1000)),
}
"""The time goes as atoms met; the default took four to seven minutes on two busy cores."""

EQUIVARIANT = {"sum": {"degree": 4, "whitening": 0.1}, "mean": {"degree": 2, "whitening": 100.0}}
"""Pooling → settings of the equivariant network: a potential tells atoms of one material apart; an intensive
property is learnt from crystals of which each is another, where fine differences are learnt by heart."""

COST = {
    "bond-mpnn": 1.0,
    "soft-mpnn": 1.0,
    "schnet": 3.0,
    "dtnn": 3.0,
    "hdnnp": 1.0,
    "ani": 1.0,
    "equivariant": 4.0,
    "cgcnn": 1.5,
    "crystal": 0.3,
    "sgcnn": 1.5,
    "amp": 1.0,
    "amp-image": 1.0,
}
"""Time for an atom, beside the bond-graph network's: neighbours within a cutoff are many."""

HIDDEN = {"quick": 24, "default": 30, "large": 60}
"""Width of the two hidden layers of a potential on symmetry functions; they are small by design."""

MUON = {"cgcnn": 5e-3, "crystal": 3e-3}
"""Networks that learn with Muon unless told otherwise, and its rate: on 28,046 crystals their validation
error was a fifth below AdamW's after four to ten epochs. Symmetry functions gain little on a few hundred
frames."""

NEAREST = {"cgcnn": 12, "crystal": 16}
"""Networks that take the nearest neighbours of each atom, and how many without --neighbours."""

AMP = ("amp", "amp-image")
AMP_WIDTH, AMP_CUTOFF = 5, 6.5
AMP_LOSS = LossConfig(energy=1.0, forces=0.04, kind="mse")
"""Defaults of AMP, atom-centred and image-centred: A. Khorshidi, A. A. Peterson, Comput. Phys. Commun. 207,
310 (2016): two hidden layers of five, 6.5 Å, force coefficient 0.04."""

DEPTH = {"schnet": "interactions", "dtnn": "passes"}
"""What a network calls the number of its layers, if not ``layers``."""

STEP_ATOMS = 512
"""Atoms in a step of a potential on symmetry functions. On silicon (forces of the validation part, 80
epochs) steps of 250 and 500 atoms at a rate of 5e-3 leave 0.077 and 0.082 eV/Å, of 1,100 atoms 0.092,
and at 1.5e-3 0.128."""

WHITENED = 5_000
"""Training atoms from which symmetry functions are whitened. Principal components of few atoms are noise
blown up to unit variance: forty atoms of copper give forces worse than none, twelve thousand of silicon do
well."""

CUTOFF = 5.0
"""Of neighbours in structures, Å."""

SAMPLE = 200
"""Items whose size is looked at."""


@dataclass(frozen=True)
class Choice:
    """A model, by name, with all its settings.

    Attributes:
        model: one of `KINDS`.
        training: hyperparameters of the training.
        fields: fields of the network beside those the data decide.
        cutoff: of neighbours in structures, Å; None: `CUTOFF`, or all pairs for a DTNN as published.
        loss: its kind, and the weights of energies, forces and stress where forces are learnt.
        neighbours: of each atom, where a network takes the nearest (`NEAREST`); None: as published.
    """

    model: str
    training: TrainingConfig
    fields: dict[str, Any] = field(default_factory=dict)
    cutoff: float | None = None
    loss: LossConfig = field(default=LossConfig())
    neighbours: int | None = None

    def encoder(self, items: Sequence[Any]) -> Any:
        """Encoder that covers the elements (and the size) of the items."""
        match self.model:
            case "bond-mpnn":
                from mlmat.graphs.bond_graph import BondGraphEncoder, elements_of

                return BondGraphEncoder(elements_of(items))
            case "soft-mpnn":
                from mlmat.graphs.chemistry import parse_smiles
                from mlmat.graphs.softgraph import SoftGraphEncoder

                return SoftGraphEncoder(max(parse_smiles(item).GetNumAtoms() for item in items))
        from ase.data import atomic_numbers

        from mlmat.descriptors.ani import ANI_1X
        from mlmat.graphs.crystal_graph import CrystalGraphEncoder
        from mlmat.graphs.radius_graph import RadiusGraphEncoder
        from mlmat.graphs.slab_graph import SlabGraphEncoder
        from mlmat.models.dtnn import ALL_PAIRS

        symbols = {symbol for atoms in items for symbol in set(atoms.get_chemical_symbols())}
        if self.model == "dtnn" and not self.cutoff and any(atoms.pbc.any() for atoms in items):
            raise InputError("dtnn takes all pairs of atoms, and a crystal has no end of them: give --cutoff")
        if self.model in NEAREST:
            given = {"radius": self.cutoff, "neighbours": self.neighbours}
            sizes = {name: size for name, size in given.items() if size is not None}
            sizes = {"neighbours": NEAREST[self.model]} | sizes
            return CrystalGraphEncoder(tuple(sorted(symbols, key=atomic_numbers.get)), **sizes)
        if self.model == "sgcnn":
            cutoff = {"cutoff": self.cutoff} if self.cutoff else {}
            return SlabGraphEncoder(tuple(sorted(symbols, key=atomic_numbers.get)), **cutoff)
        published = {"dtnn": ALL_PAIRS, "ani": ANI_1X.cutoff, **dict.fromkeys(AMP, AMP_CUTOFF)}
        cutoff = self.cutoff or published.get(self.model, CUTOFF)
        if self.model == "ani" and cutoff < ANI_1X.cutoff:
            raise InputError(f"ani has its own cutoff, {ANI_1X.cutoff} Å: leave --cutoff out, or take hdnnp")
        return RadiusGraphEncoder(tuple(sorted(symbols, key=atomic_numbers.get)), cutoff)

    def network(self, encoder: Any, outputs: int, extensive: bool) -> Any:
        """The network for an encoder's graphs."""
        pooling = "sum" if extensive else "mean"
        match self.model:
            case "bond-mpnn":
                from mlmat.models.bond_mpnn import BondMPNN

                return BondMPNN(len(encoder.elements), outputs, pooling=pooling, **self.fields)
            case "soft-mpnn":
                from mlmat.models.soft_mpnn import SoftMPNN

                return SoftMPNN(outputs, **self.fields)
            case "dtnn":
                from mlmat.models.dtnn import DTNN

                return DTNN(
                    len(encoder.elements), outputs, cutoff=self.cutoff, pooling=pooling, **self.fields
                )
            case "cgcnn":
                from mlmat.models.cgcnn import CGCNN

                sizes = {"neighbours": encoder.neighbours, "radius": encoder.radius}
                return CGCNN(encoder.elements, outputs, pooling=pooling, **sizes, **self.fields)
            case "crystal":
                from mlmat.models.crystal_network import CrystalNetwork

                sizes = {"neighbours": encoder.neighbours, "pooling": pooling}
                return CrystalNetwork(encoder.elements, outputs, **sizes, **self.fields)
            case "sgcnn":
                from mlmat.models.sgcnn import SGCNN

                if extensive:
                    raise InputError("sgcnn takes means over atoms: give --extensive no, or choose schnet")
                return SGCNN(encoder.elements, outputs, cutoff=encoder.cutoff, **self.fields)
            case "hdnnp":
                from mlmat.descriptors.spread import spread_functions
                from mlmat.models.hdnnp import HDNNP

                functions = spread_functions(encoder.cutoff)
                fields = {"descriptor": functions} | self.fields
                return HDNNP(len(encoder.elements), outputs=outputs, pooling=pooling, **fields)
            case "amp" | "amp-image":
                from mlmat.descriptors.published_functions import amp_gaussians
                from mlmat.models.hdnnp import HDNNP
                from mlmat.models.image_network import ImageNetwork

                kind = HDNNP if self.model == "amp" else ImageNetwork
                fields = {"descriptor": amp_gaussians(encoder.cutoff)} | self.fields
                return kind(len(encoder.elements), outputs=outputs, pooling=pooling, **fields)
            case "equivariant":
                from mlmat.models.equivariant import Equivariant

                fields = {"cutoff": encoder.cutoff, "pooling": pooling} | EQUIVARIANT[pooling]
                fields |= ({} if extensive else {"symbols": encoder.elements}) | self.fields
                return Equivariant(len(encoder.elements), outputs, **fields)
            case "ani":
                from mlmat.models.ani import ANI, widths_of

                widths = {"hidden": widths_of(encoder.elements)} | self.fields
                return ANI(len(encoder.elements), outputs=outputs, pooling=pooling, **widths)
        from mlmat.models.schnet import SchNet

        return SchNet(len(encoder.elements), outputs, cutoff=encoder.cutoff, pooling=pooling, **self.fields)


def mean_size(items: Sequence[Any]) -> float:
    """Mean number of atoms of the items (of heavy atoms, for SMILES), from a sample."""
    chosen = items[:: max(1, len(items) // SAMPLE)]
    if not isinstance(chosen[0], str):
        return sum(map(len, chosen)) / len(chosen)
    from rdkit import Chem

    sizes = [molecule.GetNumAtoms() for molecule in map(Chem.MolFromSmiles, chosen) if molecule is not None]
    return sum(sizes) / max(1, len(sizes))


def choose(
    kind: str,
    count: int,
    size: float = 20.0,
    *,
    model: str = "auto",
    preset: str = "default",
    seed: int = 0,
    crystals: bool = False,
    report: Callable[[str], None] = lambda note: None,
    **given: Any,
) -> Choice:
    """Settings for a table of `count` training items.

    Args:
        kind: ``"smiles"`` or ``"structure"``.
        count: training items.
        size: mean number of atoms of an item, see `mean_size`.
        model: one of `KINDS`, or ``"auto"``.
        preset: one of `PRESETS`.
        seed: of everything random.
        crystals: whether items are crystals without forces, see `mlmat.recipes.task.Task.crystals`; then
            ``"auto"`` is the crystal network.
        report: is told what was chosen.
        **given: fields of `TrainingConfig`, or ``features``, ``layers``, ``cutoff``,
            ``neighbours``; None is as if it were not given.

    Raises:
        InputError: unknown model or preset, or a model that takes something else.
    """
    if model == "auto":
        usual = next(name for name, takes in KINDS.items() if takes == kind)
        model = "crystal" if crystals else usual
    if model not in KINDS:
        raise InputError(f"unknown model {model!r}: choose auto, {', '.join(KINDS)}")
    if KINDS[model] != kind:
        fitting = ", ".join(name for name, takes in KINDS.items() if takes == kind)
        raise InputError(f"{model} takes {KINDS[model]}, and the data are {kind}: choose {fitting}")
    if given.get("neighbours") is not None and model not in NEAREST:
        raise InputError(
            f"{model} takes all neighbours within a cutoff: leave --neighbours out, or take "
            f"{' or '.join(NEAREST)}"
        )
    if preset not in PRESETS:
        raise InputError(f"unknown preset {preset!r}: choose {', '.join(PRESETS)}")
    rules = PRESETS[preset]
    given = {name: value for name, value in given.items() if value is not None}
    cutoff, neighbours = given.pop("cutoff", None), given.pop("neighbours", None)
    given_width, given_layers = given.pop("features", None), given.pop("layers", None)
    width, layers = given_width or rules.width, given_layers or rules.layers
    batch = given.get("batch", min(64, max(4, count // 12)))
    optimiser = given.get("optimiser", "muon" if model in MUON else "adamw")
    rates = {"bond-mpnn": 3e-3, "hdnnp": 5e-3, "equivariant": 5e-3} | (MUON if optimiser == "muon" else {})
    if model == "hdnnp" and "batch" not in given:
        batch = min(batch, max(4, round(STEP_ATOMS / size)))
    fewest, most = rules.epochs
    training = TrainingConfig(
        members=rules.members,
        epochs=min(most, max(fewest, round(rules.atoms / (count * size * COST[model])))),
        learning_rate=rates.get(model, 1.5e-3),
        optimiser=optimiser,
        ema=0.995,
        weight_decay=1e-2 if model == "bond-mpnn" else 1e-3,
        seed=seed,
    )
    training = replace(training, **{"batch": batch} | given)
    if model in ("hdnnp", "ani"):
        width, layers = given_width or (HIDDEN[preset] if model == "hdnnp" else None), given_layers or 2
        fields = {"hidden": (width,) * layers} if width else {}
        width = width or "as published"
        if model == "hdnnp":
            fields["scaling"] = "whitened" if count * size >= WHITENED else "range"
    elif model in AMP:
        width, layers = given_width or AMP_WIDTH, given_layers or 2
        fields = {"hidden": (width,) * layers}
        if model == "amp-image":
            if size != round(size):
                raise InputError("amp-image takes structures of one size, in one order of atoms: choose amp")
            fields["atoms"] = round(size)
    elif model == "sgcnn":
        # Its atoms have the bits of their element, no features of a width to choose.
        width, layers = 58, given_layers or 3
        fields = {"layers": layers}
    else:
        fields = {"features": width, DEPTH.get(model, "layers"): layers}
    report(
        f"{model}, {training.members} members, width {width}, {layers} layers, {training.epochs} epochs, "
        f"batch {training.batch}"
    )
    loss = AMP_LOSS if model in AMP else LossConfig()
    return Choice(model, training, fields, cutoff, loss, neighbours=neighbours)
