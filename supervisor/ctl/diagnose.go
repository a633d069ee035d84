package ctl

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// diagnose tells on standard error, beside the reference's line, which server
// was tried, where its name comes from, and why it may not have answered.
// Errors that the server itself has returned speak for themselves.
func (c *Controller) diagnose(err error) {
	var own *pyError
	var protocol *client.ProtocolError
	if client.FaultCode(err) != 0 || errors.As(err, &own) || errors.As(err, &protocol) {
		return
	}
	url := c.options.Server.URL
	why := diagnoseURL(err)
	if path, ok := strings.CutPrefix(url, "unix://"); ok {
		why = diagnoseSocket(path, err)
	}
	if why == "" {
		return
	}
	from := ""
	if c.options.Origin != "" {
		from = " (from " + c.options.Origin + ")"
	}
	c.complain("supervisorctl: tried %s%s: %s", url, from, why)
}

// diagnoseURL says why a server at a TCP port may not have answered.
func diagnoseURL(err error) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	switch {
	case connectionRefused(err):
		return "nothing listens on that port; is supervisord running, and does it have an [inet_http_server] there?"
	case errors.As(err, &authority):
		return "its certificate is signed by an unknown authority; name that with --cafile, or use --insecure"
	case errors.As(err, &host):
		return "its certificate is for another host: " + host.Error()
	}
	class, _ := describe(err)
	if class == "OSError" {
		return "" // the line before has the whole text
	}
	return rootCause(err)
}

func rootCause(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// diagnoseSocket says why a server at a unix socket may not have answered.
func diagnoseSocket(path string, err error) string {
	switch {
	case errors.Is(err, syscall.ENOENT):
		if dir := filepath.Dir(path); !exists(dir) {
			return fmt.Sprintf("there is no folder %s", dir)
		}
		return "there is no such socket; is supervisord running, and is this the file= of its [unix_http_server]?"
	case errors.Is(err, syscall.ECONNREFUSED):
		return diagnoseRefusal(path)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return diagnosePermission(path)
	}
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func diagnoseRefusal(path string) string {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Type() != fs.ModeSocket {
		return "this is not a socket"
	}
	return "the socket is stale: it exists, but no supervisord listens on it any more"
}

// diagnosePermission names the first thing on the way to the socket that keeps
// this user out.
func diagnosePermission(path string) string {
	who := "user " + userName(os.Geteuid())
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil && !mayEnter(dir) {
			return fmt.Sprintf("%s may not enter %s (%s)", who, dir, permissions(dir))
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return fmt.Sprintf("%s may not write to the socket (%s); become its owner, or see chmod= and chown= of [unix_http_server]",
		who, permissions(path))
}

func mayEnter(dir string) bool {
	_, err := os.Lstat(dir + "/.")
	return !errors.Is(err, fs.ErrPermission)
}

// permissions describes who may do what with a file.
func permissions(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return err.Error()
	}
	text := "mode " + info.Mode().Perm().String()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		text += ", owner " + userName(int(stat.Uid)) + ", group " + groupName(int(stat.Gid))
	}
	return text
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

func groupName(gid int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		return g.Name
	}
	return strconv.Itoa(gid)
}
