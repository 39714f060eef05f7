"""Model Zone: start a long numerical analysis, watch it live, stop it when you like."""

__version__ = "0.1.0"
