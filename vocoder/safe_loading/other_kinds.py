"""Says what a file is that stands in the place of the one expected, such as a web page in place of a download."""

_KINDS = {
    b"version https://git-lfs": "a Git LFS pointer, not the file that it stands for; run git lfs pull",
    b"<": "a web page or XML; download the file itself",
    b"\x1f\x8b": "a gzip archive; unpack it and give the file in it",
    b"\x89HDF": "an HDF5 file, as Keras writes it; give a file of PyTorch's or NumPy's",
}
LONGEST = max(map(len, _KINDS))


def other_kind(start: bytes) -> str | None:
    """Says what a file is that begins so, and the way out; None if it may be what was expected."""
    begin = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((kind for mark, kind in _KINDS.items() if begin.startswith(mark)), None)
