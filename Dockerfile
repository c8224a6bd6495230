# Build with the whole tool chain, run with none of it.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The embedded PostgreSQL stays out: a container is given DATABASE_URL.
RUN npm ci --omit=dev --omit=optional

FROM node:24-bookworm-slim
ENV NODE_ENV=production LIFEBOAT_SYSTEMS=/app/templates/systems LIFEBOAT_DATA=/tmp/lifeboat LIFEBOAT_STATE=/var/lib/lifeboat HEALTH_PORT=8080
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json manifest.yml LICENSE ./
COPY templates ./templates
COPY src/timeline/migrations ./src/timeline/migrations
# What this host has seen of the record outlives the container: a store that comes back older is noticed.
RUN mkdir /var/lib/lifeboat && chown node:node /var/lib/lifeboat
VOLUME /var/lib/lifeboat
USER node
EXPOSE 8080
# Alive means: connected to the store. Whether Slack can be heard is /ready, which must not restart a bot mid-failover.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.HEALTH_PORT + '/live').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# exec form: signals reach the bot itself, which lets go of its runs before it leaves
CMD ["node", "dist/src/main.js"]
