FROM oven/bun:1.4.5-slim AS install
WORKDIR /app
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile --production --ignore-scripts

FROM oven/bun:1.4.5-slim
WORKDIR /app
COPY --from=install /app/node_modules ./node_modules
# tsconfig.json tells Bun whose JSX the page at /docs is written in.
COPY package.json tsconfig.json LICENSE ./
COPY migrations ./migrations
COPY src ./src
RUN mkdir -p /data /media && chown bun:bun /data
ENV HOST=0.0.0.0 DATA_DIR=/data MEDIA_DIR=/media
VOLUME /data
EXPOSE 8080
USER bun
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s \
  CMD ["bun", "-e", "process.exit((await fetch(`http://localhost:${process.env.PORT || 8080}/health`)).ok ? 0 : 1)"]
# HOST lets others in, so API_KEYS must be set:
# docker run -e API_KEYS=… -p 8080:8080 -v bunpbx:/data --stop-timeout 45 bunpbx
CMD ["bun", "src/main.ts"]
