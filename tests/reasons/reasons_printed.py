"""What programs print when they fail, by the reason; versions, paths and names are of many systems."""

# ruff: noqa: E501, lines stand as programs print them
from __future__ import annotations

COMMAND = "Command provided is: lmp -v x 2 -in in.reaxc.hns -nocite\n"
BANNER = "LAMMPS (29 Sep 2021 - Update 2)\nReading data file ...\n"
LOOP = "Step Temp\n 0 300\nLoop time of 7.66242 on 4 procs for 100 steps with 2432 atoms\n"
FINISHED = "Total wall time: 0:00:07\n"
SUCCESS = COMMAND + BANNER + LOOP + FINISHED

PRINTED: dict[str, list[str]] = {
    "os abi issue": [
        "flux: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by flux)",
        "flux: /lib/aarch64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by /opt/lib/libflux-core.so.2)",
        "lmp: /lib64/libm.so.6: version `GLIBC_2.29' not found (required by lmp)",
        "/opt/view/libexec/flux/cmd/flux-broker: /usr/lib/aarch64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.30' "
        "not found (required by /opt/view/lib/libzmq.so.5)",
        "lmp: /usr/lib64/libstdc++.so.6: version `CXXABI_1.3.13' not found (required by lmp)",
        "mpirun: /lib64/ld-linux-aarch64.so.1: version `GLIBC_2.35' not found (required by /opt/mpi/lib/libopen-pal.so.40)",
        "lmp: /lib64/libgfortran.so.5: version `GFORTRAN_10' not found (required by lmp)",
        "lmp: symbol lookup error: lmp: undefined symbol: MPI_Comm_create_from_group",
        "lmp: symbol lookup error: /opt/lib/libmpi.so.40: undefined symbol: opal_libevent2022_evthread_use_pthreads",
        "lmp: relocation error: /lib/libresolv.so.2: symbol __libc_alloca_cutoff version GLIBC_PRIVATE not defined in file "
        "libc.so.6 with link time reference",
        "Error relocating ./lmp: __memcpy_chk: symbol not found",
        "Error loading shared library libmpi.so.12: No such file or directory (needed by ./lmp)",
        "lmp: error while loading shared libraries: libmpi.so.40: cannot open shared object file: No such file or directory",
        "/usr/bin/singularity: error while loading shared libraries: libseccomp.so.2: cannot open shared object file: "
        "No such file or directory",
        "FATAL: kernel too old",
        "bash: ./lmp: cannot execute: required file not found",
    ],
    "missing gpu": [
        "lmp_gpu: error while loading shared libraries: libcuda.so.1: cannot open shared object file: No such file or directory",
        "lmp_gpu: error while loading shared libraries: libnvidia-ml.so.1: cannot open shared object file: No such file",
        "./lmp_hip: error while loading shared libraries: libamdhip64.so.5: cannot open shared object file: No such file",
        "lmp_gpu: symbol lookup error: lmp_gpu: undefined symbol: cuGetProcAddress_v2",
        "Cuda driver error 100: no CUDA-capable device is detected",
        "CUDA driver version is insufficient for CUDA runtime version",
        "ERROR: Could not find/initialize a specified accelerator device (src/GPU/gpu_extra.h:57)",
        "ERROR on proc 0: GPU library not compiled for this accelerator (../gpu_extra.h:40)",
        "terminate called after throwing an instance of 'std::runtime_error'\n  what():  cudaGetDeviceCount(&m_cudaDevCount) "
        "error( cudaErrorNoDevice): no CUDA-capable device is detected Kokkos_CudaInternal.cpp:189",
        "Kokkos::Cuda::initialize ERROR: likely mismatch of architecture, no device",
        "hipErrorNoDevice: no ROCm-capable device is detected",
        "nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown",
        'docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]].',
        "cudaErrorNoKernelImageForDevice: no kernel image is available for execution on the device",
        "RuntimeError: Found no NVIDIA driver on your system",
        "ERROR: Invalid OpenCL platform ID.",
    ],
    "wrong architecture": [
        "bash: /usr/bin/lmp: cannot execute binary file: Exec format error",
        "./run.sh: line 3: ./lmp: cannot execute binary file",
        "exec /usr/bin/lmp: exec format error",
        "standard_init_linux.go:228: exec user process caused: exec format error",
        "slurmstepd: error: execve(): lmp: Exec format error",
        "FATAL:   While checking image: could not open image: the image's architecture (arm64) could not run on the host's (amd64)",
        "qemu-x86_64: Could not open '/lib64/ld-linux-x86-64.so.2': No such file or directory",
        "qemu-aarch64-static: Could not open '/lib/ld-linux-aarch64.so.1': No such file or directory",
        "qemu: uncaught target signal 11 (Segmentation fault) - core dumped\nqemu-x86_64: uncaught target signal 11",
        "lmp: error while loading shared libraries: /usr/lib/libmpi.so.40: wrong ELF class: ELFCLASS32",
        "bash: ./lmp: /lib/ld-linux-aarch64.so.1: bad ELF interpreter: No such file or directory",
        "Fatal glibc error: CPU does not support x86-64-v2",
        "lmp: CPU ISA level is lower than required",
        "job.run: line 7: 12345 Illegal instruction     (core dumped) lmp -in in.lj",
        "no matching manifest for linux/arm64/v8 in the manifest list entries",
        "srun: error: node1: task 0: Illegal instruction",
    ],
    "missing executable": [
        "bash: lmp: command not found",
        "/tmp/job.sh: line 4: lmp: command not found",
        "/bin/sh: 1: lmp: not found",
        "bash: line 1: /opt/bin/lmp: No such file or directory",
        "job.exception: type=exec severity=0 task 0: start failed: lmp: No such file or directory",
        "flux-shell[0]: FATAL: task 0 (host a): start failed: lmp: No such file or directory",
        "slurmstepd: error: execve(): lmp: No such file or directory",
        "mpirun was unable to find the specified executable file, and therefore did not launch the job.",
        "[proxy:0:0@a] HYDU_create_process (utils/launch/launch.c:74): execvp error on file lmp (No such file or directory)",
        "FATAL:   could not open image /images/lmp.sif: failed to retrieve path for /images/lmp.sif: lstat: no such file",
        'FATAL:   "lmp": executable file not found in $PATH',
        "env: 'lmp': No such file or directory",
        "Failed to pull image: manifest unknown: manifest unknown",
    ],
    "mpi error": [
        "Abort(1090959) on node 0 (rank 0 in comm 0): Fatal error in PMPI_Init: Other MPI error, error stack:\n"
        "MPIR_Init_thread(176)........: \nMPID_Init(1525)..............: ",
        "Abort(2139023) on node 3 (rank 3 in comm 0): Fatal error in internal_Init_thread: Other MPI error, error stack:",
        "It looks like MPI_INIT failed for some reason; your parallel process is likely to abort.",
        "*** An error occurred in MPI_Init\n*** on a NULL communicator\n*** MPI_ERRORS_ARE_FATAL",
        "[a:12] Local abort before MPI_INIT completed completed successfully, but am not able to aggregate error messages",
        "There are not enough slots available in the system to satisfy the 4 slots that were requested",
        "[mpiexec@a] HYDU_parse_hostfile (utils/args/args.c:319): unable to open host file: hosts",
        "[proxy:0:0@a] HYD_pmcd_pmi_args_to_vector: assert (!closed) failed",
        "[a:00012] PMIX ERROR: UNREACHABLE in file client/pmix_client.c at line 1104",
        "[cli_0]: write_line error; fd=9\nFatal error in MPI_Init_thread: Other MPI error",
        "PMI_Init failed: -1",
        "mpirun has detected an attempt to run as root.",
        "ORTE was unable to reliably start one or more daemons.",
        "[a:01] OPAL ERROR: Unreachable in file ext3x_client.c at line 111",
        "srun was used, but OMPI was not built with SLURM's PMI support and therefore cannot execute.",
        "PML add procs failed\n--> Returned \"Unreachable\" (-12) instead of \"Success\" (0)",
        "ORTE has lost communication with a remote daemon.",
        "No components were able to be opened in the pml framework.",
    ],
    "out of memory": [
        "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=1.0. Some of the step tasks have been OOM Killed.",
        "slurmstepd: error: Exceeded job memory limit at some point.",
        "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc",
        "ERROR on proc 2: Failed to allocate 34359738368 bytes for array atom:x (src/memory.cpp:66)",
        "fork: Cannot allocate memory",
        "Memory cgroup out of memory: Killed process 812 (lmp) total-vm:9000kB",
        "Last State: Terminated, Reason: OOMKilled",
        "CUDA error: cudaErrorMemoryAllocation: out of memory",
        "forrtl: severe (41): insufficient virtual memory",
        "/tmp/job.sh: line 9:   812 Killed                  lmp -in in.lj",
        "YOUR APPLICATION TERMINATED WITH THE EXIT STRING: Killed (signal 9)",
    ],
    "time limit": [
        "slurmstepd: error: *** JOB 12 ON a CANCELLED AT 2024-02-07T04:00:00 DUE TO TIME LIMIT ***",
        "job.exception: type=timeout severity=0 resource allocation expired",
        "TERM_RUNLIMIT: job killed after reaching LSF run time limit.",
        "=>> PBS: job killed: walltime 3610 exceeded limit 3600",
        "Warning  DeadlineExceeded  job was active longer than specified deadline",
    ],
    "unknown": [
        "ERROR: Unknown pair style reax/c (src/force.cpp:279)",
        "Segmentation fault (core dumped)",
        "Traceback (most recent call last):",
        "hello",
    ],
}  # fmt: skip

