FROM rust:1.95-slim-trixie AS build
WORKDIR /src
COPY . .
# The caches are not part of the layer, so the binary is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin hitl \
    && install -D target/release/hitl /out/hitl

FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /var/lib/hitl --shell /usr/sbin/nologin hitl \
    && install -d -o hitl -g hitl -m 0750 /var/lib/hitl
COPY --from=build /out/hitl /usr/local/bin/hitl

USER hitl
WORKDIR /var/lib/hitl
ENV HITL_DATA_DIR=/var/lib/hitl \
    HITL_LISTEN=0.0.0.0:8080
VOLUME /var/lib/hitl
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s --retries=3 \
    CMD ["hitl", "health", "--url", "http://127.0.0.1:8080"]
# The server drains on SIGTERM.
STOPSIGNAL SIGTERM
ENTRYPOINT ["hitl"]
CMD ["serve"]
