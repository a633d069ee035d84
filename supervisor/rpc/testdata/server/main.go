// Command server is a supervisord that is nothing but the core, its XML-RPC
// methods and a unix socket, so that these can be compared with Python's.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
	"github.com/vigilance-go/vigilance/supervisor/rpc"
)

func main() {
	if err := run(os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file string) error {
	load := func() (*config.Config, error) { return config.Load(file, config.Options{}) }
	cfg, err := load()
	if err != nil {
		return err
	}
	log, err := mainlog.Open(mainlog.Options{Path: cfg.Supervisord.LogFile, Level: int(cfg.Supervisord.LogLevel)})
	if err != nil {
		return err
	}
	defer log.Close()
	d, err := supervisor.New(supervisor.Options{Config: cfg, Log: log, Reload: load})
	if err != nil {
		return err
	}
	socket, err := net.Listen("unix", cfg.Servers[0].File)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: rpc.NewHandler(d)}
	go func() { _ = server.Serve(socket) }() // ends with the process
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	_, err = d.Run(ctx)
	_ = server.Shutdown(context.Background())
	return err
}
