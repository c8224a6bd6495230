# Build with the whole tool chain, run with none of it. Nothing of a package runs while it is installed.
# A release pins the base image by its digest: docker build --build-arg NODE_IMAGE=node:24-bookworm-slim@sha256:<digest> .
ARG NODE_IMAGE=node:24-bookworm-slim
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --workspaces=false
COPY . .
RUN npm run build

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The embedded PostgreSQL stays out: a container is given DATABASE_URL. Practice is a workspace of its own and stays out too.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --workspaces=false

FROM ${NODE_IMAGE}
ENV NODE_ENV=production LIFEBOAT_SYSTEMS=/app/templates/systems LIFEBOAT_DATA=/tmp/lifeboat LIFEBOAT_STATE=/var/lib/lifeboat LIFEBOAT_INTERNAL_LISTEN=8080
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json manifest.yml LICENSE ./
COPY templates ./templates
COPY verifier ./verifier
COPY src/timeline/migrations ./src/timeline/migrations
# What this host has seen of the record outlives the container: a store that comes back older is noticed.
RUN mkdir /var/lib/lifeboat && chown node:node /var/lib/lifeboat
VOLUME /var/lib/lifeboat
# The kernel shows the environment of a program that its user may not read to root alone. So scripts, which run as the same
# user, can't read Lifeboat's secrets in /proc; they are started with the other node.
RUN cp /usr/local/bin/node /usr/local/bin/lifeboat-node && chmod 0711 /usr/local/bin/lifeboat-node
USER node
EXPOSE 8080
# Alive means: it answers. That the store takes writes and Slack is heard is /ready, which must not restart a bot mid-failover.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.LIFEBOAT_INTERNAL_LISTEN.split(':').pop() + '/live').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# exec form: signals reach the bot itself, which finishes the steps under way before it leaves. It logs at the start how long
# that may take (drainSeconds): give it that and 15 s more before it is killed (docker run --stop-timeout, stop_grace_period,
# terminationGracePeriodSeconds).
CMD ["lifeboat-node", "dist/src/main.js"]
