package chaos

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// play is a program or a listener that misbehaves in the manner of its role.
// It returns an exit status.
func play(role string) int {
	verb, argument, _ := strings.Cut(role, " ")
	switch verb {
	case "line": // one line without an end
		return flood(bytes.Repeat([]byte("x"), 64<<10), argument)
	case "binary": // all bytes there are
		all := make([]byte, 64<<10)
		for i := range all {
			all[i] = byte(i * 7)
		}
		return flood(all, argument)
	case "tokens": // capture tokens that never end
		return flood([]byte(strings.Repeat("<!--XSUPERVISOR:BEGIN-->a<!--XSUPERVISOR:", 1500)), argument)
	case "stamps": // lines that are each greater than the one before
		for {
			if _, err := fmt.Printf("%d\n", time.Now().UnixNano()); err != nil {
				return 1
			}
		}
	case "orphans": // leaves children behind, and ends
		for i := range 20 {
			_ = exec.Command("/bin/sh", "-c", fmt.Sprintf("(sleep 0.%d; exit %d) & :", i%10, i)).Run() // it leaves one behind
		}
	case "beat": // adds a byte to a file, ten times a second
		return beat(argument)
	case "listen":
		if err := listen(argument); err != nil && !errors.Is(err, io.EOF) {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

// flood writes a block as many MiB long as argument says, or for ever.
func flood(block []byte, argument string) int {
	limit, _ := strconv.Atoi(argument) // none means for ever
	for n := 0; limit == 0 || n < limit<<20; n += len(block) {
		if _, err := os.Stdout.Write(block); err != nil {
			return 1
		}
	}
	return 0
}

// beat shows that it is not held up: it writes, too, to its standard output.
func beat(path string) int {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return 1
	}
	line := bytes.Repeat([]byte("beat "), 2000)
	for {
		if _, err := os.Stdout.Write(line); err != nil {
			return 1
		}
		if _, err := f.WriteString("."); err != nil {
			return 1
		}
		<-time.After(100 * time.Millisecond)
	}
}

// listen is an event listener that behaves as its manner says.
func listen(manner string) error {
	in := bufio.NewReader(os.Stdin)
	switch manner {
	case "deaf": // never says that it is ready
		<-time.After(time.Hour)
	case "floods": // says what nobody asked for
		return errors.New(strconv.Itoa(flood([]byte(strings.Repeat("READY\n", 10000)), "")))
	case "closes": // cannot be written to
		_ = os.Stdin.Close()
		fmt.Print("READY\n")
		<-time.After(time.Hour)
	}
	for n := 1; ; n++ {
		fmt.Print("READY\n")
		header, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		_, length, _ := strings.Cut(header, " len:")
		size, err := strconv.Atoi(strings.TrimSpace(length))
		if err != nil {
			return fmt.Errorf("read header %q: %w", header, err)
		}
		if _, err := io.CopyN(io.Discard, in, int64(size)); err != nil {
			return err
		}
		if odd := n%20 == 0; odd {
			misbehave(manner)
		}
		fmt.Print("RESULT 2\nOK")
	}
}

// misbehave answers an event in a manner of its own.
func misbehave(manner string) {
	switch manner {
	case "hangs":
		<-time.After(time.Hour)
	case "dies":
		fmt.Print("RESU")
		os.Exit(3)
	case "babbles":
		fmt.Print("\x00\xff nonsense \n\n")
	case "twice":
		fmt.Print("RESULT 2\nOK")
	case "refuses":
		fmt.Print("RESULT 4\nFAILREADY\n")
	case "huge":
		fmt.Print("RESULT 99999999999\n")
	}
}
