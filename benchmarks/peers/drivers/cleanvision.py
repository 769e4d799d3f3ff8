"""CleanVision over a folder, all its issues: dark, light, blurry, odd in size or shape, copies.

``python -m benchmarks.peers.drivers.cleanvision FOLDER OUT`` writes the names of the files that it
has an opinion on, one a line. Runs in the peer's environment.
"""

import sys
from pathlib import Path

from cleanvision import Imagelab

if __name__ == "__main__":
    folder, place = sys.argv[1:]
    lab = Imagelab(data_path=folder)
    lab.find_issues(n_jobs=1, verbose=False)  # with more processes it takes more CPU time
    Path(place).write_text("\n".join(Path(path).name for path in lab.issues.index) + "\n")
