# syntax=docker/dockerfile:1
# 22.14 or newer: nothing is compiled there (docs/decisions, "SQLite: two versions of its driver").
ARG NODE=node:24-slim

FROM ${NODE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json .swcrc ./
COPY tools/native.mjs tools/build.mjs tools/line-origins.mjs tools/code-cache.mjs tools/keep-code.cjs ./tools/
COPY src ./src
# better-sqlite3 without a number is the one for Node 20.
RUN npm run build && npm prune --omit=dev --no-audit --no-fund && rm -r node_modules/better-sqlite3

FROM ${NODE}
LABEL org.opencontainers.image.title="orchestratord" \
  org.opencontainers.image.description="Admits, queues, places and streams LLM tasks between programs and self-hosted engines." \
  org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
# The program is root's and read-only; what it writes lives in these two folders alone.
RUN mkdir -p /data /run/orchestratord && chown 10001:10001 /data /run/orchestratord
# Open to other machines, so it starts only with ORCHD_API_KEYS or ORCHD_API_KEYS_FILE set.
ENV NODE_ENV=production \
  ORCHD_ADDR=0.0.0.0:8080 \
  ORCHD_DATA_DIR=/data \
  ORCHD_RUNTIME_DIR=/run/orchestratord \
  ORCHD_MODELS_DIR=/data/models
USER 10001:10001
VOLUME ["/data", "/run/orchestratord"]
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ORCHD_ADDR.split(':').pop()}/healthz`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=32", "--v8-pool-size=2", "dist/main.js"]
