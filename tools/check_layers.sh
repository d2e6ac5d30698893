#!/bin/sh
# Usage: check_layers.sh SRC_DIR LAYERS_FILE
# LAYERS_FILE has lines "folder:dep,dep". Fails when a file of src/<folder> includes
# a header of another folder that is not among its deps.
set -eu
src=$1
layers=$2
bad=0
while IFS=: read -r folder deps; do
    # shellcheck disable=SC2013 # folder names hold no blanks
    for found in $(grep -rhoE '^#include "[a-z]+/' "$src/$folder" 2>/dev/null | sed 's/.*"//; s,/,,' | sort -u); do
        [ "$found" = "$folder" ] && continue
        case ",$deps," in
        *",$found,"*) ;;
        *)
            grep -rnE "^#include \"$found/" "$src/$folder" | sed 's/^/  /' >&2
            echo "check_layers: src/$folder may include \"$deps\", not \"$found\"" >&2
            bad=1
            ;;
        esac
    done
done <"$layers"
exit $bad
