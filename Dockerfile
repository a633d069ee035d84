# supervisord as the first process of a container; see docs/containers.md.
#
#   docker build -t vigilance .
#   docker build -t vigilance-binaries --target binaries .

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION
RUN make build ${VERSION:+VERSION=$VERSION}

# The commands alone, for COPY --from= into an image of yours.
FROM scratch AS binaries
COPY --from=build /src/bin/ /usr/bin/

FROM debian:bookworm-slim
COPY --from=build /src/bin/ /usr/bin/
COPY examples/container/supervisord.conf /etc/supervisor/supervisord.conf
RUN mkdir -p /etc/supervisor/conf.d
# Not through a shell: supervisord is to be process 1 and get the signals.
ENTRYPOINT ["/usr/bin/supervisord", "-c", "/etc/supervisor/supervisord.conf"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s CMD ["/usr/bin/supervisorctl", "pid"]
