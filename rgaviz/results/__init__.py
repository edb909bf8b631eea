"""A folder of results: what a command found, as numbers, for drawing now or at camera-ready time."""
