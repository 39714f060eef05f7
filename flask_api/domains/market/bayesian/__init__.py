"""Bayesian models of binary purchases: factors and the binary choice of the seed."""