HARMLESS = [
    "/flux_operator/wait-0.sh: line 23: curl: command not found",
    "/opt/intel/mpi/latest/env/vars.sh: line 195: ps: command not found",
    "job-manager.err[0]: jobtap: job.new: callback returned error",
    "[a:01] mca_base_component_repository_open: unable to open mca_accelerator_cuda: libcuda.so.1: cannot open shared object "
    "file: No such file or directory (ignored)",
    "ERROR: ld.so: object 'libxalt_init.so' from LD_PRELOAD cannot be preloaded (cannot open shared object file): ignored.",
    "curl: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by curl)",
    "wget: error while loading shared libraries: libssl.so.3: cannot open shared object file: No such file or directory",
    "/bin/ip: /lib64/libc.so.6: no version information available (required by /bin/ip)",
    "WARNING: There was an error initializing an OpenFabrics device.",
    "A high-performance Open MPI point-to-point messaging module was unable to find any relevant network interfaces:",
    "* hwloc 2.4.1 received invalid information from the operating system.",
    "broker.err[0]: quorum delayed: waiting for lammps-0-size-2-1 (rank 1)",
    "DeprecationWarning: the imp module is deprecated",
    "[1707] UCX  WARN  network device 'mlx5_0' is not available, please use one or more of: 'eth0'(tcp)",
    "#   DO NOT PROVIDE THIS FILE TO OTHER USERS nor change its permissions.",
    "Read -1, expected 8192, errno = 1",
]  # fmt: skip
"""Lines of runs that succeed, too."""
