#!/bin/sh
# docs/conformance.md: each row names tests, which exist and are run by make
# check; what is not kept names one that must fail (known-*), all else none of
# those; S1 to S11 are there, and so is each expected failure of pjdfstest and
# of the Linux Test Project.
srcdir=${srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
cd "$srcdir" || exit 1
doc=docs/conformance.md
bad=0
complain() {
	echo "$doc: $*" >&2
	bad=1
}

# A test that is run: its name stands in a list of a local.mk.
check_test() {
	case $1 in
	*/*) file=tests/$1 list=tests/${1%/*}/local.mk ;;
	*.sh) file=tests/system/$1 list=tests/system/local.mk ;;
	*) file=tests/unit/$1.c list=tests/local.mk ;;
	esac
	[ -f "$file" ] || complain "$1: no such test"
	grep -q "%D%/\(unit/\)\?${1##*/}\( \|\$\)" "$list" ||
		complain "$1 is not in $list"
	case $2,$1 in
	"not kept",known-*) ;;
	*,known-* | "not kept",*) complain "$1 in a row that is $2" ;;
	esac
}

rows=$(grep '^|' "$doc" | grep -c '| \(not \)\?kept |')
[ "$rows" -gt 40 ] || complain "only $rows rows"
table=$(sed -n '/^## Promises/,/^## Differential tester/p' "$doc" |
	grep '^|' | grep -v -e '^|---' -e '| status |')
while IFS='|' read -r _ what status tests _; do
	status=$(echo "$status" | sed 's/^ *//;s/ *$//')
	case $status in
	kept | "not kept") ;;
	*) complain "$what: status '$status'" ;;
	esac
	names=$(echo "$tests" | tr -d '` ' | tr , ' ')
	[ -n "$names" ] || complain "$what: no test"
	for t in $names; do
		check_test "$t" "$status"
	done
done <<END
$table
END

for n in 1 2 3 4 5 6 7 8 9 10 11; do
	echo "$table" | grep -q "^| S$n " || complain "no row for S$n"
done
for f in tests/system/known-*.sh; do
	grep -q "\`${f##*/}\`" "$doc" || complain "no row for ${f##*/}"
done
while read -r which at _; do
	case $which in
	'' | '#'*) continue ;;
	esac
	grep "^| \`${at%:*}\` " "$doc" | grep -q "[ ,]${at#*:}[ ,]" ||
		complain "$at is expected to fail, and not there"
done <tests/pjdfstest.expected
while read -r which test _; do
	case $which in
	'' | '#'*) continue ;;
	esac
	sed -n '/^## Linux Test Project/,$p' "$doc" | grep '^|' |
		grep -q "\`$test\`" ||
		complain "$test is expected to be worse, and not there"
done <tests/ltp.expected
grep -q 'conformance.md' README.md || complain "README.md does not link it"
exit $bad
