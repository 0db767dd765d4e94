"""Killing a daemon: when it is gone, so is what it had open.  A process of
several threads is a zombie for a while in which others of them still have all
of that, and its directory in /proc may go at any time: a pidfd tells."""
import os, select, signal, sys


def kill(pid, secs=30):
    fd = os.pidfd_open(pid)
    signal.pidfd_send_signal(fd, signal.SIGKILL)
    ended, _, _ = select.select([fd], [], [], secs)
    os.close(fd)
    if not ended:
        sys.exit(f'process {pid} does not die')
