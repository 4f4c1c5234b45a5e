FROM rust:1.95-slim-trixie AS build
WORKDIR /src

# The crates first, around a program that does nothing: a layer that stays until the manifest or the lock changes.
# Cargo goes by times, and those of our sources are older than that program's: hence the touch.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
RUN mkdir -p src benches/load tests/it \
    && echo 'fn main() {}' > src/main.rs \
    && cp src/main.rs benches/load/ \
    && cp src/main.rs tests/it/ \
    && touch src/lib.rs \
    && cargo build --profile dist --locked --bin hitl
COPY . .
RUN touch src/lib.rs src/main.rs \
    && cargo build --profile dist --locked --bin hitl

FROM debian:trixie-slim
RUN groupadd --gid 10001 hitl \
    && useradd --uid 10001 --gid hitl --no-create-home --home-dir /var/lib/hitl --shell /usr/sbin/nologin hitl \
    && install -d -o hitl -g hitl -m 0700 /var/lib/hitl
# What the servers that webhooks, mail and pushes go to are verified by.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/target/dist/hitl /usr/local/bin/

LABEL org.opencontainers.image.title="hitl" \
      org.opencontainers.image.description="A human's decision in an automated process: self-hosted, compatible with the HITL.sh loop API" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"

# In numbers, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/hitl
ENV HITL_DATA_DIR=/var/lib/hitl \
    HITL_LISTEN=0.0.0.0:8080
VOLUME /var/lib/hitl
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["hitl", "health"]
# The server finishes what is under way, then ends.
STOPSIGNAL SIGTERM
ENTRYPOINT ["hitl"]
CMD ["serve"]
