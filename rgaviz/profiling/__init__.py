"""What networks and attention modules cost: parameters, multiply-accumulates, time and memory."""
