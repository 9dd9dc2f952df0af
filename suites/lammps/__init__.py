"""LAMMPS on 48 faux clusters."""
