"""Says what a file is that stands in the place of the one expected, such as a web page in place of a download."""

_KINDS = {
    b"version https://git-lfs": "a Git LFS pointer, not the file that it stands for; run git lfs pull",
    b"<": "a web page or XML; download the file itself",
    **dict.fromkeys(
        (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\x28\xb5\x2f\xfd"),
        "a packed file (gzip, bzip2, xz, 7z, rar or zstd); unpack it and give the file in it",
    ),
    b"GGUF": "a GGUF file; give a file of PyTorch's or NumPy's",
    b"\x89HDF": "an HDF5 file, as Keras writes it; give a file of PyTorch's or NumPy's",
}
LONGEST = max(map(len, _KINDS))


def other_kind(start: bytes) -> str | None:
    """Says what kind of file begins with these bytes, and the way out; None if it may be what was expected."""
    begin = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((kind for mark, kind in _KINDS.items() if begin.startswith(mark)), None)
