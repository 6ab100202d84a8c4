"""mlmat: differentiable machine learning for materials design and quantum chemistry."""

__version__ = "0.1.0"
