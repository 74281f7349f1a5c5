export {
  type Clock,
  checkLiteral,
  createInbox,
  derivedId,
  freshRunId,
  guardedLookup,
  headersOf,
  type NatsSettings,
  networkOf,
  type Outgoing,
  pause,
  publishText,
  publishTexts,
  type RangeOf,
  type Refusal,
  randomShare,
  rangeOf,
  runIdOfKey,
  StreamPublisher,
  systemClock,
  TargetRefused,
  type Timer,
  uptimeMs,
} from '@carillon/wire/internal'
export { Batcher } from './batcher.ts'
export { checkPart } from './check-part.ts'
export { type Config, readConfig, SETTINGS } from './config.ts'
export { FilterCursor } from './filter-cursor.ts'
export { freshSecret, freshServiceId } from './ids.ts'
export { inIsolation, mayPass } from './isolate.ts'
export { KeyedTurns } from './keyed-turns.ts'
export { inOrder, LoopService, type Service } from './lifecycle.ts'
export { type RunningService, serveHealth } from './local-health.ts'
export { createLogger, type Logger } from './logger.ts'
export { type Jump, MeshClock, type TimeSource } from './mesh-clock.ts'
export { BoundedLabel, type Counter, type Durations, meter, type Observe } from './metrics.ts'
export { BatchConsumer } from './nats/batch-consumer.ts'
export { brokerTime } from './nats/broker-time.ts'
export { type Broker, connectBroker, hadNoResponders } from './nats/connection.ts'
export { type Incoming, RejectedMessages, readIncoming, readMessage } from './nats/incoming.ts'
export { publishUntilTaken } from './nats/publish-until-taken.ts'
export type { Request } from './nats/request.ts'
export { type Kept, keptStream, LOSSES, type StreamCapacity, StreamKeeper, type StreamLoss } from './nats/stream-keeper.ts'
export { withoutAdditions } from './nats/stream-settings.ts'
export {
  apiErrorCode,
  ensureConsumer,
  ensureStream,
  type ObservedStream,
  observedOf,
  observeStream,
  orMissing,
  reserveCapacity,
} from './nats/streams.ts'
export { type Controller, type ControllerOf, controllerOf, type Signal } from './nest/controllers.ts'
export type { GrantedRole, RolesByValue } from './oidc-settings.ts'
export { pageThatFits } from './page-that-fits.ts'
export { pagesOf } from './pages-of.ts'
export { type Running, runProcess } from './process.ts'
export { RecentMap } from './recent-map.ts'
export { RecordTurns, type TurnOf } from './record-turns.ts'
export { type Composition, type Connected, type ServiceOptions, startService } from './start-service.ts'
export { markStep, startTelemetry } from './telemetry.ts'
export { WakeablePause } from './wakeable-pause.ts'
