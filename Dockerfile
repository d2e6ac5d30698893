# docker build -t xshathra . && docker run -p 3001:3001 -v xshathra-data:/data xshathra
# The first start leaves the Default project's keys in /data/first-run.txt.

FROM debian:bookworm-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev cmake ninja-build pkg-config \
      libuv1-dev libssl-dev libsqlite3-dev libsodium-dev libpcre2-dev zlib1g-dev libcurl4-openssl-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY tools tools
COPY src src
COPY README.md CHANGELOG.md CONTRIBUTING.md ./
COPY docs docs
COPY console/dist console/dist
RUN cmake --preset release -DXSH_BENCH=OFF && ninja -C build/release xshathra && strip build/release/xshathra

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends libuv1 libssl3 libsqlite3-0 libsodium23 libpcre2-8-0 zlib1g libcurl4 ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin xshathra \
 && install -d -o xshathra -g xshathra -m 0700 /data
COPY --from=build /src/build/release/xshathra /usr/local/bin/xshathra
# Mount your own over it; namespaces, origins and limits are there.
COPY centrifugo/config.json /app/centrifugo/config.json
USER xshathra
WORKDIR /app
VOLUME /data
EXPOSE 3001
STOPSIGNAL SIGTERM
# The slim image has no curl; bash opens the connection itself.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["bash", "-c", \
  "exec 3<>/dev/tcp/127.0.0.1/3001 && printf 'GET /health HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["xshathra"]
CMD ["serve", "-c", "/app/centrifugo/config.json", "--data", "/data", "--port", "3001"]
