#!/bin/sh
. "${0%/*}/over.sh"
