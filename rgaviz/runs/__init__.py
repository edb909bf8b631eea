"""Finished trainings, and the tables of a paper made from them."""
