import {
  brokerTime,
  type Composition,
  type Connected,
  controllerOf,
  keptStream,
  MeshClock,
  RejectedMessages,
  StreamKeeper,
  uptimeMs,
} from '@carillon/runtime'
import type { Store } from '@carillon/store'
import { type AccessSettings, composeAccess } from './access/compose-access.ts'
import { alertsController } from './alerts/alerts.controller.ts'
import { ALERTS_CONSUMER, type AlertSettings, composeAlerts } from './alerts/compose-alerts.ts'
import { AUDIT_CONSUMER, type AuditSettings, composeAudit } from './audit/compose-audit.ts'
import { GatewayTrail } from './audit/gateway-trail.ts'
import { ConsoleFiles } from './console-files/console-files.ts'
import { CheckHealth } from './health/check-health.ts'
import { healthController } from './health/health.controller.ts'
import { callRoutes } from './http/call-routes.ts'
import { docsController } from './http/docs.controller.ts'
import { HttpServer, type HttpSettings, REQUEST_TIMES } from './http/http-server.ts'
import { CallMesh } from './mesh/call-mesh.ts'
import { withConsumers } from './mesh/event-consumers.ts'
import type { GatewayParts } from './parts.ts'
import { STREAM_LIMITS } from './streams/open-streams.ts'
import { streamsController, withFollowedLogs } from './streams/streams.controller.ts'
import { streamsOf } from './streams/streams-of.ts'
import { composeWebhooks } from './webhooks/compose-webhooks.ts'

export interface GatewaySettings {
  /** Stays open when the gateway stops: its opener closes it. */
  readonly store: Store
  readonly alerts: AlertSettings
  readonly audit: AuditSettings
  readonly http: HttpSettings
  readonly access: AccessSettings
}

const STREAMS = ['EVENTS'] as const
/** The gateway consumes no batches of its own. */
const BATCHES = { maxMessages: 50, maxInFlight: 1 }

/** Composes a gateway. */
export function compose({ id, broker, publisher, clock, log, streamReplicas }: Connected, settings: GatewaySettings): Composition {
  const keeper = new StreamKeeper({
    broker,
    clock,
    log,
    kept: STREAMS.map((name) =>
      withConsumers(keptStream(broker, name, { replicas: streamReplicas }), broker, [ALERTS_CONSUMER, AUDIT_CONSUMER]),
    ),
  })
  const parts: GatewayParts = { id, broker, keeper, store: settings.store, clock, log }
  const checkHealth = new CheckHealth(parts)
  broker.onReconnect(() => keeper.whenKept())
  const mesh = new CallMesh(parts)
  const files = new ConsoleFiles({ folder: settings.http.consoleFolder })
  const { store } = settings
  const { connection } = broker
  const { origin, traceUrl } = settings.http
  let url = ''
  const onListening = (at: string) => {
    url = origin ?? at
    settings.http.onListening?.(at)
  }
  const trail = new GatewayTrail({ audit: store.audit, clock, log })
  const accounts = composeAccess({ ...settings.access, store, trail, connection, clock, log, origin, traceUrl, url: () => url })
  const { access } = accounts
  const streams = streamsOf({ ...parts, access, mesh, limits: STREAM_LIMITS })
  const webhooks = composeWebhooks({ webhooks: store.webhooks, trail, mesh, clock, origin })
  const rejected = new RejectedMessages(publisher, log)
  const audit = composeAudit({ ...parts, ...settings.audit, audit: store.audit, rejected })
  const rooms = [
    withFollowedLogs(callRoutes(mesh), streams.runLogs),
    streamsController(streams),
    webhooks,
    ...accounts.controllers,
    audit.controller,
  ]
  const sources = [brokerTime(broker), { name: 'the store', read: () => store.time() }]
  const meshClock = new MeshClock({ local: clock, sources, log, uptimeMs })
  const alerts = composeAlerts({ ...parts, clock: meshClock, publisher, rejected, mesh }, settings.alerts)
  return {
    keeper,
    needed: [meshClock],
    controller: controllerOf('gateway', [healthController({ checkHealth }), alertsController(alerts.cases), accounts.calls]),
    batches: BATCHES,
    rejected,
    clock,
    // Stopped in reverse: streams end before the server closes, which would wait for them.
    loops: [
      ...alerts.loops,
      ...audit.loops,
      new HttpServer({
        ...settings.http,
        ...{ onListening, id, log, clock, access, files, times: REQUEST_TIMES },
        controllers: [...rooms, docsController(rooms)],
      }),
      streams.topicStreams,
      streams.open,
      ...accounts.loops,
    ],
    health: () => checkHealth.execute(),
  }
}
