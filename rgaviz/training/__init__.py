"""Training: settings, the loop over the networks of a pair, and what a run leaves behind."""
