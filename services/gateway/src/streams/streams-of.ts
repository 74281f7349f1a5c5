import { subjects as subjectsOfMesh } from '@carillon/contracts'
import type { Access } from '../http/http-controller.ts'
import type { CallMesh } from '../mesh/call-mesh.ts'
import type { GatewayParts } from '../parts.ts'
import { NamespaceEvents } from './namespace-events.ts'
import { OpenStreams, type StreamLimits } from './open-streams.ts'
import { RunEvents } from './run-events.ts'
import { RunLogs } from './run-logs.ts'
import { SharedSubjects } from './shared-subjects.ts'
import { StoredStream } from './stored-stream.ts'
import { TopicStreams } from './topic-streams.ts'

/** After accounts have changed, so that what is checked is what was changed. */
const AFTER_CHANGE_MS = 200

interface StreamParts extends Pick<GatewayParts, 'id' | 'broker' | 'clock' | 'log'> {
  readonly access: Access
  readonly mesh: CallMesh
  readonly limits: StreamLimits
}

/** The streams of a gateway. `open` and `topicStreams` are to be started and stopped, in that order. */
export function streamsOf({ id, broker, clock, log, access, mesh, limits }: StreamParts) {
  const { connection } = broker
  const streams = new OpenStreams({ access, clock, log, limits })
  const subjects = new SharedSubjects({ connection, log })
  const topicStreams = new TopicStreams({ gatewayId: id, connection, streams, clock, log })
  broker.onReconnect(async () => {
    await topicStreams.resync()
    subjects.gap()
  })
  // The accounts that a gateway remembers are forgotten at the same signal.
  connection.subscribe(subjectsOfMesh.accounts(), {
    callback: () => {
      clock.after(AFTER_CHANGE_MS, () => streams.recheckSoon())
    },
  })
  const given = { streams, subjects, mesh, clock, log }
  return {
    open: streams,
    topicStreams,
    namespaceEvents: new NamespaceEvents({ ...given, stored: new StoredStream(broker, 'EVENTS') }),
    runEvents: new RunEvents(given),
    runLogs: new RunLogs({ ...given, stored: new StoredStream(broker, 'LOGS') }),
  }
}
