"""The predictors that ship with mlmat and the scripts that made them.

`gap.mlmat` (`make.py`): GFN2 gap, HOMO and LUMO. `rdkit.mlmat` (`make_rdkit.py`): logP, QED and
synthetic accessibility.
"""
