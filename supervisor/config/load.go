package config

// Load reads the file at path with its includes. Errors about the
// configuration are of type *Error; the reference prints them after "Error: "
// and exits with status 2.
func Load(path string, opts Options) (*Config, error) {
	r, err := newReader(path, opts)
	if err != nil {
		return nil, err
	}
	if err := r.readMain(); err != nil {
		return nil, err
	}
	if err := r.readIncludes(); err != nil {
		return nil, err
	}
	return r.build()
}

// build makes the configuration of what has been read.
func (r *reader) build() (cfg *Config, err error) {
	cfg = &Config{File: r.opts.abs(r.path), Here: r.here}
	// The order decides which of several errors is reported.
	if cfg.Supervisord, err = r.supervisord(); err != nil {
		return nil, err
	}
	r.base = cfg.Supervisord.Environment
	for name, text := range r.base {
		r.env.set("ENV_"+name, textValue(text))
	}
	if cfg.RPCInterfaces, err = r.rpcInterfaces(); err != nil {
		return nil, err
	}
	if cfg.Groups, err = r.groups(); err != nil {
		return nil, err
	}
	if cfg.Users, err = r.users(); err != nil {
		return nil, err
	}
	r.known = cfg.Users
	if cfg.Servers, err = r.servers(); err != nil {
		return nil, err
	}
	if err := checkNames(cfg.Servers, cfg.Users); err != nil {
		return nil, err
	}
	cfg.Warnings, cfg.Infos = r.warnings, r.infos
	return cfg, nil
}

// ServerURL returns the URL by which the daemon's children reach it: that of
// the first unix server, else of the first inet one, where no host means
// localhost; empty where there is no server.
func (c *Config) ServerURL() string {
	for _, server := range c.Servers {
		if server.Kind == ServerUnix {
			return server.URL()
		}
	}
	for _, server := range c.Servers {
		if server.Kind == ServerInet {
			return server.URL()
		}
	}
	return ""
}
