#!/bin/sh
# Print the name of a Python that this project runs on, or say in one sentence why there is none.
# Use: sh tools/find_python.sh [NAME]    (a NAME given is the only one tried)
# Plain sh, because no Python is known to be good before this has run.

fits='import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else 1)'
tell='import platform; print(platform.python_version())'

if [ -n "$1" ]; then
    if "$1" -c "$fits" >/dev/null 2>&1; then
        echo "$1"
        exit 0
    fi
    version=$("$1" -c "$tell" 2>/dev/null)
    if [ -n "$version" ]; then
        echo "error: '$1' is Python $version, but this project needs Python 3.11, 3.12 or 3.13: choose another with 'make PYTHON=python3.12 ...'." >&2
    else
        echo "error: '$1' does not start, but this project needs Python 3.11, 3.12 or 3.13: choose another with 'make PYTHON=python3.12 ...'." >&2
    fi
    exit 1
fi

for name in python3 python3.13 python3.12 python3.11 python; do
    if "$name" -c "$fits" >/dev/null 2>&1; then
        echo "$name"
        exit 0
    fi
done
version=$(python3 -c "$tell" 2>/dev/null)
echo "error: no Python 3.11, 3.12 or 3.13 was found (python3 is ${version:-missing}): install one, or name it with 'make PYTHON=/path/to/python3.12 ...'." >&2
exit 1
