// SPDX-License-Identifier: BSD-3-Clause
//
// files DIR: everyday work of a Go program in DIR, past the C library.  Prints
// what a real directory would show too (go.sh compares).
package main

// #include <stdio.h>
import "C"

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// An error without the directory's name.
func say(what string, err error) {
	var e syscall.Errno
	if errors.As(err, &e) {
		fmt.Println(what, e)
	} else {
		fmt.Println(what, err)
	}
}

func plain() {
	must(os.WriteFile("a", []byte("hello\n"), 0600))
	b, err := os.ReadFile("a")
	must(err)
	fmt.Printf("%q\n", b)
	_, err = os.Open("none")
	say("open", err)
	_, err = os.OpenFile("a", os.O_CREATE|os.O_EXCL|os.O_RDWR, 0600)
	say("exclusive", err)
	say("mkdir", os.MkdirAll("d/e/f", 0755))
	say("rename", os.Rename("a", "d/b"))
	say("symlink", os.Symlink("b", "d/s"))
	l, err := os.Readlink("d/s")
	fmt.Println(l, err)
	say("link", os.Link("d/b", "d/c"))
	say("remove", os.Remove("d"))
	st, err := os.Stat("d/s")
	must(err)
	fmt.Println(st.Name(), st.Size(), st.Mode())
	say("chmod", os.Chmod("d/b", 0400))
	say("chtimes", os.Chtimes("d/b", time.Unix(1, 2), time.Unix(3, 4)))
	st, err = os.Stat("d/b")
	must(err)
	fmt.Println(st.Mode(), st.ModTime().UnixNano())
	say("truncate", os.Truncate("d/c", 3))
	must(filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		fmt.Println(p, d.IsDir(), err)
		return nil
	}))
}

func copies() {
	f, err := os.Create("big")
	must(err)
	w := bufio.NewWriter(f)
	for i := 0; i < 100000; i++ {
		fmt.Fprintln(w, i)
	}
	must(w.Flush())
	_, err = f.Seek(0, io.SeekStart)
	must(err)
	g, err := os.Create("copy")
	must(err)
	n, err := io.Copy(g, f)
	fmt.Println(n, err)
	must(f.Close())
	must(g.Close())
	a, err := os.ReadFile("big")
	must(err)
	b, err := os.ReadFile("copy")
	must(err)
	fmt.Println(bytes.Equal(a, b))
	f, err = os.Open("big")
	must(err)
	m, err := syscall.Mmap(int(f.Fd()), 0, len(a), syscall.PROT_READ, syscall.MAP_SHARED)
	must(err)
	fmt.Println(bytes.Equal(a, m))
	must(syscall.Munmap(m))
	must(f.Close())
}

// Many goroutines on many threads, with signals between.
func crowd() {
	c := make(chan os.Signal, 100)
	signal.Notify(c, syscall.SIGUSR1)
	var wait sync.WaitGroup
	for g := 0; g < 16; g++ {
		wait.Add(1)
		go func(g int) {
			defer wait.Done()
			if g%4 == 0 {
				runtime.LockOSThread()
			}
			for i := 0; i < 30; i++ {
				name := fmt.Sprintf("g%d-%d", g, i)
				must(os.WriteFile(name, []byte(name), 0600))
				b, err := os.ReadFile(name)
				must(err)
				if string(b) != name {
					must(errors.New("read something else"))
				}
				if i%2 == 0 {
					must(os.Remove(name))
				}
				if i%10 == 0 {
					must(syscall.Kill(os.Getpid(), syscall.SIGUSR1))
				}
			}
		}(g)
	}
	wait.Wait()
	<-c
	l, err := filepath.Glob("g*")
	fmt.Println(len(l), err)
}

func programs() {
	must(os.WriteFile("input", []byte("from go\n"), 0600))
	for _, args := range [][]string{{"cat", "input"}, {"sh", "-c", "echo $((1+1)) >out; cat out; exit 3"}} {
		cmd := exec.Command(args[0], args[1:]...)
		out, err := cmd.Output()
		fmt.Printf("%q %v\n", out, err)
	}
	must(os.Chdir("d"))
	out, err := exec.Command("cat", "../input").Output()
	fmt.Printf("%q %v\n", out, err)
	must(os.Chdir(".."))
	_, err = exec.Command("./input").Output()
	say("exec", err)
}

func main() {
	C.fflush(nil)
	must(os.Chdir(os.Args[1]))
	dir, err := os.Getwd()
	must(err)
	fmt.Println(dir == os.Args[1])
	plain()
	copies()
	crowd()
	programs()
}
