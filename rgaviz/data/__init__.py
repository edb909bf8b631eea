"""Images: single pictures, and labelled ones in batches."""
