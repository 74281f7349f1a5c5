/** What the gateways of these tests have in common, beside their store. */
export const SETTINGS = {
  http: {
    ...{ host: '127.0.0.1', port: 0, origin: undefined, corsOrigins: [], proxies: [], maxConnections: 100 },
    ...{ consoleFolder: undefined, traceUrl: undefined },
    ...{ requestsPerSecond: 1_000, anonymousRequestsPerSecond: 1_000 },
  },
  alerts: { privateTargets: '127.0.0.1' },
  audit: { retentionMs: 86_400_000 },
  access: { showFirstLink: () => undefined, provider: undefined },
}
