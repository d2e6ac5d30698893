# guard_count: the instructions of each function of the program, "COUNT NAME" a line, and their sum as TOTAL.
# What libraries do is left out. In: an output file of callgrind ("Callgrind Format Specification" of its manual).
function name(text,   id, close_at) {
    if (substr(text, 1, 1) != "(") return text
    close_at = index(text, ")")
    id = kind substr(text, 1, close_at)
    if (length(text) > close_at) names[id] = substr(text, close_at + 2)
    return names[id]
}
/^c?ob=/ { kind = "o"; text = name(substr($0, index($0, "=") + 1)); if (/^ob=/) ours = text ~ /\/xshathra$/; next }
/^c?fn=/ { kind = "f"; text = name(substr($0, index($0, "=") + 1)); if (/^fn=/) fn = text; next }
/^calls=/ { getline; next } # the line after it is what the callee has already counted
/^[0-9+*-]/ { if (ours) { cost[fn] += $2; total += $2 } }
END { for (fn in cost) printf "%d %s\n", cost[fn], fn; printf "%d TOTAL\n", total }
