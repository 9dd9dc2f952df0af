"""How to run an application: variants of LAMMPS for an input, by what is known of both."""
