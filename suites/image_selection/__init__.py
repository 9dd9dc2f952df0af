"""A container image for a host, by what is known of both."""
