#!/bin/sh
# Put a built book on the branch gh-pages, beside the versions that are there (tools/versions.py).
# Use: sh tools/publish_site.sh BOOK VERSION    (in a checkout whose remote origin takes pushes)
# Leaves the whole site in ./site. The branch is one commit without a past: it holds all versions.
set -eu

if git fetch --quiet --depth 1 origin gh-pages; then
    git worktree add --quiet --detach site FETCH_HEAD
else
    git worktree add --quiet --detach site HEAD
    git -C site rm -r --quiet .
fi
python3 tools/versions.py "$1" site "$2"
branch="site-$2-$$"
git -C site checkout --quiet --orphan "$branch"
git -C site add --all
git -C site commit --quiet -m "The book, version $2"
# From here, not from site: a server may keep its credentials for the checkout alone.
git push --quiet --force origin "$branch:refs/heads/gh-pages"
