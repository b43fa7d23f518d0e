# Both services as images: --target message-service and --target web-gateway.
#
# Built on Debian, shipped with nothing of it but the libraries that the program loads: no shell, no
# package manager, no user but a numeric one. Nothing is fetched but Debian's packages. script/images
# builds both, and labels them with version, revision and time.
ARG BASE=docker.io/library/debian:bookworm-slim

# What compiles. It is a stage of its own so that a change in the source does not install it again.
FROM ${BASE} AS toolchain
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates cmake gcc libc6-dev libcurl4-gnutls-dev libhiredis-dev libjansson-dev \
      libmicrohttpd-dev liborcania-dev libulfius-dev libunistring-dev libyder-dev ninja-build \
      pkg-config \
 && rm -rf /var/lib/apt/lists/*

FROM toolchain AS build
# For who wants to find what is left of it: podman and docker keep stages without a name.
LABEL org.tempmessenger.stage=build
# The same source gives the same bytes, at whatever time and place it is built.
ARG SOURCE_DATE_EPOCH=0
ENV SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH} LC_ALL=C.UTF-8 TZ=UTC
WORKDIR /src
COPY . .
RUN cmake --preset release -DBUILD_TESTING=OFF -DCMAKE_INSTALL_PREFIX=/usr \
 && cmake --build build/release \
 && DESTDIR=/installed cmake --install build/release --strip
# The revision is in a file too, so that no engine takes an image with another's labels from its cache.
ARG REVISION=unknown
RUN sh deploy/image-root message-service /installed /root-of/message-service \
 && sh deploy/image-root web-gateway /installed /root-of/web-gateway \
 && for root in /root-of/*; do echo "${REVISION}" >"$root/usr/share/doc/tempmessenger/REVISION"; done

# What is the same of both.
FROM scratch AS service
LABEL org.opencontainers.image.licenses="MIT"
# A question to DNS that is lost, as when a neighbour restarts, is asked again after one second, not five.
ENV BIND_ADDRESS=0.0.0.0 RES_OPTIONS="timeout:1 attempts:3 ndots:0"
USER 65532:65532
STOPSIGNAL SIGTERM

FROM service AS message-service
LABEL org.opencontainers.image.title="TempMessenger message-service" \
      org.opencontainers.image.description="Keeps messages until they expire"
COPY --from=build /root-of/message-service/ /
ENV PORT=8001
EXPOSE 8001
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
  CMD ["/usr/bin/message-service", "--healthcheck"]
ENTRYPOINT ["/usr/bin/message-service"]

FROM service AS web-gateway
LABEL org.opencontainers.image.title="TempMessenger web-gateway" \
      org.opencontainers.image.description="Shows messages that expire to browsers and to curl"
COPY --from=build /root-of/web-gateway/ /
ENV PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
  CMD ["/usr/bin/web-gateway", "--healthcheck"]
ENTRYPOINT ["/usr/bin/web-gateway"]
