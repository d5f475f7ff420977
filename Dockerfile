# Every image of docker-compose.yml from one file: `--target service --build-arg SERVICE=credit`, `--target stack` for the issuer and the set-up.
FROM node:24-bookworm-slim AS build
WORKDIR /app
# First what the installation depends on, so that a changed source file does not install anew.
COPY package.json package-lock.json ./
COPY patches patches
COPY libs/contracts/package.json libs/contracts/
COPY libs/schema/package.json libs/schema/
COPY libs/law/package.json libs/law/
COPY libs/messaging/package.json libs/messaging/
COPY libs/platform/package.json libs/platform/
COPY libs/testing/package.json libs/testing/
COPY services/registration/package.json services/registration/
COPY services/inspection/package.json services/inspection/
COPY services/exchange/package.json services/exchange/
COPY services/credit/package.json services/credit/
COPY services/monitoring/package.json services/monitoring/
COPY services/gateway/package.json services/gateway/
COPY infra/local/package.json infra/local/
COPY simulator/package.json simulator/
COPY bench/package.json bench/
COPY chaos/package.json chaos/
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:24-bookworm-slim AS runtime
ENV NODE_ENV=production NODE_OPTIONS="--import=/app/libs/platform/dist/source-maps.js"
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/libs libs
USER node

# One service, without the others' code.
FROM runtime AS service
ARG SERVICE
ENV SERVICE=$SERVICE HOST=0.0.0.0 PORT=3000
COPY --from=build /app/services/$SERVICE services/$SERVICE
EXPOSE 3000
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --retries=12 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# exec: the service itself gets the signal that stops it.
CMD ["sh", "-c", "exec node services/$SERVICE/dist/bundle/main.js"]

# The development issuer, and what is done once: databases, topics, access rules, migrations, organisations.
FROM runtime AS stack
USER root
COPY --from=build /app/services services
COPY --from=build /app/infra infra
COPY --from=build /app/data data
RUN mkdir /data && chown node:node /data
USER node
