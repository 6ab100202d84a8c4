"""The predictor that ships with mlmat (`gap.mlmat`) and the script that made it (`make.py`)."""
