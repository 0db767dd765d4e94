#!/bin/sh
# git: init, add, commit, branch, merge, rebase, stash, clone, fsck, gc, worktree.
. "${0%/*}/lib.sh"
requires git
GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=c
GIT_COMMITTER_EMAIL=c@example.org GIT_AUTHOR_DATE='2020-01-01T00:00:00Z'
GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL \
	GIT_AUTHOR_DATE GIT_COMMITTER_DATE GIT_CONFIG_NOSYSTEM
git config --global init.defaultBranch main
git config --global gc.auto 0
git config --global core.pager cat
git config --global advice.detachedHead false

both '
git init -q "$D/r"; cd "$D/r"
cp -r "$srcdir/core" "$srcdir/docs" .; ln -s core/wire.h link; echo x >exe; chmod +x exe
git add .; git commit -qm first; git status --short
git ls-files -s | md5sum; git log --format="%h %s"
git switch -qc side; sed -i "1s/^/side /" core/util.h; git commit -qam side
git switch -q main; echo main >>NEWS; git add NEWS; git commit -qm main
git merge -q -m merge side; git log --graph --format=%s; git diff --stat HEAD~1
echo conflict >>exe; git stash -q; cat exe; git stash pop -q; cat exe; git checkout -q exe
git mv core/util.h moved.h; git rm -q --cached link; git status --short; git reset -q --hard
git tag v1; git rebase -q HEAD~1 2>&1 | head -n 2; git cherry-pick --quit
git clone -q "$D/r" "$D/c"; cd "$D/c"; git log --format=%h -n 1; git fsck --strict 2>&1
git clone -q --no-local "$D/r" "$W/out"; git -C "$W/out" fsck 2>&1
git -C "$D/r" gc -q; git -C "$D/r" fsck --full 2>&1; git -C "$D/r" count-objects | cut -d" " -f1
git -C "$D/r" worktree add -q "$D/wt" side; git -C "$D/wt" status --short
echo new >f; git add f; git commit -qm f; git push -q origin HEAD:refs/heads/pushed
git -C "$D/r" log --format=%s -n 1 pushed; git grep -c errno | sort | md5sum
git bisect start -q HEAD HEAD~1 2>&1 | wc -l; git archive HEAD | tar -t | md5sum
cd "$D"; "$helpers/tree" "$D/c/core" | md5sum; git -C r show-ref; rm -rf r c wt
'
