"""A zip for Lambda with one program in it: of the same program always the same bytes."""

import zipfile

# The first moment that a zip can name.
TIME = (1980, 1, 1, 0, 0, 0)
REGULAR_AND_EXECUTABLE = 0o100755
UNIX = 3


def write(path, program):
    """Writes the zip, with the program as Lambda looks for it."""
    entry = zipfile.ZipInfo("bootstrap", TIME)
    entry.create_system = UNIX
    entry.external_attr = REGULAR_AND_EXECUTABLE << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, program, compresslevel=9)
