#!/bin/sh
# Sets up .venv: Python, torch for this machine, the package with what its tests need. `make` calls it in the
# repository's root. May be interrupted and run again: each step looks first at what is there. Of two at once one waits.
set -eu

PYTHON=${PYTHON:-python3}
TORCH=2.13.0  # the version this was tried with; older ones work too, from the lower bound in setup.cfg on
CPU_INDEX=https://download.pytorch.org/whl/cpu
NEW_ENOUGH='import sys; raise SystemExit(sys.version_info < (3, 11))'

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$@" >&2; exit 1; }

# --- Python ---------------------------------------------------------------------------------------

# What the scripts of a .venv begin with is bound to: left in .stamp by a set-up that ended well.
mark() { cd .venv && printf '%s in %s\n' "$(bin/python --version 2>&1)" "$(pwd -P)"; }

# An empty one is of an older set-up, and says nothing.
stale() { [ -s .venv/.stamp ] && [ "$(mark 2>/dev/null)" != "$(cat .venv/.stamp)" ]; }

made_elsewhere() {
    here=$(cd .venv 2>/dev/null && pwd -P) || return 1
    case $(cat .venv/.stamp 2>/dev/null) in "" | *" in $here") return 1 ;; esac
}

usable_venv() {
    ! made_elsewhere || return 1
    .venv/bin/python -c "$NEW_ENOUGH" 2>/dev/null && .venv/bin/python -m pip --version >/dev/null 2>&1
}

version_of() { "$1" --version 2>/dev/null || echo "not there"; }

make_venv() {
    "$PYTHON" -c "$NEW_ENOUGH" 2>/dev/null ||
        die "Python 3.11 or newer is needed: $PYTHON is $(version_of "$PYTHON"); give another:" \
            "  make setup PYTHON=/path/to/python3.11"
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
        die "$PYTHON cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv"
    say "making .venv with $(version_of "$PYTHON")"
    "$PYTHON" -m venv --clear .venv
}

# --- C compiler -----------------------------------------------------------------------------------

compiler() {
    for name in "${CC:-}" cc gcc clang; do
        [ -n "$name" ] || continue
        command -v "${name%% *}" >/dev/null 2>&1 || continue
        # macOS has a cc that only offers to install one
        [ "$(uname)" != Darwin ] || xcode-select -p >/dev/null 2>&1 || return 1
        return 0
    done
    return 1
}

python_headers() {
    .venv/bin/python -c 'import pathlib, sysconfig
raise SystemExit(not (pathlib.Path(sysconfig.get_path("include")) / "Python.h").is_file())'
}

check_compiler() {
    ! .venv/bin/python -c 'import pesq' 2>/dev/null || return 0
    compiler && missing= || missing="a C compiler"
    python_headers || missing="${missing:+$missing and }Python's headers (Python.h)"
    [ -z "$missing" ] || die "the package pesq is distributed as source and needs $missing. To install:" \
        "  Debian, Ubuntu: apt install build-essential python3-dev" \
        "  Fedora:         dnf install gcc python3-devel" \
        "  macOS:          xcode-select --install"
}

# --- torch ----------------------------------------------------------------------------------------

torch_is_there() {
    .venv/bin/python -c "import torch
number = lambda version: tuple(int(part) for part in version.split('+')[0].split('.')[:2])
raise SystemExit(number(torch.__version__) < number('$TORCH'))" 2>/dev/null
}

has_gpu() { nvidia-smi -L 2>/dev/null | grep -q '^GPU '; }

# The alarm bounds the look-up of the name too, which urlopen's timeout does not; the subshell keeps its word quiet.
cpu_index_answers() {
    (.venv/bin/python -c "import signal, urllib.request
signal.alarm(8)
urllib.request.urlopen('$CPU_INDEX/torch/', timeout=5)" || exit 1) >/dev/null 2>&1
}

pip_install() { .venv/bin/python -m pip install --disable-pip-version-check "$@"; }

install_torch() {
    if has_gpu; then
        say "torch: installing the CUDA build, since nvidia-smi lists a GPU"
        pip_install "torch>=$TORCH"
        return
    fi
    if [ "$(uname)" = Linux ] && cpu_index_answers; then
        say "torch: installing the CPU build"
        pip_install --index-url "$CPU_INDEX" "torch>=$TORCH" && return
    fi
    # Where pip is set up with wheels of its own this takes their CPU build; on Linux elsewhere it is the large CUDA
    # build, which runs without a GPU too. The exact version: a newer one elsewhere must not win over such a wheel.
    say "torch: installing $TORCH from where pip is set up to look"
    pip_install "torch==$TORCH"
}

# --- compiled functions -----------------------------------------------------------------------------

# What we use of librosa; all of it is compiled on the way. The subshell keeps a crash's word quiet.
librosa_works() {
    (EAGER_IMPORT=1 .venv/bin/python -c 'import librosa, numpy
tone = numpy.sin(0.05 * numpy.arange(4000))
librosa.pyin(tone, sr=16000, fmin=60, fmax=600)
librosa.effects.trim(tone)' || exit 1) >/dev/null 2>&1
}

# By one process, before anybody starts two: those that compile together can leave a cache on the disk that is a
# segmentation fault from then on (https://github.com/numba/numba/issues/10128). One that an earlier set-up left goes.
compile_librosa() {
    ! librosa_works || return 0
    find .venv/lib/ -path '*/librosa/*' -name '*.nb[ci]' -exec rm -f {} +
    librosa_works || die "librosa does not work in .venv; remove it and run the same command again. What it says:" \
        "  EAGER_IMPORT=1 .venv/bin/python -c 'import librosa'"
}

# --- one at a time --------------------------------------------------------------------------------

LOCK=.setup.lock  # a folder, since making one is atomic everywhere

held() {
    owner=$(cat $LOCK/pid 2>/dev/null) || { sleep 2; owner=$(cat $LOCK/pid 2>/dev/null) || return 1; }
    kill -0 "$owner" 2>/dev/null
}

take_turn() {
    waited='' tries=0
    until reason=$(mkdir $LOCK 2>&1); do
        if [ ! -e $LOCK ]; then  # another set-up ended just now, or this folder cannot be written
            tries=$((tries + 1))
            [ $tries -lt 5 ] || die "$(pwd) must be writable: $reason; mend its rights, or clone it elsewhere"
            continue
        fi
        held || { rm -rf $LOCK || die "remove $LOCK, which a set-up that was killed has left"; continue; }
        [ -n "$waited" ] || say "another set-up is at work here: waiting for it (if there is none, remove $LOCK)"
        waited=yes
        sleep 1
    done
    trap 'rm -rf $LOCK' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    echo $$ > $LOCK/pid
}

done_meanwhile() {
    [ -n "$waited" ] && [ -e .venv/.stamp ] && ! stale || return 1
    [ -z "$(find setup.cfg pyproject.toml .ci/setup.sh -newer .venv/.stamp)" ]
}

# --- all of it ------------------------------------------------------------------------------------

if [ "${1:-}" = --stale ]; then  # for the Makefile: the name of a target that is always to be made, or nothing
    ! stale || echo again
    exit 0
fi
take_turn
! done_meanwhile || exit 0
usable_venv || make_venv
check_compiler
torch_is_there || install_torch
say "torch: $(.venv/bin/python -c 'from importlib.metadata import version; print(version("torch"))')"
say "installing schedsearch with everything else it needs (minutes, the first time)"
pip_install -qq --editable '.[test,data]'
say "compiling librosa's functions (half a minute)"
compile_librosa
(mark) > .venv/.stamp
say "done"
