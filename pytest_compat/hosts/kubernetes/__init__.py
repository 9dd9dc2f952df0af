"""A rainbow in Kubernetes: its manifests, and one MiniCluster of the Flux Operator for each cluster of a pool."""
