#!/bin/sh
# Runs the fast tests with the oldest versions that setup.cfg allows, in .venv-lowest. `make lowest` calls it in the
# repository's root.
set -eu

PYTHON=${PYTHON:-python3.11}
OLDEST_TORCH=$(sed -n 's/^ *torch >= //p' setup.cfg)
TORCH=$(sed -n 's/^TORCH=\([0-9.]*\).*/\1/p' .ci/setup.sh)
CPU_INDEX=https://download.pytorch.org/whl/cpu
BIN=.venv-lowest/bin
VERSION='import importlib.metadata as metadata; print("torch==" + metadata.version("torch"))'

pip_install() { $BIN/python -m pip install --quiet --disable-pip-version-check "$@"; }
uv_install() { $BIN/uv pip install --quiet --python $BIN/python "$@"; }

[ -x $BIN/uv ] || { "$PYTHON" -m venv --clear .venv-lowest && pip_install uv; }
# Alone, since uv keeps what it finds installed, and what torch needs would come in its newest version. Where the index
# of CPU builds does not answer, the version that setup.sh takes: pip knows no older one without CUDA.
$BIN/python -c "$VERSION" 2>/dev/null ||
    pip_install --no-deps --retries 0 --timeout 8 --index-url "$CPU_INDEX" "torch==$OLDEST_TORCH" 2>/dev/null ||
    pip_install --no-deps "torch==$TORCH"
$BIN/python -c "$VERSION" > .venv-lowest/torch.txt
uv_install --resolution lowest-direct --constraints .venv-lowest/torch.txt --editable '.[data,dask,postgres]'
uv_install pytest hypothesis selenium import-linter  # tools may be new
OMP_NUM_THREADS=1 exec $BIN/python -m pytest -m "not slow"
