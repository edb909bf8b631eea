"""How the pictures of the data set ``streets`` are drawn: a street in space, seen by a camera on it."""
