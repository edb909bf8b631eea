"""Figures for a paper, drawn from results alone: no model, no torch."""
