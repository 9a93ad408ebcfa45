"""What the network does without the units that were mapped."""
