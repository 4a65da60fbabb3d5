# The image holds the program, the C library that it is linked with, and the certificates of the public authorities.
# It has no shell and no package manager, runs as a user without rights, and writes only to its two volumes (and to
# /tmp for `demo`), so that its root can be read-only:
#
#   docker build -t atlas-logd .
#   docker run --rm --read-only --tmpfs /tmp atlas-logd demo

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build

# The dependencies alone, in a layer that only Cargo.toml, Cargo.lock and .cargo change.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
# (The test and the benchmarks that Cargo.toml names have to be there, though nothing builds them.)
RUN mkdir -p src tests/kills benches/fleet benches/instructions benches/side_by_side benches/stages \
 && echo 'fn main() {}' | tee src/main.rs tests/kills/main.rs benches/fleet/main.rs \
      benches/instructions/main.rs benches/side_by_side/main.rs benches/stages/main.rs >/dev/null \
 && touch src/lib.rs \
 && cargo build --release --locked

COPY src src
# Newer than what was built from the empty ones.
RUN touch src/main.rs src/lib.rs \
 && cargo build --release --locked

# What the program needs at run time, and nothing else: the libraries that it names (names are resolved by the C
# library itself), the certificates, a folder for temporary files, and the licences of what it contains. The last lines see
# to it that it starts.
COPY packaging/licences packaging/
RUN set -eu \
 && mkdir -p /image/etc/ssl/certs /image/usr/local/bin /image/usr/share/doc/atlas-logd /image/tmp /image/var/lib /image/var/log /volume \
 && cp target/release/atlas-logd /image/usr/local/bin/ \
 && ldd target/release/atlas-logd | grep -o '/[^ ]*' | while read -r library; do cp --parents -L "$library" /image/; done \
 && cp -L /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
 && echo 'hosts: files dns' > /image/etc/nsswitch.conf \
 && echo 'atlas-logd:x:10001:10001::/:/nonexistent' > /image/etc/passwd \
 && echo 'atlas-logd:x:10001:' > /image/etc/group \
 && packaging/licences | gzip -9n > /image/usr/share/doc/atlas-logd/licences.gz \
 && chmod 1777 /image/tmp \
 && chroot /image /usr/local/bin/atlas-logd --version

FROM scratch
LABEL org.opencontainers.image.title="atlas-logd" \
      org.opencontainers.image.description="Archives MongoDB Atlas logs: complete, exact, append-only" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /image/ /
# A new volume takes owner and mode from here. A folder of the host has to belong to this user.
COPY --from=build --chown=10001:10001 /volume/ /var/lib/atlas-logd/
COPY --from=build --chown=10001:10001 /volume/ /var/log/atlas-logd/
USER 10001:10001
# Where secrets given to the container lie: [credentials] names them as it does under systemd.
# Log lines are JSON: containers are read by programs.
# Two heaps are enough: the allocator of the C library keeps one for each few threads, and gives little of them back.
ENV CREDENTIALS_DIRECTORY=/run/secrets ATLAS_LOGD_LOG_FORMAT=json MALLOC_ARENA_MAX=2
VOLUME ["/var/lib/atlas-logd", "/var/log/atlas-logd"]
STOPSIGNAL SIGTERM
# Healthy is an archive that keeps up: with a schedule of your own, allow more. While it catches up for the
# first time, nothing is wrong. (The OCI format knows no health check: buildah and podman need --format docker.)
HEALTHCHECK --interval=1m --timeout=30s --start-period=1h --retries=3 \
    CMD ["/usr/local/bin/atlas-logd", "status", "--max-lag", "1h"]
ENTRYPOINT ["/usr/local/bin/atlas-logd"]
CMD ["run"]
