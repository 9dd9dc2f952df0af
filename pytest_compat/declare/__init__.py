"""What people write: experiments, pools of clusters, sets of jobs, levels, graphs and jobspecs."""
