import { PRESENCE_STREAM } from '@carillon/contracts'
import { type Broker, LOSSES, type Service, type StreamKeeper } from '@carillon/runtime'
import type { Auditor } from './auditor.ts'
import type { RepairQueue } from './repair-queue.ts'

interface Watched {
  readonly broker: Broker
  readonly keeper: StreamKeeper
  readonly presence: { restart(): void }
  readonly repair: RepairQueue
  readonly auditor: Auditor
}

/** The parts that publish again what the broker has lost; after a start, its own or the broker's, that is unknown. */
export function watchLosses({ broker, keeper, presence, repair, auditor }: Watched): Service {
  let server = broker.connection.info?.server_id
  keeper.onLoss((stream, loss) => {
    if (stream === PRESENCE_STREAM) presence.restart()
    if (stream === 'WORK') auditor.passSoon({ why: `stream WORK ${LOSSES[loss]}`, isLoss: true })
  })
  broker.onReconnect(async () => {
    const serverNow = broker.connection.info?.server_id
    if (server !== serverNow) repair.executorsReconnect()
    await keeper.whenKept()
    if (server !== serverNow && auditor.loss === undefined) auditor.passSoon({ why: 'the broker was started again', isLoss: false })
    server = serverNow
  })
  return {
    start: async () => {
      repair.executorsReconnect()
      auditor.passSoon({ why: 'this coordinator was started', isLoss: false })
    },
    stop: async () => undefined,
  }
}
