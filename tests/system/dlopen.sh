#!/bin/sh
# Shared objects and modules in BenchFS: dlopen by path and by search, their
# dependencies, python modules and packages, perl modules, preloaded libraries.
. "${0%/*}/lib.sh"
requires gcc perl "$PY"

both '
mkdir -p "$D/lib" "$D/pkg"; cd "$D"
echo "int inner(void) { return 5; }" >i.c; gcc -shared -fPIC -o lib/libinner.so i.c
echo "int inner(void); int outer(void) { return inner() + 1; }" >o.c
gcc -shared -fPIC -o lib/libouter.so o.c -Llib -linner -Wl,-rpath,"\$ORIGIN"
"$PY" -c "
import ctypes, os
D = os.environ[\"D\"]
print(ctypes.CDLL(D + \"/lib/libouter.so\").outer())
print(ctypes.CDLL(\"./lib/libouter.so\").outer())
for bad in \"/none.so\", \"/i.c\", \"/lib\":
    try:
        ctypes.CDLL(D + bad)
        print(\"?\")
    except OSError as e:
        print(bad, \"refused\")
print([l.split()[-1].replace(D, \"D\") for l in open(\"/proc/self/maps\") if \"none\" in l])
"
gcc -shared -fPIC -o pkg/libsearch.so -x c - <<END
int search(void) { return 9; }
END
LD_LIBRARY_PATH=$D/pkg "$PY" -c "import ctypes; print(ctypes.CDLL(\"libsearch.so\").search())"
printf "x = 1\nfrom . import sub\n" >pkg/__init__.py; echo "y = 2" >pkg/sub.py; echo "print(__name__, __file__)" >pkg/__main__.py
PYTHONDONTWRITEBYTECODE= PYTHONPATH=$D "$PY" -c "import pkg; print(pkg.x, pkg.sub.y, pkg.__file__)"; ls pkg/__pycache__ | wc -l
"$PY" -m pkg; cd /; PYTHONPATH=$D "$PY" -m pkg; "$PY" "$D/pkg"; cd "$D"; "$PY" -m zipfile -c z.zip pkg/; "$PY" z.zip/pkg 2>&1 | tail -n 1
printf "package M; sub f { 7 } 1;\n" >lib/M.pm; perl -Ilib -MM -e "print M::f(), qq{\n}"; perl -I"$D/lib" -e "require M; print \$INC{q{M.pm}}, qq{\n}"
echo "unsigned int getuid(void) { return 4242; }" >pre.c; gcc -shared -fPIC -o lib/pre.so pre.c
rm -rf lib/*.so pkg/*.so z.zip pkg/__pycache__'
