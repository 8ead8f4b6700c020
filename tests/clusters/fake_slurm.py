"""Programs named sbatch, squeue, … in a folder, which do as SLURM does in one directory of files.

`sbatch` starts each job of an array at once, on this machine, unless the file `hold` exists: then
jobs wait. Each job has a file `ID_NUMBER` with its state; `scancel` makes it CANCELLED.
"""

from __future__ import annotations

import sys
from pathlib import Path

SBATCH = r"""
import os, re, subprocess, sys
from pathlib import Path
here = Path(__file__).parent
text = Path(sys.argv[1]).read_text()
(here / "submitted.sh").write_text(text)
if "--partition=nowhere" in text:
    sys.exit("sbatch: error: invalid partition specified: nowhere")
id = str(1 + len(list(here.glob("*_0"))))
script = here / f"script-{id}.sh"  # as SLURM keeps its own
script.write_text(text)
count = int(m[1]) + 1 if (m := re.search(r"--array=0-(\d+)", text)) else 1
for number in range(count):
    (here / f"{id}_{number}").write_text("PENDING" if (here / "hold").exists() else "RUNNING")
    if (here / "hold").exists():
        continue
    own = {"SLURM_JOB_ID": f"{id}{number}", "SLURMD_NODENAME": f"n{number + 1}"}
    if count > 1:
        own |= {"SLURM_ARRAY_JOB_ID": id, "SLURM_ARRAY_TASK_ID": str(number)}
    else:
        own["SLURM_JOB_ID"] = id
    command = f'"$@"; echo COMPLETED > {here}/{id}_{number}'
    quiet = subprocess.DEVNULL
    subprocess.Popen(["sh", "-c", command, "sh", "bash", str(script)], env={**os.environ, **own},
                     stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
print(f"Submitted batch job {id}")
"""
SQUEUE = r"""
import sys
from pathlib import Path
for path in sorted(Path(__file__).parent.glob("*_*")):
    if path.name[0].isdigit():
        state, number = path.read_text().strip(), path.name.partition("_")[2]
        node = f"n{int(number) + 1}" if state == "RUNNING" else ""
        print(f"{path.name}|{state}|{node}|{'Resources' if state == 'PENDING' else 'None'}")
"""
SCANCEL = r"""
import sys
from pathlib import Path
for id in (a for a in sys.argv[1:] if not a.startswith("-")):
    for path in Path(__file__).parent.glob(f"{id}_*"):
        if path.read_text().strip() == "PENDING" or "--state=PENDING" not in sys.argv:
            path.write_text("CANCELLED")
"""
SCONTROL = "print('MaxArraySize            = 4')"
SRUN = r"""
import os, sys
arguments = sys.argv[1:]
log = arguments[arguments.index("--output") + 1]
job = os.environ.get("SLURM_ARRAY_JOB_ID", os.environ["SLURM_JOB_ID"])
log = log.replace("%A", job).replace("%j", job).replace("%t", "0")
log = log.replace("%a", os.environ.get("SLURM_ARRAY_TASK_ID", ""))
file = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
os.dup2(file, 1), os.dup2(file, 2)
command = arguments[arguments.index("-u") - 1 :]
os.execv(command[0], command)
"""


def write(folder: Path) -> None:
    """Write the programs into `folder`."""
    folder.mkdir()
    texts = {
        "sbatch": SBATCH, "squeue": SQUEUE, "scancel": SCANCEL, "scontrol": SCONTROL, "srun": SRUN,
    }  # fmt: skip
    for name, text in texts.items():
        path = folder / name
        path.write_text(f"#!{sys.executable} -S\n{text}")
        path.chmod(0o755)
