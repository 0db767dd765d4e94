#!/bin/sh
# perl: open modes, in-place edit, opendir, rename, stat, flock, sysopen, -X.
. "${0%/*}/lib.sh"
requires perl

both 'cat >"$W/p.pl" <<"END"
use strict; use warnings; use Fcntl qw(:DEFAULT :flock :seek);
use File::Find; use File::Copy; use File::Path qw(make_path remove_tree); use File::Temp; use Cwd;
my $D = $ENV{D}; chdir $D or die; $| = 1;
open(my $f, ">", "f") or die; print $f "a\nb\nc\n"; close $f or die;
open($f, ">>", "f") or die; print $f "d\n"; print tell($f), "\n"; close $f;
open($f, "+<", "f") or die; my $l = <$f>; seek($f, 2, SEEK_SET); print $f "B"; seek($f, 0, 0); print <$f>; close $f;
open($f, "+>", "g") or die; print $f "x" x 10000; print -s $f, "\n"; truncate($f, 9) or die; close $f;
open($f, "<:raw:encoding(UTF-16LE)", "f"); { no warnings; my @x = <$f>; } close $f;
sysopen($f, "f", O_RDWR | O_CREAT | O_EXCL) or print "excl: ", $!{EEXIST} ? "EEXIST" : $!, "\n";
sysopen($f, "f", O_RDWR) or die; sysread($f, my $buf, 3); sysseek($f, 0, SEEK_END); syswrite($f, "end\n"); close $f;
mkdir "dir", 0750 or die; make_path("dir/a/b/c"); rename("g", "dir/g") or die; copy("f", "dir/f2"); move("dir/f2", "dir/f3");
opendir(my $d, "dir") or die; my @n = sort readdir $d; print "@n\n"; rewinddir $d; print scalar(() = readdir $d), "\n"; closedir $d;
find({ wanted => sub { print "$_ " }, preprocess => sub { sort @_ }, no_chdir => 1 }, "dir"); print "\n";
find({ wanted => sub { print getcwd() =~ s/.*\///r, ":$_ " }, preprocess => sub { sort @_ } }, "dir"); print "\n";
my @s = stat("f"); printf "%o %d %d\n", $s[2], $s[3], $s[7]; @s = lstat("none"); print scalar(@s), "\n";
print "tests:", (-e "f" ? 1 : 0), (-d "dir" ? 1 : 0), (-f _ ? 1 : 0), (-r "f" ? 1 : 0), (-x "f" ? 1 : 0), (-z "f" ? 1 : 0), (-l "f" ? 1 : 0), "\n";
symlink("f", "l") and print readlink("l"), "\n"; link("f", "h") and print((stat "f")[3], "\n");
chmod(0600, "f"); utime(1000, 2000, "f"); print +(stat "f")[9], "\n"; print unlink("h", "none"), "\n";
open($f, "<", "f"); open(my $g, "<", "f"); print flock($f, LOCK_EX) ? 1 : 0, flock($g, LOCK_SH | LOCK_NB) ? 1 : 0, "\n";
if (!fork) { print flock($g, LOCK_EX | LOCK_NB) ? "got" : "busy", "\n"; exit 0 } wait;
{ local ($^I, @ARGV) = (".orig", "f"); while (<>) { s/^a/A/; print } }
print glob("dir/*"), " ", glob("f*"), "\n"; open($f, "cat f f.orig |"); print <$f>; close $f; print `cat < f | wc -l`;
open(my $o, ">&", \*STDOUT); open(STDOUT, ">", "redir"); print "to file\n"; system("echo child"); open(STDOUT, ">&", $o); print -s "redir", "\n";
my $t = File::Temp->new(DIR => "."); print $t "tmp"; $t->flush; print -s "$t", "\n"; undef $t;
open($f, "<", "none") or print "none: ", $!{ENOENT} ? "ENOENT" : $!, "\n"; open($f, ">", "dir") or print "dir: ", $!{EISDIR} ? "EISDIR" : $!, "\n";
rmdir("dir") or print "rmdir: ", $!{ENOTEMPTY} ? "ENOTEMPTY" : $!, "\n"; print remove_tree("dir"), "\n"; print Cwd::abs_path("l") eq "$D/f" ? "abs\n" : "no\n";
print Cwd::realpath("."), "\n"; open(my $mem, "+<", undef); print $mem "anon"; seek($mem, 0, 0); print <$mem>, "\n";
END
perl "$W/p.pl"; cd "$D"; cp "$W/p.pl" script; rm -f f.orig l; perl -c script 2>&1; perl -pi -e "s/a/A/" f; cat f; perl -ne "print if eof" f redir'
