#!/bin/sh
# F3: clients that die at any point leave the daemon alive, the data whole and
# no locks; what they had open goes.
. "${0%/*}/lib.sh"
requires "$PY"

inside '"$PY" "$py/client-death.py"
cd "$D"; echo fine >after; want "$(cat after)" fine'
