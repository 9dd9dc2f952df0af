"""What a Linux host says of itself, as the graphs of a cluster."""
