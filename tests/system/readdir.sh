#!/bin/sh
# S11: readdir during concurrent change returns every entry that existed
# throughout exactly once; telldir, seekdir and rewinddir; many entries.
. "${0%/*}/lib.sh"
requires "$PY" perl

inside '"$PY" "$py/readdir.py"'
cat >"$T/seek.pl" <<'END'
use strict; chdir $ENV{D} or die;
for (1 .. 500) { open(my $f, '>', "n$_") or die }
mkdir 'sub'; symlink 'x', 'link';
opendir(my $d, '.') or die;
my (@names, @pos);
while (1) { my $p = telldir $d; my $n = readdir $d; last unless defined $n; push @names, $n; push @pos, $p }
print scalar(@names), ' ', join(',', sort @names), "\n";
my $bad = 0;
for (0, 1, 250, 502, 17, 400) { seekdir $d, $pos[$_]; $bad++ if readdir($d) ne $names[$_] }
print "wrong after seekdir: $bad\n";
rewinddir $d; my @again = readdir $d; print "rewound: @{[\"@again\" eq \"@names\" ? 'same' : 'other']}\n";
unlink 'n7'; open(my $f, '>', 'new'); rewinddir $d; my %h = map { $_ => 1 } readdir $d;
print exists $h{n7} ? 'stale' : 'gone', ' ', exists $h{new} ? 'there' : 'missing', "\n";
closedir $d; print scalar(() = glob('n*')), "\n"; unlink glob('n*');
opendir($d, 'none') or print "none: $!\n"; opendir($d, 'new') or print "a file: $!\n";
opendir($d, 'sub'); rmdir 'sub'; print join(',', readdir $d), "\n";
END
both 'perl "$T/seek.pl"'
