#!/bin/sh
# Open an issue on what the weekly check found, or add to the one that is open.
# Use: sh tools/report_moved.sh FOLDER    (of the texts to show)
# Needs the program gh, and in the environment NEEDS (the jobs, as JSON) and RUN (their address).
set -eu

title="Weekly check: something moved"
body=$(mktemp)
{
    echo "The [weekly check]($RUN) did not come out as recorded:"
    echo
    echo "$NEEDS" | python3 -c 'import json, sys
for name, job in json.load(sys.stdin).items():
    print(f"- {name}: {job['"'result'"']}")'
    for file in "$1"/*/moved.txt "$1"/*/links.txt; do
        [ -s "$file" ] || continue
        printf '\n%s\n\n```\n' "$(basename "$file")"
        head -c 20000 "$file"
        printf '\n```\n'
    done
    echo
    echo "Verdicts on times (claims of the pages on efficiency, memory and speed) depend on the"
    echo "machine; others should not. Close this issue when somebody has looked."
} > "$body"

number=$(gh issue list --state open --limit 200 --json number,title \
    --jq "map(select(.title == \"$title\")) | .[0].number // empty")
if [ -n "$number" ]; then
    gh issue comment "$number" --body-file "$body"
else
    gh issue create --title "$title" --body-file "$body"
fi
