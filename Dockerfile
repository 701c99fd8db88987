# A coordinator with its pages and base model, built from this repository: docker build -t fedlodrop .
FROM node:22-slim AS build
WORKDIR /src
COPY . .
RUN npm ci --no-audit --no-fund && npm run stage && mkdir /tarballs \
  && for package in node_modules/.cache/release/*/; do npm pack --silent --pack-destination /tarballs "$package"; done

FROM node:22-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /tarballs /tarballs
# The kit's browser driver comes along; browsers do not, and serve needs none.
RUN npm init -y >/dev/null && npm install --no-audit --no-fund /tarballs/*.tgz && rm -r /tarballs \
  && mkdir /runs && chown node:node /runs
USER node
VOLUME /runs
EXPOSE 7860
HEALTHCHECK --interval=10s --start-period=60s \
  CMD node -e "fetch('http://127.0.0.1:7860/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"
ENTRYPOINT ["/app/node_modules/.bin/fedlodrop"]
CMD ["serve", "--out", "/runs/run", "--log-format", "json", "--drain", "60"]
