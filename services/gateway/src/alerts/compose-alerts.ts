import { type ChannelKind, STREAMS } from '@carillon/contracts'
import {
  BatchConsumer,
  type Broker,
  type Logger,
  type MeshClock,
  type RangeOf,
  RecordTurns,
  type RejectedMessages,
  readIncoming,
  type Service,
  type StreamPublisher,
} from '@carillon/runtime'
import type { Store } from '@carillon/store'
import type { CallMesh } from '../mesh/call-mesh.ts'
import type { EventConsumer } from '../mesh/event-consumers.ts'
import { AdvanceIncidents } from './advance-incidents.ts'
import type { AlertCases } from './alert-cases.ts'
import { AlertLoop } from './alert-loop.ts'
import { alertRounds } from './alert-rounds.ts'
import type { AlertsParts } from './alerts-parts.ts'
import { allowedTargets } from './allowed-targets.ts'
import { ChangeChannels } from './change-channels.ts'
import { ChangeRules } from './change-rules.ts'
import { SEND_TIMES } from './channels/channel.ts'
import { dingtalkChannel } from './channels/dingtalk.ts'
import { emailChannel } from './channels/email.ts'
import { feishuChannel } from './channels/feishu.ts'
import { createPost } from './channels/http-post.ts'
import { natsChannel } from './channels/nats.ts'
import { slackChannel } from './channels/slack.ts'
import { webhookChannel } from './channels/webhook.ts'
import { wecomChannel } from './channels/wecom.ts'
import { CompareRules } from './compare-rules.ts'
import { COUNTED_EVENTS, CountEvents } from './count-events.ts'
import { HandleIncidents } from './handle-incidents.ts'
import { IncidentEvents } from './incident-events.ts'
import { KnownRules } from './known-rules.ts'
import { ReadAlerts } from './read-alerts.ts'
import { ReadLasting } from './read-lasting.ts'
import { RepairTimes } from './repair-times.ts'
import { SendDeliveries } from './send-deliveries.ts'
import { type Channels, SendToChannel } from './send-to-channel.ts'
import { WriteIncidents } from './write-incidents.ts'

export interface AlertSettings {
  /** Networks that are not public, and to which channels may send all the same: see `allowedTargets`. */
  readonly privateTargets: string
}

interface AlertsOptions {
  readonly store: Store
  readonly broker: Broker
  readonly publisher: StreamPublisher
  readonly rejected: RejectedMessages
  /** Rules compare times that other machines have written. */
  readonly clock: MeshClock
  readonly log: Logger
  readonly mesh: CallMesh
}

/** What is counted is remembered by its identity, and so many may be delivered again at once. */
const MAX_PENDING = 200
const BATCHES = { maxMessages: 50, maxInFlight: 1 }
export const ALERTS_CONSUMER: EventConsumer = { name: 'alerts', events: COUNTED_EVENTS, maxPending: MAX_PENDING }

/** The room of alerts. */
export function composeAlerts(options: AlertsOptions, { privateTargets }: AlertSettings) {
  const { store, broker, publisher, clock, log, rejected } = options
  const parts: AlertsParts = {
    ...{ store, broker, clock, log, mesh: options.mesh },
    turns: new RecordTurns(clock),
    known: new KnownRules({ store, clock, broker }),
    events: new IncidentEvents({ publisher, log }),
  }
  const sendToChannel = new SendToChannel({ ...parts, channels: channelsOf(broker, allowedTargets(privateTargets)) })
  const writeIncidents = new WriteIncidents(parts)
  const countEvents = new CountEvents({ ...parts, writeIncidents })
  const compareRules = new CompareRules({ ...parts, writeIncidents, readLasting: new ReadLasting(parts) })
  const sendDeliveries = new SendDeliveries({ ...parts, sendToChannel })
  const advanceIncidents = new AdvanceIncidents({ ...parts, writeIncidents })
  const consumer = new BatchConsumer({
    ...{ connection: broker.connection, stream: STREAMS.EVENTS.name, consumer: ALERTS_CONSUMER.name, log, clock, rejected, ...BATCHES },
    read: readIncoming,
    handle: (batch) => countEvents.execute(batch),
  })
  const repairTimes = new RepairTimes(parts)
  const rounds = alertRounds({ ...parts, compareRules, advanceIncidents, sendDeliveries, repairTimes })
  const timers = rounds.map((each) => new AlertLoop(parts, each))
  clock.onJump(() => {
    for (const timer of timers) timer.again()
  })
  const loops: readonly Service[] = [consumer, ...timers]
  const cases: AlertCases = {
    changeRules: new ChangeRules(parts),
    changeChannels: new ChangeChannels({ ...parts, sendToChannel }),
    handleIncidents: new HandleIncidents(parts),
    readAlerts: new ReadAlerts(parts),
    known: parts.known,
  }
  return { cases, loops }
}

function channelsOf(broker: Broker, rangeOf: RangeOf): Channels {
  const post = createPost(rangeOf, SEND_TIMES)
  return {
    email: emailChannel(rangeOf, SEND_TIMES),
    webhook: webhookChannel(post),
    slack: slackChannel(post),
    dingtalk: dingtalkChannel(post),
    wecom: wecomChannel(post),
    feishu: feishuChannel(post),
    nats: natsChannel(broker.connection, SEND_TIMES),
  } satisfies Record<ChannelKind, unknown> as Channels
}
