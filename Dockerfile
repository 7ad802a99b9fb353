# Debian, because the embedded PostgreSQL that `lading up` runs is built for glibc.
FROM node:24-slim AS installed
WORKDIR /opt/lading
COPY . .
RUN npm ci --omit=dev && npm cache clean --force

FROM node:24-slim
ENV NODE_ENV=production \
    LADING_HOST=0.0.0.0 \
    LADING_ALLOW_UNAUTHENTICATED=true \
    LADING_PORT=8080 \
    LADING_SPOOL_DIR=/var/lib/lading/spool
COPY --from=installed /opt/lading /opt/lading
# A new volume takes its owner from this folder. It is the only place that is written to.
RUN install --directory --owner=node --group=node /var/lib/lading
USER node
WORKDIR /var/lib/lading
VOLUME /var/lib/lading
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["node", "--eval", "fetch(`http://127.0.0.1:${process.env.LADING_PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/opt/lading/apps/lading/src/main.ts"]
CMD ["up"]
