"""Writes the working directory as a zip to standard output, as a script would."""

import os
import sys
import zipfile

with zipfile.ZipFile(sys.stdout.buffer, "w", zipfile.ZIP_DEFLATED) as archive:
    for folder, folders, files in os.walk("."):
        for name in folders + files:
            archive.write(os.path.join(folder, name))
