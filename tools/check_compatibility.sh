#!/bin/sh
# Usage: check_compatibility.sh [PROJECT_DIR]
# Reads docs/compatibility.md: each row has a known state, "done" rows name a test, and each test named is in the tree
# under tests/. Prints how many rows are done, partly done, not yet done and waiting for a later feature, for each section
# and in all, and what part is done of the sections that clients and backends see, of all their rows and of those that do
# not wait; fails when something does not hold.
set -eu
cd "${1:-$(dirname "$0")/..}"
page=docs/compatibility.md
known=$(mktemp)
trap 'rm -f "$known"' EXIT

# Lines "FILE<tab>PATTERN" for every test: a C test's name is a function, that of a JavaScript test a string, whose
# ${…} may be any text, that of a conversation the words behind "scenario".
find tests -name node_modules -prune -o \( -name '*.c' -o -name '*_test.mjs' -o -name '*.talk' \) -print | sort | while read -r file; do
    awk -v file="${file##*/}" '
        function quoted(text) { gsub(/[][\\.^$*+?(){}|]/, "\\\\&", text); return text }

        # The string that begins at position i of the line with the quote q, as a pattern; sets `after` behind its end.
        function literal(line, i, q,    out, c, depth) {
            out = ""
            for (i++; i <= length(line); i++) {
                c = substr(line, i, 1)
                if (c == "\\") {
                    out = out quoted(substr(line, ++i, 1))
                } else if (c == q) {
                    after = i + 1
                    return out
                } else if (q == "`" && substr(line, i, 2) == "${") {
                    depth = 0
                    for (; i <= length(line); i++) {
                        c = substr(line, i, 1)
                        if (c == "{") depth++
                        if (c == "}" && --depth == 0) break
                    }
                    out = out ".*"
                } else {
                    out = out quoted(c)
                }
            }
            after = length(line) + 1
            return ""
        }

        file ~ /\.c$/ && match($0, /^(static )?void [a-z0-9_]+\(void \*\*/) {
            name = substr($0, RSTART, RLENGTH)
            sub(/^(static )?void /, "", name)
            sub(/\(.*/, "", name)
            print file "\t" name
        }
        file ~ /\.talk$/ && sub(/^scenario /, "") { print file "\t" quoted($0) }
        file ~ /\.mjs$/ && /^ *([a-z]+\()?["\047`]/ {
            for (at = 1; at <= length($0); at = after) {
                rest = substr($0, at)
                if (!match(rest, /["\047`]/)) break
                pattern = literal($0, at + RSTART - 1, substr(rest, RSTART, 1))
                if (pattern != "" && pattern != ".*") print file "\t" pattern
            }
        }' "$file"
done >"$known"

# Of the real clients: "clients: SCENARIO (SDK, ENCODING)", without those that wait; Autobahn's: "autobahn: CASE".
grep -L "^  waits:" tests/clients/scenarios/*.mjs | xargs -r sed -n "s/^ *scenario(['\`]\(.*\)['\`], .*async.*/\1/p" |
    sed 's/\${[^}]*}/.*/g; s/.*/clients\t& \\((js|python|go), (json|protobuf)\\)/' >>"$known"
printf 'autobahn\t([1-7]|10)([.][0-9]+)+\n' >>"$known"

awk -F '|' -v page="$page" '
    FNR == NR {
        split($0, parts, "\t")
        patterns[parts[1]] = patterns[parts[1]] "\n" substr($0, length(parts[1]) + 2)
        next
    }

    function complain(text) {
        printf "%s: row %s: %s\n", page, row, text
        failed = 1
    }

    function exists(file, name,    list, n, i) {
        n = split(patterns[file], list, "\n")
        for (i = 2; i <= n; i++) if (name == list[i] || name ~ ("^" list[i] "$")) return 1
        return 0
    }

    # A range "CF-01 to CF-03" counts as three.
    function size(id,    ends) {
        if (id !~ / to /) return 1
        split(id, ends, " to ")
        sub(/.*-/, "", ends[1])
        sub(/.*-/, "", ends[2])
        return ends[2] - ends[1] + 1
    }

    # What clients and backends see: the protocol, WebSocket, tokens, channels, history, the server API.
    function is_seen(section) {
        if (section == "6.9") return 0
        return section ~ /^[12456]\./ || section == "3.2" || section == "7.1" || section == "7.3"
    }

    /^### [0-9]/ { section = $0; sub(/^### /, "", section); title = section; sub(/ .*/, "", section) }

    /^## [0-9]/ { section = $0; sub(/^## /, "", section); title = section; sub(/ .*/, "", section) }

    /^\| [A-Z]+-[0-9]+/ {
        row = $2
        gsub(/^ +| +$/, "", row)
        state = $(NF - 2)
        gsub(/^ +/, "", state)
        shown = $(NF - 1)
        if (seen[row]++) complain("comes twice")
        if (state ~ /^done *$/) kind = "done"
        else if (state ~ /^partly: ./) kind = "partly"
        else if (state ~ /^not yet: ./) kind = "not yet"
        else if (state ~ /^later: ./) kind = "later"
        else {
            complain("state \"" state "\", allowed are done, \"partly: …\", \"not yet: …\" and \"later: …\"")
            next
        }
        count[kind] += size(row)
        if (!(section in titles)) order[++sections] = section
        titles[section] = title
        of[section, kind] += size(row)
        if (is_seen(section)) seen_rows += size(row)
        if (is_seen(section)) seen_of[kind] += size(row)
        if (kind == "done" && shown !~ /`/) complain("is done, but names no test")
        n = split(shown, cells, "<br>")
        for (i = 1; i <= n; i++) {
            cell = cells[i]
            gsub(/^ *`|` *$/, "", cell)
            gsub(/^ +| +$/, "", cell)
            if (cell == "") continue
            colon = index(cell, ": ")
            file = substr(cell, 1, colon - 1)
            name = substr(cell, colon + 2)
            named[cell] = 1
            if (!exists(file, name)) complain("no test \"" name "\" in " file)
        }
    }

    END {
        for (cell in named) tests++
        for (i = 1; i <= sections; i++) {
            section = order[i]
            printf "  %-60s %3d done %3d partly %3d not yet %3d later\n", titles[section], of[section, "done"], \
                of[section, "partly"], of[section, "not yet"], of[section, "later"]
        }
        if (seen_rows > seen_of["later"]) {
            printf "sections 1, 2, 3.2, 4, 5, 6 without 6.9, 7.1, 7.3: %d done, %d partly, %d not yet, %d later;\n", \
                seen_of["done"], seen_of["partly"], seen_of["not yet"], seen_of["later"]
            printf "  done are %.1f %% of all %d rows, %.1f %% of the %d that wait for no later feature\n", \
                100 * seen_of["done"] / seen_rows, seen_rows, 100 * seen_of["done"] / (seen_rows - seen_of["later"]), \
                seen_rows - seen_of["later"]
        }
        printf "compatibility: %d done, %d partly, %d not yet, %d later; %d tests named\n", \
            count["done"], count["partly"], count["not yet"], count["later"], tests
        if (count["done"] == 0) failed = 1
        exit failed
    }' "$known" "$page"
