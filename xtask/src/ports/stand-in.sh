#!/bin/sh
# Leaves an empty file where a compiler or an archiver would have left something.
archive=
while [ $# -gt 0 ]; do
    case "$1" in
    -o)
        : >"$2"
        shift
        ;;
    *.a) [ -n "$archive" ] || printf '!<arch>\n' >"${archive:=$1}" ;;
    esac
    shift
done
