# Installing and packaging; see docs/installing.md. Included by the Makefile.

# Where things go. A packager sets DESTDIR, PREFIX=/usr and ARCH.
PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
BINDIR     ?= $(PREFIX)/bin
DATADIR    ?= $(PREFIX)/share
UNITDIR    ?= $(PREFIX)/lib/systemd/system
ARCH       ?= $(shell go env GOHOSTARCH)

NFPM_VERSION := v2.45.2
NFPM         := $(TOOLS)/nfpm-$(NFPM_VERSION)

# The version is the history's, or what the environment says. Files in packages
# are as old as the last commit.
VERSION           ?= $(shell packaging/version)
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
export SOURCE_DATE_EPOCH

COMMANDS := $(filter-out internal,$(notdir $(wildcard cmd/*)))
# The version stands in the binaries, and their history does not: the same
# source gives the same bytes, wherever it lies.
LDFLAGS  := -s -w -X github.com/vigilance-go/vigilance/internal/version.stamped
GO_BUILD  = CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags $(TAGS) -ldflags '$(LDFLAGS)=$(VERSION)'

# fill writes a file whose name ends in .in with the places of this installation.
fill = sed -e 's|@BINDIR@|$(BINDIR)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g'
BIN   ?= bin
SHARE ?= dist/share
STAGE = dist/root

.PHONY: share install uninstall package stage package-test reproducible

share: build ## Write the man pages and completions into dist/share/
	rm -rf dist/share
	go run -tags $(TAGS) ./packaging/generate -bin bin -out dist/share

# What is built is installed as it is: root needs no Go.
install: $(if $(and $(wildcard $(BIN)/supervisord),$(wildcard $(SHARE)/man)),,share) ## Install what is built (DESTDIR, PREFIX, SYSCONFDIR)
	install -d $(addprefix $(DESTDIR),$(BINDIR) $(DATADIR)/man/man1 $(UNITDIR) $(SYSCONFDIR)/supervisor/conf.d \
		$(DATADIR)/bash-completion/completions $(DATADIR)/zsh/site-functions $(DATADIR)/fish/vendor_completions.d)
	install -m 755 $(addprefix $(BIN)/,$(COMMANDS)) $(DESTDIR)$(BINDIR)
	install -m 644 $(SHARE)/man/*.1 $(DESTDIR)$(DATADIR)/man/man1
	install -m 644 $(SHARE)/bash/* $(DESTDIR)$(DATADIR)/bash-completion/completions
	install -m 644 $(SHARE)/zsh/* $(DESTDIR)$(DATADIR)/zsh/site-functions
	install -m 644 $(SHARE)/fish/* $(DESTDIR)$(DATADIR)/fish/vendor_completions.d
	$(fill) packaging/systemd/supervisor.service.in >$(DESTDIR)$(UNITDIR)/supervisor.service
	chmod 644 $(DESTDIR)$(UNITDIR)/supervisor.service
	@conf=$(DESTDIR)$(SYSCONFDIR)/supervisor/supervisord.conf; \
	if [ -e "$$conf" ]; then echo "$$conf stays as it is"; else \
		$(fill) packaging/config/supervisord.conf.in >"$$conf" && chmod 644 "$$conf" && \
		install -d $(DESTDIR)/var/log/supervisor; \
	fi

uninstall: ## Remove what install has installed, but no configuration
	rm -f $(addprefix $(DESTDIR)$(BINDIR)/,$(COMMANDS)) $(DESTDIR)$(UNITDIR)/supervisor.service
	rm -f $(foreach c,$(COMMANDS),$(DESTDIR)$(DATADIR)/man/man1/$(c).1 \
		$(DESTDIR)$(DATADIR)/bash-completion/completions/$(c) \
		$(DESTDIR)$(DATADIR)/zsh/site-functions/_$(c) $(DESTDIR)$(DATADIR)/fish/vendor_completions.d/$(c).fish)

package: share $(NFPM) ## Build a Debian and an RPM package and their checksums in dist/ (ARCH)
	rm -rf $(STAGE) dist/bin-$(ARCH) dist/*.deb dist/*.rpm
	GOOS=linux GOARCH=$(ARCH) $(GO_BUILD) -o dist/bin-$(ARCH)/ $(addprefix ./cmd/,$(COMMANDS))
	$(MAKE) --no-print-directory stage
	for format in deb rpm; do \
		ARCH=$(ARCH) VERSION=$(VERSION) $(NFPM) package -f packaging/nfpm.yaml -p $$format -t dist/ || exit; \
	done
	cd dist && sha256sum *.deb *.rpm >SHA256SUMS

# stage installs into the folder of which the packages are made.
stage: DESTDIR = $(STAGE)
stage: BIN = dist/bin-$(ARCH)
stage: PREFIX = /usr
stage: install
	install -d $(STAGE)/etc/init.d $(STAGE)/etc/default $(STAGE)/etc/logrotate.d $(STAGE)/usr/share/doc/vigilance/docs/tools
	$(fill) packaging/sysv/supervisor.in >$(STAGE)/etc/init.d/supervisor
	install -m 644 packaging/config/default $(STAGE)/etc/default/supervisor
	install -m 644 packaging/logrotate/supervisor $(STAGE)/etc/logrotate.d/supervisor
	install -m 644 README.md CHANGELOG.md COMPATIBILITY.md $(STAGE)/usr/share/doc/vigilance
	install -m 644 docs/*.md $(STAGE)/usr/share/doc/vigilance/docs
	install -m 644 docs/tools/*.md $(STAGE)/usr/share/doc/vigilance/docs/tools
	install -m 644 LICENSE $(STAGE)/usr/share/doc/vigilance/copyright
	gzip -9n $(STAGE)/usr/share/man/man1/*.1
	sed -e '/^@CONFIG@$$/{r $(STAGE)/etc/supervisor/supervisord.conf' -e 'd}' \
		-e '/^@DEFAULT@$$/{r packaging/config/default' -e 'd}' packaging/scripts/deb-preinst.in >dist/deb-preinst

package-test: package ## Install, upgrade, remove and purge the packages in clean roots (needs root)
	@test/install-packages debootstrap rpm
	packaging/test-deb dist
	packaging/test-rpm dist

reproducible: ## Build the packages twice, in two folders, and compare them
	packaging/test-reproducible

$(NFPM):
	mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) GOFLAGS= go install github.com/goreleaser/nfpm/v2/cmd/nfpm@$(NFPM_VERSION)
	mv $(TOOLS)/nfpm $@
