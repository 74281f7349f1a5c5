# One image for every process of the mesh: `docker run carillon coordinator`, `registry`, `logger`, `demo`, or any other command of the CLI.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
# The manifests alone first: dependencies are installed again only when these change.
COPY package.json package-lock.json .npmrc ./
COPY contracts/package.json contracts/
COPY wire/package.json wire/
COPY expressions/package.json expressions/
COPY store/package.json store/
COPY runtime/package.json runtime/
COPY sdk/package.json sdk/
COPY handlers/package.json handlers/
COPY services/coordinator/package.json services/coordinator/
COPY services/registry/package.json services/registry/
COPY services/logger/package.json services/logger/
COPY services/gateway/package.json services/gateway/
COPY console/package.json console/
COPY cli/package.json cli/
COPY test/package.json test/
COPY bench/package.json bench/
COPY examples/package.json examples/
RUN npm ci --ignore-scripts
COPY . .
RUN npx tsc -b cli console && node scripts/bundle.ts && node scripts/build-console.ts
# What runs: the CLI and what it depends on, without sources.
RUN npm ci --ignore-scripts --omit=dev --workspace=cli \
 && rm -rf test bench examples */src services/*/src \
 && find . -name node_modules -prune -o -name '*.tsbuildinfo' -exec rm {} +

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production PATH=/app/node_modules/.bin:$PATH
WORKDIR /app
COPY --from=build /app /app
USER node
ENTRYPOINT ["carillon"]
CMD ["--help"]
