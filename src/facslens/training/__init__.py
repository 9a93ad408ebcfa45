"""Fitting a network to expressions, and measuring it on unseen people."""
